import { endOfNumber, endOfString, isFiniteNumber, nameScan, unescaped } from './json-text.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

const MAX_DEPTH = 32;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The value of JSON that every parser reads alike; undefined for anything else: bytes that are no UTF-8, a byte
 * order mark, a member that appears twice, a number that no double can hold, half a surrogate pair, or nesting
 * deeper than 32. Linear in the input; never throws.
 */
export function parseStrictJson(input: Uint8Array | string): unknown {
  try {
    const text = typeof input === 'string' ? input : utf8.decode(input);
    const value: unknown = JSON.parse(text);
    return isUnambiguous(text) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Deeper than any body is that a person wrote, and shallow enough for every recursive reader. */
const MAX_BODY_DEPTH = 512;

/**
 * The value of a body in JSON; throws a `SyntaxError` where it is not well formed, and where two readers could
 * read it differently: a member that appears twice, or a number that no double can hold.
 */
export function parseJsonBody(text: string): unknown {
  const value: unknown = JSON.parse(text);
  if (!isUnambiguous(text, MAX_BODY_DEPTH)) {
    throw new SyntaxError('The JSON is ambiguous, for example because a member appears twice.');
  }
  return value;
}

/** The same, for JSON that must be an object. */
export function parseStrictObject(input: Uint8Array | string): Record<string, unknown> | undefined {
  const value = parseStrictJson(input);
  return isObject(value) ? value : undefined;
}

/** True for what JSON calls an object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value of a member that the object itself has, whatever its prototype offers. */
export function member(object: object, name: string): unknown {
  return Object.hasOwn(object, name) ? (object as Record<string, unknown>)[name] : undefined;
}

/** `text` is well-formed JSON, so only what the grammar leaves open must be looked at. */
function isUnambiguous(text: string, maxDepth: number = MAX_DEPTH): boolean {
  /** For each open bracket whether it is that of an object. */
  const open: boolean[] = [];
  const names = nameScan(text);
  let inObject = false;
  let atName = false;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === QUOTE) {
      const end = endOfString(text, at);
      if (atName) {
        if (names.add(open.length, at + 1, end) !== undefined) return false;
        atName = false;
      } else if (names.hasEscape(at + 1, end)) {
        if (unescaped(text.slice(at + 1, end)) === undefined) return false;
      }
      at = end;
    } else if (char === OPEN_OBJECT || char === OPEN_LIST) {
      if (open.length === maxDepth) return false;
      inObject = char === OPEN_OBJECT;
      atName = inObject;
      open.push(inObject);
      if (inObject) names.openObject(open.length);
    } else if (char === CLOSE_OBJECT || char === CLOSE_LIST) {
      open.pop();
      inObject = open.at(-1) === true;
      atName = false;
    } else if (char === COMMA) {
      atName = inObject;
    } else if (char === MINUS || (char >= ZERO && char <= NINE)) {
      const end = endOfNumber(text, at);
      if (!isFiniteNumber(text, at, end)) return false;
      at = end - 1;
    }
  }
  return true;
}
