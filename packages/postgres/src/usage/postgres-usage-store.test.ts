import { ConfigurationError, type UsageRollup } from '@apisec/core';
import { usageStoreContract } from '@apisec/core/testing';
import { describe, expect, test } from 'vitest';
import { databases, openedBefore } from '../../test/databases.ts';
import { type PostgresUsageStoreOptions, postgresUsageStore } from '../index.ts';

const DAY = 86_400_000;

describe.each(databases)('usage on %s', (_name, open) => {
  const { schema, client } = openedBefore(open);

  const create = async (options: PostgresUsageStoreOptions = {}) => {
    await client.query(`DELETE FROM "${schema}".usage_rollups`);
    return postgresUsageStore(client, { schema, ...options });
  };
  const rollup = (members: Partial<UsageRollup> = {}): UsageRollup => ({
    window: 'minute',
    began: 0,
    dimension: 'operation',
    name: 'GET /orders',
    calls: 1,
    error: 0,
    denied: 0,
    failed: 0,
    callers: Uint8Array.of(2),
    latency: Uint8Array.of(1),
    ...members,
  });
  const all = { dimension: 'operation', from: 0, to: 900 * DAY } as const;

  test.each(usageStoreContract)('$name', ({ run }) => run({ create }));

  test('keeps the write with the most calls of many concurrent writes of one writer', async () => {
    const store = await create({ now: () => 0 });
    await Promise.all(
      Array.from({ length: 20 }, (_, index) => store.write('one', [rollup({ calls: index + 1 })])),
    );
    expect(await store.read({ ...all, window: 'minute' })).toMatchObject([{ calls: 20 }]);
  });

  test('old rows are swept out by the writes that follow, even several at once', async () => {
    let now = 0;
    const store = await create({ now: () => now, keep: { hour: '7d' } });
    const windows = ['minute', 'hour', 'day'] as const;
    await store.write(
      'one',
      windows.map((window) => rollup({ window })),
    );
    const left = async () =>
      (await Promise.all(windows.map((window) => store.read({ ...all, window })))).map(
        (rows) => rows.filter(({ name }) => name === 'GET /orders').length,
      );
    for (const [days, expected] of [
      [1, [1, 1, 1]],
      [3, [0, 1, 1]],
      [8, [0, 0, 1]],
      [401, [0, 0, 0]],
    ] as const) {
      now = days * DAY;
      await Promise.all(
        ['two', 'three'].map((writer) =>
          store.write(writer, [rollup({ name: 'other', began: now })]),
        ),
      );
      expect(await left()).toEqual(expected);
    }
  });

  test('more than one question may read is not cut short in silence', async () => {
    const store = await create({ now: () => 0, maxRead: 2 });
    await store.write(
      'one',
      ['a', 'b'].map((name) => rollup({ name })),
    );
    expect(await store.read({ ...all, window: 'minute' })).toHaveLength(2);
    await store.write('two', [rollup({ name: 'a' })]);
    await expect(store.read({ ...all, window: 'minute' })).rejects.toThrow(RangeError);
  });

  test('a write that cannot be done whole is not done at all', async () => {
    const store = await create({ now: () => 0 });
    const broken = rollup({ name: 'b', calls: 0.5 });
    await expect(store.write('one', [rollup({ name: 'a' }), broken])).rejects.toThrow();
    expect(await store.read({ ...all, window: 'minute' })).toEqual([]);
  });
});

test('rejects when the database does', async () => {
  const store = postgresUsageStore({ query: () => Promise.reject(new Error('away')) });
  await expect(store.write('one', [])).rejects.toThrow('away');
  await expect(
    store.read({ dimension: 'operation', window: 'day', from: 0, to: 1 }),
  ).rejects.toThrow('away');
});

test.each([
  [{ schema: 'a"b' }],
  [{ maxRead: 0 }],
  [{ keep: { week: '1d' } }],
  [{ keep: { day: '1s' } }],
  [{ keep: { day: 5 } }],
])('cannot be constructed with %j', (options) => {
  const client = { query: () => Promise.resolve({ rows: [] }) };
  expect(() => postgresUsageStore(client, options as never)).toThrow(ConfigurationError);
});
