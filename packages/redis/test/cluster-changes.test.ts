import type { LimitRequest } from '@apisec/core';
import {
  redisLeaseStore,
  redisLimitStore,
  redisRefreshTokenStore,
  redisReplayStore,
} from '@apisec/redis';
import slotOf from 'cluster-key-slot';
import type { Cluster } from 'ioredis';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { keyPart } from '../src/connection/key.ts';
import {
  asker,
  bucket,
  holderOf,
  type Node,
  nodeOf,
  openCluster,
  slotOfTag,
  unheard,
} from './cluster-nodes.ts';
import { hasRedis, startCluster } from './redis-server.ts';
import { family } from './refresh-family.ts';
import { wait } from './wait.ts';

// What is waited for below, on a machine that is busy with other things.
vi.setConfig({ testTimeout: 90_000 });

const HOUR = 3_600_000;
const TIMEOUT = 200;

/** Texts of which the slots are among those given. */
function textsIn(slots: ReadonlySet<number>, name: string, slotOfText = slotOfTag): string[] {
  return Array.from({ length: 60_000 }, (_, index) => `${name} ${index}`).filter((text) =>
    slots.has(slotOfText(text)),
  );
}

describe.runIf(hasRedis)('while slots of a cluster move', () => {
  let nodes: readonly Node[] = [];
  beforeEach(async () => {
    nodes = await Promise.all((await startCluster()).map(nodeOf));
  });
  afterEach(async () => {
    for (const { admin } of nodes) admin.disconnect();
    await Promise.all(nodes.map(({ server }) => server.close()));
  });

  /** Begins to move a slot to the next node. */
  const move = async (slot: number) => {
    const from = nodes[holderOf(slot)] as Node;
    const to = nodes[(holderOf(slot) + 1) % 3] as Node;
    await to.admin.cluster('SETSLOT', slot, 'IMPORTING', from.id);
    await from.admin.cluster('SETSLOT', slot, 'MIGRATING', to.id);
    const keys = (): Promise<string[]> => from.admin.cluster('GETKEYSINSLOT', slot, 1_000);
    const send = async (some: readonly string[]): Promise<void> => {
      for (const key of some) await from.admin.migrate('127.0.0.1', to.server.port, key, 0, 5_000);
    };
    return {
      /** Every other key, so that of several keys some are here and some there. */
      half: async () => send((await keys()).filter((_, index) => index % 2 === 0)),
      finish: async (): Promise<void> => {
        await send(await keys());
        for (const { admin } of [to, from]) await admin.cluster('SETSLOT', slot, 'NODE', to.id);
      },
    };
  };

  /** How often a client was sent elsewhere, by how it was told. */
  const redirections = (client: Cluster) => {
    const handle = vi.spyOn(client, 'handleError');
    onTestFinished(() => handle.mockRestore());
    return (code: string) =>
      handle.mock.calls.filter(([cause]) => cause.message.startsWith(`${code} `)).length;
  };

  test('all calls are answered, and each is counted once', async () => {
    const causes = unheard();
    const client = await openCluster(nodes);
    const told = redirections(client);
    // Patient, so that whoever is sent elsewhere is not denied for that.
    const options = { client, timeout: '10s' } as const;
    const limits = redisLimitStore({ ...options, slots: 'key' });
    const shared = redisLimitStore(options);
    const replays = redisReplayStore(options);
    const leases = redisLeaseStore(options);
    const families = redisRefreshTokenStore(options);

    const callers = Array.from({ length: 18 }, (_, index) => `caller ${index}`);
    const slots = new Set([...callers.slice(0, 7).map(slotOfTag), slotOf('limits')]);
    const proofs = textsIn(slots, 'proof');
    const runs = textsIn(slots, 'run');
    const tokens = textsIn(slots, 'token', (text) => slotOfTag(keyPart(text)));
    expect(Math.min(proofs.length, runs.length, tokens.length)).toBeGreaterThan(10);
    await Promise.all(tokens.map(async (id) => families.insert(family(id))));

    const asked = (key: string): LimitRequest[] =>
      // Every third one has a limit that it meets.
      ['minute', 'day', 'month'].map((name) => {
        const capacity = name === 'day' && Number(key.split(' ')[1]) % 3 === 0 ? 40 : 10_000;
        return { name, key, limit: bucket(capacity), cost: 1 };
      });
    const load = callers.map((key) =>
      asker(async () => (await limits.consume(asked(key))).allowed),
    );
    const tenants = ['a', 'b', 'c'].map((key): LimitRequest[] => [
      { name: 'tenant', key, limit: bucket(10_000), cost: 1 },
      { name: 'all', key: 'all', limit: bucket(10_000), cost: 1 },
    ]);
    const sharing = tenants.map((requests) =>
      asker(async () => (await shared.consume(requests)).allowed),
    );
    // Each of these may be done once: had it been sent twice, the answer would be no.
    const lease = async (key: string): Promise<boolean> =>
      (await leases.acquire({ name: 'runs', key, limit: 1, ttl: HOUR })).allowed;
    let turn = 0;
    const once = asker(async () => {
      const at = turn++;
      const elsewhere = Array.from({ length: 4 }, (_, index) => `elsewhere ${at} ${index}`);
      const answers = await Promise.all([
        ...[proofs[at] ?? `late ${at}`, ...elsewhere].map((key) => replays.putIfAbsent(key, HOUR)),
        lease(runs[at] ?? `late ${at}`),
        at >= tokens.length ||
          families.replace('first', family(tokens[at] as string, { current: 'second' })),
      ]);
      return answers.every(Boolean);
    });

    for (const slot of slots) {
      const moving = await move(slot);
      await wait(20);
      await moving.half();
      // Meanwhile neither node can decide.
      await wait(40);
      await moving.finish();
      await wait(20);
    }
    const all = [...load, ...sharing, once];
    await Promise.all(all.map(({ stop }) => stop()));

    for (const code of ['MOVED', 'ASK', 'TRYAGAIN']) {
      expect(told(code), code).toBeGreaterThan(0);
    }
    expect(all.map(({ told: { failed } }) => failed)).toEqual(all.map(() => 0));
    expect(once.told).toMatchObject({ denied: 0 });
    for (const [index, key] of callers.entries()) {
      const { allowed, denied } = load[index]?.told ?? { allowed: -1, denied: -1 };
      expect(allowed).toBeGreaterThan(0);
      const { verdicts } = await limits.consume(asked(key).map((one) => ({ ...one, cost: 0 })));
      const used = asked(key).map(
        ({ limit }, at) => limit.capacity - Math.floor(verdicts[at]?.remaining ?? 0),
      );
      expect(used).toEqual([allowed, allowed, allowed]);
      if (index % 3 === 0) {
        expect(allowed).toBe(40);
        expect(denied).toBeGreaterThan(0);
      }
    }
    const ours = sharing.map(({ told: { allowed } }) => allowed);
    for (const [index, requests] of tenants.entries()) {
      const { verdicts } = await shared.consume(requests.map((one) => ({ ...one, cost: 0 })));
      const used = verdicts.map(({ remaining }) => 10_000 - Math.floor(remaining));
      expect(used).toEqual([ours[index], ours.reduce((sum, each) => sum + each, 0)]);
    }
    // What was remembered before it moved is remembered where it is now.
    const known = proofs.slice(0, turn).map(async (key) => replays.putIfAbsent(key, HOUR));
    expect(await Promise.all(known)).not.toContain(true);
    expect(causes).toEqual([]);
  });

  test('a slot that is stuck half way: who needs both halves is denied in time, and served when it has moved', async () => {
    const causes = unheard();
    const client = await openCluster(nodes);
    const told = redirections(client);
    const store = redisLimitStore({ client, timeout: `${TIMEOUT}ms`, breaker: { pause: '50ms' } });
    const asked = (cost: number): LimitRequest[] =>
      ['a', 'b', 'c', 'd'].map((key) => ({ name: 'api', key, limit: bucket(100), cost }));
    expect((await store.consume(asked(1))).allowed).toBe(true);
    const moving = await move(slotOf('limits'));
    await moving.half();
    const stuck = asker(async () => (await store.consume(asked(1))).allowed);
    await vi.waitFor(() => expect(stuck.told.failed).toBeGreaterThan(20), 10_000);
    await stuck.stop();
    expect(told('TRYAGAIN')).toBeGreaterThan(0);
    expect(stuck.told).toMatchObject({ allowed: 0, denied: 0 });
    expect(stuck.told.slowest).toBeLessThan(TIMEOUT * 20);
    await moving.finish();
    // None of those that were denied is counted in the end, also if it was decided when nobody waited any more.
    await vi.waitFor(
      async () => {
        const { verdicts } = await store.consume(asked(0));
        expect(verdicts.map(({ remaining }) => Math.floor(remaining))).toEqual([99, 99, 99, 99]);
      },
      { timeout: 10_000, interval: 100 },
    );
    expect((await store.consume(asked(1))).allowed).toBe(true);
    expect(causes).toEqual([]);
  });
});
