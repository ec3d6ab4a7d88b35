import type { AttemptRequest, CounterStore } from '../contracts/counter-store.ts';
import type { Deny } from '../engine/outcome.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import type { Duration } from '../lib/duration.ts';
import { sha256 } from '../lib/hash.ts';
import { assertKnownOptions, assertOneOf } from '../lib/options.ts';
import { encodeLimitKey, type LimitKey } from '../limits/limit-key.ts';
import {
  type AttemptResult,
  alike,
  attemptCounting,
  type HeldAttempt,
} from './attempt-counting.ts';
import { ACCOUNT_MISSING, type FailureSchedule, failureRule, KEY_MISSING } from './failures.ts';
import { memoryCounterStore } from './memory-counter-store.ts';

/** How attempts of accounts and peers are counted; the options that `throttleFailures` has as well. */
export interface CountFailuresOptions {
  /** Pauses of an account. Default: as of `throttleFailures`. */
  readonly perAccount?: FailureSchedule | undefined;
  /** Pauses of a peer, or `none`. Default: as of `throttleFailures`. */
  readonly perPeer?: FailureSchedule | 'none' | undefined;
  /** The tenant whose accounts these are: alike names of two tenants are two accounts. Default: none. */
  readonly tenant?: string | undefined;
  /** In a store that others use it tells these failures apart; required with `store`. Default: `failures`. */
  readonly name?: string | undefined;
  /** Where failures are counted. Default: a memory store of its own. */
  readonly store?: CounterStore | undefined;
  /** While the store does not answer: `closed` denies, `open` lets attempts pass uncounted. Default: `closed`. */
  readonly onStoreFailure?: 'closed' | 'open' | undefined;
  /** How long the store may take, from `1ms` to `1m`. Default: `1s`. */
  readonly timeout?: Duration | undefined;
}

/** An attempt that may be made. Until `end` says otherwise it counts as failed. */
export interface CountedAttempt {
  readonly ok: true;
  /**
   * `succeeded` begins the account anew and takes the peer's attempt back; `neither` takes both back. A store that
   * does not answer leaves the attempt counted.
   */
  readonly end: (result: AttemptResult) => Promise<void>;
}

/** Counts attempts where there is no call to guard: what `throttleFailures` does, as functions. */
export interface FailureCounting {
  /** Without an account only the peer counts. */
  readonly begin: (who: {
    readonly account?: LimitKey;
    readonly peer: LimitKey;
  }) => Promise<CountedAttempt | Deny>;
}

const OPTIONS = [
  'perAccount',
  'perPeer',
  'tenant',
  'name',
  'store',
  'onStoreFailure',
  'timeout',
] as const;

/**
 * Counts failed attempts by account and peer, in the same way and under the same keys as `throttleFailures`.
 *
 * Denies with `failures.throttled` (429), `failures.account_missing` (400), `failures.key_missing` (500: nobody knows the
 * peer) and `failures.unavailable` (503).
 *
 * @throws ConfigurationError when a schedule is out of its bounds, or a store is given without a name.
 */
export function countFailures(
  factory: string,
  options: CountFailuresOptions,
  now: (() => number) | undefined,
): FailureCounting {
  assertKnownOptions(factory, options, OPTIONS);
  const { name = 'failures', perPeer, tenant, onStoreFailure = 'closed' } = options;
  assertConfiguration(tenant !== '', `${factory}: tenant must not be empty.`);
  assertConfiguration(
    options.store === undefined || options.name !== undefined,
    `${factory}: give it a name. In a store that others use it is what tells failures apart.`,
  );
  assertOneOf(factory, 'onStoreFailure', onStoreFailure, ['closed', 'open']);
  const accountRule = failureRule(factory, { free: 3, after: 10 }, options.perAccount);
  const peerRule =
    perPeer === 'none' ? undefined : failureRule(factory, { free: 20, after: 100 }, perPeer);
  const store = options.store ?? memoryCounterStore({ now });
  const counting = attemptCounting(factory, store, onStoreFailure, options.timeout);

  return {
    begin: async (who) => {
      const requests: AttemptRequest[] = [];
      if (peerRule !== undefined) {
        const key = encodeLimitKey(who.peer, tenant);
        if (key === undefined) return KEY_MISSING;
        requests.push({ name: `${name}.peer`, key, rule: peerRule });
      }
      if (who.account !== undefined) {
        const encoded = encodeLimitKey(alike(who.account), tenant);
        if (encoded === undefined) return ACCOUNT_MISSING;
        requests.push({
          name: `${name}.account`,
          key: await sha256(encoded),
          rule: accountRule,
        });
      }
      const held: HeldAttempt[] = [];
      if (requests.length > 0) {
        const reserved = await counting.reserve(requests, held);
        if (!reserved.ok) return reserved;
      }
      return {
        ok: true,
        end: async (result) => {
          if (held.length === 0 || result === 'failed') return;
          try {
            await counting.reconcile(held, ({ rule }) =>
              result === 'succeeded' && rule === accountRule ? 'reset' : 'refund',
            );
          } catch {
            // It stays counted as failed, which is the closed side.
          }
        },
      };
    },
  };
}
