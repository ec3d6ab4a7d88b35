import type { Denial } from '../engine/denial.ts';
import type { CallFacts, RawBodyFacts } from '../engine/facts.ts';
import type { Obligations } from '../engine/obligations.ts';
import { type NoFacts, type Outcome, pass, sharedDenial } from '../engine/outcome.ts';
import { definePolicy, type SyncPolicy } from '../engine/policy.ts';
import { mayHaveBody, type RequestLike } from '../engine/request.ts';
import { settingsOf } from '../engine/settings.ts';
import { steadyClock } from '../lib/clock.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { type Duration, durationMs } from '../lib/duration.ts';
import { assertKnownOptions } from '../lib/options.ts';
import { TEMPORARY_REDUCED_CAPACITY } from './problem-types.ts';

/**
 * The priority of a call while the server is overloaded. `critical`: never shed, for example
 * health checks. `low`: shed first.
 */
export type LoadPriority = 'critical' | 'normal' | 'low';

/** Options of {@link shedLoad}. */
export interface ShedLoadOptions<in Needs extends object> {
  /** Calls that may run in this process at once, over all guards that have this policy. Default: no limit. */
  readonly maxInFlight?: number | undefined;
  /**
   * HTTP calls whose body is still coming, counted apart from `maxInFlight` up to this many: callers who send a body
   * byte by byte then take no place of those whose calls are worked on. A call counts as running once its body is
   * there, and is denied then where no room is left. One whose handler reads no body counts here until it ends. With
   * `protect` this needs `bodies: fetchBodies()`. Default: a call counts as running from its beginning.
   */
  readonly maxReceiving?: number | undefined;
  /**
   * When a call counts as ended although nobody said so: its host dropped the response without a
   * word, or the caller does not read it. Calls that run longer, streams for example, are no longer counted.
   * From `1ms` to `1d`. Default: `5m`.
   */
  readonly ttl?: Duration | undefined;
  /**
   * How long a call goes on counting after its caller has disconnected, since the handler may go on: without it, who
   * begins calls and leaves at once (HTTP/2 Rapid Reset, CVE-2023-44487) has any number of them worked on. Not of
   * `critical` calls: nothing bounds those. Whoever calls and leaves can keep others out for that long, so limit each
   * caller first. At most `ttl`. Default: `0ms`.
   */
  readonly abortedTtl?: Duration | undefined;
  /**
   * How busy the process is: from 1 on it is overloaded, for example `eventLoopDelay()` of
   * `@apisec/node`. What is no number counts as too much. Default: not asked.
   */
  readonly pressure?: (() => number) | undefined;
  /** Default: every call is `normal`. */
  readonly priority?: ((request: RequestLike, facts: Readonly<Needs>) => LoadPriority) | undefined;
  /** The share of both limits from which `low` calls are shed, above 0 to 1. Default: 0.75. */
  readonly lowShare?: number | undefined;
  /** How long callers are told to wait, from `1ms` to `1h`. Default: `1s`. */
  readonly retryAfter?: Duration | undefined;
  /** Epoch milliseconds, for `ttl`. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** A call that counts until then, if nothing ends it before. */
interface Running {
  readonly ends: number;
}

const NAME = 'shedLoad';
const LONGEST_TTL: Duration = '1d';
const OPTIONS = [
  'maxInFlight',
  'maxReceiving',
  'ttl',
  'abortedTtl',
  'pressure',
  'priority',
  'lowShare',
  'retryAfter',
  'now',
] as const;

/**
 * Denies calls while the process is overloaded, before they cost anything. Put it first. Calls of
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
  assertKnownOptions(NAME, options, OPTIONS);
  const { maxInFlight, maxReceiving, pressure, priority } = options;
  const { lowShare = 0.75, now = Date.now } = options;
  const ttl = durationMs(NAME, 'ttl', options.ttl ?? '5m', { max: LONGEST_TTL });
  const abortedTtl = durationMs(NAME, 'abortedTtl', options.abortedTtl ?? '0ms', {
    min: '0ms',
    max: LONGEST_TTL,
  });
  const retryAfterMs = durationMs(NAME, 'retryAfter', options.retryAfter ?? '1s', { max: '1h' });
  assertConfiguration(
    maxInFlight !== undefined || pressure !== undefined,
    `${NAME}: nothing is limited. Give it maxInFlight, pressure or both.`,
  );
  for (const [name, limit] of Object.entries({ maxInFlight, maxReceiving })) {
    assertConfiguration(
      limit === undefined || (Number.isSafeInteger(limit) && limit >= 1),
      `${NAME}: ${name} must be a whole number of calls, at least 1.`,
    );
  }
  assertConfiguration(
    maxReceiving === undefined || maxInFlight !== undefined,
    `${NAME}: maxReceiving counts apart from maxInFlight. Give it both.`,
  );
  assertConfiguration(abortedTtl <= ttl, `${NAME}: abortedTtl must be at most ttl.`);
  assertConfiguration(
    (pressure === undefined || typeof pressure === 'function') &&
      (priority === undefined || typeof priority === 'function'),
    `${NAME}: pressure and priority must be functions.`,
  );
  assertConfiguration(
    lowShare > 0 && lowShare <= 1,
    `${NAME}: lowShare must be a share of the limits, above 0 and at most 1.`,
  );
  const shed = sharedDenial({
    kind: 'unavailable',
    code: 'load.shed',
    detail: 'The server is busy.',
    retryAfterMs,
    problem: { type: TEMPORARY_REDUCED_CAPACITY },
  });
  const clock = steadyClock(now);
  /** In the order in which they began, and so in which their time ends. */
  const running = new Set<Running>();
  /** The same of those whose caller has disconnected. */
  const left = new Set<Running>();
  /** The same of those whose body is still coming, and of those of them whose caller has disconnected. */
  const receiving = new Set<Running>();
  const leftReceiving = new Set<Running>();

  const endOverdue = (): void => {
    const time = clock();
    for (const calls of [running, left, receiving, leftReceiving]) {
      for (const call of calls) {
        if (call.ends > time) break;
        calls.delete(call);
      }
    }
  };
  const hasRoom = (share: number): boolean => {
    if (isFull(running.size + left.size, maxInFlight, share)) return false;
    // Not "pressure() >= share": what is no number is no room.
    return pressure === undefined || pressure() < share;
  };
  /** Its caller has disconnected, and its handler may go on. */
  const leave = (calls: Set<Running>, most: number | undefined): void => {
    // More would change nothing.
    if (abortedTtl > 0 && most !== undefined && calls.size < most)
      calls.add({ ends: clock() + abortedTtl });
  };
  const begin = (mayStay: boolean): Obligations => {
    const call = { ends: clock() + ttl };
    running.add(call);
    return {
      confirmConnected: true,
      onComplete: ({ outcome }) => {
        const counted = running.delete(call);
        if (counted && mayStay && outcome === 'aborted') leave(left, maxInFlight);
      },
    };
  };
  /** Counts a call apart until its body is there. `share` is undefined for what is never shed. */
  const receive = (share: number | undefined): Obligations => {
    const call = { ends: clock() + ttl };
    receiving.add(call);
    let started: Obligations | undefined;
    const arrived = (): Denial | undefined => {
      endOverdue();
      if (!receiving.delete(call)) return undefined;
      if (share !== undefined && !hasRoom(share)) return shed.denial;
      started = begin(share !== undefined);
      return undefined;
    };
    return {
      confirmConnected: true,
      body: { push: () => undefined, end: arrived, value: arrived },
      onComplete: (completion) => {
        const counted = receiving.delete(call);
        // Handlers need not wait for the body.
        if (counted && share !== undefined && completion.outcome === 'aborted')
          leave(leftReceiving, maxReceiving);
        return started?.onComplete?.(completion);
      },
    };
  };

  return definePolicy<Needs, NoFacts, 'check'>({
    name: NAME,
    role: 'check',
    settings: settingsOf(options, ['maxInFlight', 'maxReceiving']),
    purposes: ['limit'],
    needs: maxReceiving === undefined ? [] : ['bodies'],
    adds: [],
    check: (request, facts): Outcome => {
      if (maxInFlight !== undefined) endOverdue();
      const level = priority === undefined ? 'normal' : priority(request, facts);
      // A word of another kind is a mistake in `priority`, and earns no better place.
      const share = level === 'normal' ? 1 : lowShare;
      const isCritical = level === 'critical';
      if (!isCritical && !hasRoom(share)) return shed;
      if (maxInFlight === undefined) return pass();
      if (maxReceiving === undefined || !isBodyToCome(request, facts)) {
        return pass({}, begin(!isCritical));
      }
      if (!isCritical && isFull(receiving.size + leftReceiving.size, maxReceiving, share))
        return shed;
      return pass({}, receive(isCritical ? undefined : share));
    },
  });
}

/** Whether HTTP may still bring the body of a call; of other protocols nobody tells when it is there. */
function isBodyToCome(request: RequestLike, facts: object): boolean {
  // Of the host, which supplies both whatever a guard needs.
  const { call, rawBody } = facts as Partial<CallFacts & RawBodyFacts>;
  return call?.protocol === 'http' && rawBody === undefined && mayHaveBody(request);
}

function isFull(count: number, limit: number | undefined, share: number): boolean {
  return limit !== undefined && count >= Math.max(1, limit * share);
}
