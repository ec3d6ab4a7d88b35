import { describe, expect, test } from 'vitest';
import { allowAnonymous } from '../authorization/allow-anonymous.ts';
import { requireRole } from '../authorization/require-role.ts';
import { enforce } from '../engine/enforce.ts';
import type { CallFacts } from '../engine/facts.ts';
import { guard } from '../engine/guard.ts';
import { type Completion, listObligations } from '../engine/obligations.ts';
import type { Outcome } from '../engine/outcome.ts';
import { peerOf } from '../host/peer.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { type LoadPriority, type ShedLoadOptions, shedLoad } from './shed-load.ts';

interface Ranked {
  readonly rank: LoadPriority;
}

const request = new Request('https://api.example.com/orders');
const end = (outcome: Outcome, how: Completion['outcome'] = 'succeeded') =>
  listObligations(outcome.obligations).forEach(
    (duty) => void duty.onComplete?.({ outcome: how, facts: {}, trace: [] }),
  );

function shedder(options: Partial<ShedLoadOptions<Ranked>>) {
  const policy = shedLoad<Ranked>({ priority: (_, facts) => facts.rank, ...options });
  return (rank: LoadPriority = 'normal') => policy.check(request, { rank });
}

describe('by calls that run', () => {
  test('as many run as may, and one more for each that ends', () => {
    const ask = shedder({ maxInFlight: 3 });
    const running = [ask(), ask(), ask()];
    expect(running.every(({ ok }) => ok)).toBe(true);
    expect(ask()).toMatchObject({
      ok: false,
      denial: {
        kind: 'unavailable',
        code: 'load.shed',
        retryAfterMs: 1_000,
        problem: { type: expect.stringMatching(/#temporary-reduced-capacity$/) },
      },
    });
    end(running[0] as Outcome);
    expect([ask().ok, ask().ok]).toEqual([true, false]);
  });

  test('a call ends once, however often its end is reported', () => {
    const ask = shedder({ maxInFlight: 2 });
    const first = ask();
    ask();
    for (let time = 0; time < 5; time++) end(first);
    expect([ask().ok, ask().ok]).toEqual([true, false]);
  });

  test('denied calls do not count as running', () => {
    const ask = shedder({ maxInFlight: 1 });
    const first = ask();
    for (let call = 0; call < 100; call++) end(ask());
    end(first);
    expect([ask().ok, ask().ok]).toEqual([true, false]);
  });

  test('a call whose end is never reported ends with its time', () => {
    const clock = { time: 1_700_000_000_000 };
    const ask = shedder({ maxInFlight: 2, ttl: '1s', now: () => clock.time });
    const first = ask();
    clock.time += 400;
    ask('critical');
    clock.time += 599;
    expect(ask().ok).toBe(false);
    clock.time += 1;
    expect([ask().ok, ask().ok]).toEqual([true, false]);
    // What ended by its time does not end once more.
    end(first);
    expect(ask().ok).toBe(false);
    clock.time += 1_000;
    expect([ask().ok, ask().ok, ask().ok]).toEqual([true, true, false]);
  });

  test('a call counts for five minutes where nothing else is said', () => {
    const clock = { time: 1_700_000_000_000 };
    const ask = shedder({ maxInFlight: 1, now: () => clock.time });
    ask();
    clock.time += 299_999;
    expect(ask().ok).toBe(false);
    clock.time += 1;
    expect(ask().ok).toBe(true);
  });

  test('a call whose caller left still counts for the configured time', () => {
    const clock = { time: 1_700_000_000_000 };
    const ask = shedder({ maxInFlight: 2, abortedTtl: '1s', now: () => clock.time });
    // Calls that pass whatever is running keep nobody out when they have left.
    for (let call = 0; call < 100; call++) end(ask('critical'), 'aborted');
    const left = Array.from({ length: 5 }, () => {
      const call = ask();
      end(call, 'aborted');
      // Told again, it takes no second place.
      end(call, 'aborted');
      return call.ok;
    });
    expect(left).toEqual([true, true, false, false, false]);
    clock.time += 999;
    expect(ask().ok).toBe(false);
    clock.time += 1;
    expect([ask().ok, ask().ok, ask().ok]).toEqual([true, true, false]);
  });

  test('a clock that is set back ends no call early and keeps none for ever', () => {
    const clock = { time: 1_700_000_000_000 };
    const ask = shedder({ maxInFlight: 1, ttl: '1s', now: () => clock.time });
    ask();
    clock.time -= 3_600_000;
    expect(ask().ok).toBe(false);
    clock.time += 3_601_000;
    expect(ask().ok).toBe(true);
  });

  test('a call that a later policy denies ends like any other', () => {
    const facts: CallFacts = {
      call: { protocol: 'http', operation: 'GET /' },
      peer: peerOf('192.0.2.1'),
    };
    const shed = shedLoad({ maxInFlight: 1 });
    const denying = guard<CallFacts & { principal: never }>().use(shed).use(requireRole('admin'));
    const passing = guard<CallFacts>().use(shed).use(allowAnonymous());
    for (let call = 0; call < 3; call++) {
      const principal = { roles: new Set() } as never;
      const decision = denying.check(request, { ...facts, principal });
      if (decision instanceof Promise) throw new Error('answers at once');
      expect(decision).toMatchObject({ allowed: false, denial: { code: 'role.insufficient' } });
      enforce(decision).complete({ outcome: 'denied', status: 403 });
    }
    expect(passing.check(request, facts)).toMatchObject({ allowed: true });
    expect(passing.check(request, facts)).toMatchObject({ denial: { code: 'load.shed' } });
  });
});

describe('by pressure', () => {
  test.each([
    [0, true],
    [0.99, true],
    [1, false],
    [7, false],
    [Number.NaN, false],
    [Number.POSITIVE_INFINITY, false],
    [undefined as never, false],
  ])('%s lets a call pass: %s', (pressure, expected) => {
    expect(shedder({ pressure: () => pressure })().ok).toBe(expected);
  });

  test('calls pass again when it is over', () => {
    let pressure = 2;
    const ask = shedder({ pressure: () => pressure });
    expect(ask().ok).toBe(false);
    pressure = 0.5;
    expect(ask().ok).toBe(true);
  });
});

describe('by priority', () => {
  test('low goes first and critical never', () => {
    const ask = shedder({ maxInFlight: 4, lowShare: 0.5 });
    expect([ask('low').ok, ask('low').ok, ask('low').ok]).toEqual([true, true, false]);
    expect([ask().ok, ask().ok, ask().ok]).toEqual([true, true, false]);
    expect([ask('critical').ok, ask('critical').ok, ask('low').ok]).toEqual([true, true, false]);
  });

  test('critical calls count as running', () => {
    const ask = shedder({ maxInFlight: 1 });
    const health = ask('critical');
    expect(ask().ok).toBe(false);
    end(health);
    expect(ask().ok).toBe(true);
  });

  test('pressure sheds low first', () => {
    const ask = shedder({ pressure: () => 0.8 });
    expect([ask('low').ok, ask('normal').ok, ask('critical').ok]).toEqual([false, true, true]);
  });

  test('low is shed from three quarters of either limit on', () => {
    const pressed = (pressure: number) => shedder({ pressure: () => pressure })('low').ok;
    expect([pressed(0.74), pressed(0.75)]).toEqual([true, false]);
    const ask = shedder({ maxInFlight: 4 });
    expect([ask('low').ok, ask('low').ok, ask('low').ok, ask('low').ok, ask().ok]).toEqual([
      true,
      true,
      true,
      false,
      true,
    ]);
  });

  test('a word of another kind is no way around', () => {
    expect(shedder({ pressure: () => 0.8 })('vip' as never).ok).toBe(false);
  });

  test('a single place is not closed to low calls by their share', () => {
    expect(shedder({ maxInFlight: 1 })('low').ok).toBe(true);
  });
});

describe('bodies that are still coming', () => {
  const put = () => new Request(request, { method: 'PUT', body: 'tea' });
  const http = { call: { protocol: 'http', operation: 'PUT /orders' } } as const;
  /** Asks with a body, or without. */
  function receiver(options: Partial<ShedLoadOptions<Ranked>>) {
    const policy = shedLoad<Ranked>({ priority: (_, facts) => facts.rank, ...options });
    const ranked = { rank: 'normal', ...http } as const;
    return {
      needs: policy.needs,
      sends: (facts: object = {}) => policy.check(put(), { ...ranked, ...facts }),
      asks: () => policy.check(request, ranked),
    };
  }
  const bodyOf = (outcome: Outcome) => listObligations(outcome.obligations)[0]?.body;

  test('take no place of calls that are worked on, and are bounded by themselves', () => {
    const { sends, asks } = receiver({ maxInFlight: 2, maxReceiving: 5 });
    const trickling = Array.from({ length: 50 }, () => sends());
    expect(trickling.filter(({ ok }) => ok)).toHaveLength(5);
    expect(trickling[5]).toMatchObject({ ok: false, denial: { code: 'load.shed' } });
    expect([asks().ok, asks().ok, asks().ok]).toEqual([true, true, false]);
    end(trickling[0] as Outcome, 'aborted');
    expect(asks().ok).toBe(false);
  });

  test('without the option every call counts as running from its beginning', () => {
    const { sends, asks, needs } = receiver({ maxInFlight: 2 });
    expect([sends().ok, sends().ok, asks().ok, needs]).toEqual([true, true, false, []]);
  });

  test.each(['end', 'value'] as const)('count as running once they are there: %s', (how) => {
    const { sends, asks, needs } = receiver({ maxInFlight: 1, maxReceiving: 5 });
    const call = sends();
    expect(bodyOf(call)?.push(new Uint8Array(3))).toBeUndefined();
    expect(needs).toEqual(['bodies']);
    expect(bodyOf(call)?.[how](undefined)).toBeUndefined();
    expect(asks().ok).toBe(false);
    end(call);
    expect([asks().ok, asks().ok]).toEqual([true, false]);
  });

  test('that are there all at once are denied beyond the room there is', () => {
    const { sends } = receiver({ maxInFlight: 2, maxReceiving: 5 });
    const calls = Array.from({ length: 5 }, () => sends());
    const denials = calls.map((call) => bodyOf(call)?.end());
    expect(denials.map((denial) => denial?.code)).toEqual([
      undefined,
      undefined,
      'load.shed',
      'load.shed',
      'load.shed',
    ]);
    for (const call of calls) end(call);
    expect([sends(), sends(), sends(), sends(), sends()].every(({ ok }) => ok)).toBe(true);
  });

  test('of critical calls are never denied, and count where others do', () => {
    const { sends } = receiver({ maxInFlight: 1, maxReceiving: 1 });
    const critical = [sends({ rank: 'critical' }), sends({ rank: 'critical' })];
    expect(critical.map((call) => bodyOf(call)?.end())).toEqual([undefined, undefined]);
    expect(sends().ok).toBe(false);
  });

  test('end with their time, and end no other call later', () => {
    let now = 0;
    const { sends, asks } = receiver({
      maxInFlight: 1,
      maxReceiving: 1,
      ttl: '1m',
      now: () => now,
    });
    const call = sends();
    now = 60_000;
    expect(sends().ok).toBe(true);
    expect(bodyOf(call)?.end()).toBeUndefined();
    end(call);
    expect([sends().ok, asks().ok]).toEqual([false, true]);
  });

  test('count on where their caller left, since their handler may run before its body is there', () => {
    let now = 0;
    const options = { maxInFlight: 5, maxReceiving: 2, abortedTtl: '1s', now: () => now } as const;
    const { sends, asks } = receiver(options);
    for (let call = 0; call < 3; call++) end(sends(), 'aborted');
    expect(sends().ok).toBe(false);
    // They take no place of calls that are worked on.
    const others = Array.from({ length: 5 }, () => asks());
    expect(others.map(({ ok }) => ok)).not.toContain(false);
    for (const call of others) end(call);
    now = 1_000;
    const critical = sends({ rank: 'critical' });
    end(critical, 'aborted');
    expect([sends().ok, sends().ok, sends().ok]).toEqual([true, true, false]);
  });

  test.each([
    ['a body that the host has read', { rawBody: new Uint8Array(3) }],
    ['another protocol', { call: { protocol: 'grpc', operation: '/orders.Orders/Put' } }],
  ])('%s counts as running at once', (_, facts) => {
    const { sends, asks } = receiver({ maxInFlight: 1, maxReceiving: 5 });
    expect([sends(facts).ok, asks().ok]).toEqual([true, false]);
  });
});

test.each<[string, Partial<ShedLoadOptions<Ranked>>]>([
  ['nothing to limit', {}],
  ['no place', { maxInFlight: 0 }],
  ['half a place', { maxInFlight: 1.5 }],
  ['no place for bodies that come', { maxInFlight: 1, maxReceiving: 0 }],
  ['bodies that are counted apart from nothing', { pressure: () => 0, maxReceiving: 1 }],
  ['pressure that is no function', { pressure: 1 as never }],
  ['a share of nothing', { maxInFlight: 1, lowShare: 0 }],
  ['a share of more than all', { maxInFlight: 1, lowShare: 1.1 }],
  ['no time', { maxInFlight: 1, ttl: '0ms' }],
  ['a time without its unit', { maxInFlight: 1, ttl: 5_000 as never }],
  ['a time that never ends', { maxInFlight: 1, ttl: '2d' }],
  [
    'a call that left and counts for longer than others',
    { maxInFlight: 1, ttl: '9ms', abortedTtl: '10ms' },
  ],
  ['a call that left and ends before', { maxInFlight: 1, abortedTtl: '-1ms' }],
  ['an option of another name', { maxInFlight: 1, maxInflight: 5 } as never],
  ['no wait', { maxInFlight: 1, retryAfter: '0s' }],
])('%s cannot be constructed', (_, options) => {
  expect(() => shedder(options)).toThrow(ConfigurationError);
});
