import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { secretOf } from '../../test/secrets.ts';
import type { ApiKeyRecord, ApiKeyStore } from '../contracts/api-key-store.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { isThenable } from '../lib/maybe-promise.ts';
import { tokenBucket } from '../limits/token-bucket.ts';
import type { ApiKeys, NewApiKey } from './api-key.ts';
import { makeKey, randomId } from './api-key-format.ts';
import { type ApiKeysOptions, apiKeys } from './api-keys.ts';
import { memoryApiKeyStore } from './memory-api-key-store.ts';

const AT_ONCE = 50;
const V1 = secretOf(1);
const V2 = secretOf(2);
const START = 1_700_000_000_000;
const billing: NewApiKey = { name: 'Billing', owner: { type: 'user', id: 'u1' } };

/** A store whose calls are counted and can be made to fail or wait. */
function spied(): ApiKeyStore & {
  inner: ApiKeyStore;
  calls: Record<string, number>;
  fail: Error | undefined;
  gate: Promise<void> | undefined;
} {
  const inner = memoryApiKeyStore();
  const watch = <A extends unknown[], R>(name: string, act: (...args: A) => R) => {
    return async (...args: A): Promise<Awaited<R>> => {
      spy.calls[name] = (spy.calls[name] ?? 0) + 1;
      const answer = await act(...args);
      if (spy.gate) await spy.gate;
      if (spy.fail) throw spy.fail;
      return answer;
    };
  };
  const spy = {
    inner,
    calls: {} as Record<string, number>,
    fail: undefined as Error | undefined,
    gate: undefined as Promise<void> | undefined,
    insert: watch('insert', inner.insert),
    get: watch('get', inner.get),
    replace: watch('replace', inner.replace),
    list: watch('list', inner.list),
    touch: watch('touch', inner.touch),
    consume: watch('consume', inner.consume),
    readUsage: watch('readUsage', inner.readUsage),
    resetUsage: watch('resetUsage', inner.resetUsage),
  };
  return spy;
}

function setup(options: Partial<ApiKeysOptions> = {}) {
  const store = spied();
  const clock = { at: START };
  const work: Promise<void>[] = [];
  const faults: unknown[] = [];
  const make = (more: Partial<ApiKeysOptions> = {}) =>
    apiKeys({
      prefix: 'acme',
      environment: 'live',
      store,
      peppers: { current: 'v1', keys: { v1: V1 } },
      now: () => clock.at,
      waitUntil: (each) => work.push(each),
      onFault: (cause) => faults.push(cause),
      ...options,
      ...more,
    });
  const keys = make();
  /** Waits for what goes on in the background. */
  const settled = async (): Promise<void> => {
    while (work.length > 0) await work.pop();
  };
  const issue = async (terms: Partial<NewApiKey> = {}) => {
    const issued = await keys.issue({ ...billing, ...terms });
    if (!issued.ok) throw new Error(issued.problem ?? issued.reason);
    return { key: issued.key, id: issued.info.id };
  };
  return { store, clock, faults, keys, make, settled, issue };
}

async function codeOf(answer: unknown): Promise<string> {
  const result = (await answer) as { ok: boolean; code?: string };
  return result.ok ? 'ok' : (result.code ?? '');
}

describe('apiKeys', () => {
  test('a key that was issued verifies, with its terms and without its secret', async () => {
    const { keys } = setup();
    const issued = await keys.issue({
      ...billing,
      tenant: 't1',
      scopes: ['orders:read', 'orders:read'],
      roles: ['reader'],
      limits: { requests: tokenBucket({ capacity: 10, refillPerSecond: 2 }) },
      metadata: { plan: 'pro' },
    });
    if (!issued.ok) throw new Error(issued.problem);
    expect(issued.key).toMatch(new RegExp(`^${keys.pattern}$`));
    const result = await keys.verify(issued.key);
    expect(result).toMatchObject({
      ok: true,
      key: {
        id: issued.info.id,
        owner: { type: 'user', id: 'u1' },
        tenant: 't1',
        limits: { requests: { algorithm: 'bucket', capacity: 10 } },
        metadata: { plan: 'pro' },
        secret: 'current',
      },
    });
    expect(result.ok && [...result.key.scopes]).toEqual(['orders:read']);
    const secret = issued.key.slice(-38);
    expect(JSON.stringify([result, issued.info, await keys.get(issued.info.id)])).not.toMatch(
      new RegExp(`${secret}|hash|[0-9a-f]{64}`),
    );
  });

  test('the store never sees a secret', async () => {
    const seen: unknown[] = [];
    const inner = memoryApiKeyStore();
    const store: ApiKeyStore = {
      ...inner,
      insert: (record) => {
        seen.push(record);
        return inner.insert(record);
      },
      replace: (record) => {
        seen.push(record);
        return inner.replace(record);
      },
    };
    const { keys } = setup({ store });
    const issued = await keys.issue(billing);
    const rotated = issued.ok && (await keys.rotate(issued.info.id, { overlapMs: 10 }));
    if (!rotated || !rotated.ok) throw new Error('should have rotated');
    expect(seen).toHaveLength(2);
    for (const key of [issued.key, rotated.key]) {
      expect(JSON.stringify(seen)).not.toContain(key.slice(-38, -6));
    }
  });

  test('the stored hash is HMAC-SHA-256 of the whole key under the pepper', async () => {
    const { store, issue } = setup();
    const { key, id } = await issue();
    const hmac = { name: 'HMAC', hash: 'SHA-256' };
    const pepper = await crypto.subtle.importKey('raw', V1, hmac, false, ['sign']);
    const mac = await crypto.subtle.sign('HMAC', pepper, new TextEncoder().encode(key));
    const hex = Array.from(new Uint8Array(mac), (byte) => byte.toString(16).padStart(2, '0'));
    expect((await store.inner.get(id))?.secret).toEqual({ hash: hex.join(''), pepper: 'v1' });
  });

  test('a key that is verified again is answered at once, with the same frozen value', async () => {
    const { keys, issue, store } = setup();
    const { key } = await issue();
    const first = await keys.verify(key);
    const second = keys.verify(key);
    expect(isThenable(second)).toBe(false);
    expect(second).toBe(first);
    expect(store.calls['get']).toBe(1);
    expect(Object.isFrozen(second) && first.ok && Object.isFrozen(first.key)).toBe(true);
    const { scopes, metadata } = first.ok ? first.key : { scopes: new Set(), metadata: {} };
    expect(() => (scopes as Set<string>).add('admin')).toThrow(TypeError);
    expect(() => Object.assign(metadata, { plan: 'pro' })).toThrow(TypeError);
  });

  test.each<[string, string, (key: string) => string]>([
    ['a typo', 'api_key.malformed', (key) => `${key.slice(0, -1)}${key.endsWith('0') ? '1' : '0'}`],
    ['nothing', 'api_key.malformed', () => ''],
    ['a key of another product', 'api_key.malformed', (key) => rebuild(key, { prefix: 'evil' })],
    [
      'a key of another environment',
      'api_key.wrong_environment',
      (key) => rebuild(key, { environment: 'test' }),
    ],
    ['a key that was never issued', 'api_key.unknown', (key) => rebuild(key, { id: randomId() })],
    ['another secret', 'api_key.unknown', (key) => rebuild(key, {})],
  ])('%s is %s, also the second time', async (_name, code, change) => {
    const { keys, issue } = setup();
    const { key } = await issue();
    const presented = change(key);
    expect(await codeOf(keys.verify(presented))).toBe(code);
    expect(await codeOf(keys.verify(presented))).toBe(code);
    expect(await codeOf(keys.verify(key))).toBe('ok');
  });

  test('whatever is presented, verify answers', async () => {
    const { keys } = setup();
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.anything({ maxDepth: 1 })), async (presented) => {
        expect((await keys.verify(presented as string)).ok).toBe(false);
      }),
    );
  });

  test('a hash moved to another row opens nothing', async () => {
    const { keys, issue, store } = setup();
    const [mine, other] = [await issue(), await issue({ scopes: ['admin'] })];
    const record = (await store.inner.get(mine.id)) as ApiKeyRecord;
    const target = (await store.inner.get(other.id)) as ApiKeyRecord;
    await store.inner.replace({ ...target, secret: record.secret });
    const forged = rebuild(mine.key, { id: other.id });
    expect(await codeOf(keys.verify(forged))).toBe('api_key.unknown');
    expect(await codeOf(keys.verify(mine.key))).toBe('ok');
  });

  test('a row moved to another namespace opens nothing', async () => {
    const { keys, issue, store, make } = setup();
    const { key, id } = await issue();
    const record = (await store.inner.get(id)) as ApiKeyRecord;
    await store.inner.replace({ ...record, namespace: 'acme_retired' });
    expect(await codeOf(keys.verify(key))).toBe('api_key.unknown');
    expect(await codeOf(make({ environment: 'retired' }).verify(key))).not.toBe('ok');
  });

  test('a row with a pepper that nobody has opens nothing, whatever its hash', async () => {
    const { keys, issue, store } = setup();
    for (const hash of ['-'.repeat(64), '+'.repeat(64), '', '0'.repeat(64)]) {
      const { key, id } = await issue();
      const record = (await store.inner.get(id)) as ApiKeyRecord;
      await store.inner.replace({ ...record, secret: { hash, pepper: 'v9' } });
      expect(await codeOf(keys.verify(key))).toBe('api_key.unknown');
    }
  });
});

function rebuild(
  key: string,
  change: { prefix?: string; environment?: string; id?: string },
): string {
  const [prefix = '', environment = '', id = ''] = key.split('_');
  return makeKey({ prefix, environment, id, ...change });
}

describe('the work for a key', () => {
  test('is the same for one that exists, one that does not, and one in an overlap', async () => {
    const peppers = { current: 'v2', keys: { v1: V1, v2: V2 } };
    const { keys, issue, store, make, settled } = setup({ maxRevocationDelay: '0s' });
    const old = await issue();
    const moved = make({ peppers });
    const rotated = await issue();
    await moved.rotate(rotated.id, { overlapMs: 1000 });
    const presented = {
      'a known key': old.key,
      'a known key in an overlap of two peppers': rotated.key,
      'a wrong secret': rebuild(old.key, {}),
      'an unknown id': rebuild(old.key, { id: randomId() }),
    };
    expect(keys.prefix).toBe('acme');
    const sign = vi.spyOn(crypto.subtle, 'sign');
    try {
      for (const [name, key] of Object.entries(presented)) {
        sign.mockClear();
        store.calls = {};
        await moved.verify(key);
        expect([name, sign.mock.calls.length, store.calls['get']]).toEqual([name, 2, 1]);
        await settled();
      }
    } finally {
      sign.mockRestore();
    }
  });
});

describe('what is wrong with a key', () => {
  test.each<[string, string, (s: ReturnType<typeof setup>, id: string) => Promise<unknown>]>([
    ['revoked', 'api_key.revoked', ({ keys }, id) => keys.revoke(id, { reason: 'leaked' })],
    ['disabled', 'api_key.disabled', ({ keys }, id) => keys.disable(id)],
    [
      'expired',
      'api_key.expired',
      async ({ clock }) => {
        clock.at += 10_000;
      },
    ],
    ['rotated out', 'api_key.rotated', ({ keys }, id) => keys.rotate(id, { overlapMs: 0 })],
  ])(
    '%s is disclosed only to a caller with the secret, and others get unknown',
    async (_n, code, act) => {
      const s = setup();
      const { key, id } = await s.issue({ expiresAt: START + 10_000 });
      expect(await codeOf(s.keys.verify(key))).toBe('ok');
      await act(s, id);
      expect(await s.keys.verify(key)).toEqual({ ok: false, code, id });
      expect(await s.keys.verify(rebuild(key, {}))).toEqual({ ok: false, code: 'api_key.unknown' });
    },
  );

  test('a key is good until just before it expires, also from the cache', async () => {
    const { keys, clock, issue } = setup();
    const { key } = await issue({ expiresAt: START + 1000 });
    expect(await codeOf(keys.verify(key))).toBe('ok');
    clock.at = START + 999;
    expect(await codeOf(keys.verify(key))).toBe('ok');
    clock.at = START + 1000;
    expect(await codeOf(keys.verify(key))).toBe('api_key.expired');
  });

  test('a disabled key can be enabled, a revoked one never', async () => {
    const { keys, issue } = setup();
    const { key, id } = await issue();
    await keys.disable(id, { reason: 'unpaid' });
    expect(await keys.get(id)).toMatchObject({ status: 'disabled', reason: 'unpaid' });
    expect(await codeOf(keys.verify(key))).toBe('api_key.disabled');
    expect(await keys.enable(id)).toMatchObject({ ok: true, info: { status: 'enabled' } });
    expect(await codeOf(keys.verify(key))).toBe('ok');
    await keys.revoke(id, { reason: 'leaked' });
    for (const change of [
      keys.enable(id),
      keys.disable(id),
      keys.update(id, { name: 'x' }),
      keys.rotate(id, { overlapMs: 0 }),
    ]) {
      expect(await change).toEqual({ ok: false, reason: 'revoked' });
    }
    expect(await keys.get(id)).toMatchObject({ status: 'revoked', reason: 'leaked' });
    expect(await codeOf(keys.verify(key))).toBe('api_key.revoked');
  });
});

describe('rotation', () => {
  test('the old secret is good until the overlap ends, and says that it is the old one', async () => {
    const { keys, clock, issue } = setup();
    const { key, id } = await issue();
    await keys.verify(key);
    const rotated = await keys.rotate(id, { overlapMs: 60_000 });
    if (!rotated.ok) throw new Error(rotated.reason);
    const secretOf = async (presented: string) => {
      const result = await keys.verify(presented);
      return result.ok ? result.key.secret : result.code;
    };
    expect(rotated.key).not.toBe(key);
    expect(await secretOf(rotated.key)).toBe('current');
    expect(await secretOf(key)).toBe('previous');
    clock.at += 59_999;
    expect(await secretOf(key)).toBe('previous');
    clock.at += 1;
    expect(await secretOf(key)).toBe('api_key.rotated');
    expect(await secretOf(rotated.key)).toBe('current');
  });

  test('use of the old secret is reported, so that it can be ended once nobody uses it', async () => {
    const { keys, clock, issue, settled } = setup();
    const { key, id } = await issue();
    await keys.rotate(id, { overlapMs: 600_000 });
    expect((await keys.get(id))?.previous).toEqual({
      until: START + 600_000,
      lastUsedAt: undefined,
    });
    clock.at += 5_000;
    await keys.verify(key);
    await settled();
    expect((await keys.get(id))?.previous?.lastUsedAt).toBe(START + 5_000);
    expect((await keys.get(id))?.lastUsedAt).toBeUndefined();
    expect(await keys.endOverlap(id)).toMatchObject({ ok: true });
    expect(await codeOf(keys.verify(key))).toBe('api_key.rotated');
    clock.at += 1;
    await keys.endOverlap(id);
    expect((await keys.get(id))?.previous?.until).toBe(START + 5_000);
  });

  test('the old secret is noted as the old one at once, however lately it was noted', async () => {
    const { keys, issue, settled } = setup();
    const { key, id } = await issue();
    await keys.verify(key);
    await settled();
    await keys.rotate(id, { overlapMs: 600_000 });
    await keys.verify(key);
    await settled();
    expect((await keys.get(id))?.previous?.lastUsedAt).toBe(START);
  });

  test('exactly one of many concurrent rotations wins', async () => {
    const { keys, issue } = setup();
    const { id } = await issue();
    const results = await Promise.all(
      Array.from({ length: AT_ONCE }, () => keys.rotate(id, { overlapMs: 1000 })),
    );
    const won = results.filter((result) => result.ok);
    expect(won).toHaveLength(1);
    expect(results.filter((r) => !r.ok && r.reason === 'conflict')).toHaveLength(AT_ONCE - 1);
    expect(await codeOf(keys.verify(won[0]?.ok ? won[0].key : ''))).toBe('ok');
    expect((await keys.get(id))?.generation).toBe(1);
  });

  test('without an overlap the generation makes one of many win, one after the other too', async () => {
    const { keys, issue } = setup();
    const { id } = await issue();
    const options = { overlapMs: 0, generation: 0 };
    const results = await Promise.all(
      Array.from({ length: AT_ONCE }, () => keys.rotate(id, options)),
    );
    expect(results.filter((result) => result.ok)).toHaveLength(1);
    expect(await keys.rotate(id, options)).toEqual({ ok: false, reason: 'conflict' });
    expect(await keys.rotate(id, { ...options, generation: 1 })).toMatchObject({ ok: true });
  });

  test('a running overlap is not cut short by accident, but can be on purpose', async () => {
    const { keys, clock, issue } = setup();
    const { key, id } = await issue();
    const second = await keys.rotate(id, { overlapMs: 1000 });
    expect(await keys.rotate(id, { overlapMs: 1000 })).toEqual({ ok: false, reason: 'conflict' });
    clock.at += 1000;
    const third = await keys.rotate(id, { overlapMs: 1000 });
    if (!second.ok || !third.ok) throw new Error('should have rotated');
    const fourth = await keys.rotate(id, { overlapMs: 0 });
    if (!fourth.ok) throw new Error(fourth.reason);
    expect(await codeOf(keys.verify(key))).toBe('api_key.unknown');
    expect(await codeOf(keys.verify(second.key))).toBe('api_key.unknown');
    expect(await codeOf(keys.verify(third.key))).toBe('api_key.rotated');
    expect(await codeOf(keys.verify(fourth.key))).toBe('ok');
  });

  test('a rotation is not lost to a change of something else', async () => {
    const { keys, issue } = setup();
    const { id } = await issue();
    const [rotated, ...updates] = await Promise.all([
      keys.rotate(id, { overlapMs: 1000 }),
      ...['b', 'c', 'd'].map((name) => keys.update(id, { name })),
    ]);
    expect([rotated, ...updates].map((result) => result.ok)).toEqual([true, true, true, true]);
    expect(await codeOf(keys.verify(rotated.ok ? rotated.key : ''))).toBe('ok');
  });

  test.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 31_536_000_001])(
    'an overlap of %d ms is invalid',
    async (overlapMs) => {
      const { keys, issue } = setup();
      const { id } = await issue();
      expect(await keys.rotate(id, { overlapMs })).toMatchObject({ ok: false, reason: 'invalid' });
    },
  );
});

describe('peppers', () => {
  test('a key moves to the current pepper when it is used, and outlives the old one', async () => {
    const { keys, issue, store, make, settled } = setup();
    const [used, unused] = [await issue(), await issue()];
    const both = make({ peppers: { current: 'v2', keys: { v1: V1, v2: V2 } } });
    expect(await codeOf(both.verify(used.key))).toBe('ok');
    await settled();
    expect((await store.inner.get(used.id))?.secret.pepper).toBe('v2');
    const moved = make({ peppers: { current: 'v2', keys: { v2: V2 } } });
    expect(await codeOf(moved.verify(used.key))).toBe('ok');
    expect(await codeOf(moved.verify(unused.key))).toBe('api_key.unknown');
    expect(await codeOf(keys.verify(unused.key))).toBe('ok');
  });

  test('the secret of an overlap works under the old pepper, and is left there', async () => {
    const { issue, store, make, settled } = setup();
    const { key, id } = await issue();
    const both = make({ peppers: { current: 'v2', keys: { v1: V1, v2: V2 } } });
    const rotated = await both.rotate(id, { overlapMs: 60_000 });
    expect(await codeOf(both.verify(key))).toBe('ok');
    expect(await codeOf(both.verify(rotated.ok ? rotated.key : ''))).toBe('ok');
    await settled();
    const record = await store.inner.get(id);
    expect([record?.secret.pepper, record?.previous?.pepper]).toEqual(['v2', 'v1']);
  });

  test('are imported once, however many keys there are', async () => {
    const { make, store } = setup();
    const keys = make({ store });
    const importKey = vi.spyOn(crypto.subtle, 'importKey');
    try {
      for (let n = 0; n < 5; n++) await keys.issue(billing);
      expect(importKey).toHaveBeenCalledTimes(1);
    } finally {
      importKey.mockRestore();
    }
  });

  test('a wrong secret moves nothing, and neither does a revoked key', async () => {
    const { issue, store, make, settled } = setup();
    const { key, id } = await issue();
    const both = make({ peppers: { current: 'v2', keys: { v1: V1, v2: V2 } } });
    await both.verify(rebuild(key, {}));
    await both.revoke(id);
    await both.verify(key);
    await settled();
    expect((await store.inner.get(id))?.secret.pepper).toBe('v1');
  });

  test('peppers are copied: changing the bytes afterwards changes nothing', async () => {
    const pepper = secretOf(7);
    const { issue, make } = setup({ peppers: { current: 'p', keys: { p: pepper } } });
    const fresh = make({ peppers: { current: 'p', keys: { p: pepper } } });
    const copy = pepper.slice();
    pepper.fill(0);
    const { key } = await issue();
    expect(await codeOf(fresh.verify(key))).toBe('ok');
    const other = make({ peppers: { current: 'p', keys: { p: copy } } });
    expect(await codeOf(other.verify(key))).toBe('ok');
  });
});

describe('the revocation bound', () => {
  /** Another instance on the same store makes the change, so this one learns of it only by the bound. */
  const elsewhere = (s: ReturnType<typeof setup>) => s.make();

  test('a key revoked elsewhere is good for less than maxRevocationDelay', async () => {
    const s = setup({ maxRevocationDelay: '10s' });
    const { key, id } = await s.issue();
    await s.keys.verify(key);
    await elsewhere(s).revoke(id);
    s.clock.at = START + 4_999;
    expect(await codeOf(s.keys.verify(key))).toBe('ok');
    s.clock.at = START + 10_000;
    expect(await codeOf(s.keys.verify(key))).toBe('api_key.revoked');
  });

  test('a key revoked here is denied at once', async () => {
    const { keys, issue } = setup();
    const { key, id } = await issue();
    await keys.verify(key);
    await keys.revoke(id);
    expect(await codeOf(keys.verify(key))).toBe('api_key.revoked');
  });

  test('whatever the order of calls, no key outlives the bound', async () => {
    const step = fc.record({ wait: fc.nat({ max: 4_000 }), verify: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), fc.nat(19), async (steps, when) => {
        const s = setup({ maxRevocationDelay: '10s' });
        const { key, id } = await s.issue();
        let revokedAt = Number.POSITIVE_INFINITY;
        for (const [index, { wait, verify }] of steps.entries()) {
          s.clock.at += wait;
          if (index === when) {
            await elsewhere(s).revoke(id);
            revokedAt = s.clock.at;
          }
          if (!verify) continue;
          const code = await codeOf(s.keys.verify(key));
          if (s.clock.at < revokedAt) expect(code).toBe('ok');
          if (s.clock.at >= revokedAt + 10_000) expect(code).toBe('api_key.revoked');
          await s.settled();
        }
      }),
    );
  });

  test('a row that was read before a local change is not used after it', async () => {
    const { keys, issue, store } = setup();
    const { key, id } = await issue();
    let open = (): void => {};
    store.gate = new Promise((resolve) => {
      open = resolve;
    });
    const early = keys.verify(key);
    await vi.waitFor(() => expect(store.calls['get']).toBe(1), 20_000);
    store.gate = undefined;
    await keys.revoke(id);
    const late = keys.verify(key);
    open();
    // It began before the revocation, so either answer would be right; but it must not stay.
    await early;
    expect(await codeOf(late)).toBe('api_key.revoked');
    expect(await codeOf(keys.verify(key))).toBe('api_key.revoked');
  });

  test('the bound counts from when the store was asked, not from when it answered', async () => {
    const s = setup({ maxRevocationDelay: '10s' });
    const { key, id } = await s.issue();
    let open = (): void => {};
    s.store.gate = new Promise((resolve) => {
      open = resolve;
    });
    const slow = s.keys.verify(key);
    await vi.waitFor(() => expect(s.store.calls['get']).toBe(1), 20_000);
    s.store.gate = undefined;
    await elsewhere(s).revoke(id);
    s.clock.at += 1_500;
    open();
    expect(await codeOf(slow)).toBe('ok');
    s.clock.at = START + 10_000;
    expect(await codeOf(s.keys.verify(key))).toBe('api_key.revoked');
  });

  test('a key in use is asked for again at half of the bound, behind its answer', async () => {
    const s = setup({ maxRevocationDelay: '10s' });
    const { key, id } = await s.issue();
    await s.keys.verify(key);
    await s.settled();
    await elsewhere(s).revoke(id);
    s.clock.at += 5_000;
    const { get = 0 } = s.store.calls;
    expect(isThenable(s.keys.verify(key))).toBe(false);
    expect(isThenable(s.keys.verify(key))).toBe(false);
    await s.settled();
    expect(s.store.calls['get']).toBe(get + 1);
    expect(await codeOf(s.keys.verify(key))).toBe('api_key.revoked');
  });

  test('a clock that is set back makes nothing live longer', async () => {
    const s = setup({ maxRevocationDelay: '10s' });
    const { key, id } = await s.issue();
    await s.keys.verify(key);
    await elsewhere(s).revoke(id);
    s.clock.at -= 1;
    expect(await codeOf(s.keys.verify(key))).toBe('api_key.revoked');
  });

  test('a delay of 0 asks the store every time', async () => {
    const s = setup({ maxRevocationDelay: '0s' });
    const { key, id } = await s.issue();
    await s.keys.verify(key);
    await elsewhere(s).disable(id);
    expect(await codeOf(s.keys.verify(key))).toBe('api_key.disabled');
    await elsewhere(s).enable(id);
    expect(await codeOf(s.keys.verify(key))).toBe('ok');
  });

  test('a store that caches has its share of the bound', async () => {
    const s = setup();
    const store: ApiKeyStore = { ...s.store, maxStaleness: 6_000 };
    const keys = s.make({ store, maxRevocationDelay: '10s' });
    const { key, id } = await s.issue();
    await keys.verify(key);
    await elsewhere(s).revoke(id);
    s.clock.at += 4_000;
    expect(await codeOf(keys.verify(key))).toBe('api_key.revoked');
    expect(() => s.make({ store, maxRevocationDelay: '5999ms' })).toThrow(ConfigurationError);
  });

  test('changes that the store announces take effect at once', async () => {
    const s = setup();
    let tell: (id: string) => void = () => {};
    const store: ApiKeyStore = {
      ...s.store,
      onChange: (listener) => {
        tell = listener;
      },
    };
    const keys = s.make({ store });
    const { key, id } = await s.issue();
    await keys.verify(key);
    await elsewhere(s).revoke(id);
    expect(await codeOf(keys.verify(key))).toBe('ok');
    tell(id);
    expect(await codeOf(keys.verify(key))).toBe('api_key.revoked');
  });

  test('more changes than are remembered one by one give up all that was read', async () => {
    const s = setup();
    let tell: (id: string) => void = () => {};
    const store: ApiKeyStore = {
      ...s.store,
      onChange: (listener) => {
        tell = listener;
      },
    };
    const keys = s.make({ store });
    const [one, other] = [await s.issue(), await s.issue()];
    for (const { key } of [one, other]) await keys.verify(key);
    await elsewhere(s).revoke(one.id);
    tell(one.id);
    for (let n = 0; n < 5_000; n++) tell(`other${n}`);
    expect(await codeOf(keys.verify(one.key))).toBe('api_key.revoked');
    expect(await codeOf(keys.verify(other.key))).toBe('ok');
    expect(isThenable(keys.verify(other.key))).toBe(false);
  });

  test('a denied key that is enabled elsewhere is good within seconds', async () => {
    const s = setup();
    const { key, id } = await s.issue();
    await elsewhere(s).disable(id);
    await s.keys.verify(key);
    await elsewhere(s).enable(id);
    s.clock.at += 4_999;
    expect(await codeOf(s.keys.verify(key))).toBe('api_key.disabled');
    s.clock.at += 1;
    expect(await codeOf(s.keys.verify(key))).toBe('ok');
  });
});

describe('a store that fails', () => {
  test('known keys go on within the bound, then nothing is known', async () => {
    const { keys, clock, issue, store, settled, faults } = setup({ maxRevocationDelay: '10s' });
    const { key } = await issue();
    await keys.verify(key);
    await settled();
    store.fail = new Error('connection denied');
    clock.at += 9_999;
    expect(await codeOf(keys.verify(key))).toBe('ok');
    await settled();
    expect(faults).toEqual([store.fail]);
    clock.at += 1;
    expect(await keys.verify(key)).toEqual({
      ok: false,
      code: 'api_key.store_unavailable',
      cause: store.fail,
    });
    expect(await codeOf(keys.verify(rebuild(key, {})))).toBe('api_key.store_unavailable');
    store.fail = undefined;
    expect(await codeOf(keys.verify(key))).toBe('ok');
  });

  test('an outage is not answered with a storm of questions', async () => {
    const { keys, clock, issue, store, settled } = setup({ maxRevocationDelay: '80s' });
    const { key } = await issue();
    await keys.verify(key);
    await settled();
    store.fail = new Error('down');
    store.calls = {};
    clock.at += 40_000;
    for (let call = 0; call < 1000; call++) {
      clock.at += 20;
      expect(isThenable(keys.verify(key))).toBe(false);
      if (call % 10 === 0) await settled();
    }
    expect(store.calls['get']).toBeLessThanOrEqual(3);
  });

  test('it may throw at once', async () => {
    const { make, issue } = setup();
    const { key } = await issue();
    const get = (): never => {
      throw new Error('no');
    };
    const keys = make({ store: { ...memoryApiKeyStore(), get } });
    expect(await codeOf(keys.verify(key))).toBe('api_key.store_unavailable');
  });

  test('a row that is nonsense is a fault of the store', async () => {
    const { make, issue, store } = setup();
    const { key, id } = await issue();
    const record = (await store.inner.get(id)) as ApiKeyRecord;
    const get = () => ({ ...record, metadata: { f: () => 1 } }) as unknown as ApiKeyRecord;
    const keys = make({ store: { ...memoryApiKeyStore(), get } });
    expect(await codeOf(keys.verify(key))).toBe('api_key.store_unavailable');
  });

  describe('by not answering', () => {
    beforeEach(() => {
      vi.useFakeTimers();
    });
    afterEach(() => {
      vi.useRealTimers();
    });

    test('is waited for storeTimeout, and asked again afterwards', async () => {
      const { keys, make, issue, store } = setup();
      const { key } = await issue();
      const hanging = make({
        store: { ...store, get: () => new Promise<never>(() => {}) },
        storeTimeout: '1s',
      });
      const answer = codeOf(hanging.verify(key));
      await vi.advanceTimersByTimeAsync(1_000);
      expect(await answer).toBe('api_key.store_unavailable');
      expect(vi.getTimerCount()).toBe(0);
      expect(await codeOf(keys.verify(key))).toBe('ok');
      expect(vi.getTimerCount()).toBe(0);
    });
  });

  test('a failure of work after the answer does not change the answer', async () => {
    const { make, issue, store, faults, settled } = setup();
    const { key } = await issue();
    const touch = (): never => {
      throw new Error('read-only');
    };
    const keys = make({ store: { ...store, touch } });
    expect(await codeOf(keys.verify(key))).toBe('ok');
    await settled();
    expect(faults).toEqual([new Error('read-only')]);
    const angry = make({
      store: { ...store, touch },
      onFault: () => {
        throw new Error('logger down');
      },
      waitUntil: () => {
        throw new Error('too late');
      },
    });
    expect(await codeOf(angry.verify(key))).toBe('ok');
  });
});

describe('concurrency and memory', () => {
  test('many calls with one new key ask the store once', async () => {
    const { keys, issue, store } = setup();
    const { key } = await issue();
    const sign = vi.spyOn(crypto.subtle, 'sign');
    const answers = await Promise.all(
      Array.from({ length: AT_ONCE }, async () => keys.verify(key)),
    );
    const signed = sign.mock.calls.length;
    sign.mockRestore();
    expect([store.calls['get'], signed]).toEqual([1, 1]);
    expect(new Set(answers).size).toBe(1);
  });

  test('the last use is noted once in an interval, and never waited for', async () => {
    const { keys, clock, issue, store, settled } = setup({ lastUsedInterval: '1m' });
    const { key, id } = await issue();
    for (let call = 0; call < 1_000; call++) {
      await keys.verify(key);
      clock.at += 119;
    }
    await settled();
    expect(store.calls['touch']).toBe(2);
    const { lastUsedAt = 0 } = (await keys.get(id)) ?? {};
    expect(lastUsedAt - START).toBeGreaterThanOrEqual(60_000);
  });

  test('another instance that has noted it lately is enough', async () => {
    const { keys, clock, issue, store, make, settled } = setup();
    const { key } = await issue();
    await keys.verify(key);
    await settled();
    clock.at += 30_000;
    await make().verify(key);
    await settled();
    expect(store.calls['touch']).toBe(1);
  });

  test('a flood of unknown keys pushes no known one out', async () => {
    const { keys, issue, store } = setup({ maxEntries: 100, maxUnknownPerSecond: 10_000 });
    const { key } = await issue();
    await keys.verify(key);
    for (let n = 0; n < 1_000; n++) await keys.verify(rebuild(key, { id: randomId() }));
    store.calls = {};
    expect(isThenable(keys.verify(key))).toBe(false);
    expect(store.calls['get']).toBeUndefined();
  });

  test('remembers at most as many denied keys as there are entries', async () => {
    const { keys, issue } = setup({ maxEntries: 100, maxUnknownPerSecond: 10_000 });
    const { key } = await issue();
    const flood = Array.from({ length: 3_000 }, () => rebuild(key, { id: randomId() }));
    for (const each of flood) await keys.verify(each);
    const remembered = flood.filter((each) => !isThenable(keys.verify(each)));
    expect(remembered.length).toBeGreaterThan(25);
    expect(remembered.length).toBeLessThanOrEqual(100);
  });

  test.each<[string, Partial<ApiKeysOptions>, number]>([
    ['entries', { maxEntries: 100 }, 100],
    // A key with this much metadata is taken for about 9 kB.
    ['bytes', { maxBytes: 200_000 }, 25],
  ])('remembers at most as many good keys as there are %s', async (_name, bound, most) => {
    const { keys, issue } = setup(bound);
    const good: string[] = [];
    const metadata = { text: 'x'.repeat(4_000) };
    for (let n = 0; n < 300; n++) good.push((await issue({ metadata })).key);
    for (const each of good) await keys.verify(each);
    const remembered = good.filter((each) => !isThenable(keys.verify(each)));
    expect(remembered.length).toBeGreaterThan(most / 4);
    expect(remembered.length).toBeLessThanOrEqual(most);
  });

  test('a million malformed keys leave nothing behind', () => {
    const { keys, store } = setup();
    const denied = new Set<unknown>();
    for (let n = 0; n < 1_000_000; n++) denied.add(keys.verify(`acme_live_${n}`));
    expect([...denied]).toEqual([{ ok: false, code: 'api_key.malformed', id: undefined }]);
    expect(store.calls).toEqual({});
  }, 60_000);

  test('a denied key is remembered for a moment, so that it costs the store nothing', async () => {
    const { keys, clock, issue, store } = setup();
    const { key } = await issue();
    const wrong = rebuild(key, {});
    await keys.verify(wrong);
    for (let n = 0; n < 100; n++) expect(isThenable(keys.verify(wrong))).toBe(false);
    expect(store.calls['get']).toBe(1);
    clock.at += 5_000;
    await keys.verify(wrong);
    expect(store.calls['get']).toBe(2);
  });
});

describe('a flood of made-up keys', () => {
  const made = (key: string) => rebuild(key, { id: randomId() });

  test('costs the store no more than maxUnknownPerSecond, whatever comes', async () => {
    const { keys, clock, issue, store } = setup({ maxUnknownPerSecond: 50 });
    const { key } = await issue();
    const codes = await Promise.all(
      Array.from({ length: 5_000 }, () => codeOf(keys.verify(made(key)))),
    );
    expect(store.calls['get']).toBe(50);
    expect(codes.filter((code) => code === 'api_key.overloaded')).toHaveLength(4_950);
    clock.at += 1_000;
    for (let n = 0; n < 200; n++) await keys.verify(made(key));
    expect(store.calls['get']).toBe(100);
  });

  test('from one peer leaves the others their share', async () => {
    const { keys, issue, store } = setup({ maxUnknownPerSecond: 50 });
    const { key } = await issue();
    for (let n = 0; n < 500; n++) await keys.verify(made(key), '192.0.2.1');
    expect(store.calls['get']).toBe(10);
    expect(await codeOf(keys.verify(key, '198.51.100.7'))).toBe('ok');
    expect(await codeOf(keys.verify(made(key), '192.0.2.1'))).toBe('api_key.overloaded');
  });

  test.each<[string, Partial<ApiKeysOptions>]>([
    ['is remembered', {}],
    ['is asked for every time', { maxRevocationDelay: '0s' }],
  ])('keeps out nobody whose key was good before and %s', async (_name, options) => {
    const { keys, clock, issue, store } = setup({ maxUnknownPerSecond: 5, ...options });
    const { key } = await issue();
    expect(await codeOf(keys.verify(key))).toBe('ok');
    clock.at += 40_000;
    for (let n = 0; n < 50; n++) await keys.verify(made(key));
    expect(await codeOf(keys.verify(key))).toBe('ok');
    expect(store.calls['get']).toBe(7);
  });

  test('gives back what good keys took, so that a cold start is not taken for one', async () => {
    const { keys, issue } = setup({ maxUnknownPerSecond: 5 });
    const good: string[] = [];
    for (let n = 0; n < 50; n++) good.push((await issue()).key);
    for (const each of good) expect(await codeOf(keys.verify(each))).toBe('ok');
  });

  test('is not waited for longer than the store may take, where the call that began it is gone', async () => {
    vi.useFakeTimers();
    const { keys, issue, store } = setup({ storeTimeout: '1s' });
    const { key } = await issue();
    store.gate = new Promise(() => undefined);
    void keys.verify(key);
    await vi.advanceTimersByTimeAsync(500);
    const joined = codeOf(keys.verify(key));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await joined).toBe('api_key.store_unavailable');
    vi.useRealTimers();
  });
});

describe('management', () => {
  test('a tenant sees and changes only its own keys', async () => {
    const { keys, issue } = setup();
    const mine = await issue({ tenant: 't1' });
    const other = await issue({ tenant: 't2' });
    const free = await issue();
    const ids = async (tenant: string | undefined) =>
      (await keys.list({ tenant })).keys.map(({ id }) => id);
    expect(await ids('t1')).toEqual([mine.id]);
    expect(await ids(undefined)).toEqual([free.id]);
    const scope = { tenant: 't1' };
    for (const { id } of [other, free]) {
      const notFound = { ok: false, reason: 'not_found' };
      expect(await keys.get(id, scope)).toBeUndefined();
      expect(await keys.revoke(id, scope)).toEqual(notFound);
      expect(await keys.disable(id, scope)).toEqual(notFound);
      expect(await keys.enable(id, scope)).toEqual(notFound);
      expect(await keys.update(id, { name: 'x' }, scope)).toEqual(notFound);
      expect(await keys.endOverlap(id, scope)).toEqual(notFound);
      expect(await keys.rotate(id, { overlapMs: 0, ...scope })).toEqual(notFound);
    }
    expect(await keys.get(mine.id, scope)).toMatchObject({ tenant: 't1' });
    // A caller without a tenant reaches what has none, and no more.
    expect(await keys.get(mine.id, { tenant: undefined })).toBeUndefined();
    expect(await keys.get(free.id, { tenant: undefined })).toMatchObject({ id: free.id });
    expect(await codeOf(keys.verify(other.key))).toBe('ok');
  });

  test('environments on one store do not see one another', async () => {
    const { keys, issue, make } = setup();
    const { id, key } = await issue();
    const sandbox = make({ environment: 'test' });
    expect(await sandbox.get(id)).toBeUndefined();
    expect((await sandbox.list({ tenant: undefined })).keys).toEqual([]);
    expect(await sandbox.revoke(id)).toEqual({ ok: false, reason: 'not_found' });
    expect(await codeOf(sandbox.verify(key))).toBe('api_key.wrong_environment');
    expect(await codeOf(sandbox.verify(rebuild(key, { environment: 'test' })))).toBe(
      'api_key.unknown',
    );
    expect((await keys.list({ tenant: undefined })).keys).toHaveLength(1);
  });

  test('a list of what no store can hold is empty, and asks nobody', async () => {
    const { keys, store } = setup();
    const nothing = { keys: [], next: undefined };
    const owner = { type: 'user', id: 'a\0b' } as const;
    expect(await keys.list({ tenant: 'a\0b' })).toEqual(nothing);
    expect(await keys.list({ tenant: undefined, owner })).toEqual(nothing);
    expect(await keys.list({ tenant: undefined, after: "' OR 1=1" })).toEqual(nothing);
    expect(store.calls).toEqual({});
  });

  test('lists come in pages', async () => {
    const { keys, issue } = setup();
    for (let n = 0; n < 5; n++) await issue();
    const first = await keys.list({ tenant: undefined, limit: 3 });
    const second = await keys.list({ tenant: undefined, limit: 3, after: first.next });
    expect([first.keys.length, second.keys.length, second.next]).toEqual([3, 2, undefined]);
  });

  test('an update changes what it names and nothing else', async () => {
    const { keys, issue, clock } = setup();
    const { key, id } = await issue({ scopes: ['a'], expiresAt: START + 1000, roles: ['r'] });
    await keys.verify(key);
    clock.at += 10;
    const changed = await keys.update(id, { scopes: ['b'], expiresAt: undefined });
    expect(changed).toMatchObject({
      ok: true,
      info: { scopes: ['b'], roles: ['r'], name: 'Billing', updatedAt: START + 10 },
    });
    const result = await keys.verify(key);
    expect(result.ok && [[...result.key.scopes], result.key.expiresAt]).toEqual([['b'], undefined]);
  });

  test('an update cannot reach what is no term', async () => {
    const { keys, issue } = setup();
    const { id, key } = await issue({ tenant: 't1' });
    const owner = { type: 'user', id: 'evil' };
    const hostile = { owner, tenant: 't2', status: 'revoked', generation: 9, secret: null };
    for (const [name, value] of Object.entries({ id: 'x', ...hostile })) {
      expect(await keys.update(id, { [name]: value })).toMatchObject({
        ok: false,
        reason: 'invalid',
      });
    }
    expect(await keys.get(id)).toMatchObject({
      ...billing,
      id,
      tenant: 't1',
      status: 'enabled',
      generation: 0,
    });
    expect(await codeOf(keys.verify(key))).toBe('ok');
  });

  test('no concurrent change is lost', async () => {
    const { keys, issue } = setup();
    const { id } = await issue();
    const changes = await Promise.all([
      keys.update(id, { scopes: ['a'] }),
      keys.update(id, { roles: ['r'] }),
      keys.disable(id),
    ]);
    expect(changes.every(({ ok }) => ok)).toBe(true);
    expect(await keys.get(id)).toMatchObject({ scopes: ['a'], roles: ['r'], status: 'disabled' });
  });

  test.each<[string, unknown]>([
    ['no name', { name: '' }],
    ['a name beyond all size', { name: 'x'.repeat(129) }],
    ['a name with a NUL', { name: 'a\0b' }],
    ['half a character', { name: '\ud800' }],
    ['an owner of no kind', { owner: { type: 'robot', id: '1' } }],
    ['an owner without an id', { owner: { type: 'user', id: '' } }],
    ['no owner', { owner: null }],
    ['an empty tenant', { tenant: '' }],
    ['a scope with a space', { scopes: ['a b'] }],
    ['too many scopes', { scopes: Array.from({ length: 101 }, (_, n) => `s${n}`) }],
    ['scopes in one string', { scopes: 'a b' }],
    ['a role that is a number', { roles: [1] }],
    ['an expiry that is text', { expiresAt: '2030-01-01' }],
    ['an expiry that is no number', { expiresAt: Number.NaN }],
    ['a limit that none of the factories made', { limits: { a: { limit: 1, window: 1 } } }],
    ['a limit that lets nobody pass', { limits: { a: { algorithm: 'bucket', capacity: 0 } } }],
    ['a quota without a window', { quotas: { a: { limit: 1 } } }],
    ['a quota below nothing', { quotas: { a: { limit: -1, window: 1 } } }],
    ['a window of no time', { quotas: { a: { limit: 1, window: 0 } } }],
    ['a quota with a hostile name', { quotas: { 'a b': { limit: 1, window: 1 } } }],
    ['a peer that is no address', { allowedPeers: ['example.com'] }],
    ['a network with host bits', { allowedPeers: ['192.0.2.1/24'] }],
    ['metadata that is a list', { metadata: [1] }],
    ['metadata with a function', { metadata: { f: () => 1 } }],
    ['metadata with a date', { metadata: { d: new Date(0) } }],
    ['metadata with a prototype', { metadata: JSON.parse('{"__proto__": {"admin": true}}') }],
    ['metadata with no number', { metadata: { n: Number.POSITIVE_INFINITY } }],
    ['metadata beyond all size', { metadata: { x: 'x'.repeat(5_000) } }],
    ['metadata without a bottom', { metadata: circular() }],
    ['metadata that is small until it is written out', { metadata: bomb() }],
  ])('%s is invalid, and said so', async (_name, terms) => {
    const { keys, store } = setup();
    const issued = await keys.issue({ ...billing, ...(terms as object) });
    expect(issued).toMatchObject({ ok: false, reason: 'invalid', problem: expect.any(String) });
    expect(store.calls['insert']).toBeUndefined();
  });

  test.each(['', 'x', '__proto__', `' OR 1=1`, 'a\0b', 'x'.repeat(10_000)])(
    'the id %j is not asked for',
    async (id) => {
      const { keys, store } = setup();
      expect(await keys.get(id)).toBeUndefined();
      expect(await keys.revoke(id)).toEqual({ ok: false, reason: 'not_found' });
      expect(await keys.rotate(id, { overlapMs: 0 })).toEqual({ ok: false, reason: 'not_found' });
      expect(store.calls).toEqual({});
    },
  );

  test('a term that does not exist is invalid, and said so', async () => {
    const { keys, issue, store } = setup();
    const { id } = await issue();
    store.calls = {};
    const misspelled = { expiresat: 1 } as object;
    const problem = expect.stringContaining('"expiresat" is not one of name, scopes');
    const invalid = { ok: false, reason: 'invalid', problem };
    expect(await keys.issue({ ...billing, ...misspelled })).toEqual(invalid);
    expect(await keys.update(id, misspelled)).toEqual(invalid);
    expect(await keys.update(id, { owner: { type: 'user', id: 'u2' } } as object)).toMatchObject({
      reason: 'invalid',
    });
    expect(store.calls).toEqual({});
  });

  test.each<[string, (keys: ApiKeys, id: string, scope: object) => Promise<unknown>]>([
    ['revoke', (keys, id, scope) => keys.revoke(id, scope)],
    ['disable', (keys, id, scope) => keys.disable(id, scope)],
    ['enable', (keys, id, scope) => keys.enable(id, scope)],
    ['rotate', (keys, id, scope) => keys.rotate(id, { overlapMs: 0, ...scope })],
    ['endOverlap', (keys, id, scope) => keys.endOverlap(id, scope)],
    ['update', (keys, id, scope) => keys.update(id, { name: 'Mine' }, scope)],
    ['resetQuotas', (keys, id, scope) => keys.resetQuotas(id, scope)],
    ['get', (keys, id, scope) => keys.get(id, scope)],
    ['list', (keys, _, scope) => keys.list({ tenant: undefined, ...scope })],
    ['issue', (keys, _, scope) => keys.issue(billing, scope)],
  ])('%s does nothing where an option is misspelled', async (_name, act) => {
    const { keys, issue, store } = setup();
    const { id } = await issue({ tenant: 'acme' });
    store.calls = {};
    await expect(act(keys, id, { tenat: 'evil' })).rejects.toThrow('"tenat" is not an option');
    expect(store.calls).toEqual({});
  });

  test('a reason is bounded', async () => {
    const { keys, issue } = setup();
    const { id } = await issue();
    expect(await keys.revoke(id, { reason: 'x'.repeat(513) })).toMatchObject({ reason: 'invalid' });
    expect(await keys.get(id)).toMatchObject({ status: 'enabled' });
  });
});

describe('consumeQuota', () => {
  const quotas = { reports: { limit: 10, window: 86_400_000 } };

  test('counts against the quotas of the key, exactly, whatever happens at once', async () => {
    const { keys, issue } = setup();
    const { key } = await issue({ quotas });
    const result = await keys.verify(key);
    if (!result.ok) throw new Error(result.code);
    const verdicts = await Promise.all(
      Array.from({ length: AT_ONCE }, async () => keys.consumeQuota(result.key, { reports: 1 })),
    );
    expect(verdicts.filter(({ ok }) => ok)).toHaveLength(10);
  });

  test('asks nobody where the key has no such quota, not even one that every object has', async () => {
    const { keys, issue, store } = setup();
    const { id } = await issue();
    const costs = { exports: 1, constructor: 1, reports: 0 };
    expect(keys.consumeQuota({ id, quotas }, costs)).toEqual({ ok: true, remaining: {} });
    expect(store.calls['consume']).toBeUndefined();
  });

  test('is waited for storeTimeout, and no timer stays behind', async () => {
    vi.useFakeTimers();
    try {
      const { store, make } = setup();
      const consume = vi.fn(store.consume);
      const keys = make({ store: { ...store, consume }, storeTimeout: '1s' });
      const ask = async () => keys.consumeQuota({ id: 'x', quotas }, { reports: 1 });
      consume.mockReturnValueOnce(new Promise<never>(() => {}));
      const answer = expect(ask()).rejects.toThrow('no answer within 1000 ms');
      await vi.advanceTimersByTimeAsync(1_000);
      await answer;
      consume.mockReturnValueOnce(Promise.resolve({ ok: true, remaining: {} }));
      expect(await ask()).toEqual({ ok: true, remaining: {} });
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  test.each([-1, 0.5, Number.NaN, '1'])('a cost of %j is denied', async (cost) => {
    const { keys } = setup();
    const costs = { reports: cost as number };
    expect(() => keys.consumeQuota({ id: 'x', quotas }, costs)).toThrow(RangeError);
  });
});

describe('what is left of quotas', () => {
  const quotas = { reports: { limit: 10, window: 60_000 }, rows: { limit: 5, window: 60_000 } };

  test('is read without being spent, also by who has only the info of a key', async () => {
    const { keys, issue, store } = setup();
    const { key, id } = await issue({ quotas });
    const result = await keys.verify(key);
    if (!result.ok) throw new Error('should be good');
    await keys.consumeQuota(result.key, { reports: 4 });
    const resetsAt = Math.floor(START / 60_000) * 60_000 + 60_000;
    const expected = {
      reports: { limit: 10, used: 4, remaining: 6, resetsAt },
      rows: { limit: 5, used: 0, remaining: 5, resetsAt },
    };
    expect(await keys.readQuotas(result.key)).toEqual(expected);
    const info = await keys.get(id);
    expect(info && (await keys.readQuotas(info))).toEqual(expected);
    store.calls = {};
    expect(await keys.readQuotas({ id })).toEqual({});
    expect(store.calls).toEqual({});
  });

  test('is never below nothing, although a quota became smaller than what was used', async () => {
    const { keys, issue } = setup();
    const { id } = await issue({ quotas });
    await keys.consumeQuota({ id, quotas }, { reports: 9 });
    const smaller = { reports: { limit: 3, window: 60_000 } };
    expect(await keys.readQuotas({ id, quotas: smaller })).toMatchObject({
      reports: { limit: 3, used: 9, remaining: 0 },
    });
  });

  test('is all of it again after a reset, which is recorded, and only for the tenant of the key', async () => {
    const { keys, issue } = setup();
    const { id } = await issue({ quotas, tenant: 't1' });
    const acts: unknown[] = [];
    const record = (act: unknown) => acts.push(act);
    const take = () => keys.consumeQuota({ id, quotas }, { reports: 10, rows: 5 });
    await take();
    expect(await keys.resetQuotas(id, { tenant: 't2', record })).toEqual({
      ok: false,
      reason: 'not_found',
    });
    expect(acts).toEqual([]);
    expect(await keys.resetQuotas(id, { tenant: 't1', quotas: ['rows'], record })).toEqual({
      ok: true,
    });
    expect(await take()).toMatchObject({ ok: false, name: 'reports' });
    expect(await keys.resetQuotas(id, { record })).toEqual({ ok: true });
    expect(await take()).toMatchObject({ ok: true });
    expect(acts).toEqual([
      { act: 'quota.reset', target: { type: 'api_key', id }, data: { quotas: 'rows' } },
      { act: 'quota.reset', target: { type: 'api_key', id }, data: { quotas: 'all' } },
    ]);
  });

  test.each<[string, unknown]>([
    ['that are one text', 'rows'],
    ['with hostile names', ['__proto__']],
  ])('is not reset for names %s', async (_name, names) => {
    const { keys, issue, store } = setup();
    const { id } = await issue({ quotas });
    store.calls = {};
    expect(await keys.resetQuotas(id, { quotas: names as string[] })).toMatchObject({
      reason: 'invalid',
    });
    expect(store.calls).toEqual({});
  });
});

describe('apiKeys cannot be constructed', () => {
  test.each<[string, object]>([
    ['without a prefix', { prefix: undefined }],
    ['with a prefix in capitals', { prefix: 'ACME' }],
    ['with an underscore in the prefix', { prefix: 'ac_me' }],
    ['with an empty environment', { environment: '' }],
    ['without a store', { store: undefined }],
    ['with a pepper that is too short', { peppers: { current: 'a', keys: { a: V1.slice(1) } } }],
    ['with a pepper that is text', { peppers: { current: 'a', keys: { a: 'x'.repeat(32) } } }],
    ['without the current pepper', { peppers: { current: 'b', keys: { a: V1 } } }],
    ['with a pepper from a prototype', { peppers: { current: 'toString', keys: { a: V1 } } }],
    [
      'with too many peppers',
      {
        peppers: {
          current: 'p0',
          keys: Object.fromEntries(Array.from({ length: 9 }, (_, n) => [`p${n}`, V1])),
        },
      },
    ],
    ['with a delay below nothing', { maxRevocationDelay: '-1s' }],
    ['with a delay without its unit', { maxRevocationDelay: 30_000 }],
    ['with an option that it does not know', { maxRevocationAge: '30s' }],
    ['with a cache for nobody', { maxEntries: 1 }],
    ['with reads for nobody', { maxUnknownPerSecond: 0 }],
    ['with no time for the store', { storeTimeout: '0s' }],
    ['with more than a minute for the store', { storeTimeout: '61s' }],
  ])('%s', (_name, options) => {
    expect(() => setup(options)).toThrow(ConfigurationError);
  });
});

function circular(): object {
  const value: Record<string, unknown> = {};
  value['self'] = value;
  return value;
}

function bomb(): object {
  let value: unknown = 'x';
  for (let level = 0; level < 7; level++) value = Array.from({ length: 100 }, () => value);
  return { value };
}
