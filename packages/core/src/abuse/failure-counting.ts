import type { AttemptRequest, CounterStore, FailureRule } from '../contracts/counter-store.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import type { Duration } from '../lib/duration.ts';
import { sha256 } from '../lib/hash.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import { assertOneOf } from '../lib/options.ts';
import { encodeLimitKey, type LimitKey } from '../limits/limit-key.ts';
import {
  type AttemptCounting,
  type AttemptResult,
  alike,
  attemptCounting,
  type HeldAttempt,
} from './attempt-counting.ts';
import { type FailureSchedule, failureRule } from './failures.ts';
import { memoryCounterStore } from './memory-counter-store.ts';

/** The options that `throttleFailures` and `countFailures` share. */
export interface FailureCountingOptions {
  /**
   * Pauses of an account. Default: none for 3 failures, then 1 second, doubled each time up to a minute;
   * after 10 failures 15 minutes. Forgotten after a day without failures.
   */
  readonly perAccount?: FailureSchedule | undefined;
  /** Pauses of a peer, or `none`. Default: as of an account, but 20 without a pause and 15 minutes after 100. */
  readonly perPeer?: FailureSchedule | 'none' | undefined;
  /** In a store that others use it tells these failures apart; required with `store`. Default: `failures`. */
  readonly name?: string | undefined;
  /** Where failures are counted. Default: a memory store of its own. */
  readonly store?: CounterStore | undefined;
  /**
   * While the store does not answer: `closed` denies with `failures.unavailable`, `open` lets attempts pass uncounted,
   * marked as degraded where a decision can say so. Default: `closed`.
   */
  readonly onStoreFailure?: 'closed' | 'open' | undefined;
  /** How long the store may take, from `1ms` to `1m`. Default: `1s`. */
  readonly timeout?: Duration | undefined;
}

/** How failures of accounts and peers are counted, wherever they come from. */
export interface FailureRules {
  readonly reserve: AttemptCounting['reserve'];
  /** What counts of an account; undefined where there is none. */
  readonly accountRequest: (
    account: LimitKey,
    tenant: string | undefined,
  ) => Promise<AttemptRequest | undefined>;
  /** Puts what counts of a peer into `requests`, where peers are counted; false where nobody knows it. */
  readonly addPeer: (
    requests: AttemptRequest[],
    peer: LimitKey,
    tenant: string | undefined,
  ) => boolean;
  /** Whether one of them is about an account. */
  readonly namesAccount: (held: readonly HeldAttempt[]) => boolean;
  /** Takes attempts back: a success resets the account, and never helps its peer. */
  readonly settle: (
    held: readonly HeldAttempt[],
    result: Exclude<AttemptResult, 'failed'>,
  ) => MaybePromise<void>;
}

/** @throws ConfigurationError when a schedule is out of its bounds, or a store is given without a name. */
export function failureRules(
  factory: string,
  options: FailureCountingOptions,
  now: (() => number) | undefined,
): FailureRules {
  const { name = 'failures', perPeer, onStoreFailure = 'closed' } = options;
  assertConfiguration(
    options.store === undefined || options.name !== undefined,
    `${factory}: give it a name. The name tells failures in a shared store apart.`,
  );
  assertOneOf(factory, 'onStoreFailure', onStoreFailure, ['closed', 'open']);
  const accountRule = failureRule(factory, { free: 3, after: 10 }, options.perAccount);
  const peerRule: FailureRule | undefined =
    perPeer === 'none' ? undefined : failureRule(factory, { free: 20, after: 100 }, perPeer);
  const store = options.store ?? memoryCounterStore({ now });
  const { reserve, reconcile } = attemptCounting(factory, store, onStoreFailure, options.timeout);

  return {
    reserve,
    accountRequest: async (account, tenant) => {
      const encoded = encodeLimitKey(alike(account), tenant);
      if (encoded === undefined) return undefined;
      return { name: `${name}.account`, key: await sha256(encoded), rule: accountRule };
    },
    addPeer: (requests, peer, tenant) => {
      if (peerRule === undefined) return true;
      const key = encodeLimitKey(peer, tenant);
      if (key === undefined) return false;
      requests.push({ name: `${name}.peer`, key, rule: peerRule });
      return true;
    },
    namesAccount: (held) => held.some(({ request: { rule } }) => rule === accountRule),
    settle: (held, result) =>
      reconcile(held, ({ rule }) =>
        result === 'succeeded' && rule === accountRule ? 'reset' : 'refund',
      ),
  };
}
