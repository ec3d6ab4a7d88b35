import type {
  BucketLimit,
  Limit,
  LimitAnswer,
  LimitRequest,
  LimitStore,
} from '../../contracts/limit-store.ts';
import { fixedWindow } from '../../limits/fixed-window.ts';
import { gcra } from '../../limits/gcra.ts';
import { slidingWindow } from '../../limits/sliding-window.ts';
import { tokenBucket } from '../../limits/token-bucket.ts';
import { assertSame, type ContractCase, type StoreSubject } from '../contract-case.ts';

/** One promise of a `LimitStore`. */
export type LimitStoreCase = ContractCase<StoreSubject<LimitStore>>;

/** Limits of which nothing comes back while a test runs. */
export const slow: Readonly<Record<string, Limit>> = {
  tokenBucket: tokenBucket({ capacity: 3, refillPerSecond: 1 / 3600 }),
  gcra: gcra({ limit: 1, period: '1h', burst: 3 }),
  slidingWindow: slidingWindow({ limit: 3, window: '1000h' }),
  fixedWindow: fixedWindow({ limit: 3, window: '1000h' }),
};

/** Limits that recover within a moment, below a second. */
export const quick: Readonly<Record<string, Limit>> = {
  tokenBucket: tokenBucket({ capacity: 2, refillPerSecond: 10 }),
  gcra: gcra({ limit: 2, period: '150ms', burst: 2 }),
  slidingWindow: slidingWindow({ limit: 2, window: '150ms' }),
  fixedWindow: fixedWindow({ limit: 2, window: '150ms' }),
};

/** Three at once, and none come back while a test runs. */
export const THREE: BucketLimit = tokenBucket({ capacity: 3, refillPerSecond: 1 / 3600 });

/** One of {@link THREE} for the caller, unless told otherwise. */
export function ask(over: Partial<LimitRequest> = {}): LimitRequest {
  return { name: 'limit', key: 'caller', limit: THREE, cost: 1, ...over };
}

/** Consumes, and fails the case unless the answer is the expected one. */
export async function allowed(
  store: LimitStore,
  requests: readonly LimitRequest[],
  expected: boolean,
  what: string,
): Promise<LimitAnswer> {
  const answer = await store.consume(requests);
  assertSame(answer.allowed, expected, what);
  assertSame(answer.verdicts.length, requests.length, `${what}: verdicts`);
  return answer;
}

/** A case for each of the limits, on a store of its own. */
export function each(
  limits: Readonly<Record<string, Limit>>,
  name: string,
  run: (store: LimitStore, limit: Limit, subject: StoreSubject<LimitStore>) => Promise<void>,
): readonly LimitStoreCase[] {
  return Object.entries(limits).map(([algorithm, limit]) => ({
    name: `${algorithm}: ${name}`,
    run: async (subject) => run(await subject.create(), limit, subject),
  }));
}

/** A case on a store of its own. */
export function one(
  name: string,
  run: (store: LimitStore, subject: StoreSubject<LimitStore>) => Promise<void>,
): LimitStoreCase {
  return { name, run: async (subject) => run(await subject.create(), subject) };
}
