import {
  type AuditEvent,
  allowAnonymous,
  apiKeys as apiKeysOf,
  audit,
  guard,
  type HttpFacts,
  memoryApiKeyStore,
  type Principal,
} from '@apisec/core';
import type { Webhooks } from '@apisec/egress';
import { migrate, postgresAuditSink, verifyChain } from '@apisec/postgres';
import { Pool } from './pool.ts';
import { audience, issuer } from './provider.ts';

export const endpoint = { id: 'of whoever is on call' };
/** What whoever is on call was sent. */
export const sent: object[] = [];
// The guide asks nothing else of them.
export const hooks = {
  send: async (event: object) => {
    sent.push(event);
    return { ok: true };
  },
} as unknown as Webhooks;

export const pool = new Pool();
await migrate(pool);
export const secret = crypto.getRandomValues(new Uint8Array(32));
export const keys = { current: '1', keys: { 1: secret } };
// The chain goes on from last week.
const before = audit({ sinks: [postgresAuditSink(pool, { keys })] });
await before.record({ act: 'tenant.created' });
await before.close();
const { head } = await verifyChain(pool, { keys });
if (head === undefined) throw new Error('There is a block.');
export const lastWeek = head;

export const table = { 'GET /orders': guard<HttpFacts>().use(allowAnonymous()) };
// What the guide reads of it.
export const operator = { id: 'operator', subject: 'operator', issuer } as Principal;

export const apiKeys = apiKeysOf({
  prefix: 'shop',
  environment: 'live',
  store: memoryApiKeyStore(),
  peppers: { current: 'v1', keys: { v1: crypto.getRandomValues(new Uint8Array(32)) } },
});
const issued = await apiKeys.issue({
  name: 'billing',
  owner: { type: 'user', id: 'alice' },
  scopes: [],
});
if (!issued.ok) throw new Error(issued.problem);
export const id = issued.info.id;
/** What was recorded of the call in which a key is revoked. */
export const recorded: AuditEvent[] = [];
const recording = audit({
  sinks: [{ name: 'kept', write: (events) => void recorded.push(...events) }],
});
const decision = await guard<HttpFacts>()
  .use(recording)
  .use(allowAnonymous())
  .check(new Request(audience), {
    call: { protocol: 'http', operation: 'DELETE /keys/:id' },
    peer: { id: '192.0.2.1', address: '192.0.2.1' },
  });
if (!decision.allowed) throw new Error(decision.denial.code);
export const facts = decision.facts;
export { audience, issuer };
