import { assertConfiguration, assertKnownOptions } from '@apisec/core/host';
import type { Values } from './plain-values.ts';

/** How cost is counted. */
export interface CostRules {
  /** Of a field that returns objects. Default: 1. */
  readonly object?: number | undefined;
  /** Of a field that returns a value. Default: 0. */
  readonly value?: number | undefined;
  /** How many elements a list is taken for where nothing says it. Default: 10. */
  readonly assumedSize?: number | undefined;
  /**
   * Arguments that say how many elements a list has, anywhere in the arguments, also within inputs.
   * Default: `first`, `last`, `limit`, `take`, `pageSize`, `size`, `count`.
   */
  readonly slicingArguments?: readonly string[] | undefined;
  /**
   * Costs by coordinate, in the place of `@cost`; a function is given the arguments. One for a field of a type holds as
   * well where the field is selected on an interface of the type.
   */
  readonly fields?:
    | Readonly<Record<string, number | ((args: Readonly<Record<string, unknown>>) => number)>>
    | undefined;
}

/** The same, with defaults in their places. */
export interface ReadyRules {
  readonly object: number;
  readonly value: number;
  readonly assumedSize: number;
  readonly slicingArguments: ReadonlySet<string>;
  readonly fields: NonNullable<CostRules['fields']>;
}

const SLICING = ['first', 'last', 'limit', 'take', 'pageSize', 'size', 'count'];
const NUMBERS = ['object', 'value', 'assumedSize'] as const;

/** @throws ConfigurationError for an unknown rule, and for anything but numbers from 0. */
export function readyRules(rules: CostRules): ReadyRules {
  assertKnownOptions('costRules', rules, [...NUMBERS, 'slicingArguments', 'fields']);
  for (const name of NUMBERS) {
    const value = rules[name];
    assertConfiguration(
      value === undefined || (typeof value === 'number' && value >= 0),
      `costRules: ${name} must be a number, 0 or more.`,
    );
  }
  return {
    object: rules.object ?? 1,
    value: rules.value ?? 0,
    assumedSize: rules.assumedSize ?? 10,
    slicingArguments: new Set(rules.slicingArguments ?? SLICING),
    fields: rules.fields ?? {},
  };
}

/** What a rule says of a field; undefined where there is none. What is no number bounds nothing. */
export function ruledWeight(
  { fields }: ReadyRules,
  coordinate: string,
  args: Values,
): number | undefined {
  const rule = Object.hasOwn(fields, coordinate) ? fields[coordinate] : undefined;
  if (rule === undefined) return undefined;
  const weight = typeof rule === 'function' ? rule(args) : rule;
  return Number.isNaN(weight) || typeof weight !== 'number' ? Number.POSITIVE_INFINITY : weight;
}
