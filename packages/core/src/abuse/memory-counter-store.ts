import {
  type AttemptAnswer,
  type AttemptReconciliation,
  type AttemptRequest,
  type FailureRule,
  failurePause,
  type SyncCounterStore,
} from '../contracts/counter-store.ts';
import { steadyClock } from '../lib/clock.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { assertKnownOptions } from '../lib/options.ts';
import { type KeyedSlots, keyedSlots } from './keyed-slots.ts';

/** Options of {@link memoryCounterStore}. */
export interface MemoryCounterStoreOptions {
  /**
   * Keys with failures that can be remembered at once of each name, such as accounts or peers; about 150 bytes
   * each. Default: 32,768.
   */
  readonly capacity?: number | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
  /** Two random 32-bit numbers that place the keys. Default: from `crypto`, at the first use. */
  readonly seed?: (() => readonly [number, number]) | undefined;
}

const DEFAULT_CAPACITY = 32_768;
/** Times of failures that are kept of a key, so that as many attempts at once can be taken back exactly. */
const KEPT = 4;
/** What is kept in each slot; `TIMES` begins the times, the last failure first. */
const [OWN, INHERITED, FIRST, ENDS, TIMES] = [0, 1, 2, 3, 4];
const CELL = TIMES + KEPT;
/** Kept for keys that were evicted from a set: the most failures, until when, and the last pause. */
const [WORST, WORST_ENDS, PAUSED] = [0, 1, 2];
const FLOOR = 3;

/** The keys of one name. */
interface Table {
  readonly keys: KeyedSlots;
  readonly cells: Float64Array;
  readonly floors: Float64Array;
}

/** What is known of one key. */
interface Known {
  readonly table: Table;
  readonly slot: number;
  readonly set: number;
  own: number;
  /** Failures that others had who were put out. Not inherited, or a long flood would lock everybody out. */
  inherited: number;
  /** When the first of its own was. */
  first: number;
  /** When the last of its own were, the last one first. */
  readonly times: number[];
  /** When the pauses end of those who were put out, where it could be one of them. */
  paused: number;
}

/**
 * Counts failed attempts in this process, in memory that is fixed for each name. It answers at once.
 *
 * When a flood of keys fills it, no pause is lost: the key with the fewest failures makes room, and whoever
 * is not in the table pauses until the last pause of those ends that were put out of its place, and then
 * counts as having failed as often as the worst of them. Names do not share places, so that a flood of peers
 * costs no account anything.
 *
 * A clock that is set back is taken to have stood still.
 *
 * @throws ConfigurationError when `capacity` is not a whole number above 0.
 * @example
 * const store = memoryCounterStore({ capacity: 100_000 });
 */
export function memoryCounterStore(options: MemoryCounterStoreOptions = {}): SyncCounterStore {
  assertKnownOptions('memoryCounterStore', options, ['capacity', 'now', 'seed']);
  const { capacity = DEFAULT_CAPACITY, now = Date.now, seed } = options;
  assertConfiguration(
    Number.isInteger(capacity) && capacity >= 1 && capacity <= 2 ** 24,
    'memoryCounterStore: capacity must be a whole number of keys from 1 to 16,777,216.',
  );
  const clock = steadyClock(now);
  /** Names are those of policies, so there are few. */
  const tables = new Map<string, Table>();
  const tableOf = (name: string): Table => {
    let table = tables.get(name);
    if (table === undefined) {
      const keys = keyedSlots(capacity, seed);
      const cells = new Float64Array(keys.slots * CELL);
      table = { keys, cells, floors: new Float64Array(keys.sets * FLOOR) };
      tables.set(name, table);
    }
    return table;
  };

  return Object.freeze<SyncCounterStore>({
    attempt: (requests: readonly AttemptRequest[]): AttemptAnswer => {
      const time = clock();
      let wait = 0;
      for (const { name, key, rule } of requests) {
        const { own, inherited, times, paused } = load(tableOf(name), key, time);
        const [last] = times;
        const until = last === undefined ? paused : last + failurePause(rule, own + inherited);
        wait = Math.max(wait, until - time);
      }
      if (wait > 0) return { allowed: false, retryAfterMs: wait, tickets: [] };
      for (const { name, key, rule } of requests) {
        const known = load(tableOf(name), key, time);
        if (known.own === 0) known.first = time;
        known.own++;
        known.times.unshift(time);
        save(known, rule, time);
      }
      return { allowed: true, retryAfterMs: 0, tickets: requests.map(() => time) };
    },
    reconcile: (reconciliations: readonly AttemptReconciliation[]): void => {
      const time = clock();
      for (const { name, key, rule, ticket, result } of reconciliations) {
        const known = load(tableOf(name), key, time);
        // An evicted key has no count to take back from.
        if (known.slot < 0 || known.own === 0) continue;
        if (result === 'reset') {
          known.own = 0;
          known.inherited = 0;
          known.times.length = 0;
        } else if (!takeBack(known, ticket)) continue;
        save(known, rule, time);
      }
    },
  });
}

function load(table: Table, key: string, time: number): Known {
  const { keys, cells, floors } = table;
  const slot = keys.find(key);
  const set = slot >= 0 ? Math.floor((slot * keys.sets) / keys.slots) : ~slot;
  const times: number[] = [];
  const known: Known = { table, slot, set, own: 0, inherited: 0, first: time, times, paused: 0 };
  const [cell, floor] = [slot * CELL, set * FLOOR];
  if (slot < 0) {
    known.paused = read(floors, floor + PAUSED);
    if (read(floors, floor + WORST_ENDS) > time) known.inherited = read(floors, floor + WORST);
  } else if (read(cells, cell + ENDS) > time) {
    known.own = read(cells, cell + OWN);
    known.inherited = read(cells, cell + INHERITED);
    known.first = read(cells, cell + FIRST);
    for (let at = 0; at < KEPT; at++) {
      const failed = read(cells, cell + TIMES + at);
      if (!Number.isNaN(failed)) times.push(failed);
    }
  }
  return known;
}

/** Takes one failure back; false where there is none of that time. */
function takeBack(known: Known, ticket: number): boolean {
  const { own, first, times } = known;
  const at = times.indexOf(ticket);
  if (ticket < first || (at < 0 && own === times.length)) return false;
  known.own--;
  // Failures without a stored time were not later than the earliest stored one.
  if (at >= 0 && (times.length > 1 || known.own === 0)) times.splice(at, 1);
  return true;
}

function save(known: Known, rule: FailureRule, time: number): void {
  const { table, set, own, inherited, first, times } = known;
  const { cells, floors } = table;
  const cell = (known.slot >= 0 ? known.slot : claim(table, set, rule, time)) * CELL;
  const [last] = times;
  // Without failures of its own it is what others were, for as long as they are.
  const rest = inherited > 0 ? read(floors, set * FLOOR + WORST_ENDS) : 0;
  cells[cell + OWN] = own;
  cells[cell + INHERITED] = inherited;
  cells[cell + FIRST] = first;
  cells[cell + ENDS] = last === undefined ? rest : last + rule.forgetAfter;
  for (let at = 0; at < KEPT; at++) cells[cell + TIMES + at] = times[at] ?? Number.NaN;
}

/** A slot of a set, once the summary of its previous key is saved. */
function claim(
  { keys, cells, floors }: Table,
  set: number,
  rule: FailureRule,
  time: number,
): number {
  const failuresIn = (slot: number): number =>
    read(cells, slot * CELL + ENDS) <= time ? 0 : read(cells, slot * CELL + OWN);
  const slot = keys.claim(set, failuresIn);
  const failures = failuresIn(slot);
  if (failures === 0) return slot;
  const floor = set * FLOOR;
  const ends = read(cells, slot * CELL + ENDS);
  const paused = read(cells, slot * CELL + TIMES) + failurePause(rule, failures);
  floors[floor + PAUSED] = Math.max(read(floors, floor + PAUSED), paused);
  const worst = read(floors, floor + WORST_ENDS) <= time ? 0 : read(floors, floor + WORST);
  // Fewer failures do not make more of them last longer.
  if (failures < worst) return slot;
  const before = failures === worst ? read(floors, floor + WORST_ENDS) : 0;
  floors[floor + WORST] = failures;
  floors[floor + WORST_ENDS] = Math.max(before, ends);
  return slot;
}

/** The index is always inside: it comes from a hash modulo the number of sets. */
function read(from: Float64Array, index: number): number {
  return from[index] as number;
}
