import { describe, expect, test, vi } from 'vitest';
import type { Observation } from './api.ts';
import { callerOf } from './caller.ts';
import { ACCOUNT_HEADER, FREE_FAILURES } from './limit-policies.ts';
import type { Place } from './pauses.ts';
import type { CallSpec, Subject } from './subject.ts';
import type { Running } from './suite.ts';

/** One way for a call to end, and what its end must be called. */
interface Ending {
  readonly name: string;
  /** Where the call is while others are denied. */
  readonly at: Place;
  readonly amount?: number;
  readonly headers?: CallSpec['headers'];
  /** The caller goes away while the call is there. */
  readonly leaves?: boolean;
  readonly outcome: 'succeeded' | 'failed' | 'denied' | 'aborted';
}

const inspected = [['x-inspected', '1']] as const;

const endings: readonly Ending[] = [
  { name: 'an answer', at: 'handler', outcome: 'succeeded' },
  { name: 'an answer that was filtered', at: 'handler', headers: inspected, outcome: 'succeeded' },
  { name: 'an answer after a policy that took its time', at: 'policy', outcome: 'succeeded' },
  { name: 'a handler that threw', at: 'handler', amount: 500, outcome: 'failed' },
  {
    name: 'a denial by a later policy',
    at: 'policy',
    headers: [['x-strict', '1']],
    outcome: 'denied',
  },
  {
    name: 'a denial of its body',
    at: 'policy',
    amount: -1,
    headers: inspected,
    outcome: 'denied',
  },
  {
    name: 'a reply that was held back',
    at: 'handler',
    amount: 666,
    headers: inspected,
    outcome: 'denied',
  },
  {
    name: 'a caller who went away before the decision',
    at: 'policy',
    leaves: true,
    outcome: 'aborted',
  },
  {
    name: 'a caller who went away before the answer',
    at: 'handler',
    leaves: true,
    outcome: 'aborted',
  },
  {
    name: 'a caller who went away before an answer that is filtered',
    at: 'handler',
    headers: inspected,
    leaves: true,
    outcome: 'aborted',
  },
];

/** What counts calls while they run. */
const counting = [
  ['concurrencyLimit', 'concurrent', 'limit.concurrency'],
  ['shedLoad', 'crowded', 'load.shed'],
] as const;

/** Limits that take several calls to be seen. */
export function describeLimits({ capabilities }: Subject, get: () => Running): void {
  describe.each(counting)('what %s counts as running', (_policy, operation, code) => {
    test.each(endings)('ends with $name', async (ending) => {
      const running = get();
      const { api } = running;
      const caller = await callerOf(running, operation);
      const id = crypto.randomUUID();
      const pause = api.pause(ending.at, id);
      const leaving = new AbortController();
      const { amount = 1, headers = [] } = ending;
      // Rejects, or answers as cancelled, where the caller went away.
      const first = caller
        .call({ message: { amount }, headers, signal: leaving.signal }, id)
        .catch(() => undefined);
      try {
        await pause.reached;
        expect((await caller.call()).code).toBe(code);
        if (ending.leaves === true) {
          leaving.abort();
          await heard();
        }
      } finally {
        pause.end();
      }
      await first;
      const { completion, handled } = await endOf(running, id);
      const isUnheard = ending.leaves === true && !capabilities.includes('departures');
      expect(completion?.outcome).toBe(isUnheard ? 'succeeded' : ending.outcome);
      // Nothing would count its work, or tell it to stop.
      const isAbsent = ending.leaves === true && ending.at === 'policy';
      if (isAbsent && capabilities.includes('absences')) expect(handled).toBe(false);
      const next = await caller.call();
      expect(next.allowed, next.text).toBe(true);
    });

    test('is of many calls at once exactly one', async () => {
      const running = get();
      const { call } = await callerOf(running, operation);
      const ids = Array.from({ length: 8 }, () => crypto.randomUUID());
      const pauses = ids.map((id) => running.api.pause('handler', id));
      let denied = 0;
      const calls = ids.map(async (id) => {
        const observed = await call({}, id);
        if (observed.code === code) denied++;
        return observed;
      });
      try {
        await vi.waitFor(() => expect(denied).toBe(ids.length - 1), { timeout: 10_000 });
      } finally {
        for (const pause of pauses) pause.end();
      }
      expect((await Promise.all(calls)).filter(({ allowed }) => allowed)).toHaveLength(1);
      expect(ids.filter((id) => running.api.ended(id).handled)).toHaveLength(1);
    });
  });

  if (capabilities.includes('departures')) {
    test('concurrencyLimit keeps the place of a caller who left if configured to', async () => {
      const running = get();
      const { call } = await callerOf(running, 'kept');
      const id = crypto.randomUUID();
      const pause = running.api.pause('handler', id);
      const leaving = new AbortController();
      const first = call({ signal: leaving.signal }, id).catch(() => undefined);
      await pause.reached;
      leaving.abort();
      await heard();
      pause.end();
      await first;
      expect((await endOf(running, id)).completion?.outcome).toBe('aborted');
      expect((await call()).code).toBe('limit.concurrency');
      // Who stays has no more than one place either, and gives it back.
      const other = await callerOf(running, 'kept');
      const stayed = crypto.randomUUID();
      expect((await other.call({}, stayed)).allowed).toBe(true);
      await endOf(running, stayed);
      expect((await other.call()).allowed).toBe(true);
    });
  }

  test('concurrencyLimit does not count one caller for another', async () => {
    const running = get();
    const [one, other] = [
      await callerOf(running, 'concurrent'),
      await callerOf(running, 'concurrent'),
    ];
    const id = crypto.randomUUID();
    const pause = running.api.pause('handler', id);
    const first = one.call({}, id);
    await pause.reached;
    const observed = await other.call().finally(pause.end);
    expect(observed.allowed, observed.text).toBe(true);
    expect((await first).allowed).toBe(true);
  });

  const signIns = capabilities.includes('statuses') ? ['signIn', 'signInTold'] : ['signInTold'];
  describe.each(signIns)('failures at %s', (operation) => {
    const guesser = async () => {
      const { call } = await callerOf(get(), operation);
      const headers = [[ACCOUNT_HEADER, crypto.randomUUID()]] as const;
      return async (amount: number, id?: string) => call({ headers, message: { amount } }, id);
    };
    const [wrong, right] = [401, 1];

    test('are forgotten by a right password', async () => {
      const guess = await guesser();
      for (let round = 0; round < 3; round++) {
        for (let failure = 0; failure < FREE_FAILURES; failure++) await guess(wrong);
        const observed = await guess(right);
        expect(observed.allowed, observed.text).toBe(true);
      }
    });

    test('make the right password wait as well', async () => {
      const guess = await guesser();
      for (let failure = 0; failure <= FREE_FAILURES; failure++) await guess(wrong);
      const id = crypto.randomUUID();
      const observed = await guess(right, id);
      expect(observed).toMatchObject({ allowed: false, code: 'failures.throttled' });
      expect(observed.retryAfter).toBeGreaterThan(500);
      expect(get().api.ended(id).handled).toBe(false);
    });

    test('of many concurrent guesses are no more than of guesses in a row', async () => {
      const guess = await guesser();
      const guesses = await Promise.all(Array.from({ length: 12 }, () => guess(wrong)));
      expect(guesses.filter(({ code }) => code !== 'failures.throttled')).toHaveLength(
        FREE_FAILURES + 1,
      );
    });
  });

  if (!capabilities.includes('statuses')) {
    test('an attempt whose result the handler does not report counts as failed', async () => {
      const { call } = await callerOf(get(), 'signIn');
      const headers = [[ACCOUNT_HEADER, crypto.randomUUID()]] as const;
      for (let attempt = 0; attempt <= FREE_FAILURES; attempt++) {
        expect((await call({ headers })).allowed).toBe(true);
      }
      expect((await call({ headers })).code).toBe('failures.throttled');
    });
  }
}

/**
 * By then a server in this process has heard that a caller went away. In turns, since after a long one the timer
 * comes before what is to be read.
 */
async function heard(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setTimeout(resolve, 10));
}

async function endOf({ api }: Running, id: string): Promise<Observation> {
  await vi.waitFor(() => expect(api.ended(id).completion).toBeDefined(), { timeout: 10_000 });
  return api.ended(id);
}
