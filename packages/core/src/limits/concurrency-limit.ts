import type {
  LeaseAnswer,
  LeaseRequest,
  LeaseStore,
  SyncLeaseStore,
} from '../contracts/lease-store.ts';
import {
  askStore,
  STORE_FAILURE_OPTIONS,
  type StoreFailureOptions,
} from '../contracts/store-failure.ts';
import type { Completion, HeaderEdit } from '../engine/obligations.ts';
import { denyWith, type NoFacts, type Outcome, pass, sharedDenial } from '../engine/outcome.ts';
import { definePolicy, type Policy, type SyncPolicy } from '../engine/policy.ts';
import { settingsOf } from '../engine/settings.ts';
import { later } from '../lib/clock.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { type Duration, durationMs } from '../lib/duration.ts';
import { chain, isThenable, type MaybePromise } from '../lib/maybe-promise.ts';
import { assertKnownOptions, assertMethods } from '../lib/options.ts';
import { listHeaders, serializedName, units } from './limit-headers.ts';
import {
  compileSubject,
  KEY_MISSING,
  LIMIT_SUBJECT_OPTIONS,
  type LimitSubject,
} from './limit-rule.ts';
import { memoryLeaseStore } from './memory-lease-store.ts';
import { quotaExceeded, REDUCED } from './problem-types.ts';

/** Options of {@link concurrencyLimit}. */
export interface ConcurrencyLimitOptions<in Needs extends object, S = LeaseStore | undefined>
  extends LimitSubject<Needs>,
    StoreFailureOptions {
  /** Calls that may run at the same time, or a function that finds it by the facts. */
  readonly limit: number | ((facts: Readonly<Needs>) => number | 'unlimited');
  /**
   * The limit's name in headers and in the store; required with `store`, where policies of the same name
   * count together. Default: `concurrent`.
   */
  readonly name?: string | undefined;
  /**
   * When a call counts as ended although nobody said so, because its process died. Calls that run longer are no
   * longer counted, so it must be above the longest. From `1ms` to `1d`. Default: `1m`.
   */
  readonly ttl?: Duration | undefined;
  /**
   * How long the place of a call stays taken after its caller has disconnected, since the handler may go on: without
   * it, who begins calls and leaves at once (HTTP/2 Rapid Reset, CVE-2023-44487) has any number of them worked on. At
   * most `ttl`. Default: `0ms`, so the place is free at once.
   */
  readonly abortedTtl?: Duration | undefined;
  /** Where it is counted. Default: a memory store of this policy's own. */
  readonly store?: S;
  /** `none` leaves `RateLimit` and `RateLimit-Policy` away. Default: `standard`. */
  readonly headers?: 'standard' | 'none' | undefined;
  /** Epoch milliseconds, for memory stores made here. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** A lease that outlives its process by more than this makes a limit hard to understand. */
const LONGEST_TTL: Duration = '1d';
const OPTIONS = [
  ...LIMIT_SUBJECT_OPTIONS,
  ...STORE_FAILURE_OPTIONS,
  'limit',
  'name',
  'ttl',
  'abortedTtl',
  'store',
  'headers',
  'now',
] as const;
/** When a running call ends is not known; this keeps denied callers from asking at once. */
const RETRY_AFTER_MS = 1_000;

const LIMIT_INVALID = sharedDenial({ kind: 'internal', code: 'limit.invalid' });
const UNCOUNTED: Outcome = Object.freeze({ ok: true, degraded: 'limit.uncounted' });

/** A lease and the store that gave it. */
interface Leased {
  readonly answer: LeaseAnswer;
  readonly store: LeaseStore;
}

/**
 * Denies a call while the same caller has as many running calls as allowed. A call stops counting when it ends
 * in whatever way, is denied by a later policy, is aborted, or when its lease runs out.
 *
 * It counts calls, not work: a handler that goes on after its caller has left is not counted any more, so let it stop
 * then (`request.signal`, `res.on('close')`, `call.on('cancelled')`), or set `abortedTtl` to as long as it may take.
 *
 * Denials: `limit.concurrency` (429, `Retry-After: 1`, the problem type `quota-exceeded`), `limit.key_missing` and
 * `limit.invalid` (500: `by` or `limit` gave no answer to act on), `limit.unavailable` (503: the store
 * failed and `onStoreFailure` is `closed`; the problem type `temporary-reduced-capacity`).
 *
 * @throws ConfigurationError when nobody could pass, the name cannot stand in a header, a store is given
 * without a name or is none, or one of `onStoreFailure: 'degrade'` and `localShare` without the other.
 * @example
 * concurrencyLimit({ limit: 5, by: (facts: AuthenticatedFacts) => facts.principal.id });
 */
export function concurrencyLimit<Needs extends object>(
  options: ConcurrencyLimitOptions<Needs, SyncLeaseStore | undefined>,
): SyncPolicy<Needs, NoFacts, 'check'>;
export function concurrencyLimit<Needs extends object>(
  options: ConcurrencyLimitOptions<Needs>,
): Policy<Needs, NoFacts, 'check'>;
export function concurrencyLimit<Needs extends object>(
  options: ConcurrencyLimitOptions<Needs>,
): Policy<Needs, NoFacts, 'check'> {
  assertKnownOptions('concurrencyLimit', options, OPTIONS);
  const { limit, name = 'concurrent', onStoreFailure, headers = 'standard' } = options;
  const ttl = durationMs('concurrencyLimit', 'ttl', options.ttl ?? '1m', { max: LONGEST_TTL });
  const abortedTtl = durationMs('concurrencyLimit', 'abortedTtl', options.abortedTtl ?? '0ms', {
    min: '0ms',
    max: LONGEST_TTL,
  });
  assertConfiguration(
    options.store === undefined || options.name !== undefined,
    'concurrencyLimit: give the limit a name. The name tells the limits in a shared store apart.',
  );
  assertConfiguration(
    typeof limit === 'function' || isLimit(limit),
    'concurrencyLimit: limit must be a whole number of calls, at least 1, or a function.',
  );
  assertConfiguration(abortedTtl <= ttl, 'concurrencyLimit: abortedTtl must be at most ttl.');
  assertConfiguration(
    headers === 'standard' || headers === 'none',
    "concurrencyLimit: headers must be 'standard' or 'none'.",
  );
  assertMethods(
    'concurrencyLimit',
    'store',
    options.store,
    ['acquire', 'release'],
    'redisLeaseStore()',
  );
  const label = serializedName('concurrencyLimit', name);
  const { keyOf, partitionOf } = compileSubject('concurrencyLimit', options);
  const acquire = leaseFrom(options);
  const exceeded = Object.freeze({
    kind: 'rate_limited',
    code: 'limit.concurrency',
    detail: 'Too many calls at the same time.',
    retryAfterMs: RETRY_AFTER_MS,
    problem: quotaExceeded([name]),
  } as const);

  const told = (most: number, remaining: number, partition: string): readonly HeaderEdit[] =>
    headers === 'none'
      ? []
      : listHeaders(
          `${label};q=${most};qu="concurrent-requests"${partition}`,
          `${label};r=${remaining}${partition}`,
        );

  return definePolicy<Needs, NoFacts, 'check'>({
    name: 'concurrencyLimit',
    role: 'check',
    settings: settingsOf(options, ['limit', 'name', 'onStoreFailure']),
    purposes: ['limit'],
    needs: [],
    adds: [],
    check: (_request, facts): MaybePromise<Outcome> => {
      const most = typeof limit === 'function' ? limit(facts) : limit;
      if (most === 'unlimited') return pass();
      if (!isLimit(most)) return LIMIT_INVALID;
      const key = keyOf(facts);
      if (key === undefined) return KEY_MISSING;
      // Before there is a lease: nobody would give it back if this threw.
      const partition = partitionOf?.(facts) ?? '';
      const request = { name, key, limit: most, ttl };
      return chain<Leased, Outcome>(
        () => acquire(request),
        ({ answer, store }) => {
          const { allowed, lease, remaining, degraded } = answer;
          const edits = told(most, units(remaining), partition);
          if (!allowed || lease === undefined) {
            const obligations = { headers: edits };
            const denial = { ...exceeded, cause: { limit: name, by: key } };
            return { ok: false, denial, obligations, note: { degraded } };
          }
          const release = (): MaybePromise<void> => store.release(request, lease);
          const onComplete = ({ outcome }: Completion): MaybePromise<void> =>
            outcome === 'aborted' && abortedTtl > 0 ? later(release, abortedTtl) : release();
          return {
            ok: true,
            obligations: { headers: edits, confirmConnected: true, onComplete },
            degraded,
          };
        },
        // Deliberately open where the user said so; the decision tells it.
        (cause) =>
          onStoreFailure === 'open'
            ? UNCOUNTED
            : denyWith({ kind: 'unavailable', code: 'limit.unavailable', problem: REDUCED, cause }),
      );
    },
  });
}

function leaseFrom<Needs extends object>(
  options: ConcurrencyLimitOptions<Needs>,
): (request: LeaseRequest) => MaybePromise<Leased> {
  const makeLocal = (): SyncLeaseStore => memoryLeaseStore({ now: options.now });
  const store: LeaseStore = options.store ?? makeLocal();
  return askStore<LeaseRequest, Leased>(
    'concurrencyLimit',
    {
      ask: (request) => {
        const answer = store.acquire(request);
        return isThenable(answer)
          ? answer.then((late) => ({ answer: vet(late), store }))
          : { answer: vet(answer), store };
      },
      undo: (request, { answer: { lease } }) =>
        lease === undefined ? undefined : store.release(request, lease),
      undoAlways: true,
      local: (share) => {
        const own = makeLocal();
        return (request) => {
          const limit = Math.max(1, Math.floor(request.limit * share));
          const answer = own.acquire({ ...request, limit });
          return { answer: { ...answer, degraded: 'limit.local_share' }, store: own };
        };
      },
    },
    options,
  );
}

/** Rejects an answer of the wrong shape: a store that is broken must not admit. */
function vet(answer: LeaseAnswer): LeaseAnswer {
  const { allowed, lease, remaining } = answer;
  const whole = typeof allowed === 'boolean' && typeof remaining === 'number';
  if (!whole || (allowed && typeof lease !== 'string')) {
    throw new TypeError('the lease store answered something that is not a LeaseAnswer');
  }
  return answer;
}

function isLimit(limit: unknown): limit is number {
  return Number.isSafeInteger(limit) && (limit as number) >= 1;
}
