import type { Denial } from '@apisec/core';
import { assertConfiguration } from '@apisec/core/host';
import {
  defaultFieldResolver,
  type GraphQLField,
  type GraphQLFieldResolver,
  type GraphQLObjectType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  isInterfaceType,
  isObjectType,
} from 'graphql';
import { refusalError } from './refusal-error.ts';

/** Decides one field of one operation, before its resolver: answers the refusal, or nothing. */
export type FieldGate = (
  coordinate: string,
  source: unknown,
  args: Readonly<Record<string, unknown>>,
  info: GraphQLResolveInfo,
) => Denial | undefined;

type Resolver = GraphQLFieldResolver<unknown, unknown>;

const gates = new WeakMap<object, FieldGate[]>();
const gated = new WeakSet<object>();

const UNDECIDED: Denial = Object.freeze({ kind: 'forbidden', code: 'policy.no_grant' });

/**
 * The fields of object types that a coordinate stands for: itself, or for a field of an interface the same
 * field of every type that implements it.
 *
 * @throws ConfigurationError when the schema has no such type or field.
 */
export function expandCoordinate(schema: GraphQLSchema, coordinate: string): readonly string[] {
  const [typeName = '', fieldName = '', ...rest] = coordinate.split('.');
  const type = schema.getType(typeName);
  assertConfiguration(
    rest.length === 0 && (isObjectType(type) || isInterfaceType(type)),
    `fields: "${coordinate}" names no object type or interface of the schema; write 'Type.field'.`,
  );
  assertConfiguration(
    Object.hasOwn(type.getFields(), fieldName),
    `fields: type "${typeName}" has no field "${fieldName}".`,
  );
  const owners = isInterfaceType(type) ? schema.getImplementations(type).objects : [type];
  return owners.map(({ name }) => `${name}.${fieldName}`);
}

/**
 * Puts a gate in front of the resolvers of these fields of object types, in place. From then on such a field
 * is resolved only in operations for which {@link openFields} was called, and refused in any other.
 *
 * @param fieldResolver what the server resolves fields with that have no resolver of their own, where it
 * is not the default.
 */
export function gateFields(
  schema: GraphQLSchema,
  coordinates: Iterable<string>,
  fieldResolver: Resolver = defaultFieldResolver,
): void {
  for (const coordinate of coordinates) {
    const [typeName = '', fieldName = ''] = coordinate.split('.');
    // Coordinates of object types only, as expandCoordinate gives them.
    const field = (schema.getType(typeName) as GraphQLObjectType).getFields()[fieldName];
    if (field && !gated.has(field)) gate(field, coordinate, fieldResolver);
  }
}

/** Lets an operation, known by its context value, resolve gated fields, each as `decide` says. */
export function openFields(contextValue: object, decide: FieldGate): void {
  const known = gates.get(contextValue);
  if (known) known.push(decide);
  else gates.set(contextValue, [decide]);
}

function gate(field: GraphQLField<unknown, unknown>, coordinate: string, next: Resolver): void {
  const resolve = field.resolve ?? next;
  gated.add(field);
  field.resolve = (source, args, contextValue, info) => {
    // A WeakMap answers undefined for a context value that is no object.
    const deciders = gates.get(contextValue as object);
    if (deciders === undefined) throw refusalError(UNDECIDED, info);
    for (const decide of deciders) {
      const denial = decide(coordinate, source, args, info);
      if (denial) throw refusalError(denial, info);
    }
    return resolve(source, args, contextValue, info);
  };
}
