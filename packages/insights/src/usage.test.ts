import type { AuditEvent } from '@apisec/core';
import { describe, expect, test } from 'vitest';
import { type Usage, usage } from './index.ts';
import { distinctCount, quantiles } from './sketches.ts';
import { topValues } from './top-values.ts';

const NOON = Date.UTC(2026, 0, 5, 12);

function event(members: Partial<AuditEvent> = {}): AuditEvent {
  return {
    schema: 'apisec.audit/1',
    id: 'w-1',
    time: NOON,
    kind: 'decision',
    event: 'authz_success',
    severity: 'info',
    outcome: 'succeeded',
    operation: 'GET /orders',
    principal: 'alice',
    ...members,
  };
}

function tell(used: Usage, ...events: AuditEvent[]): void {
  const { signal } = new AbortController();
  void used.write(events, { signal, writer: 'w', accepted: 0, lost: 0 });
}

describe('sketches', () => {
  test.each([10, 1_000, 100_000])('tell %i distinct values within a tenth', (values) => {
    const sketch = distinctCount(7);
    for (let round = 0; round < 2; round++) {
      for (let value = 0; value < values; value++) sketch.add(`caller ${value}`);
    }
    expect(Math.abs(sketch.count() - values) / values).toBeLessThan(0.1);
  });

  test('tell distinct values within three per cent on average', () => {
    const values = 10_000;
    const errors = Array.from({ length: 20 }, (_, seed) => {
      const sketch = distinctCount(seed);
      for (let value = 0; value < values; value++) sketch.add(`caller ${value}`);
      return Math.abs(sketch.count() - values) / values;
    });
    expect(errors.reduce((sum, error) => sum + error, 0) / errors.length).toBeLessThan(0.03);
  });

  test('tell quantiles within two per cent', () => {
    const sketch = quantiles();
    for (let value = 1; value <= 100_000; value++) sketch.add(value / 10);
    for (const quantile of [0.01, 0.5, 0.95, 0.999]) {
      expect(Math.abs(sketch.at(quantile) / (10_000 * quantile) - 1)).toBeLessThan(0.021);
    }
    expect(sketch.above(9_000)).toBeCloseTo(0.1, 1);
  });

  test.each([Number.NaN, -1, Number.POSITIVE_INFINITY, Number.MAX_VALUE])(
    'are not broken by %d',
    (value) => {
      const sketch = quantiles();
      sketch.add(value);
      sketch.add(1);
      expect(sketch.at(0.5)).toBeCloseTo(1, 1);
    },
  );

  test('keep frequent callers among very many who come once', () => {
    const top = topValues(50, () => ({}));
    for (let value = 0; value < 100_000; value++)
      top.add(value % 20 === 0 ? 'often' : `once ${value}`);
    const [first] = top.list();
    expect(first?.name).toBe('often');
    expect(top.list()).toHaveLength(50);
    // Never too low, and too high by no more than it says.
    expect(first?.count).toBeGreaterThanOrEqual(5_000);
    expect((first?.count ?? 0) - (first?.error ?? 0)).toBeLessThanOrEqual(5_000);
  });
});

describe('usage', () => {
  test('is counted by operation with callers, denials, faults and latency', () => {
    const used = usage();
    for (let call = 0; call < 100; call++) {
      tell(
        used,
        event({
          principal: `p${call % 10}`,
          latencyMs: 5,
          outcome: call < 20 ? 'denied' : 'succeeded',
        }),
      );
    }
    tell(used, event({ operation: 'POST /orders', outcome: 'failed' }));
    const [orders, post] = used.report('operation', 'hour');
    expect(orders).toMatchObject({
      name: 'GET /orders',
      calls: 100,
      error: 0,
      denied: 20,
      failed: 0,
    });
    // Two of them may fall into one register, at random.
    expect(Math.abs((orders?.callers ?? 0) - 10)).toBeLessThan(4);
    expect(orders?.latencyMs.p95).toBeCloseTo(5, 0);
    expect(post).toMatchObject({ calls: 1, failed: 1 });
  });

  test.each(['apiVersion', 'apiKey', 'client', 'tenant'] as const)(
    'is reported by %s',
    (dimension) => {
      const used = usage();
      tell(used, event({ [dimension]: 'x' }), event());
      expect(used.report(dimension, 'day')).toMatchObject([{ name: 'x', calls: 1 }]);
    },
  );

  test.each(['operation', 'apiVersion', 'apiKey', 'client', 'tenant'] as const)(
    'by %s keeps true numbers of what is real under a flood of made-up names',
    (dimension) => {
      const used = usage({ maxValues: 20 });
      for (let call = 0; call < 2_000; call++) {
        tell(used, event({ [dimension]: `made-up-${call}`, outcome: 'denied' }));
        // Its calls are denied at first, and fewer than of the flood by far.
        const outcome = call < 100 ? 'denied' : 'succeeded';
        if (call % 50 === 0) tell(used, event({ [dimension]: 'real', outcome }));
      }
      const rows = used.report(dimension, 'hour');
      expect(rows.length).toBeLessThanOrEqual(25);
      const real = rows.find(({ name }) => name === 'real');
      // What was denied before anybody was let in may have been pushed out.
      expect(real?.calls).toBeGreaterThanOrEqual(38);
      expect((real?.calls ?? 0) - (real?.error ?? 0)).toBeLessThanOrEqual(40);
      expect(real?.error).toBeLessThan(30);
    },
  );

  test('suggests limits for what is real under a flood of made-up operations and callers', () => {
    const used = usage({ maxCallers: 50 });
    for (let minute = 0; minute < 3; minute++) {
      const time = NOON + minute * 60_000;
      const { principal: _, ...nobody } = event({ outcome: 'denied', time });
      for (let call = 0; call < 300; call++) {
        tell(
          used,
          { ...nobody, operation: `GET /made-up/${minute}/${call}`, peer: `peer-${call}` },
          { ...nobody, peer: `peer-${call}` },
        );
      }
      for (let call = 0; call < 40; call++) tell(used, event({ time: time + 1 }));
    }
    tell(used, event({ time: NOON + 3 * 60_000 }));
    expect(used.suggestLimits()).toMatchObject([{ operation: 'GET /orders', observations: 3 }]);
    expect(used.suggestLimits()[0]?.perMinute).toBeGreaterThanOrEqual(58);
  });

  test('moves on with its windows', () => {
    const used = usage();
    tell(
      used,
      event(),
      event({ time: NOON + 60_000 }),
      event({ time: NOON + 61_000 }),
      event({ time: NOON }),
    );
    expect(used.report('operation', 'minute')).toMatchObject([{ calls: 3 }]);
    expect(used.report('operation', 'minute', 'previous')).toMatchObject([{ calls: 1 }]);
    expect(used.report('operation', 'day')).toMatchObject([{ calls: 4 }]);
  });

  test('goes on although a clock was a year ahead, and was set right', () => {
    const used = usage();
    tell(used, event({ time: NOON + 365 * 86_400_000 }));
    for (let minute = 0; minute < 3; minute++) tell(used, event({ time: NOON + minute * 60_000 }));
    expect(used.report('operation', 'minute')).toMatchObject([{ calls: 1 }]);
    expect(used.report('operation', 'minute', 'previous')).toMatchObject([{ calls: 1 }]);
    expect(used.report('operation', 'day')).toMatchObject([{ calls: 3 }]);
    // Of each minute that is over a limit is learned.
    expect(used.suggestLimits()).toMatchObject([{ observations: 3 }]);
  });

  test('counts a sampled call for as many as it stands for', () => {
    const used = usage();
    tell(used, event({ sampled: 0.1 }));
    expect(used.report('operation', 'day')).toMatchObject([{ calls: 10 }]);
  });

  test('does not count acts', () => {
    const used = usage();
    tell(used, event({ kind: 'act', act: 'limit.reset' }));
    expect(used.report('operation', 'day')).toEqual([]);
  });

  test('is bounded whatever callers make up, and keeps what is really used', () => {
    const used = usage({ maxValues: 20, maxCallers: 100 });
    for (let call = 0; call < 20_000; call++) {
      const made = { operation: `GET /${call}`, tenant: `t${call}`, principal: `p${call}` };
      tell(used, call % 5 === 0 ? event() : event(made));
    }
    expect(used.report('tenant', 'minute')).toHaveLength(20);
    expect(used.report('operation', 'minute')[0]?.name).toBe('GET /orders');
  });
});

describe('suggested limits', () => {
  test('let honest callers through, and would have stopped who calls a hundred times as often', () => {
    const used = usage();
    for (let minute = 0; minute < 60; minute++) {
      for (let caller = 0; caller < 50; caller++) {
        for (let call = 0; call < 1 + (caller % 10); call++) {
          tell(used, event({ time: NOON + minute * 60_000, principal: `p${caller}` }));
        }
      }
    }
    for (let call = 0; call < 1_000; call++)
      tell(used, event({ time: NOON + 3_600_000, principal: 'greedy' }));
    tell(used, event({ time: NOON + 3_660_000 }));
    const [limit] = used.suggestLimits();
    expect(limit).toMatchObject({ operation: 'GET /orders', observations: 3_001 });
    expect(limit?.perMinute).toBeGreaterThanOrEqual(10);
    expect(limit?.perMinute).toBeLessThan(20);
    expect(limit?.wouldLimit).toBeCloseTo(1 / 3_001, 5);
  });

  test.each([0, 1, 99.9, Number.NaN])('are not made for the quantile %d', (quantile) => {
    expect(() => usage().suggestLimits(quantile)).toThrow('between 0 and 1');
  });
});

test.each([
  ['an unknown option', { max: 1 }, '"max" is not an option'],
  ['no values at all', { maxValues: 0 }, 'whole numbers'],
])('cannot be constructed with %s', (_name, options, message) => {
  // @ts-expect-error what a JavaScript user could write
  expect(() => usage(options)).toThrow(message);
});
