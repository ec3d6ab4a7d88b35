import { assertConfiguration } from '@apisec/core/host';
import {
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
} from 'graphql';
import { rootTypesOf } from '../root-fields.ts';

/** Stands for "an object of this type is loaded by its key", as federation does. */
export const REFERENCE = '__resolveReference';

/**
 * The coordinates of object types that an entry stands for. `User.email`: itself; for a field of an interface the same
 * field of every type that implements it. `User.*`: every field of a type. `User`: objects of the type wherever they
 * come from, so every field of it, `__typename` too, every field that returns it, and loading it by reference.
 *
 * @throws ConfigurationError when the schema has no such type or field.
 */
export function expandCoordinate(schema: GraphQLSchema, coordinate: string): readonly string[] {
  const [typeName = '', fieldName, ...rest] = coordinate.split('.');
  const type = schema.getType(typeName);
  if (fieldName === undefined) return ofType(schema, type, coordinate);
  assertConfiguration(
    rest.length === 0 &&
      !typeName.startsWith('__') &&
      (isObjectType(type) || isInterfaceType(type)),
    `fields: "${coordinate}" names no object type or interface of the schema; ` +
      "write 'Type.field', 'Type.*', or 'Type'.",
  );
  const owners = ownersOf(schema, type);
  if (fieldName === '*') return owners.flatMap(fieldsOf);
  assertConfiguration(
    fieldName === REFERENCE || Object.hasOwn(type.getFields(), fieldName),
    `fields: type "${typeName}" has no field "${fieldName}".`,
  );
  return owners.map(({ name }) => `${name}.${fieldName}`);
}

function ofType(
  schema: GraphQLSchema,
  type: GraphQLNamedType | undefined,
  name: string,
): readonly string[] {
  assertConfiguration(
    type !== undefined && !name.startsWith('__') && !isInputObjectType(type),
    `fields: "${name}" is not a type that fields of the schema return.`,
  );
  const owners = isObjectType(type) || isInterfaceType(type) ? ownersOf(schema, type) : [];
  const own = owners.flatMap((owner) => [
    ...fieldsOf(owner),
    `${owner.name}.__typename`,
    `${owner.name}.${REFERENCE}`,
  ]);
  const returning = objectTypesOf(schema).flatMap((owner) =>
    Object.values(owner.getFields())
      .filter((field) => getNamedType(field.type) === type)
      .map((field) => `${owner.name}.${field.name}`),
  );
  return [...new Set([...own, ...returning])];
}

/**
 * Every field below the root types: what an entry of `fields` can stand for. Root fields are the admission's.
 */
export function listFields(schema: GraphQLSchema): readonly string[] {
  const roots = new Set(rootTypesOf(schema));
  return objectTypesOf(schema)
    .filter((type) => !roots.has(type))
    .flatMap(fieldsOf);
}

/** Object types of the schema's own. */
export function objectTypesOf(schema: GraphQLSchema): readonly GraphQLObjectType[] {
  return Object.values(schema.getTypeMap())
    .filter(isObjectType)
    .filter(({ name }) => !name.startsWith('__'));
}

function ownersOf(schema: GraphQLSchema, type: GraphQLNamedType): readonly GraphQLObjectType[] {
  if (isInterfaceType(type)) return schema.getImplementations(type).objects;
  return isObjectType(type) ? [type] : [];
}

function fieldsOf(type: GraphQLObjectType): readonly string[] {
  return Object.keys(type.getFields()).map((field) => `${type.name}.${field}`);
}
