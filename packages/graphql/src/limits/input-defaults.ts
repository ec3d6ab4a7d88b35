import {
  type GraphQLInputObjectType,
  type GraphQLInputType,
  getNamedType,
  isInputObjectType,
} from 'graphql';
import { defaultOf, type Values } from './plain-values.ts';

/** What was filled already, by the value and its type. */
export type FilledInputs = Map<object, Map<GraphQLInputObjectType, unknown>>;

const defaulted = new WeakMap<GraphQLInputObjectType, boolean>();
const defaults = new WeakMap<GraphQLInputObjectType, Values>();

/** True for inputs that have, at any depth, fields with a value of their own where none is sent. */
export function hasInputDefaults(type: GraphQLInputType): boolean {
  const top = getNamedType(type);
  if (!isInputObjectType(top)) return false;
  const known = defaulted.get(top);
  if (known !== undefined) return known;
  const reached = new Set([top]);
  let found = false;
  // The set grows while it is read.
  for (const each of reached) {
    for (const field of Object.values(each.getFields())) {
      if (defaultOf(field) !== undefined) found = true;
      const inner = getNamedType(field.type);
      if (isInputObjectType(inner)) reached.add(inner);
    }
  }
  defaulted.set(top, found);
  return found;
}

/**
 * A value as resolvers get it, as far as defaults go: an input `{}` may stand for five hundred objects. A value is
 * filled once for each type, however many fields take it. What is in the place of a list stands for its only item.
 */
export function fillInput(value: unknown, type: GraphQLInputType, filled: FilledInputs): unknown {
  return fill(value, type, filled, new Set());
}

function fill(
  value: unknown,
  type: GraphQLInputType,
  filled: FilledInputs,
  open: Set<GraphQLInputObjectType>,
): unknown {
  const input = getNamedType(type);
  if (typeof value !== 'object' || value === null) return value;
  if (!isInputObjectType(input) || !hasInputDefaults(input)) return value;
  const known = filled.get(value) ?? new Map<GraphQLInputObjectType, unknown>();
  filled.set(value, known);
  if (known.has(input)) return known.get(input);
  const full = Array.isArray(value)
    ? (value as unknown[]).map((each) => fill(each, type, filled, open))
    : fillObject(value, input, filled, open);
  known.set(input, full);
  return full;
}

function fillObject(
  value: object,
  type: GraphQLInputObjectType,
  filled: FilledInputs,
  open: Set<GraphQLInputObjectType>,
): Values {
  // Without a prototype: names come from callers.
  const full = Object.assign(Object.create(null), defaultsOf(type, open)) as Record<
    string,
    unknown
  >;
  const fields = type.getFields();
  for (const [name, each] of Object.entries(value) as [string, unknown][]) {
    // Of a variable that was not sent.
    if (each === undefined) continue;
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    full[name] = field ? fill(each, field.type, filled, open) : each;
  }
  return full;
}

/** @param open types whose defaults are being read: one that holds itself by default would have no end. */
function defaultsOf(type: GraphQLInputObjectType, open: Set<GraphQLInputObjectType>): Values {
  const known = defaults.get(type);
  if (known) return known;
  if (open.has(type)) return {};
  open.add(type);
  const values: Record<string, unknown> = {};
  for (const field of Object.values(type.getFields())) {
    const value = defaultOf(field);
    if (value !== undefined) values[field.name] = fill(value, field.type, new Map(), open);
  }
  open.delete(type);
  // What was read within another may lack what that one was about to say.
  if (open.size === 0) defaults.set(type, values);
  return values;
}
