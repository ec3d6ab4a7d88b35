import { assertConfiguration } from '../configuration-error.ts';
import { type HashBits, keyedHash } from '../internal/keyed-hash.ts';
import {
  charge,
  giveBack,
  type LimitState,
  levelOf,
  resetAfter,
  retryAfter,
  roll,
} from '../internal/limit-law.ts';
import { steadyClock } from '../internal/steady-clock.ts';
import type {
  Limit,
  LimitAnswer,
  LimitRequest,
  LimitVerdict,
  Settlement,
  SyncLimitStore,
} from './limit-store.ts';

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
/** Slots that one key can be in. Keys stay exact until all of them are taken by limited callers. */
const WAYS = 16;
/** Twice the slots that are asked for, so that at capacity one set in 270 is full. */
const SPARE = 2;
/** Numbers kept for each slot: used, at, previous, and until when they matter. */
const CELL = 4;
const UNTIL = 3;
/** Limits that one store can hold: names are configuration, so more means that a name is made of input. */
const MOST_TABLES = 64;

/** The callers of one limit. A key lives in one of the `WAYS` slots of the set that its hash names. */
interface Table {
  readonly name: string;
  readonly algorithm: Limit['algorithm'];
  readonly window: number;
  /** Two for each slot: the 64 bits of the key's hash. */
  readonly tags: Int32Array;
  readonly cells: Float64Array;
  /** For each set: at least as much as anybody had used who was put out of it. */
  readonly floors: Float64Array;
}

/** One limit of the call at hand: its state, copied out, and where it came from. */
interface Cursor extends LimitState, HashBits {
  table: Table;
  set: number;
  /** -1: not in the table. */
  slot: number;
  /** What counts now against the capacity. */
  level: number;
}

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
 * @throws ConfigurationError when `capacity` is no whole number above 0; while serving when more than 64
 * different limit names (or windows) are used, which means that a name is made of input.
 * @example
 * const store = memoryLimitStore({ capacity: 100_000 });
 */
export function memoryLimitStore(options: MemoryLimitStoreOptions = {}): SyncLimitStore {
  const { capacity = DEFAULT_CAPACITY, now = Date.now, seed = randomSeed } = options;
  assertConfiguration(
    Number.isInteger(capacity) && capacity >= 1 && capacity <= 2 ** 24,
    'memoryLimitStore: capacity must be a whole number of callers from 1 to 16,777,216.',
  );
  const sets = Math.ceil((capacity * SPARE) / WAYS);
  const clock = steadyClock(now);
  const tables = new Map<string, Table[]>();
  let count = 0;
  let seeds: readonly [number, number] | undefined;
  // Used again by each call, and by none at the same time: nothing here waits.
  const cursors: Cursor[] = [];

  // Most stores count one limit, and finding it again costs as much as the decision.
  let last: Table | undefined;

  const tableOf = (name: string, limit: Limit): Table => {
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
      'memoryLimitStore: too many limits. Give limits fixed names and windows, and put who is counted into the key.',
    );
    last = makeTable(name, algorithm, window, sets);
    named.push(last);
    return last;
  };

  /** Copies out what is known of a key. */
  const look = (index: number, { name, key, limit }: LimitRequest, time: number): Cursor => {
    const table = tableOf(name, limit);
    const cursor = (cursors[index] ??= makeCursor(table));
    // Workers forbid randomness before the first request, so the seed waits for it.
    seeds ??= seed();
    keyedHash(key, seeds[0], seeds[1], cursor);
    cursor.table = table;
    cursor.set = (cursor.low >>> 0) % sets;
    cursor.slot = find(table, cursor);
    if (cursor.slot < 0) inherit(cursor, limit, time);
    else if (cell(table.cells, cursor.slot, UNTIL) <= time) reset(cursor);
    else load(cursor, table.cells, cursor.slot);
    return cursor;
  };

  /** Writes back what is known of a key, and answers how long it matters. */
  const save = (cursor: Cursor, limit: Limit, time: number): number => {
    const { table } = cursor;
    if (cursor.slot < 0) cursor.slot = makeRoom(cursor, limit, time);
    table.tags[cursor.slot * 2] = cursor.low;
    table.tags[cursor.slot * 2 + 1] = cursor.high;
    const reset = resetAfter(limit, cursor, time);
    store(table.cells, cursor.slot, cursor, time + Math.ceil(reset));
    return reset;
  };

  /** Takes the cost of one request, if the call is allowed, and tells how it stands. */
  const conclude = (
    { limit, cost }: LimitRequest,
    index: number,
    allowed: boolean,
    at: number,
  ): LimitVerdict => {
    const cursor = cursors[index] as Cursor;
    const wait = allowed ? 0 : retryAfter(limit, cursor, at, cost);
    const taken = allowed && cost > 0;
    if (taken) charge(limit, cursor, at, cost);
    return {
      allowed: wait === 0,
      remaining: Math.max(0, limit.capacity - cursor.level - (taken ? cost : 0)),
      resetAfter: taken ? save(cursor, limit, at) : resetAfter(limit, cursor, at),
      retryAfter: wait,
    };
  };

  return Object.freeze({
    consume: (requests: readonly LimitRequest[]): LimitAnswer => {
      const at = clock();
      let allowed = true;
      for (let index = 0; index < requests.length; index++) {
        const request = requests[index] as LimitRequest;
        const cursor = look(index, request, at);
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
    settle: (settlements: readonly Settlement[]): void => {
      const time = clock();
      for (const settlement of settlements) {
        const { limit, cost, actual, at } = settlement;
        if (actual === cost) continue;
        const cursor = look(0, settlement, time);
        if (actual > cost) charge(limit, cursor, time, actual - cost);
        // Of a caller who was put out nothing is known to give back from.
        else if (cursor.slot >= 0) giveBack(limit, cursor, time, cost - actual, at);
        else continue;
        save(cursor, limit, time);
      }
    },
  });
}

function makeTable(
  name: string,
  algorithm: Limit['algorithm'],
  window: number,
  sets: number,
): Table {
  const slots = sets * WAYS;
  return {
    name,
    algorithm,
    window,
    tags: new Int32Array(slots * 2),
    cells: new Float64Array(slots * CELL),
    floors: new Float64Array(sets * CELL),
  };
}

function makeCursor(table: Table): Cursor {
  return { table, set: 0, slot: -1, level: 0, low: 0, high: 0, used: 0, at: 0, previous: 0 };
}

function find({ tags }: Table, { set, low, high }: Cursor): number {
  const first = set * WAYS;
  for (let slot = first; slot < first + WAYS; slot++) {
    if (tags[slot * 2] === low && tags[slot * 2 + 1] === high) return slot;
  }
  return -1;
}

/** A slot that has recovered; else the one whose caller has used least, who is put out. */
function makeRoom(cursor: Cursor, limit: Limit, time: number): number {
  const { set, table } = cursor;
  const { cells } = table;
  const first = set * WAYS;
  let victim = first;
  let least = Number.POSITIVE_INFINITY;
  for (let slot = first; slot < first + WAYS; slot++) {
    const until = cell(cells, slot, UNTIL);
    if (until <= time) return slot;
    const used = limit.algorithm === 'bucket' ? until : levelAt(cells, slot, limit, time);
    if (used < least) {
      least = used;
      victim = slot;
    }
  }
  raiseFloor(table, set, limit, victim, time);
  return victim;
}

const scratch: LimitState = { used: 0, at: 0, previous: 0 };
const other: LimitState = { used: 0, at: 0, previous: 0 };

function levelAt(cells: Float64Array, slot: number, limit: Limit, time: number): number {
  load(scratch, cells, slot);
  return levelOf(limit, scratch, time);
}

/**
 * Notes what was put out. Of buckets the time at which they are full again, since that can be compared
 * between limits of one name that differ (tiers); of windows, which are all the same, both counts.
 */
function raiseFloor(
  { cells, floors }: Table,
  set: number,
  limit: Limit,
  victim: number,
  time: number,
): void {
  load(scratch, cells, victim);
  const until = Math.max(cell(floors, set, UNTIL), cell(cells, victim, UNTIL));
  if (limit.algorithm !== 'bucket') {
    load(other, floors, set);
    roll(limit, other, time);
    roll(limit, scratch, time);
    scratch.used = Math.max(scratch.used, other.used);
    scratch.previous = Math.max(scratch.previous, other.previous);
  }
  store(floors, set, scratch, until);
}

/** What a caller must be taken to have used who is not in the table: nothing, if nobody was put out. */
function inherit(cursor: Cursor, limit: Limit, time: number): void {
  const { floors } = cursor.table;
  const until = cell(floors, cursor.set, UNTIL);
  if (until <= time) return reset(cursor);
  if (limit.algorithm !== 'bucket') return load(cursor, floors, cursor.set);
  cursor.used = Math.min(limit.capacity, ((until - time) * limit.refill) / limit.period);
  cursor.at = time;
  cursor.previous = 0;
}

function reset(state: LimitState): void {
  state.used = 0;
  state.at = 0;
  state.previous = 0;
}

function load(state: LimitState, cells: Float64Array, index: number): void {
  state.used = cell(cells, index, 0);
  state.at = cell(cells, index, 1);
  state.previous = cell(cells, index, 2);
}

function store(cells: Float64Array, index: number, state: LimitState, until: number): void {
  const start = index * CELL;
  cells[start] = state.used;
  cells[start + 1] = state.at;
  cells[start + 2] = state.previous;
  cells[start + UNTIL] = until;
}

/** The index is always inside: it comes from a hash modulo the number of sets. */
function cell(cells: Float64Array, index: number, member: number): number {
  return cells[index * CELL + member] as number;
}

function randomSeed(): readonly [number, number] {
  const [first = 0, second = 0] = crypto.getRandomValues(new Int32Array(2));
  return [first, second];
}
