import type { Denial } from '@apisec/core';
import {
  GraphQLBoolean,
  GraphQLEnumType,
  GraphQLFloat,
  GraphQLID,
  type GraphQLInputType,
  GraphQLInt,
  type GraphQLLeafType,
  GraphQLString,
  type GraphQLType,
  isInputObjectType,
  isInputType,
  isListType,
  isNonNullType,
  isRequiredInputField,
  typeFromAST,
} from 'graphql';
import type { OperationSource } from '../operation-call.ts';

/**
 * Denies variables at the first value that their types do not take (`message.malformed`). GraphQL.js would go on to 50
 * errors and write the whole value into each, which is many times as large as what was sent. What scalars of the
 * application take is left to them.
 */
export function deniedVariables({
  schema,
  operation,
  variables,
}: OperationSource): Denial | undefined {
  for (const { variable, type, defaultValue } of operation.variableDefinitions ?? []) {
    const name = variable.name.value;
    if (name === '__proto__') return PROTOTYPE;
    // Its overloads say one kind of node each.
    const declared = typeFromAST(schema, type as never) as GraphQLType | undefined;
    if (!declared || !isInputType(declared)) continue;
    const shown = `$${name.slice(0, 100)}`;
    if (!Object.hasOwn(variables, name)) {
      if (defaultValue || !isNonNullType(declared)) continue;
      return malformed(`The variable ${shown} is missing.`);
    }
    const place = misfit(declared, variables[name]);
    if (place === undefined) continue;
    const at = place === '' ? '' : ` at ${place.slice(0, 200)}`;
    return malformed(`The variable ${shown} has a value${at} that its type does not take.`);
  }
  return undefined;
}

/**
 * GraphQL.js before 16.15, and the executor of Yoga, keep values by name in an ordinary object. The members of this one
 * would stand for all variables that were not sent, of whatever type, where no limit or policy sees them.
 */
const PROTOTYPE = malformed('A variable must not have the name __proto__.');

function malformed(detail: string): Denial {
  return { kind: 'malformed', code: 'message.malformed', detail };
}

/**
 * Where a value is not of its type, in names of the schema and indexes; empty for the value itself, undefined where
 * there is no such place. Recursion is bounded as deep as variables may be nested, which was checked before.
 */
function misfit(type: GraphQLInputType, value: unknown): string | undefined {
  if (isNonNullType(type)) return value == null ? '' : misfit(type.ofType, value);
  if (value == null) return undefined;
  if (isListType(type)) {
    if (!Array.isArray(value)) return misfit(type.ofType, value);
    for (const [index, item] of value.entries()) {
      const place = misfit(type.ofType, item);
      if (place !== undefined) return within(`[${index}]`, place);
    }
    return undefined;
  }
  if (!isInputObjectType(type)) return isTaken(type, value) ? undefined : '';
  if (typeof value !== 'object' || Array.isArray(value)) return '';
  const fields = type.getFields();
  if (Object.keys(value).some((name) => !Object.hasOwn(fields, name))) return '';
  for (const field of Object.values(fields)) {
    const sent = Object.hasOwn(value, field.name)
      ? (value as Readonly<Record<string, unknown>>)[field.name]
      : undefined;
    if (sent === undefined) {
      if (isRequiredInputField(field)) return field.name;
      continue;
    }
    const place = misfit(field.type, sent);
    if (place !== undefined) return within(field.name, place);
  }
  return undefined;
}

function within(outer: string, inner: string): string {
  return inner === '' || inner.startsWith('[') ? outer + inner : `${outer}.${inner}`;
}

/** As GraphQL.js takes values of JSON. Types that only have the names of its own are the application's. */
function isTaken(type: GraphQLLeafType, value: unknown): boolean {
  if (type instanceof GraphQLEnumType) {
    return typeof value === 'string' && type.getValue(value) != null;
  }
  // Not JSON, so a caller within the process says what it is.
  if (typeof value === 'bigint' || typeof value === 'function') return true;
  const isInteger = typeof value === 'number' && Number.isInteger(value);
  switch (type) {
    case GraphQLString:
      return typeof value === 'string';
    case GraphQLBoolean:
      return typeof value === 'boolean';
    case GraphQLInt:
      return isInteger && Math.abs(value + 0.5) < 2 ** 31;
    case GraphQLFloat:
      return typeof value === 'number' && Number.isFinite(value);
    case GraphQLID:
      return typeof value === 'string' || isInteger;
    default:
      return true;
  }
}
