import { api, users } from './graphql.ts';

export const issuer = users.issuer;
export const audience = users.audience;
export { api };
