import type {
  Limit,
  LimitAnswer,
  LimitRequest,
  LimitVerdict,
  Reconciliation,
  SyncLimitStore,
} from '../contracts/limit-store.ts';
import { steadyClock } from '../lib/clock.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { keyedHash, randomSeed } from '../lib/keyed-hash.ts';
import { assertKnownOptions } from '../lib/options.ts';
import {
  charge,
  chargeFrom,
  giveBack,
  levelOf,
  resetAfterMs,
  retryAfterMs,
  speedOf,
} from './limit-law.ts';
import {
  type LimitCursor,
  type LimitTable,
  look,
  makeCursor,
  makeTable,
  save,
} from './limit-table.ts';

/** Options of {@link memoryLimitStore}. */
export interface MemoryLimitStoreOptions {
  /**
   * Callers that can be remembered at once, for each limit by name. 84 bytes each, taken at the limit's first
   * use. Only those count who have used something that has not come back yet. Default: 32,768.
   */
  readonly capacity?: number | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
  /** Two random 32-bit numbers that place the keys. Default: from `crypto`, at the first use. */
  readonly seed?: (() => readonly [number, number]) | undefined;
}

const DEFAULT_CAPACITY = 32_768;
/** Limits that one store can hold: names are configuration, so more means that a name is made of input. */
const MOST_TABLES = 64;

/**
 * Counts limits in this process, in memory that is fixed from the start. It answers at once.
 *
 * When a flood of keys fills it, nobody's count is lost: the caller who has used least makes room, and
 * whoever is not in the table counts as having used as much as the most that was ever put out of its
 * place. So a limited caller stays limited, whatever comes, and while the flood lasts newcomers share what
 * it left over. Nothing runs in the background; what has recovered is free.
 *
 * A clock that is set back is taken to have stood still.
 *
 * @throws ConfigurationError when `capacity` is not a whole number above 0; while serving when more than 64
 * different limit names (or windows) are used, which means that a name is made of input.
 * @example
 * const store = memoryLimitStore({ capacity: 100_000 });
 */
export function memoryLimitStore(options: MemoryLimitStoreOptions = {}): SyncLimitStore {
  assertKnownOptions('memoryLimitStore', options, ['capacity', 'now', 'seed']);
  const { capacity = DEFAULT_CAPACITY, now = Date.now, seed = randomSeed } = options;
  assertConfiguration(
    Number.isInteger(capacity) && capacity >= 1 && capacity <= 2 ** 24,
    'memoryLimitStore: capacity must be a whole number of callers from 1 to 16,777,216.',
  );
  const clock = steadyClock(now);
  const tables = new Map<string, LimitTable[]>();
  let count = 0;
  let seeds: readonly [number, number] | undefined;
  // Used again by each call, and by none at the same time: nothing here waits.
  const cursors: LimitCursor[] = [];

  // The bits of one number.
  const rate = new Float64Array(1);
  const rateBits = new Int32Array(rate.buffer);

  // Most stores count one limit, and finding it again costs as much as the decision.
  let last: LimitTable | undefined;

  const tableOf = (name: string, limit: Limit): LimitTable => {
    const window = limit.algorithm === 'bucket' ? 0 : limit.window;
    const { algorithm } = limit;
    if (last?.name === name && last.algorithm === algorithm && last.window === window) return last;
    let named = tables.get(name);
    if (named) {
      for (const table of named) {
        if (table.algorithm === algorithm && table.window === window) return (last = table);
      }
    } else tables.set(name, (named = []));
    assertConfiguration(
      ++count <= MOST_TABLES,
      'memoryLimitStore: too many limits. Give them fixed names and windows; the key says who is counted.',
    );
    last = makeTable(name, algorithm, window, capacity);
    named.push(last);
    return last;
  };

  const find = (index: number, { name, key, limit }: LimitRequest, time: number): LimitCursor => {
    const table = tableOf(name, limit);
    const cursor = (cursors[index] ??= makeCursor(table));
    // Workers forbid randomness before the first request, so the seed waits for it.
    seeds ??= seed();
    keyedHash(key, seeds[0], seeds[1], cursor);
    // Buckets that fill at different rates are counted apart, in one table.
    if (limit.algorithm === 'bucket') {
      rate[0] = speedOf(limit);
      cursor.low ^= rateBits[0] as number;
      cursor.high ^= rateBits[1] as number;
    }
    look(cursor, table, limit, time);
    return cursor;
  };

  /** Takes the cost of one request, if the call is allowed, and tells how it stands. */
  const conclude = (
    { limit, cost }: LimitRequest,
    index: number,
    allowed: boolean,
    at: number,
  ): LimitVerdict => {
    const cursor = cursors[index] as LimitCursor;
    const wait = allowed ? 0 : retryAfterMs(limit, cursor, at, cost);
    const taken = allowed && cost > 0;
    if (taken) chargeFrom(limit, cursor, at, cost, cursor.level);
    return {
      allowed: wait === 0,
      remaining: Math.max(0, limit.capacity - cursor.level - (taken ? cost : 0)),
      resetAfterMs: taken ? save(cursor, limit, at) : resetAfterMs(limit, cursor, at),
      retryAfterMs: wait,
    };
  };

  return Object.freeze({
    consume: (requests: readonly LimitRequest[]): LimitAnswer => {
      const at = clock();
      let allowed = true;
      for (let index = 0; index < requests.length; index++) {
        const request = requests[index] as LimitRequest;
        const cursor = find(index, request, at);
        cursor.level = levelOf(request.limit, cursor, at);
        // Not "level + cost > capacity": what is no number has no room.
        if (!(cursor.level + request.cost <= request.limit.capacity)) allowed = false;
      }
      // An array grown by push would be made for more elements than limits.
      const verdicts =
        requests.length === 1
          ? [conclude(requests[0] as LimitRequest, 0, allowed, at)]
          : requests.map((request, index) => conclude(request, index, allowed, at));
      return { allowed, at, verdicts };
    },
    reconcile: (reconciliations: readonly Reconciliation[]): void => {
      const time = clock();
      for (const reconciliation of reconciliations) {
        const { limit, cost, actual, at } = reconciliation;
        if (actual === cost) continue;
        if (!Number.isFinite(actual))
          throw new TypeError('the cost of a call is not a finite number');
        const cursor = find(0, reconciliation, time);
        if (actual > cost) charge(limit, cursor, time, actual - cost);
        // Of a caller who was put out nothing is known to give back from.
        else if (cursor.slot >= 0) giveBack(limit, cursor, time, cost - actual, at);
        else continue;
        save(cursor, limit, time);
      }
    },
  });
}
