import { endOfNumber, endOfString, isFiniteNumber, nameScan, unescaped } from './json-text.ts';

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

const QUOTE = 0x22;
const COMMA = 0x2c;

/** An open bracket, and the length so far of a list. */
interface Open {
  readonly isObject: boolean;
  length: number;
}

/**
 * Looks for what is beyond the bounds, for members that are there twice, for numbers that no double can hold and for half
 * surrogate pairs, before anybody builds anything of the text. Linear. It does not say that the text is JSON: who
 * parses it says that.
 */
export function scanJson(text: string, bounds: JsonBounds): ScanProblem | undefined {
  const open: Open[] = [];
  const names = nameScan(text);
  let here: Open | undefined;
  let keys = 0;
  let atName = false;
  let isEmpty = false;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === 0x20 || char === 0x09 || char === 0x0a || char === 0x0d) continue;
    // The first value of a list; the others are counted by their commas.
    if (isEmpty && here !== undefined && char !== 0x5d && ++here.length > bounds.maxArrayLength) {
      return 'array_too_long';
    }
    isEmpty = false;
    if (char === QUOTE) {
      const end = endOfString(text, at);
      if (end < 0) return 'malformed';
      let length = end - at - 1;
      if (names.hasEscape(at + 1, end)) {
        const string = unescaped(text.slice(at + 1, end));
        if (string === undefined) return 'malformed';
        length = string.length;
      }
      if (length > bounds.maxStringLength) return 'string_too_long';
      if (atName) {
        if (++keys > bounds.maxKeys) return 'too_many_keys';
        const problem = names.add(open.length, at + 1, end);
        if (problem !== undefined) return problem === 'seen' ? 'duplicate_key' : problem;
        atName = false;
      }
      at = end;
    } else if (char === 0x7b || char === 0x5b) {
      if (open.length >= bounds.maxDepth) return 'too_deep';
      const isObject = char === 0x7b;
      here = { isObject, length: 0 };
      open.push(here);
      if (isObject) names.openObject(open.length);
      atName = isObject;
      isEmpty = !isObject;
    } else if (char === 0x7d || char === 0x5d) {
      if (open.pop() === undefined) return 'malformed';
      here = open.at(-1);
      atName = false;
    } else if (char === COMMA) {
      atName = here?.isObject === true;
      if (here !== undefined && !atName && ++here.length > bounds.maxArrayLength) {
        return 'array_too_long';
      }
    } else if (char === 0x2d || (char >= 0x30 && char <= 0x39)) {
      const end = endOfNumber(text, at);
      if (end - at > bounds.maxStringLength) return 'string_too_long';
      if (!isFiniteNumber(text, at, end)) return 'malformed';
      at = end - 1;
    }
  }
  return open.length > 0 ? 'malformed' : undefined;
}

/**
 * The same bounds on a value that somebody has parsed, and on the text of all its strings together. What a parser has
 * dropped (a member that was there twice) cannot be seen any more.
 */
export function scanValue(
  value: unknown,
  { maxDepth, maxKeys, maxStringLength, maxArrayLength }: JsonBounds,
  maxText: number,
): ScanProblem | undefined {
  const pending: { readonly value: unknown; readonly depth: number }[] = [{ value, depth: 0 }];
  let keys = 0;
  let size = 0;
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { value: each, depth } = next;
    if (typeof each === 'string') {
      if (each.length > maxStringLength) return 'string_too_long';
      size += each.length;
    } else if (ArrayBuffer.isView(each)) {
      size += each.byteLength;
    } else if (typeof each === 'object' && each !== null) {
      if (depth >= maxDepth) return 'too_deep';
      if (Array.isArray(each)) {
        if (each.length > maxArrayLength) return 'array_too_long';
        size += each.length;
        for (const inner of each) pending.push({ value: inner, depth: depth + 1 });
      } else {
        for (const name in each) {
          if (!Object.hasOwn(each, name)) continue;
          if (++keys > maxKeys) return 'too_many_keys';
          if (name.length > maxStringLength) return 'string_too_long';
          size += name.length;
          // Named by the object itself.
          const inner = (each as Readonly<Record<string, unknown>>)[name];
          pending.push({ value: inner, depth: depth + 1 });
        }
      }
    }
    if (size > maxText) return 'too_large';
  }
  return undefined;
}
