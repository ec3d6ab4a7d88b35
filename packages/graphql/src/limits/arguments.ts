import type { FieldNode } from 'graphql';
import type { DeclaredArguments, InputWeight } from './declared-cost.ts';
import { type FilledInputs, fillInput } from './input-defaults.ts';
import { plainValue, type Values } from './plain-values.ts';

/**
 * Reads arguments for one analysis. What a variable or a default holds is read once, in however many places it stands,
 * so that large variables in many fields are no more work than both together.
 */
export interface ArgumentReader {
  /** With variables and defaults in their places; not coerced, since only their numbers matter. */
  readonly read: (node: FieldNode, declared: DeclaredArguments | undefined) => Values;
  /** The largest number under one of these names, at any depth; undefined where there is none. */
  readonly largest: (args: Values, names: ReadonlySet<string>) => number | undefined;
  readonly weigh: (value: unknown, weight: InputWeight) => number;
}

const NO_ARGUMENTS: Values = Object.freeze({});

export function argumentReader(variables: Values): ArgumentReader {
  const largestIn = new Map<object, number | undefined>();
  const weightOf = new Map<object, number>();
  const filled: FilledInputs = new Map();

  const largest = (value: object, names: ReadonlySet<string>): number | undefined => {
    if (largestIn.has(value)) return largestIn.get(value);
    let most: number | undefined;
    for (const [name, each] of Object.entries(value)) {
      const found = names.has(name) ? (sizeOf(each) ?? within(each, names)) : within(each, names);
      if (found !== undefined && (most === undefined || found > most)) most = found;
    }
    largestIn.set(value, most);
    return most;
  };
  const within = (value: unknown, names: ReadonlySet<string>): number | undefined =>
    isContainer(value) ? largest(value, names) : undefined;

  const weigh = (value: unknown, { own, inner }: InputWeight): number => {
    if (!isContainer(value) || inner.size === 0) return own;
    const known = weightOf.get(value);
    if (known !== undefined) return own + known;
    let sum = 0;
    if (Array.isArray(value)) {
      for (const each of value as unknown[]) sum += weigh(each, { own: 0, inner });
    } else {
      for (const [name, each] of Object.entries(value)) {
        const weight = inner.get(name);
        if (weight) sum += weigh(each, weight);
      }
    }
    weightOf.set(value, sum);
    return own + sum;
  };

  return {
    read: ({ arguments: own }, declared) => {
      if (own === undefined || own.length === 0) return declared?.defaults ?? NO_ARGUMENTS;
      const args: Record<string, unknown> = { ...declared?.defaults };
      for (const { name, value } of own) {
        const read = plainValue(value, variables);
        if (read !== undefined) args[name.value] = read;
      }
      for (const [name, type] of declared?.inputs ?? []) {
        const value = args[name];
        if (isContainer(value)) args[name] = fillInput(value, type, filled);
      }
      return args;
    },
    largest,
    weigh,
  };
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/**
 * A number, also as text, as scalars of one's own take it; of a list the largest. Below zero it says nothing: to some
 * servers that is all there is.
 */
export function sizeOf(value: unknown): number | undefined {
  if (Array.isArray(value)) {
    const sizes = (value as unknown[]).map(sizeOf).filter((size) => size !== undefined);
    return sizes.length > 0 ? Math.max(...sizes) : undefined;
  }
  const size = typeof value === 'string' && DIGITS.test(value) ? Number(value) : value;
  return typeof size === 'number' && size >= 0 ? size : undefined;
}

const DIGITS = /^\+?\d{1,400}$/;
