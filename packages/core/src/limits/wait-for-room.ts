import type { Peer } from '../engine/facts.ts';
import type { Outcome } from '../engine/outcome.ts';
import { definePolicy, type Policy } from '../engine/policy.ts';
import { type RequestLike, whenDisconnected } from '../engine/request.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { type Duration, durationMs } from '../lib/duration.ts';
import { chain, type MaybePromise } from '../lib/maybe-promise.ts';
import { assertKnownOptions } from '../lib/options.ts';

/** Options of {@link waitForRoom}. */
export interface WaitForRoomOptions {
  /** How long a call waits before it is denied after all, at most `30s`. */
  readonly atMost: Duration;
  /** Calls that wait at the same time in this process; one peer has at most a fifth of these places. Default: 100. */
  readonly maxWaiting?: number | undefined;
  /** Monotonic milliseconds. Default: `performance.now`. */
  readonly now?: (() => number) | undefined;
}

const NAME = 'waitForRoom';
/** The denials that waiting can cure. */
const FULL: ReadonlySet<string> = new Set(['limit.exceeded', 'limit.concurrency']);
/** Limits that deny with other codes: a quota is back too late, and load and guesses must not be kept waiting. */
const NEVER_WAITED_FOR: ReadonlySet<string> = new Set([
  'limitQuota',
  'shedLoad',
  'throttleFailures',
]);
/** Milliseconds between two looks at whether a running call has ended; each is twice as long as the one before. */
const FIRST_PAUSE = 10;
const LONGEST_PAUSE = 200;

/**
 * Lets calls that are above a limit wait for a moment instead of being denied at once: for bursts of honest clients,
 * and for work that must not run beside itself. A call goes on as soon as its limit has room, and is denied as before
 * when `atMost` is over, when it would wait longer than that anyway, or when too many are waiting. Waiting costs no
 * units; who goes first is not promised. Put it around `rateLimit` or `concurrencyLimit`, behind what tells who calls.
 *
 * A caller who disconnects gives the place in the queue back at once, where the host reports it.
 *
 * @throws ConfigurationError for a policy that limits nothing, is made of others (`allOf`), or denies what is never
 * waited for (`limitQuota`, `shedLoad`, `throttleFailures`); and for a bound that cannot hold.
 * @example
 * const limit = concurrencyLimit({ limit: 5, by: (facts: AuthenticatedFacts) => facts.principal.id });
 * const reports = waitForRoom(limit, { atMost: '2s' });
 */
export function waitForRoom<Needs extends object, Adds extends object>(
  policy: Policy<Needs, Adds, 'check'>,
  options: WaitForRoomOptions,
): Policy<Needs, Adds, 'check'> {
  assertKnownOptions(NAME, options, ['atMost', 'maxWaiting', 'now']);
  const { maxWaiting = 100, now = () => performance.now() } = options;
  assertConfiguration(
    typeof policy?.check === 'function' && policy.purposes?.includes('limit') === true,
    `${NAME}: pass the limit to wait for, waitForRoom(rateLimit({ … }), { atMost: '2s' }).`,
  );
  assertConfiguration(
    Number.isSafeInteger(maxWaiting) && maxWaiting > 0,
    `${NAME}: maxWaiting must be a whole number of calls, at least 1.`,
  );
  assertConfiguration(
    policy.parts === undefined,
    `${NAME}: ${policy.name} is made of several policies, and each look would charge all of them. Put ${NAME} around ` +
      'the rateLimit or concurrencyLimit in it.',
  );
  assertConfiguration(
    !NEVER_WAITED_FOR.has(policy.name),
    `${NAME}: what ${policy.name} denies is never waited for. Put ${NAME} around rateLimit or concurrencyLimit.`,
  );
  const atMost = durationMs(NAME, 'atMost', options.atMost, { max: '30s' });
  const share = Math.max(1, Math.floor(maxWaiting / 5));
  const waitingOf = new Map<string, number>();
  let waiting = 0;

  const wait = async (
    request: RequestLike,
    ask: () => MaybePromise<Outcome<Adds>>,
    denied: Outcome<Adds>,
  ) => {
    const end = now() + atMost;
    let outcome = denied;
    let pause = FIRST_PAUSE;
    for (;;) {
      const needed = pauseFor(outcome, pause);
      // A limit that has no room for longer than a call may wait denies at once.
      if (needed === undefined || now() + needed > end) return outcome;
      // Nobody is there any more to go on.
      if (!(await passes(needed, request))) return outcome;
      outcome = await ask();
      pause = Math.min(pause * 2, LONGEST_PAUSE);
    }
  };

  return definePolicy<Needs, Adds, 'check'>({
    ...policy,
    check: (request, facts) => {
      const ask = () => policy.check(request, facts);
      return chain<Outcome<Adds>, Outcome<Adds>>(ask, (outcome) => {
        if (pauseFor(outcome, FIRST_PAUSE) === undefined) return outcome;
        // Hosts supply it; where none does, all callers share one part.
        const peer = (facts as { readonly peer?: Peer }).peer?.id ?? '';
        const own = waitingOf.get(peer) ?? 0;
        if (waiting >= maxWaiting || own >= share) return outcome;
        waiting++;
        waitingOf.set(peer, own + 1);
        return wait(request, ask, outcome).finally(() => {
          waiting--;
          const left = (waitingOf.get(peer) ?? 1) - 1;
          if (left === 0) waitingOf.delete(peer);
          else waitingOf.set(peer, left);
        });
      });
    },
  });
}

/** Waits; false as soon as the caller has disconnected. */
function passes(ms: number, request: RequestLike): Promise<boolean> {
  return new Promise((resolve) => {
    let stop: (() => void) | undefined;
    const timer = setTimeout(() => {
      stop?.();
      resolve(true);
    }, ms);
    stop = whenDisconnected(request, () => {
      clearTimeout(timer);
      resolve(false);
    });
  });
}

/** Milliseconds after which it makes sense to ask again; undefined where it makes none. */
function pauseFor(outcome: Outcome<object>, pause: number): number | undefined {
  if (outcome.ok || !FULL.has(outcome.denial.code)) return undefined;
  const { code, retryAfterMs = 0 } = outcome.denial;
  // When a running call ends nobody knows; when units are back is known to the millisecond.
  return code === 'limit.concurrency' ? pause : Math.max(1, Math.ceil(retryAfterMs));
}
