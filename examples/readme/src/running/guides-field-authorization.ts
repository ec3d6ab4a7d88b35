import { orders } from './graphql.ts';

export { orders };
