import type { AttemptRequest } from '../contracts/counter-store.ts';
import type { Deny } from '../engine/outcome.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { assertKnownOptions } from '../lib/options.ts';
import type { LimitKey } from '../limits/limit-key.ts';
import type { AttemptResult, HeldAttempt } from './attempt-counting.ts';
import { type FailureCountingOptions, failureRules } from './failure-counting.ts';
import { ACCOUNT_MISSING, KEY_MISSING } from './failures.ts';

/** How attempts of accounts and peers are counted; the options that `throttleFailures` has as well. */
export interface CountFailuresOptions extends FailureCountingOptions {
  /**
   * The tenant whose accounts these are, where an attempt does not say: alike names of two tenants are two accounts.
   * Default: none.
   */
  readonly tenant?: string | undefined;
}

/** An attempt that may be made. Until `end` says otherwise it counts as failed. */
export interface CountedAttempt {
  readonly ok: true;
  /**
   * `succeeded` resets the account and takes the peer's attempt back; `neither` takes both back. A store that
   * does not answer leaves the attempt counted.
   */
  readonly end: (result: AttemptResult) => Promise<void>;
}

/** Counts attempts where there is no call to guard: what `throttleFailures` does, as functions. */
export interface FailureCounting {
  /** Without an account only the peer counts. `tenant` stands before that of the options. */
  readonly begin: (who: {
    readonly account?: LimitKey;
    readonly peer: LimitKey;
    readonly tenant?: string | undefined;
  }) => Promise<CountedAttempt | Deny>;
  /**
   * Resets an account, even in its pause, for a success without an attempt. A store that does not answer
   * leaves it as it was.
   */
  readonly clear: (who: {
    readonly account: LimitKey;
    readonly tenant?: string | undefined;
  }) => Promise<void>;
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
 * Denies with `failures.throttled` (429), `failures.account_missing` (400), `failures.key_missing` (500: nobody knows
 * the peer) and `failures.unavailable` (503).
 *
 * @throws ConfigurationError when a schedule is out of its bounds, or a store is given without a name.
 */
export function countFailures(
  factory: string,
  options: CountFailuresOptions,
  now: (() => number) | undefined,
): FailureCounting {
  assertKnownOptions(factory, options, OPTIONS);
  assertConfiguration(options.tenant !== '', `${factory}: tenant must not be empty.`);
  const { reserve, accountRequest, addPeer, settle } = failureRules(factory, options, now);

  const settleQuietly = async (
    held: readonly HeldAttempt[],
    result: Exclude<AttemptResult, 'failed'>,
  ): Promise<void> => {
    try {
      await settle(held, result);
    } catch {
      // The attempt stays counted as failed, which fails closed.
    }
  };

  return {
    clear: async ({ account, tenant = options.tenant }) => {
      const request = await accountRequest(account, tenant);
      // A reset takes no attempt back, so it needs no ticket of one.
      if (request !== undefined) await settleQuietly([{ request, ticket: 0 }], 'succeeded');
    },
    begin: async ({ account, peer, tenant = options.tenant }) => {
      const requests: AttemptRequest[] = [];
      if (!addPeer(requests, peer, tenant)) return KEY_MISSING;
      if (account !== undefined) {
        const request = await accountRequest(account, tenant);
        if (request === undefined) return ACCOUNT_MISSING;
        requests.push(request);
      }
      const held: HeldAttempt[] = [];
      if (requests.length > 0) {
        const reserved = await reserve(requests, held);
        if (!reserved.ok) return reserved;
      }
      return {
        ok: true,
        end: async (result) => {
          if (held.length > 0 && result !== 'failed') await settleQuietly(held, result);
        },
      };
    },
  };
}
