import type {
  LimitAnswer,
  LimitRequest,
  LimitStore,
  SyncLimitStore,
} from '../contracts/limit-store.ts';
import { askStore, type StoreFailureOptions } from '../contracts/store-failure.ts';
import { isThenable, type MaybePromise } from '../lib/maybe-promise.ts';

/** An answer with what it was asked, so that it can be reconciled where it was counted. */
export interface Counted {
  readonly answer: LimitAnswer;
  readonly store: LimitStore;
  readonly requests: readonly LimitRequest[];
}

/** Counts calls in `store`, and where that fails as the options say. */
export function countIn(
  policy: string,
  store: LimitStore,
  makeLocal: () => SyncLimitStore,
  options: StoreFailureOptions,
): (requests: readonly LimitRequest[]) => MaybePromise<Counted> {
  return askStore<readonly LimitRequest[], Counted>(
    policy,
    {
      ask: (requests) => {
        const answer = store.consume(requests);
        return isThenable(answer)
          ? answer.then((late) => vet(late, store, requests))
          : vet(answer, store, requests);
      },
      undo: (requests, { answer: { allowed, at } }) =>
        allowed
          ? store.reconcile(requests.map((request) => ({ ...request, actual: 0, at })))
          : undefined,
      local: (share) => {
        const own = makeLocal();
        return (requests) => {
          const shrunk = requests.map((request) => shrink(request, share));
          const answer = { ...own.consume(shrunk), degraded: 'limit.local_share' };
          return { answer, store: own, requests: shrunk };
        };
      },
    },
    options,
  );
}

/** Rejects an answer of the wrong shape: a store that is broken must not admit. */
function vet(answer: LimitAnswer, store: LimitStore, requests: readonly LimitRequest[]): Counted {
  const { allowed, at, verdicts } = answer;
  const told = Array.isArray(verdicts) && verdicts.length === requests.length;
  if (!told || typeof allowed !== 'boolean' || typeof at !== 'number') {
    throw new TypeError('the limit store answered something that is not a LimitAnswer');
  }
  return { answer, store, requests };
}

/** The share of a limit; at least what the call costs, so that a share of little does not deny for good. */
function shrink(request: LimitRequest, share: number): LimitRequest {
  const { limit, cost } = request;
  const capacity = Math.max(limit.capacity * share, Math.min(limit.capacity, cost));
  return limit.algorithm === 'bucket'
    ? { ...request, limit: { ...limit, capacity, refill: limit.refill * share } }
    : { ...request, limit: { ...limit, capacity } };
}
