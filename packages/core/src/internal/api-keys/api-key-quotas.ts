import type { ApiKeys } from '../../api-key.ts';
import type { ApiKeyStore, QuotaVerdict } from '../../stores/api-key-store.ts';
import { isThenable } from '../maybe-promise.ts';
import { withinTime } from '../within-time.ts';
import { areCosts } from './api-key-terms.ts';

const NO_COST: QuotaVerdict = Object.freeze({ ok: true, remaining: Object.freeze({}) });

/** Charges costs to the quotas that a key has; a cost without a quota, or of 0, is none. */
export function quotaConsumer(
  store: ApiKeyStore,
  timeout: number,
  now: () => number,
): ApiKeys['consumeQuota'] {
  return (key, costs) => {
    if (!areCosts(costs)) throw new RangeError('apiKeys: costs must be whole numbers by name.');
    const charges = Object.entries(costs).flatMap(([name, cost]) => {
      const quota = Object.hasOwn(key.quotas, name) ? key.quotas[name] : undefined;
      return quota === undefined || cost === 0 ? [] : [{ ...quota, name, cost }];
    });
    if (charges.length === 0) return NO_COST;
    const verdict = store.consume(key.id, charges, now());
    return isThenable(verdict) ? withinTime(Promise.resolve(verdict), timeout) : verdict;
  };
}
