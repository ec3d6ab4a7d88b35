import { assertConfiguration } from '../configuration-error.ts';
import { sharedRefusal } from '../internal/shared-refusal.ts';
import type { Obligations } from '../obligations.ts';
import { type NoFacts, type Outcome, pass } from '../outcome.ts';
import { definePolicy, type SyncPolicy } from '../policy.ts';
import type { RequestLike } from '../request.ts';

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
}

const NAME = 'shedLoad';

/**
 * Refuses calls while the process has more to do than it can, before they cost anything. Put it first. Calls of
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
  assertConfiguration(
    maxInFlight !== undefined || pressure !== undefined,
    `${NAME}: nothing is limited. Give it maxInFlight, pressure or both.`,
  );
  assertConfiguration(
    maxInFlight === undefined || (Number.isSafeInteger(maxInFlight) && maxInFlight >= 1),
    `${NAME}: maxInFlight must be a whole number of calls, at least 1.`,
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
  const shed = sharedRefusal({
    kind: 'unavailable',
    code: 'load.shed',
    detail: 'The server is busy.',
    retryAfter,
  });
  let running = 0;

  const hasRoom = (share: number): boolean => {
    if (maxInFlight !== undefined && running >= Math.max(1, maxInFlight * share)) return false;
    // Not "pressure() >= share": what is no number is no room.
    return pressure === undefined || pressure() < share;
  };
  const begin = (): Obligations => {
    let ended = false;
    running++;
    return {
      onComplete: () => {
        if (ended) return;
        ended = true;
        running--;
      },
    };
  };

  return definePolicy<Needs, NoFacts, 'check'>({
    name: NAME,
    role: 'check',
    check: (request, facts): Outcome => {
      const level = priority === undefined ? 'normal' : priority(request, facts);
      // A word of another kind is a mistake in `priority`, and earns no better place.
      const share = level === 'normal' ? 1 : lowShare;
      if (level !== 'critical' && !hasRoom(share)) return shed;
      return maxInFlight === undefined ? pass() : pass({}, begin());
    },
  });
}
