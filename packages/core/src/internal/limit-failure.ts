import { assertConfiguration } from '../configuration-error.ts';
import type {
  LimitAnswer,
  LimitRequest,
  LimitStore,
  SyncLimitStore,
} from '../stores/limit-store.ts';
import { isThenable, type MaybePromise, settle } from './maybe-promise.ts';
import { withinTime } from './within-time.ts';

/** What happens to calls while a store does not answer. */
export interface StoreFailureOptions {
  /**
   * `closed`: calls are refused (`limit.unavailable`). `open`: they pass uncounted. `degrade`: each process
   * counts `localShare` of every limit by itself. What passes then is marked as degraded. Default: `closed`.
   */
  readonly onError?: 'closed' | 'open' | 'degrade' | undefined;
  /** The share of each limit that this process may spend alone, for example 1 / number of processes. */
  readonly localShare?: number | undefined;
  /** How long the store may take, in milliseconds. Default: 1,000. */
  readonly timeout?: number | undefined;
}

/** An answer with what it was asked, so that it can be settled where it was counted. */
export interface Counted {
  readonly answer: LimitAnswer;
  readonly store: LimitStore;
  readonly requests: readonly LimitRequest[];
}

type Consume = (requests: readonly LimitRequest[]) => MaybePromise<Counted>;

const DEFAULT_TIMEOUT = 1_000;
const LONGEST_TIMEOUT = 60_000;

/**
 * Asks `store`, and for `degrade` the local one where that fails. Throws or rejects where there is no answer.
 * `makeLocal` is asked only for `degrade`.
 */
export function countIn(
  policy: string,
  store: LimitStore,
  makeLocal: () => SyncLimitStore,
  { onError = 'closed', localShare, timeout = DEFAULT_TIMEOUT }: StoreFailureOptions,
): Consume {
  assertConfiguration(
    onError === 'closed' || onError === 'open' || onError === 'degrade',
    `${policy}: onError must be 'closed', 'open' or 'degrade'.`,
  );
  assertConfiguration(
    timeout >= 1 && timeout <= LONGEST_TIMEOUT,
    `${policy}: timeout must be milliseconds from 1 to 60,000.`,
  );
  const ask: Consume = (requests) => {
    const answer = store.consume(requests);
    if (!isThenable(answer)) return { answer: vet(answer, requests), store, requests };
    return withinTime(Promise.resolve(answer), timeout).then(
      (late) => ({ answer: vet(late, requests), store, requests }),
      (cause) => {
        // The caller is refused for want of an answer. Should it come after all, it is given back.
        if (onError === 'closed') void giveBackLate(store, requests, answer);
        throw cause;
      },
    );
  };
  if (onError !== 'degrade') return ask;
  assertConfiguration(
    localShare !== undefined && localShare > 0 && localShare <= 1,
    `${policy}: onError: 'degrade' needs localShare, this process's share of each limit (0 to 1).`,
  );
  const local = makeLocal();
  return (requests) =>
    settle<Counted, Counted>(
      () => ask(requests),
      (counted) => counted,
      () => {
        const shrunk = requests.map((request) => shrink(request, localShare));
        const answer = { ...local.consume(shrunk), degraded: 'limit.local_share' };
        return { answer, store: local, requests: shrunk };
      },
    );
}

/** Refuses an answer that is none: what a store says without meaning it must not admit. */
function vet(answer: LimitAnswer, requests: readonly LimitRequest[]): LimitAnswer {
  const { allowed, at, verdicts } = answer;
  const told = Array.isArray(verdicts) && verdicts.length === requests.length;
  if (!told || typeof allowed !== 'boolean' || typeof at !== 'number') {
    throw new TypeError('the limit store answered something that is no LimitAnswer');
  }
  return answer;
}

async function giveBackLate(
  store: LimitStore,
  requests: readonly LimitRequest[],
  answer: Promise<LimitAnswer>,
): Promise<void> {
  try {
    const { allowed, at } = await answer;
    if (allowed) await store.settle(requests.map((request) => ({ ...request, actual: 0, at })));
  } catch {
    // Nobody waits for it any more, and the refusal has told the cause.
  }
}

/** The share of a limit; at least what the call costs, so that a share of little does not refuse for good. */
function shrink(request: LimitRequest, share: number): LimitRequest {
  const { limit, cost } = request;
  const capacity = Math.max(limit.capacity * share, Math.min(limit.capacity, cost));
  return limit.algorithm === 'bucket'
    ? { ...request, limit: { ...limit, capacity, refill: limit.refill * share } }
    : { ...request, limit: { ...limit, capacity } };
}
