import type { Obligations } from '../engine/obligations.ts';
import { type NoFacts, type Outcome, pass, sharedDenial } from '../engine/outcome.ts';
import { definePolicy, type SyncPolicy } from '../engine/policy.ts';
import type { RequestLike } from '../engine/request.ts';
import { steadyClock } from '../lib/clock.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { TEMPORARY_REDUCED_CAPACITY } from './problem-types.ts';

/**
 * How much a call matters while there is more to do than can be done. `critical`: never shed, for example
 * health checks. `low`: shed first.
 */
export type LoadPriority = 'critical' | 'normal' | 'low';

/** Options of {@link shedLoad}. */
export interface ShedLoadOptions<in Needs extends object> {
  /** Calls that may run in this process at once, over all guards that have this policy. Default: no limit. */
  readonly maxInFlight?: number | undefined;
  /**
   * Milliseconds after which a call counts as ended although nobody said so: its host dropped the response without a
   * word, or the caller does not read it. Calls that run longer, streams for example, are no longer counted.
   * Up to a day. Default: 300,000 (five minutes).
   */
  readonly ttl?: number | undefined;
  /**
   * Milliseconds that a call goes on counting after its caller has left, since the handler may go on: without it, who
   * begins calls and leaves at once (HTTP/2 Rapid Reset, CVE-2023-44487) has any number of them worked on. Not of
   * `critical` calls: nothing bounds those. Whoever calls and leaves can keep others out for that long, so limit each
   * caller first. At most `ttl`. Default: 0.
   */
  readonly abortedTtl?: number | undefined;
  /**
   * How busy the process is: from 1 on it has more to do than it can, for example `eventLoopDelay()` of
   * `@apisec/node`. What is no number counts as too much. Default: not asked.
   */
  readonly pressure?: (() => number) | undefined;
  /** Default: every call is `normal`. */
  readonly priority?: ((request: RequestLike, facts: Readonly<Needs>) => LoadPriority) | undefined;
  /** The share of both limits from which `low` calls are shed, above 0 to 1. Default: 0.75. */
  readonly lowShare?: number | undefined;
  /** Seconds that callers are told to wait. Default: 1. */
  readonly retryAfter?: number | undefined;
  /** Epoch milliseconds, for `ttl`. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** A call that counts until then, if nothing ends it before. */
interface Running {
  readonly ends: number;
}

const NAME = 'shedLoad';
const DEFAULT_TTL = 300_000;
/** A day. */
const LONGEST_TTL = 86_400_000;

/**
 * Denies calls while the process has more to do than it can, before they cost anything. Put it first. Calls of
 * priority `critical` pass always, but count as running like all others.
 *
 * Denials: `load.shed` (503, `Retry-After`).
 *
 * @throws ConfigurationError when nothing is limited, or an option is out of its bounds.
 * @example
 * shedLoad({
 *   maxInFlight: 500,
 *   priority: (_, facts: HttpFacts) => facts.call.operation === 'GET /health' ? 'critical' : 'normal',
 * });
 */
export function shedLoad<Needs extends object = NoFacts>(
  options: ShedLoadOptions<Needs>,
): SyncPolicy<Needs, NoFacts, 'check'> {
  const { maxInFlight, pressure, priority, lowShare = 0.75, retryAfter = 1 } = options;
  const { ttl = DEFAULT_TTL, abortedTtl = 0, now = Date.now } = options;
  assertConfiguration(
    maxInFlight !== undefined || pressure !== undefined,
    `${NAME}: nothing is limited. Give it maxInFlight, pressure or both.`,
  );
  assertConfiguration(
    maxInFlight === undefined || (Number.isSafeInteger(maxInFlight) && maxInFlight >= 1),
    `${NAME}: maxInFlight must be a whole number of calls, at least 1.`,
  );
  assertConfiguration(
    ttl >= 1 && ttl <= LONGEST_TTL,
    `${NAME}: ttl must be milliseconds, from 1 to a day.`,
  );
  assertConfiguration(
    abortedTtl >= 0 && abortedTtl <= ttl,
    `${NAME}: abortedTtl must be milliseconds, from 0 to ttl.`,
  );
  assertConfiguration(
    (pressure === undefined || typeof pressure === 'function') &&
      (priority === undefined || typeof priority === 'function'),
    `${NAME}: pressure and priority must be functions.`,
  );
  assertConfiguration(
    lowShare > 0 && lowShare <= 1,
    `${NAME}: lowShare must be a share of the limits, above 0 and at most 1.`,
  );
  assertConfiguration(
    retryAfter > 0 && retryAfter <= 3_600,
    `${NAME}: retryAfter must be seconds, above 0 and at most 3,600.`,
  );
  const shed = sharedDenial({
    kind: 'unavailable',
    code: 'load.shed',
    detail: 'The server is busy.',
    retryAfter,
    problem: { type: TEMPORARY_REDUCED_CAPACITY },
  });
  const clock = steadyClock(now);
  /** In the order in which they began, and so in which their time ends. */
  const running = new Set<Running>();
  /** The same of those whose caller has disconnected. */
  const left = new Set<Running>();

  const endOverdue = (): void => {
    const time = clock();
    for (const calls of [running, left]) {
      for (const call of calls) {
        if (call.ends > time) break;
        calls.delete(call);
      }
    }
  };
  const hasRoom = (share: number): boolean => {
    const count = running.size + left.size;
    if (maxInFlight !== undefined && count >= Math.max(1, maxInFlight * share)) return false;
    // Not "pressure() >= share": what is no number is no room.
    return pressure === undefined || pressure() < share;
  };
  const begin = (mayStay: boolean): Obligations => {
    const call = { ends: clock() + ttl };
    running.add(call);
    return {
      confirmConnected: true,
      onComplete: ({ outcome }) => {
        const counted = running.delete(call);
        if (!counted || !mayStay || outcome !== 'aborted' || abortedTtl === 0) return;
        // More would change nothing.
        if (maxInFlight !== undefined && left.size < maxInFlight)
          left.add({ ends: clock() + abortedTtl });
      },
    };
  };

  return definePolicy<Needs, NoFacts, 'check'>({
    name: NAME,
    role: 'check',
    needs: [],
    adds: [],
    check: (request, facts): Outcome => {
      if (maxInFlight !== undefined) endOverdue();
      const level = priority === undefined ? 'normal' : priority(request, facts);
      // A word of another kind is a mistake in `priority`, and earns no better place.
      const share = level === 'normal' ? 1 : lowShare;
      if (level !== 'critical' && !hasRoom(share)) return shed;
      return maxInFlight === undefined ? pass() : pass({}, begin(level !== 'critical'));
    },
  });
}
