import type { ApiKeys, VerifiedApiKey } from '../api-keys/api-key.ts';
import { areCosts } from '../api-keys/api-key-terms.ts';
import type { QuotaVerdict } from '../contracts/api-key-store.ts';
import { deny, type NoFacts, type Outcome, pass, sharedDenial } from '../engine/outcome.ts';
import { definePolicy, type Policy } from '../engine/policy.ts';
import type { RequestLike } from '../engine/request.ts';
import { settingsOf } from '../engine/settings.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { chain } from '../lib/maybe-promise.ts';
import { assertKnownOptions, assertOneOf } from '../lib/options.ts';
import { quotaExceeded, REDUCED } from './problem-types.ts';

/** What a call costs in each of a key's quotas, in whole numbers. */
export type QuotaCosts = Readonly<Record<string, number>>;

/** Options of {@link limitQuota}. */
export interface LimitQuotaOptions<Needs extends object> {
  /** Where the key's use is counted. */
  readonly keys: Pick<ApiKeys, 'consumeQuota'>;
  /** What a call costs. A quota that the key does not have costs nothing: it is not limited in it. */
  readonly costs: QuotaCosts | ((request: RequestLike, facts: Readonly<Needs>) => QuotaCosts);
  /**
   * What happens while the store fails or takes longer than the keys' `storeTimeout`: the call is denied, or
   * goes on uncounted. What the store counts too late stays counted. Default: `closed`.
   */
  readonly onStoreFailure?: 'closed' | 'open' | undefined;
  /** Epoch milliseconds, for `Retry-After`. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

const OPTIONS = ['keys', 'costs', 'onStoreFailure', 'now'] as const;
const COST_INVALID = sharedDenial({ kind: 'internal', code: 'limit.cost_invalid' });
const UNCOUNTED: Outcome = Object.freeze({ ok: true, degraded: 'limit.uncounted' });

/**
 * Denies a call whose API key has used up a quota, and counts the others: in the key's store, so exact over
 * all nodes and restarts, at the price of a write for each call. A denied call costs nothing. Put it
 * behind what else may deny. For rates use `rateLimit`.
 *
 * Denies with `api_key.quota_exceeded` (429, `Retry-After` until the window ends); `limit.cost_too_high`
 * (413) for a call that could never pass; both with the problem type `quota-exceeded` and the names of the quotas;
 * `limit.cost_invalid` (500) for a cost that is none; and, unless `onStoreFailure` is `open`,
 * `api_key.store_unavailable` (503, the problem type `temporary-reduced-capacity`).
 *
 * @throws ConfigurationError without keys or costs, or for an unknown `onStoreFailure`.
 * @example
 * const reports = base.use(limitQuota({ keys, costs: { reports: 1 } }));
 */
export function limitQuota<Needs extends { readonly apiKey: VerifiedApiKey }>(
  options: LimitQuotaOptions<Needs>,
): Policy<Needs, NoFacts, 'check'> {
  assertKnownOptions('limitQuota', options, OPTIONS);
  const { keys, costs, onStoreFailure = 'closed', now = Date.now } = options;
  assertConfiguration(
    typeof keys?.consumeQuota === 'function',
    'limitQuota: pass the keys whose use is counted, { keys: apiKeys({ … }) }.',
  );
  assertConfiguration(
    typeof costs === 'function' || areCosts(costs),
    'limitQuota: costs must be whole numbers by the name of a quota, for example { requests: 1 }.',
  );
  assertOneOf('limitQuota', 'onStoreFailure', onStoreFailure, ['closed', 'open']);
  const fixed = typeof costs === 'function' ? undefined : Object.freeze({ ...costs });
  return definePolicy<Needs, NoFacts, 'check'>({
    name: 'limitQuota',
    role: 'check',
    settings: settingsOf(options, ['onStoreFailure']),
    purposes: ['limit'],
    needs: ['apiKey'],
    adds: [],
    check: (request, facts) => {
      const asked = typeof costs === 'function' ? costs(request, facts) : fixed;
      // Not a fault of the store, so nothing that `onStoreFailure: 'open'` may pass over.
      if (!areCosts(asked)) return COST_INVALID;
      const tooSmall = quotasBelow(asked, facts.apiKey);
      if (tooSmall.length > 0) return costTooHigh(tooSmall);
      return chain<QuotaVerdict, Outcome>(
        () => keys.consumeQuota(facts.apiKey, asked),
        (verdict) => (verdict.ok ? pass() : exceeded(verdict, now())),
        (cause) => failed(onStoreFailure, cause),
      );
    },
  });
}

/** The names of the quotas that could not pay, were nothing used of them. */
function quotasBelow(costs: QuotaCosts, { quotas }: VerifiedApiKey): readonly string[] {
  return Object.entries(costs).flatMap(([name, cost]) => {
    const quota = Object.hasOwn(quotas, name) ? quotas[name] : undefined;
    return quota !== undefined && cost > quota.limit ? [name] : [];
  });
}

function costTooHigh(names: readonly string[]): Outcome {
  return deny('too_large', 'limit.cost_too_high', {
    detail: 'This call costs more than the quota of its API key ever allows at once.',
    problem: quotaExceeded(names),
  });
}

function exceeded({ name, resetsAt }: Extract<QuotaVerdict, { ok: false }>, at: number): Outcome {
  return deny('rate_limited', 'api_key.quota_exceeded', {
    detail: 'The quota of this API key is used up.',
    retryAfterMs: resetsAt === undefined ? undefined : resetsAt - at,
    problem: quotaExceeded([name]),
  });
}

function failed(onStoreFailure: 'closed' | 'open', cause: unknown): Outcome {
  // Open only where the user said so; the decision tells that it is degraded.
  if (onStoreFailure === 'open') return UNCOUNTED;
  return deny('unavailable', 'api_key.store_unavailable', {
    detail: 'The quota cannot be counted at the moment.',
    problem: REDUCED,
    cause,
  });
}
