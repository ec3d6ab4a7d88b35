import {
  allowAnonymous,
  apiKeys,
  type CallFacts,
  coverage,
  guard,
  memoryApiKeyStore,
  memoryLimitStore,
  slidingWindow,
} from '@apisec/core';
import { memorySessionStore, sessions } from '@apisec/oauth';
import { sealingKeys } from './sealing-keys.ts';

export const browser = sessions({ store: memorySessionStore(), keys: sealingKeys });
const anyone = guard<CallFacts>().use(allowAnonymous());
export const api = coverage({ 'GET /orders': anyone });
export const graphqlApi = coverage({ 'Query.orders': anyone });
export const keys = apiKeys({
  prefix: 'shop',
  environment: 'live',
  store: memoryApiKeyStore(),
  peppers: { current: 'v1', keys: { v1: crypto.getRandomValues(new Uint8Array(32)) } },
});
export const store = memoryLimitStore();
export const standard = slidingWindow({ limit: 10, window: '1m' });
