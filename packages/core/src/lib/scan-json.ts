import { jsonNames } from './json-names.ts';
import { unescaped } from './json-text.ts';

/** Bounds on JSON. Each is the largest that passes. */
export interface JsonBounds {
  readonly maxDepth: number;
  /** Members of all objects together. */
  readonly maxKeys: number;
  /** UTF-16 code units of a string or the name of a member. */
  readonly maxStringLength: number;
  readonly maxArrayLength: number;
}

/** What is wrong with a body; undefined where nothing is. */
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
const MINUS = 0x2d;
const POINT = 0x2e;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Digits that a double can hold, whatever they are. */
const SAFE_DIGITS = 300;
/** Bytes of one code unit where it is written `\uXXXX`. */
const LONGEST_UNIT = 6;

/** A string or number that a chunk has cut. */
interface Cut {
  readonly isString: boolean;
  /** Behind a backslash that escapes whatever comes. */
  isEscaped: boolean;
  hasEscape: boolean;
  length: number;
}

const utf8 = new TextEncoder();
/** What is asked here was found to be UTF-8 before. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * Looks for what is beyond the bounds, for members that are there twice, for numbers that no double can hold and for
 * half surrogate pairs, before anybody builds anything of the bytes, which must be UTF-8. Linear, and keeps nothing but
 * names and what a chunk has cut. It does not say that this is JSON: who parses it says that.
 */
export function jsonScan(bounds: JsonBounds): JsonScan {
  const { maxDepth, maxKeys, maxStringLength, maxArrayLength } = bounds;
  /** Digits alone, of which nothing has to be asked. */
  const plainDigits = Math.min(SAFE_DIGITS, maxStringLength);
  const names = jsonNames();
  /** For each open bracket whether it is that of an object, and of a list how many commas it has. */
  const isObject = new Uint8Array(maxDepth + 1);
  const commas = new Float64Array(maxDepth + 1);
  let depth = 0;
  let keys = 0;
  let atName = false;
  let cut: Cut | undefined;
  let kept = new Uint8Array(64);

  const string = (
    bytes: Uint8Array,
    start: number,
    end: number,
    hasEscape: boolean,
  ): ScanProblem | undefined => {
    const written = bytes.subarray(start, end);
    let name = written;
    if (hasEscape) {
      const text = unescaped(decoder.decode(written));
      if (text === undefined) return 'malformed';
      if (text.length > maxStringLength) return 'string_too_long';
      if (atName) name = utf8.encode(text);
    } else if (end - start > maxStringLength && unitsOf(written) > maxStringLength) {
      return 'string_too_long';
    }
    if (!atName) return undefined;
    atName = false;
    if (++keys > maxKeys) return 'too_many_keys';
    return names.add(depth, name, written) ? undefined : 'duplicate_key';
  };

  const number = (bytes: Uint8Array, start: number, end: number): ScanProblem | undefined => {
    if (end - start > maxStringLength) return 'string_too_long';
    return isFinite(bytes, start, end) ? undefined : 'malformed';
  };

  /** Keeps what a chunk has cut; what is longer than anything may be is not kept. */
  const keep = (part: Uint8Array, { isString, length }: Cut): boolean => {
    const most = isString ? maxStringLength * LONGEST_UNIT : maxStringLength;
    const wanted = length + part.length;
    if (wanted > most) return false;
    if (wanted > kept.length) {
      const larger = new Uint8Array(Math.max(wanted, 2 * kept.length));
      larger.set(kept.subarray(0, length));
      kept = larger;
    }
    kept.set(part, length);
    return true;
  };

  const begin = (
    chunk: Uint8Array,
    start: number,
    more: Pick<Cut, 'isString' | 'isEscaped' | 'hasEscape'>,
  ): ScanProblem | undefined => {
    const part = chunk.subarray(start);
    cut = { ...more, length: 0 };
    if (!keep(part, cut)) return 'string_too_long';
    cut.length = part.length;
    return undefined;
  };

  /** Goes on with what the chunk before has cut: the place behind it, or what is wrong with it. */
  const resume = (chunk: Uint8Array, held: Cut): number | ScanProblem => {
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
    if (!keep(chunk.subarray(0, at), held)) return 'string_too_long';
    held.length += at;
    if (at === length) return at;
    cut = undefined;
    const problem = held.isString
      ? string(kept, 0, held.length, held.hasEscape)
      : number(kept, 0, held.length);
    return problem ?? (held.isString ? at + 1 : at);
  };

  const push = (chunk: Uint8Array): ScanProblem | undefined => {
    const { length } = chunk;
    let at = 0;
    if (cut !== undefined) {
      const next = resume(chunk, cut);
      if (typeof next === 'string') return next;
      at = next;
    }
    /** Where the next backslash is: looked for once for each. */
    let escape = -1;
    let problem: ScanProblem | undefined;
    while (at < length) {
      const char = chunk[at] as number;
      if (char === QUOTE) {
        const start = at + 1;
        const same = atName ? names.again(depth, chunk, start) : -1;
        if (same >= 0) {
          if (++keys > maxKeys) return 'too_many_keys';
          atName = false;
          at = same + 1;
          if (chunk[at] === COLON) at++;
          continue;
        }
        let end = indexOf(chunk, QUOTE, start);
        if (escape < start) escape = indexOf(chunk, BACKSLASH, start);
        const hasEscape = escape < end;
        if (hasEscape) end = endOfEscaped(chunk, escape);
        if (end >= length) {
          return begin(chunk, start, { isString: true, isEscaped: end > length, hasEscape });
        }
        if (hasEscape || atName || end - start > maxStringLength) {
          problem = string(chunk, start, end, hasEscape);
        }
        at = end + 1;
      } else if (char === COMMA) {
        atName = isObject[depth] === 1;
        if (!atName) {
          const count = (commas[depth] as number) + 1;
          commas[depth] = count;
          if (count >= maxArrayLength) problem = 'array_too_long';
        }
        at++;
      } else if (isDigit(char) || char === MINUS) {
        let end = endOfDigits(chunk, at + 1);
        if (chunk[end] === POINT && isDigit(chunk[end - 1] as number)) {
          end = endOfDigits(chunk, end + 1);
        }
        const isPlain =
          end < length && isDigit(chunk[end - 1] as number) && !isOfNumber(chunk[end] as number);
        if (!isPlain) end = endOfNumber(chunk, end);
        if (end === length) {
          return begin(chunk, at, { isString: false, isEscaped: false, hasEscape: false });
        }
        if (!isPlain || end - at > plainDigits) problem = number(chunk, at, end);
        at = end;
      } else if (char === OPEN_OBJECT || char === OPEN_LIST) {
        if (depth >= maxDepth) return 'too_deep';
        depth++;
        atName = char === OPEN_OBJECT;
        isObject[depth] = atName ? 1 : 0;
        commas[depth] = 0;
        if (atName) names.open(depth);
        at++;
      } else if (char === CLOSE_OBJECT || char === CLOSE_LIST) {
        if (depth === 0) return 'malformed';
        depth--;
        atName = false;
        at++;
      } else {
        // Nothing of JSON outside of strings, a byte order mark included.
        if (char > 0x7f) return 'malformed';
        at++;
      }
      if (problem !== undefined) return problem;
    }
    return undefined;
  };

  return {
    push,
    end: () => {
      if (depth > 0 || cut?.isString === true) return 'malformed';
      return cut === undefined ? undefined : number(kept, 0, cut.length);
    },
  };
}

/** The index of a byte from `start` on; that of the end where it is not there. */
function indexOf(bytes: Uint8Array, byte: number, start: number): number {
  const found = bytes.indexOf(byte, start);
  return found < 0 ? bytes.length : found;
}

/**
 * The index of the quote that closes a string, from its first backslash on; that of the end where none does, and one
 * more where a backslash is the last byte there.
 */
function endOfEscaped(bytes: Uint8Array, escape: number): number {
  let at = escape;
  while (at < bytes.length && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
  return at;
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
  return char >= 0x30 && char <= 0x39;
}

function isOfNumber(char: number): boolean {
  return (
    isDigit(char) || char === POINT || char === MINUS || (char | 0x20) === 0x65 || char === 0x2b
  );
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
function unitsOf(bytes: Uint8Array): number {
  let units = 0;
  for (const byte of bytes) if ((byte & 0xc0) !== 0x80) units += byte >= 0xf0 ? 2 : 1;
  return units;
}
