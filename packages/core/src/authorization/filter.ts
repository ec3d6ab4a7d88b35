import type { ScalarType } from './field.ts';
import type { RuleValue } from './rule-data.ts';

/** A side of a test: a field of the object, an item of the list around it, or a value. */
export type FilterTerm =
  | { readonly field: string }
  | { readonly item: true }
  | { readonly value: RuleValue };

export type FilterTest = 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge' | 'startsWith' | 'notStartsWith';

/**
 * What is left of a rule when all but the object is known. A closed set without negation: each node holds for the
 * objects for which it is certainly true, and for no other. A field that is missing or of the wrong type makes no
 * test true.
 */
export type Filter =
  | { readonly op: 'and' | 'or'; readonly of: readonly Filter[] }
  | {
      readonly op: FilterTest;
      readonly type: ScalarType;
      readonly left: FilterTerm;
      readonly right: FilterTerm;
    }
  | {
      readonly op: 'in' | 'notIn';
      readonly type: ScalarType;
      readonly left: FilterTerm;
      /** Not empty. */
      readonly values: readonly RuleValue[];
    }
  /** The field is missing. */
  | { readonly op: 'isNull'; readonly field: string }
  /** The field holds a value of its type. */
  | { readonly op: 'isKnown'; readonly field: string }
  /** The list has no item, or at least one. */
  | { readonly op: 'isEmpty' | 'isNotEmpty'; readonly list: string }
  /** At least one item of the right type (`exists`), or each item (`forAll`), is of the right type and passes. */
  | {
      readonly op: 'exists' | 'forAll';
      readonly list: string;
      readonly item: 'text' | 'integer';
      readonly where: Filter | true;
    };

/** A filter, or what needs none: everything, or nothing. */
export type Filtered = Filter | boolean;

/** All of them, without what is true anyway. */
export function and(parts: readonly Filtered[]): Filtered {
  const open: Filter[] = [];
  for (const part of parts) {
    if (part === false) return false;
    if (part === true) continue;
    if (part.op === 'and') open.push(...part.of);
    else open.push(part);
  }
  return open.length === 0
    ? true
    : open.length === 1
      ? (open[0] as Filter)
      : { op: 'and', of: open };
}

/** Any of them, without what is false anyway. */
export function or(parts: readonly Filtered[]): Filtered {
  const open: Filter[] = [];
  for (const part of parts) {
    if (part === true) return true;
    if (part === false) continue;
    if (part.op === 'or') open.push(...part.of);
    else open.push(part);
  }
  return open.length === 0
    ? false
    : open.length === 1
      ? (open[0] as Filter)
      : { op: 'or', of: open };
}
