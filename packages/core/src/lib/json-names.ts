/**
 * The names of a JSON object, to find duplicates; after `count` come those of the previous object in the same place.
 * Rows of a list mostly have the same names in the same order: those are compared in place, and nothing is allocated.
 */
export interface JsonNames {
  /** The bytes of the names, one after the other, copied: the chunks are reused by others. */
  bytes: Uint8Array;
  /** The end of each name in `bytes`. */
  ends: Int32Array;
  count: number;
  /** The count, including names of the previous object. */
  known: number;
  /** The names of this object, once there are many. */
  table: NameTable | undefined;
}

/** Names by their hashes. */
interface NameTable {
  /** Index of the name in each slot, plus one; at most half of the slots are taken. */
  readonly slots: Int32Array;
  /** The hash of the name in the same slot. */
  readonly hashes: Int32Array;
  /** How often a slot was already taken by another name. */
  misses: number;
  /** Used instead of the slots once somebody has chosen names for their hashes. */
  texts: Set<string> | undefined;
}

const QUOTE = 0x22;
/** Up to so many names are compared one by one, which is faster than hashing them. */
const FEW = 8;
/** Misses per name: far more than names have that were not chosen for their hashes. */
const MOST_MISSES = 8;

/** One character per byte, so that equal texts mean equal bytes. */
const decoder = new TextDecoder('latin1');

export function jsonNames(): JsonNames {
  return {
    bytes: new Uint8Array(64),
    ends: new Int32Array(2 * FEW),
    count: 0,
    known: 0,
    table: undefined,
  };
}

/** Begins the next object in the same place. */
export function beginObject(names: JsonNames): void {
  names.count = 0;
  names.table = undefined;
}

/**
 * The end of the name that begins at `start`, after its quote, if the previous object has the same name in the same
 * place; the name is then added. -1 otherwise.
 */
export function sameName(names: JsonNames, bytes: Uint8Array, start: number): number {
  const { count } = names;
  if (count >= names.known) return -1;
  const { bytes: kept } = names;
  let other = startOf(names, count);
  const end = start + (names.ends[count] as number) - other;
  if (bytes[end] !== QUOTE) return -1;
  for (let at = start; at < end; at++) if (bytes[at] !== kept[other++]) return -1;
  names.count = count + 1;
  return end;
}

/** Adds a name as `unescapeInto` writes it; false if the object already has it. */
export function addName(names: JsonNames, bytes: Uint8Array, start: number, end: number): boolean {
  append(names, bytes, start, end);
  if (names.count < FEW ? isAmongFew(names) : isAmongMany(names)) return false;
  names.known = ++names.count;
  return true;
}

function startOf({ ends }: JsonNames, index: number): number {
  return index === 0 ? 0 : (ends[index - 1] as number);
}

/** Writes a name after those of the object. */
function append(names: JsonNames, name: Uint8Array, start: number, end: number): void {
  const { count } = names;
  let to = startOf(names, count);
  if (to + end - start > names.bytes.length) {
    const larger = new Uint8Array(2 * (to + end - start));
    larger.set(names.bytes);
    names.bytes = larger;
  }
  if (count === names.ends.length) {
    const larger = new Int32Array(2 * count);
    larger.set(names.ends);
    names.ends = larger;
  }
  const { bytes } = names;
  for (let at = start; at < end; at++) bytes[to++] = name[at] as number;
  names.ends[count] = to;
}

/** Whether the name written after those of the object is one of them. */
function isAmongFew(names: JsonNames): boolean {
  for (let index = 0; index < names.count; index++)
    if (isSame(names, index, names.count)) return true;
  return false;
}

function isSame(names: JsonNames, one: number, two: number): boolean {
  const { bytes, ends } = names;
  let other = startOf(names, two);
  const first = startOf(names, one);
  const end = ends[one] as number;
  if (end - first !== (ends[two] as number) - other) return false;
  for (let at = first; at < end; at++) if (bytes[at] !== bytes[other++]) return false;
  return true;
}

/** The same, without comparing each name. */
function isAmongMany(names: JsonNames): boolean {
  const { count } = names;
  let { table } = names;
  if (table === undefined || (table.texts === undefined && 2 * count >= table.slots.length)) {
    table = tableOf(names);
  }
  if (table.texts === undefined) {
    if (isPlaced(names, table, count)) return true;
    if (table.misses <= MOST_MISSES * count) return false;
    table.texts = new Set(Array.from({ length: count }, (_, index) => textOf(names, index)));
  }
  const { size } = table.texts;
  return table.texts.add(textOf(names, count)).size === size;
}

function tableOf(names: JsonNames): NameTable {
  const { count } = names;
  let size = 4 * FEW;
  while (size < 4 * count) size *= 2;
  const slots = new Int32Array(size);
  const table = { slots, hashes: new Int32Array(size), misses: 0, texts: undefined };
  for (let index = 0; index < count; index++) isPlaced(names, table, index);
  names.table = table;
  return table;
}

/** Adds the name; true if it was already there. */
function isPlaced(names: JsonNames, table: NameTable, index: number): boolean {
  const { slots, hashes } = table;
  const hash = hashOf(names, index);
  let slot = hash & (slots.length - 1);
  for (let there = slots[slot]; there !== 0; there = slots[slot]) {
    if (hashes[slot] === hash && isSame(names, (there as number) - 1, index)) return true;
    table.misses++;
    slot = (slot + 1) & (slots.length - 1);
  }
  slots[slot] = index + 1;
  hashes[slot] = hash;
  return false;
}

/** FNV-1a, with its upper half mixed into the lower one. */
function hashOf(names: JsonNames, index: number): number {
  const { bytes, ends } = names;
  const end = ends[index] as number;
  let hash = 0x811c9dc5;
  for (let at = startOf(names, index); at < end; at++) {
    hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193);
  }
  return hash ^ (hash >>> 15);
}

function textOf(names: JsonNames, index: number): string {
  return decoder.decode(names.bytes.subarray(startOf(names, index), names.ends[index]));
}
