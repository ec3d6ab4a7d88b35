import {
  allowAuthenticated,
  apiKeys,
  authenticateApiKey,
  guard,
  type HttpFacts,
  memoryApiKeyStore,
} from '@apisec/core';

const keys = apiKeys({
  prefix: 'shop',
  environment: 'live',
  store: memoryApiKeyStore(),
  peppers: { current: 'v1', keys: { v1: crypto.getRandomValues(new Uint8Array(32)) } },
});
const issued = await keys.issue({ name: 'a', owner: { type: 'user', id: 'alice' }, scopes: [] });
if (!issued.ok) throw new Error(issued.problem);
export const { key } = issued;
/** Notes beside the call when a key was used. */
export const orders = guard<HttpFacts>()
  .use(authenticateApiKey({ keys }))
  .use(allowAuthenticated());
export const handle = (): Response => new Response('in');

/** What the Worker was handed. */
export const handed: Promise<unknown>[] = [];
export const worker = { waitUntil: (work: Promise<unknown>) => void handed.push(work) };
