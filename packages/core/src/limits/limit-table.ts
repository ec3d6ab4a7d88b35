import type { Limit } from '../contracts/limit-store.ts';
import type { HashBits } from '../lib/keyed-hash.ts';
import { type LimitState, levelOf, resetAfterMs, roll } from './limit-law.ts';

/** Slots that one key can be in, a power of two. Keys stay exact until all of them are taken by limited callers. */
const WAYS = 16;
/** Twice the slots that are asked for: then at capacity one set in 270 is full. */
const SPARE = 2;
/** Numbers kept for each slot: used, at, previous, and until when they matter. */
const CELL = 4;
const UNTIL = 3;

/** The callers of one limit. A key lives in one of the `WAYS` slots of the set that its hash names. */
export interface LimitTable {
  readonly name: string;
  readonly algorithm: Limit['algorithm'];
  readonly window: number;
  /** Sets for each value of the hash's lower half. */
  readonly scale: number;
  /** Two for each slot: the 64 bits of the key's hash. */
  readonly tags: Int32Array;
  readonly cells: Float64Array;
  /** For each set: at least as much as anybody had used who was put out of it. */
  readonly floors: Float64Array;
}

/** One limit of the call at hand: its state, copied out, and where it came from. */
export interface LimitCursor extends LimitState, HashBits {
  table: LimitTable;
  set: number;
  /** -1: not in the table. */
  slot: number;
  /** What counts now against the capacity. */
  level: number;
}

/** A table for `capacity` callers; all the memory that it will ever take. */
export function makeTable(
  name: string,
  algorithm: Limit['algorithm'],
  window: number,
  capacity: number,
): LimitTable {
  const sets = Math.ceil((capacity * SPARE) / WAYS);
  const slots = sets * WAYS;
  return {
    name,
    algorithm,
    window,
    scale: sets / 2 ** 32,
    tags: new Int32Array(slots * 2),
    cells: new Float64Array(slots * CELL),
    floors: new Float64Array(sets * CELL),
  };
}

/** A cursor that is at nothing yet. */
export function makeCursor(table: LimitTable): LimitCursor {
  return { table, set: 0, slot: -1, level: 0, low: 0, high: 0, used: 0, at: 0, previous: 0 };
}

/** Copies out what is known at `time` of the key that the cursor has the hash of. */
export function look(cursor: LimitCursor, table: LimitTable, limit: Limit, time: number): void {
  cursor.table = table;
  // The upper bits of the product with the number of sets: a division costs as much as all the rest.
  cursor.set = ((cursor.low >>> 0) * table.scale) | 0;
  cursor.slot = find(table, cursor);
  if (cursor.slot < 0) inherit(cursor, limit, time);
  else if (cell(table.cells, cursor.slot, UNTIL) <= time) reset(cursor);
  else load(cursor, table.cells, cursor.slot);
}

/** Writes back what is known of a key, and answers how long it matters from `time` on. */
export function save(cursor: LimitCursor, limit: Limit, time: number): number {
  const { table } = cursor;
  if (cursor.slot < 0) cursor.slot = makeRoom(cursor, limit, time);
  table.tags[cursor.slot * 2] = cursor.low;
  table.tags[cursor.slot * 2 + 1] = cursor.high;
  const wait = resetAfterMs(limit, cursor, time);
  store(table.cells, cursor.slot, cursor, time + Math.ceil(wait));
  return wait;
}

/** Slots are looked at from the one that the hash names on, where most keys are found at once. */
function find({ tags }: LimitTable, { set, low, high }: LimitCursor): number {
  const first = set * WAYS;
  for (let step = high; step < high + WAYS; step++) {
    const slot = first + (step & (WAYS - 1));
    if (tags[slot * 2] === low && tags[slot * 2 + 1] === high) return slot;
  }
  return -1;
}

/** A slot that has recovered; else the one whose caller has used least, who is put out. */
function makeRoom(cursor: LimitCursor, limit: Limit, time: number): number {
  const { set, table } = cursor;
  const { cells } = table;
  const first = set * WAYS;
  let victim = first;
  let least = Number.POSITIVE_INFINITY;
  for (let step = cursor.high; step < cursor.high + WAYS; step++) {
    const slot = first + (step & (WAYS - 1));
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
  { cells, floors }: LimitTable,
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
function inherit(cursor: LimitCursor, limit: Limit, time: number): void {
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
