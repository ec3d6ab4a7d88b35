import { describe, expect, test } from 'vitest';
import { brokenRecorders } from '../../test/recorders.ts';
import { secretOf } from '../../test/secrets.ts';
import { memoryCounterStore } from '../abuse/memory-counter-store.ts';
import { resetFailures } from '../abuse/reset-failures.ts';
import { apiKeys } from '../api-keys/api-keys.ts';
import { memoryApiKeyStore } from '../api-keys/memory-api-key-store.ts';
import { audit } from '../audit/audit.ts';
import type { AuditEvent } from '../audit/event.ts';
import type { auditActs } from '../audit/vocabulary.ts';
import { memoryRoleStore } from '../authorization/memory-role-store.ts';
import { recordedRoleStore } from '../authorization/recorded-role-store.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { memoryLimitStore } from '../limits/memory-limit-store.ts';
import { resetLimits } from '../limits/reset-limits.ts';
import { tokenBucket } from '../limits/token-bucket.ts';
import { memoryTenantStore } from '../tenancy/memory-tenant-store.ts';
import { recordedTenantStore } from '../tenancy/recorded-tenant-store.ts';
import { memoryRevocationStore } from '../tokens/memory-revocation-store.ts';
import { revocations } from '../tokens/revocations.ts';
import type { AuditAct, RecordOption } from './record-act.ts';

type Recorder = NonNullable<RecordOption['record']>;

/** One part that does something administrative. */
interface Part {
  /** Does it, with `record` as the option of the factory or function. */
  readonly act: () => unknown;
  /** What there is once it was done. */
  readonly stands: () => Promise<unknown>;
}

const peppers = { current: 'v1', keys: { v1: secretOf(1) } };
const owner = { type: 'user', id: 'u1' } as const;
const bucket = tokenBucket({ capacity: 3, refillPerSecond: 0.001 });
const alice = { kind: 'subject', issuer: 'https://id.example.com', id: 'alice' } as const;

/** Keys with one that is there; only what comes then is recorded. */
async function keysWithOne(record: Recorder) {
  const store = memoryApiKeyStore();
  const options = { prefix: 'acme', environment: 'live', store, peppers };
  const before = await apiKeys(options).issue({ name: 'Billing', owner, tenant: 't1' });
  if (!before.ok) throw new Error(before.problem);
  const keys = apiKeys({ ...options, record });
  const { id } = before.info;
  const info = async () => keys.get(id);
  return { keys, id, info, list: async () => (await keys.list({ tenant: 't1' })).keys.length };
}

const ofKey = (
  act: (keys: Awaited<ReturnType<typeof keysWithOne>>) => unknown,
  stands: (keys: Awaited<ReturnType<typeof keysWithOne>>) => Promise<unknown>,
) => {
  return async (record: Recorder): Promise<Part> => {
    const keys = await keysWithOne(record);
    return { act: () => act(keys), stands: () => stands(keys) };
  };
};

const ofTenant = (status: 'active' | 'suspended' | 'closed', from: 'active' | 'suspended') => {
  return (record: Recorder): Part => {
    const store = memoryTenantStore();
    store.create({ id: 'acme', status: from, attributes: {} });
    const tenants = recordedTenantStore({ store, record });
    return {
      act: () => tenants.update({ id: 'acme', status, attributes: { plan: 'pro' } }),
      stands: async () => [store.read('acme')?.status, store.read('acme')?.attributes['plan']],
    };
  };
};

const ofRole = (act: 'assign' | 'unassign') => {
  return (record: Recorder): Part => {
    const store = memoryRoleStore();
    const scope = { principal: 'alice', tenant: 'acme' };
    store.assign({ ...scope, role: 'viewer' });
    const roles = recordedRoleStore({ store, record });
    const role = act === 'assign' ? 'editor' : 'viewer';
    return {
      act: () => roles[act]({ ...scope, role }),
      stands: async () => store.rolesOf(scope),
    };
  };
};

const parts: readonly (readonly [
  keyof typeof auditActs,
  (record: Recorder) => Part | Promise<Part>,
  unknown,
])[] = [
  [
    'api_key.issued',
    ofKey(
      ({ keys }) => keys.issue({ name: 'Second', owner, tenant: 't1' }),
      ({ list }) => list(),
    ),
    2,
  ],
  [
    'api_key.rotated',
    ofKey(
      ({ keys, id }) => keys.rotate(id, { overlapMs: 1_000 }),
      async ({ info }) => (await info())?.generation,
    ),
    1,
  ],
  [
    'api_key.changed',
    ofKey(
      ({ keys, id }) => keys.update(id, { name: 'New' }),
      async ({ info }) => (await info())?.name,
    ),
    'New',
  ],
  [
    'api_key.disabled',
    ofKey(
      ({ keys, id }) => keys.disable(id, { reason: 'holiday' }),
      async ({ info }) => (await info())?.status,
    ),
    'disabled',
  ],
  [
    'api_key.enabled',
    ofKey(
      ({ keys, id }) => keys.enable(id),
      async ({ info }) => (await info())?.status,
    ),
    'enabled',
  ],
  [
    'api_key.revoked',
    ofKey(
      ({ keys, id }) => keys.revoke(id, { reason: 'leaked' }),
      async ({ info }) => (await info())?.status,
    ),
    'revoked',
  ],
  [
    'quota.reset',
    ofKey(
      ({ keys, id }) => keys.resetQuotas(id),
      async ({ info }) => (await info())?.status,
    ),
    'enabled',
  ],
  [
    'revocation.added',
    (record) => {
      const store = memoryRevocationStore();
      const revoked = revocations({ store, maxTokenLifetime: '1h', record });
      return {
        act: () => revoked.revoke(alice),
        stands: () => isRevoked(store),
      };
    },
    true,
  ],
  [
    'revocation.lifted',
    (record) => {
      const store = memoryRevocationStore();
      const options = { store, maxTokenLifetime: '1h' } as const;
      void revocations(options).revoke(alice);
      const revoked = revocations({ ...options, record });
      return { act: () => revoked.lift(alice), stands: () => isRevoked(store) };
    },
    false,
  ],
  [
    'limit.reset',
    (record) => {
      const store = memoryLimitStore({ now: () => 1_000_000 });
      const request = { name: 'api', key: 'alice', limit: bucket, cost: 3 };
      store.consume([request]);
      return {
        act: () => resetLimits({ store, name: 'api', key: 'alice', limits: [bucket], record }),
        stands: async () => store.consume([{ ...request, cost: 0 }]).verdicts[0]?.remaining,
      };
    },
    3,
  ],
  [
    'lock.lifted',
    (record) => {
      const results: string[] = [];
      const inner = memoryCounterStore();
      const store = {
        ...inner,
        reconcile: (all: Parameters<typeof inner.reconcile>[0]) => {
          results.push(...all.map(({ result }) => result));
          return inner.reconcile(all);
        },
      };
      return {
        act: () => resetFailures({ store, name: 'login', account: 'alice', record }),
        stands: async () => results,
      };
    },
    ['reset'],
  ],
  [
    'tenant.created',
    (record) => {
      const store = memoryTenantStore();
      const tenants = recordedTenantStore({ store, record });
      return {
        act: () => tenants.create({ id: 'acme', status: 'active', attributes: {} }),
        stands: async () => store.read('acme')?.status,
      };
    },
    'active',
  ],
  ['role.assigned', ofRole('assign'), ['viewer', 'editor']],
  ['role.removed', ofRole('unassign'), []],
  ['tenant.suspended', ofTenant('suspended', 'active'), ['suspended', 'pro']],
  ['tenant.resumed', ofTenant('active', 'suspended'), ['active', 'pro']],
  ['tenant.closed', ofTenant('closed', 'active'), ['closed', 'pro']],
  ['tenant.changed', ofTenant('active', 'active'), ['active', 'pro']],
];

async function isRevoked(store: ReturnType<typeof memoryRevocationStore>): Promise<boolean> {
  const key = JSON.stringify(['subject', alice.issuer, alice.id]);
  return store.isRevoked([key], 0);
}

describe.each(parts)('%s', (name, make, after) => {
  test('is reported once, with its target', async () => {
    const acts: AuditAct[] = [];
    const part = await make((act) => acts.push(act));
    await part.act();
    expect(acts.map(({ act }) => act)).toEqual([name]);
    expect(acts[0]?.target?.id).toMatch(/./);
    expect(await part.stands()).toEqual(after);
  });

  test.each(brokenRecorders)('is not done in silence where record %s', async (_how, broken) => {
    const part = await make(broken);
    const asked = (async () => part.act())();
    await expect(asked).rejects.toThrow(`${name} was done, and could not be recorded.`);
    expect(await part.stands()).toEqual(after);
  });
});

test('a key says whose it is, and why it ended; its secret is in no act', async () => {
  const acts: AuditAct[] = [];
  const { keys, id } = await keysWithOne((act) => acts.push(act));
  const rotated = await keys.rotate(id, { overlapMs: 0 });
  await keys.revoke(id, { reason: 'leaked' });
  const target = { type: 'api_key', id };
  const data = { ownerType: 'user', owner: 'u1', tenant: 't1' };
  expect(acts).toEqual([
    { act: 'api_key.rotated', target, reason: undefined, data: { ...data, overlapMs: 0 } },
    { act: 'api_key.revoked', target, reason: 'leaked', data },
  ]);
  expect(rotated).toMatchObject({ ok: true, key: expect.stringMatching(/^acme_live_/) });
  expect(JSON.stringify(acts)).not.toContain('acme_live_');
});

test('an act that changed nothing is not recorded', async () => {
  const record = () => expect.unreachable();
  const { keys, id } = await keysWithOne(record);
  expect(await keys.revoke(id, { tenant: 't2' })).toMatchObject({ reason: 'not_found' });
  expect(await keys.rotate('nobody', { overlapMs: 0 })).toMatchObject({ reason: 'not_found' });
  const tenants = recordedTenantStore({ store: memoryTenantStore(), record });
  expect(await tenants.update({ id: 'acme', status: 'suspended', attributes: {} })).toBe(false);
  const store = memoryRoleStore();
  const editor = { principal: 'alice', tenant: 'acme', role: 'editor' };
  store.assign(editor);
  const roles = recordedRoleStore({ store, record });
  await roles.assign(editor);
  await roles.unassign({ ...editor, tenant: 'other' });
  expect(await roles.rolesOf(editor)).toEqual(['editor']);
});

test('a role says whose it is, and in which tenant', async () => {
  const acts: AuditAct[] = [];
  const store = memoryRoleStore();
  const roles = recordedRoleStore({ store, record: (act) => acts.push(act) });
  await roles.assign({ principal: 'alice', tenant: 'acme', role: 'editor' });
  await roles.unassign({ principal: 'alice', tenant: 'acme', role: 'editor' });
  const said = {
    target: { type: 'principal', id: 'alice' },
    data: { role: 'editor', tenant: 'acme' },
  };
  expect(acts).toEqual([
    { act: 'role.assigned', ...said },
    { act: 'role.removed', ...said },
  ]);
});

test('a call may name who records it, in the place of the factory', async () => {
  const told: string[] = [];
  const { keys, id } = await keysWithOne(() => told.push('factory'));
  const record = ({ act }: AuditAct) => told.push(act);
  await keys.disable(id, { record });
  await keys.enable(id);
  const revoked = revocations({ store: memoryRevocationStore(), maxTokenLifetime: '1h', record });
  await revoked.revoke(alice, { record: () => told.push('call') });
  expect(told).toEqual(['api_key.disabled', 'factory', 'call']);
});

test('revocations that nobody records are answered at once', () => {
  const revoked = revocations({ store: memoryRevocationStore(), maxTokenLifetime: '1h' });
  expect(revoked.revoke(alice)).toBeUndefined();
  expect(revoked.lift(alice)).toBeUndefined();
});

test('through audit an act becomes an event with its name in the OWASP vocabulary', async () => {
  const events: AuditEvent[] = [];
  const log = audit({ sinks: [(event) => events.push(event)], queue: { flushAfter: '0ms' } });
  const { keys, id } = await keysWithOne(log.record);
  await keys.revoke(id, { reason: 'leaked' });
  expect(events).toMatchObject([
    { kind: 'act', act: 'api_key.revoked', event: 'authn_token_revoked', reason: 'leaked' },
  ]);
  const broken = audit({
    sinks: [
      {
        name: 'down',
        write: () => {
          throw new Error('down');
        },
      },
    ],
    queue: { timeout: '5ms' },
    onFault: () => undefined,
  });
  const other = await keysWithOne(broken.record);
  await expect(other.keys.revoke(other.id)).rejects.toThrow('could not be recorded');
});

test('what cannot be called cannot be constructed', () => {
  const record = {} as never;
  const store = memoryRevocationStore();
  expect(() => revocations({ store, maxTokenLifetime: '1h', record })).toThrow(ConfigurationError);
  expect(() => recordedTenantStore({ store: memoryTenantStore(), record })).toThrow(
    ConfigurationError,
  );
  expect(() => recordedRoleStore({ store: memoryRoleStore(), record })).toThrow(ConfigurationError);
  const options = { prefix: 'acme', environment: 'live', store: memoryApiKeyStore(), peppers };
  expect(() => apiKeys({ ...options, record })).toThrow(ConfigurationError);
});
