import {
  isLimit,
  type Limit,
  type LimitRequest,
  type LimitStore,
} from '../contracts/limit-store.ts';
import { assertRecord, type RecordOption, recordAct } from '../contracts/record-act.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { assertKnownOptions, assertMethods } from '../lib/options.ts';
import { encodeLimitKey, type LimitKey } from './limit-key.ts';

/** Whose use of which limit: as `rateLimit` counts it. */
export interface LimitAccount {
  /** Where the limit is counted. */
  readonly store: LimitStore;
  /** The `name` of the limit. */
  readonly name: string;
  /** What `by` answers for the caller. */
  readonly key: LimitKey;
  /** The tenant of the caller, where its calls have one. */
  readonly tenant?: string | undefined;
  /** Every limit that may count the caller: where there are tiers, all of them. */
  readonly limits: readonly Limit[];
}

/** Options of {@link resetLimits}. */
export interface ResetLimitsOptions extends LimitAccount, RecordOption {}

/** What is left of one limit. */
export interface LimitBalance {
  readonly limit: Limit;
  /** Units left now. */
  readonly remaining: number;
  /** Milliseconds until nothing is used any more, if nobody takes anything. */
  readonly resetAfterMs: number;
}

const ACCOUNT = ['store', 'name', 'key', 'tenant', 'limits'] as const;
/** More than any limit holds, and what arithmetic on it stays exact for. */
const EVERYTHING = 1e15;

/**
 * What is left to a caller of its limits, without taking anything: for support staff, and for callers who ask.
 *
 * @throws ConfigurationError for a limit, a key or a store that is not one. Rejects where the store cannot answer.
 * @example
 * const [balance] = await readLimits({ store, name: 'api', key: principal.id, limits: [standard] });
 */
export async function readLimits(account: LimitAccount): Promise<readonly LimitBalance[]> {
  assertKnownOptions('readLimits', account, ACCOUNT);
  const balances: LimitBalance[] = [];
  // One by one: the names of one call must be distinct.
  for (const request of requestsOf('readLimits', account)) {
    const { verdicts } = await account.store.consume([request]);
    const [verdict] = verdicts;
    balances.push({
      limit: request.limit,
      remaining: verdict?.remaining ?? 0,
      resetAfterMs: verdict?.resetAfterMs ?? 0,
    });
  }
  return balances;
}

/**
 * Forgets what a caller has used of its limits, in any store: for support staff who let one customer in again. What is
 * taken at the same moment may be forgotten too.
 *
 * @throws ConfigurationError for a limit, a key or a store that is not one. Rejects where the store cannot answer,
 * and where the reset could not be recorded.
 * @example
 * await resetLimits({ store, name: 'api', key: customer.id, limits: [standard], record: log.record });
 */
export async function resetLimits(options: ResetLimitsOptions): Promise<void> {
  assertKnownOptions('resetLimits', options, [...ACCOUNT, 'record']);
  const { store, name, record } = options;
  assertRecord('resetLimits', record);
  const requests = requestsOf('resetLimits', options);
  for (const request of requests) {
    const { limit } = request;
    const { at } = await store.consume([request]);
    const all = { ...request, cost: EVERYTHING, actual: 0 };
    await store.reconcile([{ ...all, at }]);
    // A window that slides counts the one before it as well.
    if (limit.algorithm !== 'bucket') await store.reconcile([{ ...all, at: at - limit.window }]);
  }
  const key = requests[0]?.key ?? '';
  await recordAct(record, {
    act: 'limit.reset',
    target: { type: 'limit', id: name },
    data: { key },
  });
}

function requestsOf(
  where: string,
  { store, name, key, tenant, limits }: LimitAccount,
): readonly LimitRequest[] {
  assertMethods(where, 'store', store, ['consume', 'reconcile'], 'memoryLimitStore()');
  assertConfiguration(store !== undefined, `${where}: give it the store that counts the limit.`);
  assertConfiguration(
    typeof name === 'string' && name !== '',
    `${where}: name must be the name of the limit, as rateLimit has it.`,
  );
  const encoded = encodeLimitKey(key, tenant);
  assertConfiguration(
    encoded !== undefined,
    `${where}: key must be what by() returns for the caller: a text that is not empty, or a list of such texts.`,
  );
  assertConfiguration(
    Array.isArray(limits) && limits.length > 0 && limits.every(isLimit),
    `${where}: limits must list what may count the caller, like [tokenBucket({ … })].`,
  );
  return limits.map((limit) => ({ name, key: encoded, limit, cost: 0 }));
}
