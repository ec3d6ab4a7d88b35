import type { AuditEvent, UsageRollup, UsageStore } from '@apisec/core';
import { ConfigurationError } from '@apisec/core';
import { usageStoreContract } from '@apisec/core/testing';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type Usage, usage, usageHistory } from './index.ts';
import { distinctCount, quantiles } from './sketches.ts';

const NOON = Date.UTC(2026, 0, 5, 12);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

afterEach(() => vi.useRealTimers());

/** A store as the contract has it, which can be away. */
function memory() {
  const rows = new Map<string, UsageRollup>();
  const state = { away: false, writes: 0 };
  const store: UsageStore = {
    write: async (writer, rollups) => {
      state.writes++;
      if (state.away) throw new Error('away');
      for (const rollup of rollups) {
        const { window, began, dimension, name } = rollup;
        const key = JSON.stringify([writer, window, began, dimension, name]);
        if ((rows.get(key)?.calls ?? -1) < rollup.calls) rows.set(key, rollup);
      }
    },
    read: async ({ window, dimension, from, to }) =>
      [...rows.values()].filter(
        (row) =>
          row.window === window &&
          row.dimension === dimension &&
          row.began >= from &&
          row.began < to,
      ),
  };
  return Object.assign(state, { store, rows });
}

function tell(used: Usage, ...members: Partial<AuditEvent>[]): void {
  const { signal } = new AbortController();
  const events = members.map(
    (each): AuditEvent => ({
      schema: 'apisec.audit/1',
      id: 'w-1',
      time: NOON,
      kind: 'decision',
      event: 'authz_success',
      severity: 'info',
      outcome: 'succeeded',
      operation: 'GET /orders',
      principal: 'alice',
      ...each,
    }),
  );
  void used.write(events, { signal, writer: 'w', accepted: 0, lost: 0 });
}

const ofHour = { dimension: 'operation', window: 'hour', from: NOON, to: NOON + HOUR } as const;

test.each(usageStoreContract)('the store of these tests: $name', ({ run }) =>
  run({ create: () => memory().store }),
);

describe('the history', () => {
  test('of several processes is combined, and counts each caller once', async () => {
    const { store } = memory();
    const processes = [usage({ store }), usage({ store })];
    for (const used of processes) {
      const calls = Array.from({ length: 100 }, (_, index) => ({
        principal: `caller ${index}`,
        latencyMs: used === processes[0] ? 10 : 1_000,
      }));
      tell(used, ...calls, { outcome: 'denied' }, { outcome: 'failed' });
      expect(await used.flush()).toBe(true);
    }
    const [row, ...others] = await usageHistory(store, ofHour);
    expect(others).toEqual([]);
    expect(row).toMatchObject({ began: NOON, name: 'GET /orders', calls: 204, error: 0 });
    expect(row).toMatchObject({ denied: 2, failed: 2 });
    expect(Math.abs((row?.callers ?? 0) - 101)).toBeLessThan(8);
    expect(row?.latencyMs.p50).toBeCloseTo(10, 0);
    expect(Math.abs((row?.latencyMs.p99 ?? 0) / 1_000 - 1)).toBeLessThan(0.021);
  });

  test('is there by the minute, the hour and the day, the most used first', async () => {
    const { store } = memory();
    const used = usage({ store });
    tell(used, {}, { operation: 'a' }, { operation: 'a' }, { time: NOON + MINUTE });
    await used.flush();
    const read = async (window: 'minute' | 'hour' | 'day') =>
      (
        await usageHistory(store, { ...ofHour, window, from: NOON - 24 * HOUR, to: NOON + HOUR })
      ).map(({ began, name, calls }) => [began - NOON, name, calls]);
    expect(await read('minute')).toEqual([
      [0, 'a', 2],
      [0, 'GET /orders', 1],
      [MINUTE, 'GET /orders', 1],
    ]);
    for (const window of ['hour', 'day'] as const) {
      expect((await read(window)).map(([, ...rest]) => rest)).toEqual(
        expect.arrayContaining([
          ['GET /orders', 2],
          ['a', 2],
        ]),
      );
    }
  });

  test('keeps counts from before a clock jumped ahead, and counts on when it was set right', async () => {
    const { store } = memory();
    const used = usage({ store });
    const day = { ...ofHour, window: 'day', from: NOON - 12 * HOUR, to: NOON + 12 * HOUR } as const;
    for (const expected of [100, 105, 110]) {
      tell(used, ...Array.from({ length: expected === 100 ? 100 : 5 }, () => ({})));
      expect(await used.flush()).toBe(true);
      // For a moment the clock is three days ahead.
      tell(used, { time: NOON + 72 * HOUR, operation: 'later' });
      expect(await used.flush()).toBe(true);
      expect(await usageHistory(store, ofHour)).toMatchObject([{ calls: expected }]);
      expect(await usageHistory(store, day)).toMatchObject([{ calls: expected }]);
    }
  });

  test('does not count twice what is written again, and in many ways at once', async () => {
    const { store } = memory();
    const used = usage({ store });
    for (let round = 0; round < 5; round++) {
      tell(used, {});
      await Promise.all(Array.from({ length: 5 }, () => used.flush()));
    }
    expect(await usageHistory(store, ofHour)).toMatchObject([{ calls: 5 }]);
  });

  test('of a store with rows that nobody wrote rejects', async () => {
    for (const callers of [[], [1], [2, 9, 9, 9], [2, 0, 0, 200], [3, 1]]) {
      const { store } = memory();
      const row = { ...ofHour, began: NOON, name: 'x', calls: 1, error: 0, denied: 0, failed: 0 };
      await store.write('x', [
        { ...row, callers: Uint8Array.from(callers), latency: quantiles().encode() },
      ]);
      await expect(usageHistory(store, ofHour)).rejects.toThrow('cannot be read');
    }
    for (const latency of [[], [2], [1, 200], [1, 0], [1, 255, 255, 255, 255, 127, 1], [1, 128]]) {
      expect(() => quantiles().merge(Uint8Array.from(latency))).toThrow('cannot be read');
    }
  });

  test.each([
    ['an unknown option', { ...ofHour, until: 1 }],
    ['no time', { ...ofHour, from: Number.NaN }],
  ])('is not read with %s', async (_what, query) => {
    await expect(usageHistory(memory().store, query)).rejects.toThrow(ConfigurationError);
  });
});

describe('a process', () => {
  test('a store that never answers is found out, and asked no more than three times at once', async () => {
    vi.useFakeTimers({ now: NOON });
    const memoryStore = memory();
    const faults: unknown[] = [];
    const answers: (() => void)[] = [];
    let hangs = true;
    const used = usage({
      store: {
        ...memoryStore.store,
        write: async (writer, rows) => {
          if (hangs) await new Promise<void>((resolve) => void answers.push(resolve));
          await memoryStore.store.write(writer, rows);
        },
      },
      flushAfter: '1s',
      onFault: (cause) => void faults.push(cause),
    });
    tell(used, {});
    for (let seconds = 0; seconds < 300; seconds++) await vi.advanceTimersByTimeAsync(1_000);
    expect(used.rollups()).toEqual({ unwritten: 3, lost: 0, healthy: false });
    expect(faults.length).toBeGreaterThanOrEqual(3);
    expect(answers).toHaveLength(3);
    hangs = false;
    for (const answer of answers) answer();
    for (let seconds = 0; seconds < 30; seconds++) await vi.advanceTimersByTimeAsync(1_000);
    expect(used.rollups()).toEqual({ unwritten: 0, lost: 0, healthy: true });
    expect(memoryStore.rows.size).toBe(3);
  });

  test('writes by itself after a while, and only what has changed', async () => {
    vi.useFakeTimers();
    const kept = memory();
    const used = usage({ store: kept.store, flushAfter: '10s' });
    tell(used, {}, { operation: 'a' });
    await vi.advanceTimersByTimeAsync(9_000);
    expect(kept.writes).toBe(0);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await usageHistory(kept.store, ofHour)).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(HOUR);
    expect(kept.writes).toBe(1);
    tell(used, {});
    expect(used.rollups()).toMatchObject({ unwritten: 3 });
  });

  test('goes on counting while the store is away, and writes hours and days when it is back', async () => {
    const faults: unknown[] = [];
    const kept = memory();
    const used = usage({ store: kept.store, onFault: (cause) => faults.push(cause) });
    kept.away = true;
    for (let minute = 0; minute < 10; minute++) tell(used, { time: NOON + minute * MINUTE });
    expect(await used.flush()).toBe(false);
    expect(faults).toEqual([new Error('away')]);
    // Two minutes, the hour and the day; eight minutes are given up.
    expect(used.rollups()).toEqual({ unwritten: 4, lost: 8, healthy: false });
    kept.away = false;
    expect(await used.flush()).toBe(true);
    expect(used.rollups()).toEqual({ unwritten: 0, lost: 8, healthy: true });
    expect(await usageHistory(kept.store, ofHour)).toMatchObject([{ calls: 10 }]);
  });

  test('tries again by itself when the store was away', async () => {
    vi.useFakeTimers();
    const kept = memory();
    const used = usage({ store: kept.store });
    kept.away = true;
    tell(used, {});
    await vi.advanceTimersByTimeAsync(60_000);
    expect(kept.writes).toBe(3);
    kept.away = false;
    await vi.advanceTimersByTimeAsync(20_000);
    expect(await usageHistory(kept.store, ofHour)).toHaveLength(1);
  });

  test('counts what is recorded while it writes', async () => {
    const kept = memory();
    let told = false;
    const used = usage({
      store: {
        ...kept.store,
        write: async (...args) => {
          if (!told) tell(used, {});
          told = true;
          await kept.store.write(...args);
        },
      },
    });
    tell(used, {});
    await used.flush();
    await used.flush();
    expect(await usageHistory(kept.store, ofHour)).toMatchObject([{ calls: 2 }]);
  });

  test('holds no more while the store is away than while it is there', () => {
    const kept = memory();
    kept.away = true;
    const used = usage({ store: kept.store, maxValues: 10 });
    for (let call = 0; call < 1_000; call++) {
      tell(used, { operation: `op ${call}`, time: NOON + call * 1_000 });
    }
    // Of one dimension: the minute, hour and day that run, and those before them.
    expect(used.rollups().unwritten).toBeLessThanOrEqual(60);
  });

  test('that ends writes what is left, and waits for no store for ever', async () => {
    const kept = memory();
    const used = usage({ store: kept.store });
    tell(used, {});
    await used.close?.();
    expect(await usageHistory(kept.store, ofHour)).toHaveLength(1);

    vi.useFakeTimers();
    const write = (): Promise<void> => new Promise(() => undefined);
    const stuck = usage({ store: { ...kept.store, write } });
    tell(stuck, {});
    const closed = stuck.close?.();
    await vi.advanceTimersByTimeAsync(5_000);
    await closed;
  });

  test('without a store has nothing to write', async () => {
    const used = usage();
    tell(used, {});
    expect(await used.flush()).toBe(true);
    expect(used.rollups()).toEqual({ unwritten: 0, lost: 0, healthy: true });
  });
});

describe('sketches', () => {
  test.each([0, 1, 100, 5_000])('of %i callers are the same when they were encoded', (callers) => {
    const [first, both, second] = [distinctCount(7), distinctCount(7), distinctCount(7)];
    for (let caller = 0; caller < callers; caller++) {
      (caller % 2 ? first : second).add(String(caller));
      both.add(String(caller));
    }
    first.merge(second.encode());
    expect(first.encode()).toEqual(both.encode());
    expect(first.encode().length).toBeLessThanOrEqual(1_025);
  });

  test('of latencies are the same when they were encoded, with huge counts too', () => {
    const [first, second] = [quantiles(), quantiles()];
    for (let value = 1; value < 3_000; value++) (value % 3 ? first : second).add(value ** 2 / 7);
    first.merge(second.encode());
    expect(first.count()).toBe(2_999);
    const copy = quantiles();
    copy.merge(first.encode());
    expect([copy.at(0.5), copy.at(0.99)]).toEqual([first.at(0.5), first.at(0.99)]);
    copy.merge(Uint8Array.of(1, 0, 255, 255, 255, 255, 15));
    expect(copy.count()).toBe(2_999 + 2 ** 32 - 1);
  });
});
