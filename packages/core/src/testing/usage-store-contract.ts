import type { UsageRollup, UsageStore } from '../contracts/usage-store.ts';
import { assertSame, type ContractCase, hostileKeys, type StoreSubject } from './contract-case.ts';

type Case = ContractCase<Pick<StoreSubject<UsageStore>, 'create'>>;

const HOUR = 3_600_000;
/** A day that stores keep: they forget what is old. */
const TODAY = Math.floor(Date.now() / (24 * HOUR)) * 24 * HOUR;

function rollup(members: Partial<UsageRollup> = {}): UsageRollup {
  return {
    window: 'hour',
    began: TODAY,
    dimension: 'operation',
    name: 'GET /orders',
    calls: 3,
    error: 0,
    denied: 1,
    failed: 0,
    callers: Uint8Array.of(1, 0, 255),
    latency: Uint8Array.of(1, 128, 2),
    ...members,
  };
}

function one(name: string, run: (store: UsageStore) => Promise<void>): Case {
  return { name, run: async ({ create }) => run(await create()) };
}

async function expectRead(
  store: UsageStore,
  query: Partial<Parameters<UsageStore['read']>[0]>,
  expected: readonly UsageRollup[],
): Promise<void> {
  const wanted = { dimension: 'operation', window: 'hour', from: TODAY, to: TODAY + HOUR } as const;
  const found = await store.read({ ...wanted, ...query });
  assertSame(told(found), told(expected), `what was read by ${JSON.stringify(query)}`);
}

/** As text that does not depend on the order of rows of one window. */
function told(rollups: readonly UsageRollup[]): string {
  const lines = rollups.map((each) =>
    JSON.stringify([
      each.began,
      each.window,
      each.dimension,
      each.name,
      each.calls,
      each.error,
      each.denied,
      each.failed,
      [...each.callers],
      [...each.latency],
    ]),
  );
  return lines.toSorted().join('\n');
}

/**
 * What every `UsageStore` promises, as cases for any test runner.
 *
 * @example
 * for (const { name, run } of usageStoreContract) test(name, () => run({ create }));
 */
export const usageStoreContract: readonly Case[] = Object.freeze([
  one('what was written is read as it was', async (store) => {
    await store.write('one', [rollup({ error: 2, failed: 1 })]);
    await expectRead(store, {}, [rollup({ error: 2, failed: 1 })]);
  }),
  one('the same written twice is there once', async (store) => {
    await store.write('one', [rollup()]);
    await store.write('one', [rollup()]);
    await expectRead(store, {}, [rollup()]);
  }),
  one('a newer one takes the place of an older one, also when that comes late', async (store) => {
    const newer = rollup({ calls: 9, denied: 2, callers: Uint8Array.of(7) });
    await store.write('one', [rollup()]);
    await store.write('one', [newer]);
    await store.write('one', [rollup()]);
    await expectRead(store, {}, [newer]);
  }),
  one('those of several writers stand beside one another', async (store) => {
    await Promise.all(
      ['one', 'two', 'three'].map((writer, index) =>
        store.write(writer, [rollup({ calls: index + 1 })]),
      ),
    );
    await expectRead(store, {}, [rollup({ calls: 1 }), rollup({ calls: 2 }), rollup({ calls: 3 })]);
  }),
  one('windows, dimensions and names are told apart', async (store) => {
    const all = [
      rollup(),
      rollup({ window: 'day' }),
      rollup({ dimension: 'client' }),
      rollup({ began: TODAY + HOUR }),
      rollup({ name: 'GET /Orders' }),
    ];
    await store.write('one', all);
    await expectRead(store, {}, [rollup(), rollup({ name: 'GET /Orders' })]);
    await expectRead(store, { window: 'day' }, [rollup({ window: 'day' })]);
    await expectRead(store, { dimension: 'client' }, [rollup({ dimension: 'client' })]);
    await expectRead(store, { window: 'minute' }, []);
  }),
  one('the end of a time is not in it', async (store) => {
    await store.write('one', [rollup(), rollup({ began: TODAY + HOUR })]);
    await expectRead(store, { to: TODAY }, []);
    await expectRead(store, { from: TODAY + 1, to: TODAY + HOUR + 1 }, [
      rollup({ began: TODAY + HOUR }),
    ]);
  }),
  one('names are kept as they are, whatever is in them', async (store) => {
    const all = hostileKeys.map((name) => rollup({ name }));
    await store.write('one', all);
    await expectRead(store, {}, all);
  }),
  one('nothing to write is written', async (store) => {
    await store.write('one', []);
    await expectRead(store, {}, []);
  }),
]);
