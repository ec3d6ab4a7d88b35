import type { AuditEvent } from '@apisec/core';
import { describe, expect, test } from 'vitest';
import { type AnomaliesOptions, type Anomaly, anomalies } from './index.ts';

const START = Date.UTC(2026, 0, 5);
const HOUR = 3_600_000;

function watched(options: Partial<AnomaliesOptions> = {}) {
  const raised: Anomaly[] = [];
  const sink = anomalies({ notify: (anomaly) => void raised.push(anomaly), ...options });
  const { signal } = new AbortController();
  let number = 0;
  const tell = (hour: number, members: Partial<AuditEvent> = {}, times = 1): void => {
    for (let count = 0; count < times; count++) {
      const event: AuditEvent = {
        schema: 'apisec.audit/1',
        id: `w-${number++}`,
        time: START + hour * HOUR,
        kind: 'decision',
        event: 'authz_success',
        severity: 'info',
        outcome: 'succeeded',
        principal: 'alice',
        peer: '192.0.2.7',
        operation: 'GET /orders',
        ...members,
      };
      void sink.write([event], { signal, writer: 'w', accepted: 0, lost: 0 });
    }
  };
  /** Days of a caller with a quiet life, from eight to sixteen o'clock. */
  const live = (days: number): void => {
    for (let day = 0; day < days; day++) {
      for (let hour = 8; hour < 16; hour++) tell(day * 24 + hour, {}, 5);
    }
  };
  return { raised, tell, live };
}

describe('a caller with a past', () => {
  test('is not reported for behaving as before', () => {
    const { raised, live } = watched();
    live(20);
    expect(raised).toEqual([]);
  });

  test.each<readonly [string, string, Partial<AuditEvent>, number, number]>([
    ['is denied again and again', 'denials', { outcome: 'denied' }, 12, 40],
    ['calls a hundred times as often', 'volume', {}, 12, 500],
    ['asks for object after object that is not there', 'enumeration', { status: 404 }, 12, 40],
    ['comes from elsewhere in the middle of the night', 'networks', { peer: '203.0.113.9' }, 3, 60],
  ])('who %s is reported, with the reason', (_name, sign, members, hour, times) => {
    const { raised, tell, live } = watched();
    live(7);
    tell(7 * 24 + hour, members, times);
    tell(8 * 24 + 8);
    expect(raised).toHaveLength(1);
    expect(raised[0]).toMatchObject({ caller: 'alice', from: START + (7 * 24 + hour) * HOUR });
    expect(raised[0]?.signs.map((each) => each.sign)).toContain(sign);
  });

  test('is reported for trying operation after operation', () => {
    const { raised, tell, live } = watched();
    live(7);
    for (let index = 0; index < 20; index++) tell(180, { operation: `DELETE /admin/${index}` });
    tell(8 * 24 + 8);
    expect(raised[0]?.signs[0]).toMatchObject({ sign: 'operations', seen: 20, usual: 0 });
  });

  test('is reported every day for attacking every day', () => {
    const { raised, tell, live } = watched();
    live(7);
    for (let day = 7; day < 17; day++) tell(day * 24 + 12, { outcome: 'denied' }, 40);
    tell(20 * 24);
    expect(raised).toHaveLength(10);
  });

  test('is not reported for only travelling or only working late', () => {
    const { raised, tell, live } = watched();
    live(7);
    tell(7 * 24 + 12, { peer: '203.0.113.9' }, 5);
    tell(7 * 24 + 22, {}, 5);
    tell(8 * 24 + 8);
    expect(raised).toEqual([]);
  });
});

test('an attack is seen although a clock was a year ahead before, and was set right', () => {
  const { raised, tell, live } = watched();
  live(7);
  const year = 365 * 24;
  tell(year);
  tell(7 * 24 + 12, { outcome: 'denied' }, 40);
  tell(8 * 24 + 8);
  expect(raised).toMatchObject([{ caller: 'alice', from: START + (7 * 24 + 12) * HOUR }]);
  expect(raised[0]?.signs[0]).toMatchObject({ sign: 'denials', seen: 40 });
});

test('windows without any event are nothing, however many there are', () => {
  const { raised, tell, live } = watched();
  live(7);
  tell(1_000_000 * 24 + 12, {}, 5);
  tell(1_000_001 * 24 + 12, {}, 5);
  expect(raised).toEqual([]);
});

test('a caller without a past is seen when it asks for what is not there', () => {
  const { raised, tell } = watched();
  tell(1, { principal: 'new', status: 404 }, 50);
  tell(2);
  expect(raised).toMatchObject([{ caller: 'new' }]);
});

test('a flood of made-up callers is bounded, and does not hide one who goes on', () => {
  const { raised, tell } = watched({ maxCallers: 50 });
  for (let count = 0; count < 1_000; count++) {
    tell(1, { principal: `made up ${count}` });
    if (count % 20 === 0) tell(1, { principal: 'mallory', status: 404 });
  }
  tell(2);
  expect(raised.map(({ caller }) => caller)).toEqual(['mallory']);
});

test.each([
  ['nobody to tell', { notify: undefined }, 'notify must be a function'],
  ['an unknown option', { block: true }, '"block" is not an option'],
  ['a window without a unit', { window: 3_600 }, 'no unit'],
  ['a threshold of nothing', { threshold: 0 }, 'threshold'],
  ['no callers', { maxCallers: 0 }, 'maxCallers'],
])('cannot be constructed with %s', (_name, options, message) => {
  // @ts-expect-error what a JavaScript user could write
  expect(() => watched(options)).toThrow(message);
});

test('a flood of made-up callers does not make it forget those with a past', () => {
  const { raised, tell, live } = watched({ maxCallers: 50 });
  live(7);
  // A quiet hour, in which as many come once as there is room for, again and again.
  for (let hour = 0; hour < 3; hour++) {
    for (let peer = 0; peer < 200; peer++) {
      tell(7 * 24 + hour, { principal: `made-up-${hour}-${peer}` });
    }
  }
  // A stranger would have to do more than this to be told.
  tell(7 * 24 + 12, { outcome: 'denied' }, 40);
  tell(8 * 24 + 8);
  const usual = raised[0]?.signs.find(({ sign }) => sign === 'volume' || sign === 'denials')?.usual;
  expect(raised).toMatchObject([{ caller: 'alice' }]);
  expect(usual).toBe(0);
});

test('a function for networks that throws is a fault, and stops nothing', () => {
  const faults: unknown[] = [];
  const { raised, tell, live } = watched({
    networkOf: () => {
      throw new Error('no database of networks');
    },
    onFault: (cause) => faults.push(cause),
  });
  live(7);
  tell(7 * 24 + 12, { outcome: 'denied' }, 40);
  tell(8 * 24 + 8);
  expect(raised).toHaveLength(1);
  expect(String(faults[0])).toBe('Error: no database of networks');
});

test('the strongest of many anomalies in one window are reported first', () => {
  const { raised, tell } = watched();
  for (let hour = 0; hour < 20; hour++) {
    for (const name of ['a', 'b', 'c']) tell(hour, { principal: name }, 5);
  }
  for (const [at, name] of ['a', 'b', 'c'].entries()) {
    tell(21, { principal: name, outcome: 'denied' }, 40 * (at + 1));
  }
  tell(23);
  expect(raised.map(({ caller }) => caller)).toEqual(['c', 'b', 'a']);
});
