import { type AuditEvent, audit } from '@apisec/core';
import { describe, expect, test, vi } from 'vitest';
import { type Alert, type AlertRule, type AlertsOptions, alerts } from './index.ts';

const NOON = Date.UTC(2026, 0, 5, 12);

const NO_CONTEXT = {
  signal: new AbortController().signal,
  writer: 'w',
  accepted: 0,
  lost: 0,
};

function event(members: Partial<AuditEvent> = {}): AuditEvent {
  return {
    schema: 'apisec.audit/1',
    id: 'w-1',
    time: NOON,
    kind: 'decision',
    event: 'authn_login_fail',
    severity: 'warn',
    outcome: 'denied',
    peer: '192.0.2.7',
    ...members,
  };
}

function guardian(rule: Partial<AlertRule>, options: Partial<AlertsOptions> = {}) {
  const raised: Alert[] = [];
  const sink = alerts({
    rules: [{ name: 'rule', when: { event: 'authn_login_fail' }, ...rule }],
    notify: (alert) => void raised.push(alert),
    ...options,
  });
  const tell = (...events: AuditEvent[]): void => void sink.write(events, NO_CONTEXT);
  return { raised, tell };
}

describe('a rule', () => {
  test('that one event breaks raises an alert with that event', () => {
    const { raised, tell } = guardian({ when: { act: 'audit.chain_broken' } });
    tell(event(), event({ kind: 'act', act: 'audit.chain_broken', event: 'sys_monitor_disabled' }));
    expect(raised).toMatchObject([
      { rule: 'rule', count: 1, at: NOON, event: { act: 'audit.chain_broken' } },
    ]);
  });

  test('that counts raises one at the count, and none below it', () => {
    const { raised, tell } = guardian({ count: 5, within: '1m', by: 'peer' });
    for (let count = 0; count < 4; count++) tell(event({ time: NOON + count }));
    expect(raised).toEqual([]);
    for (let count = 4; count < 50; count++) tell(event({ time: NOON + count }));
    expect(raised).toMatchObject([{ subject: '192.0.2.7', count: 5 }]);
  });

  test('counts a sampled call for as many as it stands for', () => {
    const when = { outcome: 'succeeded' } as const;
    const { raised, tell } = guardian({ when, count: 30, within: '1m', by: 'peer' });
    const sampled = { outcome: 'succeeded', sampled: 0.1 } as const;
    tell(event(sampled), event(sampled));
    expect(raised).toEqual([]);
    tell(event(sampled));
    expect(raised).toMatchObject([{ count: 30 }]);
  });

  test('counts each subject by itself', () => {
    const { raised, tell } = guardian({ count: 5, within: '1m', by: 'peer' });
    for (let count = 0; count < 40; count++) tell(event({ peer: `192.0.2.${count % 10}` }));
    expect(raised).toEqual([]);
  });

  test('sees a burst that lies across two windows', () => {
    const { raised, tell } = guardian({ count: 10, within: '1m', by: 'peer' });
    tell(event({ time: NOON }));
    for (let count = 0; count < 5; count++) tell(event({ time: NOON + 59_000 }));
    for (let count = 0; count < 5; count++) tell(event({ time: NOON + 61_000 }));
    expect(raised).toHaveLength(1);
  });

  test('forgets what is long past', () => {
    const { raised, tell } = guardian({ count: 3, within: '1m', by: 'peer' });
    for (let count = 0; count < 20; count++) tell(event({ time: NOON + count * 61_000 }));
    expect(raised).toEqual([]);
  });

  test('is quiet about the same subject for a while', () => {
    const { raised, tell } = guardian({ by: 'peer', quiet: '1m' });
    tell(
      event(),
      event({ time: NOON + 59_000 }),
      event({ time: NOON + 60_000 }),
      event({ peer: '::1' }),
    );
    expect(raised.map(({ subject }) => subject)).toEqual(['192.0.2.7', '192.0.2.7', '::1']);
  });

  test('about hours is broken outside them alone', () => {
    const { raised, tell } = guardian({ outsideHours: [7, 19], quiet: '0ms' });
    for (const hour of [6, 7, 18, 19, 23]) tell(event({ time: Date.UTC(2026, 0, 5, hour) }));
    expect(raised.map(({ at }) => new Date(at).getUTCHours())).toEqual([6, 19, 23]);
  });

  test('counts nobody who is not known', () => {
    const { raised, tell } = guardian({ by: 'principal' });
    tell(event());
    expect(raised).toEqual([]);
  });

  test('fits only where every member does', () => {
    const { raised, tell } = guardian({
      when: { event: ['authz_fail', 'authn_login_fail'], tenant: 'acme' },
      quiet: '0ms',
    });
    tell(
      event({ tenant: 'acme' }),
      event({ tenant: 'other' }),
      event({ event: 'authz_fail', tenant: 'acme' }),
    );
    expect(raised).toHaveLength(2);
  });
});

describe('a clock that was a year ahead and is set right', () => {
  const YEAR = 365 * 86_400_000;

  test('does not silence a rule until that year is over', () => {
    const { raised, tell } = guardian({ by: 'peer' });
    tell(event({ time: NOON + YEAR }), event({ time: NOON }), event({ time: NOON + 1 }));
    expect(raised.map(({ at }) => at)).toEqual([NOON + YEAR, NOON]);
  });

  test('does not let a rule count for ever', () => {
    const { raised, tell } = guardian({ count: 3, within: '1m', by: 'peer' });
    tell(event({ time: NOON + YEAR }));
    for (let count = 0; count < 20; count++) tell(event({ time: NOON + count * 121_000 }));
    expect(raised).toEqual([]);
  });

  test('is not what a few events out of order are', () => {
    const { raised, tell } = guardian({ by: 'peer', quiet: '1h' });
    tell(event({ time: NOON }), event({ time: NOON - 300_000 }), event({ time: NOON + 1 }));
    expect(raised).toHaveLength(1);
  });
});

test('a flood of made-up subjects is bounded, and an attacker who goes on is seen all the same', () => {
  const { raised, tell } = guardian({ count: 50, within: '1m', by: 'peer' }, { maxSubjects: 100 });
  for (let count = 0; count < 5_000; count++) {
    tell(event({ peer: `2001:db8::${count.toString(16)}` }));
    if (count % 50 === 0) tell(event());
  }
  expect(raised.map(({ subject }) => subject)).toEqual(['192.0.2.7']);
});

describe('a flood of alerts', () => {
  const flood = (from: number, to: number, time = NOON) =>
    Array.from({ length: to - from }, (_, at) => event({ peer: `peer-${from + at}`, time }));

  test('raises a bounded number of a rule in a minute, and says how many more there were', () => {
    const faults: unknown[] = [];
    const { raised, tell } = guardian(
      { by: 'peer' },
      { maxAlerts: 5, onFault: (cause) => faults.push(cause) },
    );
    tell(...flood(0, 1_000), ...flood(0, 1_000));
    expect(raised).toHaveLength(5);
    expect(faults.map(String)).toEqual(['Error: alerts: "rule" has raised 5 alerts in a minute.']);
    // Who was left out is told in the next minute.
    tell(event({ peer: 'peer-999', time: NOON + 60_000 }));
    expect(raised.at(-1)).toMatchObject({ subject: 'peer-999', suppressed: 995 });
    tell(event({ peer: 'peer-998', time: NOON + 60_001 }));
    expect(raised.at(-1)).not.toHaveProperty('suppressed');
  });

  test('of one rule leaves room for those of another', () => {
    const raised: Alert[] = [];
    const sink = alerts({
      rules: [
        { name: 'flooded', when: { event: 'authn_login_fail' }, by: 'peer' },
        { name: 'other', when: { act: 'limit.reset' } },
      ],
      notify: (alert) => void raised.push(alert),
    });
    void sink.write([...flood(0, 500), event({ kind: 'act', act: 'limit.reset' })], NO_CONTEXT);
    expect(raised.filter(({ rule }) => rule === 'flooded')).toHaveLength(60);
    expect(raised.at(-1)).toMatchObject({ rule: 'other' });
  });

  test('to a function that hangs is bounded, and reported', async () => {
    vi.useFakeTimers();
    try {
      const faults: unknown[] = [];
      const asked: (() => void)[] = [];
      const { tell } = guardian(
        { by: 'peer' },
        {
          maxAlerts: 5_000,
          notify: () => new Promise<void>((resolve) => asked.push(resolve)),
          onFault: (cause) => faults.push(cause),
        },
      );
      tell(...flood(0, 2_000));
      expect(asked).toHaveLength(16);
      expect(faults.map(String)).toEqual([expect.stringContaining('notify cannot keep up')]);
      // What hangs is given up, and the next ones are told.
      await vi.advanceTimersByTimeAsync(30_000);
      expect(faults.slice(1).map(String)).toEqual(
        Array(16).fill('Error: alerts: notify has not answered within 30 seconds.'),
      );
      expect(asked).toHaveLength(32);
      // It answers again: all that waited are told, and how many were not.
      for (let at = 0; at < asked.length; at++) {
        asked[at]?.();
        await Promise.resolve();
      }
      await vi.advanceTimersByTimeAsync(0);
      expect(asked).toHaveLength(1_016);
      expect(String(faults.at(-1))).toContain('984 findings were dropped');
    } finally {
      vi.useRealTimers();
    }
  });
});

test('an error of notify is reported as a fault, and stops nothing', async () => {
  const faults: unknown[] = [];
  const failing = alerts({
    rules: [
      { name: 'a', when: { act: 'limit.reset' } },
      { name: 'b', when: { act: 'limit.reset' } },
    ],
    notify: ({ rule }) => {
      if (rule === 'a') throw new Error('thrown');
      return Promise.reject(new Error('rejected'));
    },
    onFault: (cause) => faults.push(cause),
  });
  const log = audit({ sinks: [failing] });
  expect(await log.record({ act: 'limit.reset' })).toEqual({ ok: true });
  expect(faults.map(String)).toEqual(['Error: thrown', 'Error: rejected']);
});

test.each([
  ['no rules', { rules: [] }, 'give rules'],
  ['a rule without a name', { rules: [{ when: { event: 'authz_fail' } }] }, 'needs a name'],
  [
    'two rules of one name',
    {
      rules: [
        { name: 'a', when: { code: 'x' } },
        { name: 'a', when: { code: 'x' } },
      ],
    },
    'a name of its own',
  ],
  ['a rule about nothing', { rules: [{ name: 'a', when: {} }] }, 'must name something'],
  [
    'a member that events do not have',
    { rules: [{ name: 'a', when: { user: 'x' } }] },
    '"user" is not an option',
  ],
  ['a count without a time', { rules: [{ name: 'a', when: { code: 'x' }, count: 5 }] }, 'within'],
  [
    'hours the wrong way round',
    { rules: [{ name: 'a', when: { code: 'x' }, outsideHours: [19, 7] }] },
    'outsideHours',
  ],
  [
    'a subject that is none',
    { rules: [{ name: 'a', when: { code: 'x' }, by: 'id' }] },
    'by must be',
  ],
])('cannot be constructed with %s', (_name, options, message) => {
  // @ts-expect-error what a JavaScript user could write
  expect(() => alerts({ notify: () => undefined, ...options })).toThrow(message);
});

test('an alert that is recorded as an act which raises it again is bounded, and leaves time to everybody else', async () => {
  const faults: unknown[] = [];
  let told = 0;
  const echo = alerts({
    rules: [{ name: 'echo', when: { act: 'alert.raised' }, quiet: '0ms' }],
    notify: async () => {
      told++;
      await log.record({ act: 'alert.raised' });
    },
    onFault: (cause) => faults.push(cause),
  });
  const log = audit({ sinks: [echo], now: () => NOON });
  await log.record({ act: 'alert.raised' });
  await vi.waitFor(() => expect(faults).toHaveLength(1), 20_000);
  expect(String(faults[0])).toContain('has raised 60 alerts in a minute');
  expect(await log.flush()).toBe(true);
  expect(told).toBe(60);
  await log.close();
});
