import { isStorableText } from '../lib/storable-text.ts';
import type { Field, ScalarType } from './field.ts';

/** Longer lists of a caller are not looked through: what is asked of them is undecidable. */
export const MOST_KNOWN_ITEMS = 1_000;

/** A value in the one form in which values are compared; an instant is its epoch milliseconds. */
export type Scalar = string | number | boolean;

/**
 * The comparable form of a value, or undefined for one that is not of the type. Nothing is converted: `'1'` is not
 * a number, `1` is not true.
 */
export function scalar(type: ScalarType, value: unknown): Scalar | undefined {
  switch (type) {
    case 'text':
      return typeof value === 'string' && isStorableText(value) ? value : undefined;
    case 'integer':
      return Number.isSafeInteger(value) ? (value as number) : undefined;
    case 'number':
      return Number.isFinite(value) ? (value as number) : undefined;
    case 'boolean':
      return typeof value === 'boolean' ? value : undefined;
    case 'instant':
      return instant(value);
  }
}

/** The years 1 to 9999, which every database and every notation knows. */
export const FIRST_INSTANT = -62_135_596_800_000;
export const LAST_INSTANT = 253_402_300_799_999;

function instant(value: unknown): number | undefined {
  const time = value instanceof Date ? value.getTime() : value;
  const whole = Number.isSafeInteger(time) ? (time as number) : undefined;
  return whole !== undefined && whole >= FIRST_INSTANT && whole <= LAST_INSTANT ? whole : undefined;
}

/** The values of a list, each comparable or undefined; undefined for what is not a list. */
export function listItems(value: unknown): readonly unknown[] | ReadonlySet<unknown> | undefined {
  return Array.isArray(value) || value instanceof Set ? value : undefined;
}

/**
 * Reads a member as its field says: undefined where nothing can be said of it, null where it is known to be
 * missing. Only the object's own members count, so that nobody adds one through a prototype.
 */
export function member(source: unknown, name: string, what: Field<unknown>): unknown {
  if (typeof source !== 'object' || source === null || !Object.hasOwn(source, name)) {
    return what.optional && typeof source === 'object' && source !== null ? null : undefined;
  }
  const value = (source as Record<string, unknown>)[name];
  if (value === undefined) return what.optional ? null : undefined;
  if (value === null) return what.optional || what.nullable ? null : undefined;
  return what.type === 'list' ? listItems(value) : scalar(what.type, value);
}

/**
 * Below, at or above 0, by code points, as `COLLATE "C"` and `BINARY` compare UTF-8. JavaScript's `<` compares UTF-16
 * units, which puts U+1F600 before U+FFFD.
 */
export function compareText(one: string, other: string): number {
  const length = Math.min(one.length, other.length);
  for (let at = 0; at < length; at++) {
    let left = one.charCodeAt(at);
    let right = other.charCodeAt(at);
    if (left === right) continue;
    if (left >= 0xd800 && right >= 0xd800) {
      left = left >= 0xe000 ? left - 0x800 : left + 0x2000;
      right = right >= 0xe000 ? right - 0x800 : right + 0x2000;
    }
    return left - right;
  }
  return one.length - other.length;
}

/** Two comparable values of one type. */
export function compare(left: Scalar, right: Scalar): number {
  return typeof left === 'string'
    ? compareText(left, right as string)
    : Number(left) - Number(right);
}
