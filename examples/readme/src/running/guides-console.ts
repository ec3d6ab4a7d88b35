import { allowAnonymous, type CallFacts, coverage, guard } from '@apisec/core';
import { memorySessionStore, sessions } from '@apisec/oauth';
import { sealingKeys } from './sealing-keys.ts';

export const browser = sessions({ store: memorySessionStore(), keys: sealingKeys });
const anyone = guard<CallFacts>().use(allowAnonymous());
export const api = coverage({ 'GET /orders': anyone });
export const graphqlApi = coverage({ 'Query.orders': anyone });
