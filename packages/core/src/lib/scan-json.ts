import { endOfEscaped, unescapeInto } from './json-escapes.ts';
import { addName, beginObject, type JsonNames, jsonNames, sameName } from './json-names.ts';

/** Bounds on JSON. Each is the largest that passes. */
export interface JsonBounds {
  readonly maxDepth: number;
  /** Members of all objects together. */
  readonly maxKeys: number;
  /** UTF-16 code units of a string or the name of a member. */
  readonly maxStringLength: number;
  readonly maxArrayLength: number;
}

/** What is wrong with a body; undefined if nothing is. */
export type ScanProblem =
  | 'malformed'
  | 'too_large'
  | 'too_deep'
  | 'too_many_keys'
  | 'string_too_long'
  | 'array_too_long'
  | 'duplicate_key';

/** Looks at one body of JSON, as it comes. */
export interface JsonScan {
  readonly push: (chunk: Uint8Array) => ScanProblem | undefined;
  readonly end: () => ScanProblem | undefined;
}

const QUOTE = 0x22;
const PLUS = 0x2b;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const UPPER_E = 0x45;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const LOWER_E = 0x65;
const LOWER_S = 0x73;
const LOWER_U = 0x75;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Kinds of bytes outside strings. Digits, letters, colons and white space (0) are skipped. */
const STRING = 1;
const SEPARATOR = 2;
const OPENING = 3;
const CLOSING = 4;
/** Parts of numbers other than digits. */
const NUMERIC = 5;
/** Not part of JSON, a byte order mark included. */
const FOREIGN = 6;

const KINDS = new Uint8Array(256).fill(FOREIGN, 0x80);
for (const [kind, chars] of [
  [STRING, [QUOTE]],
  [SEPARATOR, [COMMA]],
  [OPENING, [OPEN_LIST, OPEN_OBJECT]],
  [CLOSING, [CLOSE_LIST, CLOSE_OBJECT]],
  [NUMERIC, [PLUS, MINUS, POINT, UPPER_E, LOWER_E]],
] as const) {
  for (const char of chars) KINDS[char] = kind;
}

/** Digits that a double can hold, whatever they are. */
const SAFE_DIGITS = 300;
/** Bytes of one code unit where it is written `\uXXXX`. */
const LONGEST_UNIT = 6;

/** A string or number that a chunk has cut. */
interface Cut {
  readonly isString: boolean;
  /** After a backslash that escapes whatever comes. */
  isEscaped: boolean;
  hasEscape: boolean;
  length: number;
}

/** These bytes were found to be UTF-8 before. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** An open bracket within another one. Levels are reused by the next bracket at the same depth. */
interface Level {
  readonly depth: number;
  readonly outer: Level | undefined;
  inner: Level | undefined;
  isObject: boolean;
  commas: number;
  readonly names: JsonNames;
}

function levelOf(depth: number, outer?: Level): Level {
  return { depth, outer, inner: undefined, isObject: false, commas: 0, names: jsonNames() };
}

/** The state of a scan between two chunks. */
interface State {
  readonly bounds: JsonBounds;
  /** So many digits in a row need no check. */
  readonly plainDigits: number;
  here: Level;
  keys: number;
  atName: boolean;
  cut: Cut | undefined;
  /** The bytes of a token that a chunk boundary has cut. */
  kept: Uint8Array<ArrayBuffer>;
  unescaped: Uint8Array<ArrayBuffer>;
}

/**
 * Looks for what is beyond the bounds, for members that are there twice, for numbers that no double can hold and for
 * half surrogate pairs, before anybody builds anything of the bytes, which must be UTF-8. Linear, and keeps nothing but
 * names and what a chunk has cut. It does not say that this is JSON: who parses it says that.
 */
export function jsonScan(bounds: JsonBounds): JsonScan {
  const state: State = {
    bounds,
    plainDigits: Math.min(SAFE_DIGITS, bounds.maxStringLength),
    here: levelOf(0),
    keys: 0,
    atName: false,
    cut: undefined,
    kept: new Uint8Array(64),
    unescaped: new Uint8Array(64),
  };
  return {
    // Engines optimise functions of the module for its constants, but not closures made for each scan.
    push: (chunk) => push(state, chunk),
    end: () => {
      const { cut, here, kept } = state;
      if (here.depth > 0 || cut?.isString === true) return 'malformed';
      return cut === undefined ? undefined : number(state, kept, 0, cut.length);
    },
  };
}

function push(state: State, chunk: Uint8Array): ScanProblem | undefined {
  const { length } = chunk;
  const { plainDigits } = state;
  const { maxDepth, maxKeys, maxStringLength, maxArrayLength } = state.bounds;
  let at = 0;
  if (state.cut !== undefined) {
    const next = resume(state, chunk, state.cut);
    if (typeof next === 'string') return next;
    at = next;
  }
  // Locals, since they are read for each token.
  let { here, atName } = state;
  let { isObject, commas } = here;
  /** After the last byte that no number can contain. */
  let start = at;
  /** The next backslash, which is searched once for each. */
  let escape = -1;
  for (;;) {
    let kind = 0;
    while (at < length) {
      kind = KINDS[chunk[at] as number] as number;
      if (kind !== 0) break;
      at++;
    }
    if (kind === NUMERIC) {
      const next = behindNumeric(chunk, start, at);
      if (next >= 0) {
        at = next;
        continue;
      }
    }
    if (kind === NUMERIC || at - start > plainDigits || at >= length) {
      const next = numbers(state, chunk, start);
      if (typeof next === 'string') return next;
      at = next;
      if (at >= length) break;
      kind = KINDS[chunk[at] as number] as number;
    }
    if (kind === SEPARATOR) {
      if (isObject) atName = true;
      else if (++commas >= maxArrayLength) return 'array_too_long';
    } else if (kind === STRING) {
      const first = at + 1;
      const same = atName ? sameName(here.names, chunk, first) : -1;
      if (same >= 0) {
        if (++state.keys > maxKeys) return 'too_many_keys';
        atName = false;
        start = at = same + 1;
        continue;
      }
      let end = indexOf(chunk, QUOTE, first);
      if (escape < first) escape = indexOf(chunk, BACKSLASH, first);
      const hasEscape = escape < end;
      if (hasEscape) end = endOfEscaped(chunk, escape, length);
      if (end < 0) return 'malformed';
      if (end >= length) {
        state.cut = { isString: true, isEscaped: end > length, hasEscape, length: 0 };
        if (!keep(state, chunk, first, length, state.cut)) return 'string_too_long';
        break;
      }
      if (atName || end - first > maxStringLength) {
        state.here = here;
        const problem = string(state, chunk, first, end, hasEscape, atName);
        if (problem !== undefined) return problem;
        atName = false;
      }
      at = end;
    } else if (kind === OPENING) {
      if (here.depth >= maxDepth) return 'too_deep';
      here.commas = commas;
      here = here.inner ??= levelOf(here.depth + 1, here);
      commas = 0;
      isObject = atName = here.isObject = chunk[at] === OPEN_OBJECT;
      if (isObject) beginObject(here.names);
    } else if (kind === CLOSING) {
      if (here.outer === undefined) return 'malformed';
      here = here.outer;
      ({ isObject, commas } = here);
      atName = false;
    } else return 'malformed';
    start = ++at;
  }
  here.commas = commas;
  state.here = here;
  state.atName = atName;
  return undefined;
}

/** Checks a string that is a name, or may be too long. */
function string(
  state: State,
  bytes: Uint8Array,
  start: number,
  end: number,
  hasEscape: boolean,
  isName: boolean,
): ScanProblem | undefined {
  const { maxStringLength } = state.bounds;
  let meant = bytes;
  let from = start;
  let to = end;
  if (hasEscape) {
    state.unescaped = atLeast(state.unescaped, end - start);
    meant = state.unescaped;
    from = 0;
    to = unescapeInto(meant, bytes, start, end);
  }
  if (to - from > maxStringLength && unitsOf(meant, from, to) > maxStringLength) {
    return 'string_too_long';
  }
  if (!isName) return undefined;
  if (++state.keys > state.bounds.maxKeys) return 'too_many_keys';
  return addName(state.here.names, meant, from, to) ? undefined : 'duplicate_key';
}

function number(
  state: State,
  bytes: Uint8Array,
  start: number,
  end: number,
): ScanProblem | undefined {
  if (end - start > state.bounds.maxStringLength) return 'string_too_long';
  return isFinite(bytes, start, end) ? undefined : 'malformed';
}

/** Keeps a token that a chunk has cut, unless it is longer than any token may be. */
function keep(state: State, chunk: Uint8Array, start: number, end: number, held: Cut): boolean {
  const { maxStringLength } = state.bounds;
  const wanted = held.length + end - start;
  if (wanted > (held.isString ? maxStringLength * LONGEST_UNIT : maxStringLength)) return false;
  state.kept = atLeast(state.kept, wanted);
  state.kept.set(chunk.subarray(start, end), held.length);
  held.length = wanted;
  return true;
}

/** Completes the token that the previous chunk has cut: the index after it, or the problem. */
function resume(state: State, chunk: Uint8Array, held: Cut): number | ScanProblem {
  const { length } = chunk;
  let at = 0;
  if (held.isString) {
    for (; at < length; at++) {
      const char = chunk[at];
      if (held.isEscaped) held.isEscaped = false;
      else if (char === QUOTE) break;
      else if (char === BACKSLASH) {
        held.isEscaped = true;
        held.hasEscape = true;
      }
    }
  } else at = endOfNumber(chunk, 0);
  if (!keep(state, chunk, 0, at, held)) return 'string_too_long';
  if (at === length) return at;
  state.cut = undefined;
  if (!held.isString) return number(state, state.kept, 0, held.length) ?? at;
  const { hasEscape } = held;
  const kept = (state.kept = atLeast(state.kept, held.length + 1));
  kept[held.length] = QUOTE;
  if (hasEscape && endOfEscaped(kept, 0, held.length + 1) !== held.length) return 'malformed';
  const isName = state.atName;
  state.atName = false;
  return string(state, kept, 0, held.length, hasEscape, isName) ?? at + 1;
}

/** Checks the numbers from `start` to the next byte that needs a decision, and returns its index. */
function numbers(state: State, chunk: Uint8Array, start: number): number | ScanProblem {
  let at = start;
  for (;;) {
    const char = chunk[at] as number;
    if (at === chunk.length || (KINDS[char] !== 0 && KINDS[char] !== NUMERIC)) return at;
    if (!isDigit(char) && char !== MINUS) {
      at++;
      continue;
    }
    const end = endOfNumber(chunk, at);
    if (end === chunk.length) {
      state.cut = { isString: false, isEscaped: false, hasEscape: false, length: 0 };
      return keep(state, chunk, at, end, state.cut) ? end : 'string_too_long';
    }
    const problem = number(state, chunk, at, end);
    if (problem !== undefined) return problem;
    at = end;
  }
}

/** The same bytes, or a larger copy. */
function atLeast(bytes: Uint8Array<ArrayBuffer>, length: number): Uint8Array<ArrayBuffer> {
  if (length <= bytes.length) return bytes;
  const larger = new Uint8Array(Math.max(length, 2 * bytes.length));
  larger.set(bytes);
  return larger;
}

/** The index of a byte from `start` on; that of the end where it is not there. */
function indexOf(bytes: Uint8Array, byte: number, start: number): number {
  const found = bytes.indexOf(byte, start);
  return found < 0 ? bytes.length : found;
}

/**
 * Where to continue after a byte of a number without exponent, or of `true` and `false`; -1 if the
 * number must be checked.
 */
function behindNumeric(bytes: Uint8Array, start: number, at: number): number {
  const char = bytes[at] as number;
  const before = at > start ? (bytes[at - 1] as number) : 0;
  if (char === MINUS) {
    const next = at + 1;
    return !isOfNumber(before) && next < bytes.length && isDigit(bytes[next] as number) ? next : -1;
  }
  if (char === POINT) {
    if (!isDigit(before)) return -1;
    const end = endOfDigits(bytes, at + 1);
    return end < bytes.length && KINDS[bytes[end] as number] === NUMERIC ? -1 : end;
  }
  return char === LOWER_E && (before === LOWER_U || before === LOWER_S) ? at + 1 : -1;
}

function endOfDigits(bytes: Uint8Array, start: number): number {
  let end = start;
  while (end < bytes.length && isDigit(bytes[end] as number)) end++;
  return end;
}

function endOfNumber(bytes: Uint8Array, start: number): number {
  let end = start;
  while (end < bytes.length && isOfNumber(bytes[end] as number)) end++;
  return end;
}

function isDigit(char: number): boolean {
  return char >= ZERO && char <= NINE;
}

function isOfNumber(char: number): boolean {
  return isDigit(char) || KINDS[char] === NUMERIC;
}

/** False for what no double can hold, and for what is not a number. */
function isFinite(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start <= SAFE_DIGITS) {
    let points = 0;
    const first = bytes[start] === MINUS ? start + 1 : start;
    let at = first;
    for (; at < end; at++) {
      const char = bytes[at] as number;
      if (char === POINT) points++;
      else if (!isDigit(char)) break;
    }
    if (at === end && points <= 1 && end - first > points) return true;
  }
  return Number.isFinite(Number(decoder.decode(bytes.subarray(start, end))));
}

/** UTF-16 code units of UTF-8: one for each character, and two where it takes four bytes. */
function unitsOf(bytes: Uint8Array, start: number, end: number): number {
  let units = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    if ((byte & 0xc0) !== 0x80) units += byte >= 0xf0 && byte < 0xf8 ? 2 : 1;
  }
  return units;
}
