import { createServer } from 'node:http';
import { requireScopes } from '@apisec/core';
import { api, usersSchema } from './graphql.ts';

export const schema = usersSchema();
export const server = createServer();
export const fields = { 'User.email': requireScopes('pii:read') };
export { api };
