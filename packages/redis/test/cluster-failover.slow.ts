import { type CallFacts, type Outcome, peerOf, rateLimit } from '@apisec/core';
import { redisLimitStore, redisRevocationStore } from '@apisec/redis';
import slotOf from 'cluster-key-slot';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
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
import { hasRedis, type RedisServer, startCluster, startClusterNode } from './redis-server.ts';

// What is waited for below, on a machine that is busy with other things.
vi.setConfig({ testTimeout: 90_000 });

const HOUR = 3_600_000;
const TIMEOUT = 500;
const request = new Request('https://api.example.com/orders');

/** A process that remembers revocations and listens on a node for what changes. */
async function watching(nodes: readonly Node[], on: Node) {
  const [reader, writer] = [await openCluster(nodes), await openCluster(nodes)];
  const options = { timeout: `${TIMEOUT}ms`, breaker: { pause: '200ms' } } as const;
  const cached = { maxStaleness: '1h' } as const;
  const store = redisRevocationStore({ client: reader, ...options, cached });
  const other = redisRevocationStore({ client: writer, ...options });
  const remembers = (key: string): Promise<void> =>
    vi.waitFor(async () => {
      const answer = store.isRevoked([key], 0);
      await answer;
      expect(answer).toBe(false);
    }, 20_000);
  await remembers('before');
  await vi.waitFor(
    async () => {
      for (const { admin } of nodes) {
        if (admin !== on.admin) await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
      }
      expect(await on.admin.pubsub('NUMSUB', 'apisec:revocations')).toEqual([expect.anything(), 1]);
      await remembers('before');
    },
    { timeout: 20_000, interval: 100 },
  );
  /** What is revoked now is heard of, also of what was remembered before. */
  const hears = async (): Promise<void> => {
    await vi.waitFor(() => other.revoke({ key: 'before', ttl: HOUR }), 20_000);
    await vi.waitFor(async () => expect(await store.isRevoked(['before'], 0)).toBe(true), 20_000);
    await remembers('after');
    await other.revoke({ key: 'after', ttl: HOUR });
    await vi.waitFor(async () => expect(await store.isRevoked(['after'], 0)).toBe(true), 20_000);
  };
  return { hears };
}

test.runIf(hasRedis)('a listener on a node that hangs moves to another node', async () => {
  const nodes = await Promise.all((await startCluster()).map(nodeOf));
  onTestFinished(async () => {
    for (const { admin } of nodes) admin.disconnect();
    await Promise.all(nodes.map(({ server }) => server.close()));
  });
  // One that is asked for nothing else.
  const on = nodes[(holderOf(slotOf('revocations')) + 1) % 3] as Node;
  const watch = await watching(nodes, on);
  on.server.pause();
  await watch.hears();
});

describe.runIf(hasRedis).each([
  ['dies', (server: RedisServer) => server.kill()],
  // As a machine does that lost its network: no connection to it ends.
  ['hangs', async (server: RedisServer) => server.pause()],
])('a master of a cluster %s, and its replica takes over', (_name, fail) => {
  /** Three masters, of which the one that holds a slot has a replica. */
  const setup = async (slot: number) => {
    const settings = [
      ['--cluster-node-timeout', '1000'],
      ['--cluster-require-full-coverage', 'no'],
      ['--cluster-replica-validity-factor', '0'],
      ['--repl-diskless-sync-delay', '0'],
    ].flat();
    const servers = await startCluster(settings);
    const spare = await startClusterNode(settings);
    const [replica, ...masters] = await Promise.all([spare, ...servers].map(nodeOf));
    onTestFinished(async () => {
      for (const { admin } of [replica as Node, ...masters]) admin.disconnect();
      await Promise.all([spare, ...servers].map((server) => server.close()));
    });
    const master = masters[holderOf(slot)] as Node;
    const { admin } = replica as Node;
    await admin.cluster('MEET', '127.0.0.1', master.server.port);
    await vi.waitFor(() => admin.cluster('REPLICATE', master.id), 10_000);
    await vi.waitFor(async () => {
      expect(await master.admin.info('replication')).toContain('state=online');
      // All know it, so that its successor is known to the client as well.
      for (const each of masters) {
        expect(String(await each.admin.cluster('NODES'))).toContain((replica as Node).id);
      }
    }, 20_000);
    return { masters, master, replica: replica as Node };
  };

  test('its callers are denied meanwhile, the others are not, and nothing that it had passed on is forgotten', async () => {
    const causes = unheard();
    const slot = slotOf('revocations');
    const { masters, master, replica } = await setup(slot);
    const client = await openCluster(masters);
    const isVictim = (key: string): boolean => holderOf(slotOfTag(key)) === holderOf(slot);
    const options = { client, timeout: `${TIMEOUT}ms`, breaker: { pause: '200ms' } } as const;
    const store = redisLimitStore({ ...options, slots: 'key' });
    const policy = rateLimit({
      store,
      name: 'api',
      limit: bucket(20),
      by: ({ call }: CallFacts) => call.operation,
      onStoreFailure: 'closed',
    });
    const call = async (operation: string): Promise<Outcome> =>
      policy.check(request, { call: { protocol: 'http', operation }, peer: peerOf('192.0.2.1') });
    const watch = await watching(masters, master);

    const keys = Array.from({ length: 30 }, (_, index) => `caller ${index}`);
    const [counted = '', ...victims] = keys.filter(isVictim);
    const others = keys.filter((key) => !isVictim(key));
    for (let turn = 0; turn < 10; turn++) expect(await call(counted)).toMatchObject({ ok: true });
    // WAIT is about what its own connection has written.
    await master.admin.set('{revocations}', 'after those');
    await vi.waitFor(async () => expect(await master.admin.wait(1, 1_000)).toBe(1), 20_000);

    const limit = bucket(10_000);
    const ask = (key: string) =>
      asker(async () => (await store.consume([{ name: 'load', key, limit, cost: 1 }])).allowed);
    const loads = { victims: victims.map(ask), others: others.map(ask) };

    // These are not replicated: what is sent to a replica that hangs is lost with the connection.
    replica.server.pause();
    await master.admin.call('CLIENT', 'KILL', 'TYPE', 'replica');
    for (let turn = 0; turn < 5; turn++) expect(await call(counted)).toMatchObject({ ok: true });
    await fail(master.server);
    const meanwhile = await call(counted);
    expect(meanwhile).toMatchObject({
      ok: false,
      denial: { kind: 'unavailable', code: 'limit.unavailable' },
    });
    replica.server.resume();
    await vi.waitFor(
      async () => expect(await replica.admin.info('replication')).toContain('role:master'),
      { timeout: 20_000, interval: 50 },
    );
    await vi.waitFor(async () => {
      for (const key of victims) expect(await call(key)).toMatchObject({ ok: true });
    }, 20_000);
    await Promise.all([...loads.victims, ...loads.others].map(({ stop }) => stop()));

    for (const { told } of loads.others) expect(told).toMatchObject({ denied: 0, failed: 0 });
    for (const { told } of loads.victims) {
      expect(told).toMatchObject({ denied: 0 });
      expect(told.failed).toBeGreaterThan(0);
      expect(told.slowest).toBeLessThan(TIMEOUT * 20);
    }
    // Ten are known, and the five that only the lost one knew are admitted again.
    const more = [];
    for (let turn = 0; turn < 15; turn++) more.push(await call(counted));
    expect(more.filter(({ ok }) => ok)).toHaveLength(10);
    await watch.hears();
    expect(causes).toEqual([]);
  });
});
