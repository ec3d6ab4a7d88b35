import type { Denial } from '@apisec/core';
import { type GraphQLSchema, getNamedType, SchemaMetaFieldDef, TypeMetaFieldDef } from 'graphql';
import type { RootField } from './root-fields.ts';

/**
 * The fields that tell what the schema is made of: the two of the language, on the query type that they belong to, and
 * the one by which a subgraph of a federation shows its SDL. By definition: a field that is merely called like one of
 * them, or aliased to its name, is not among them.
 */
export function introspectionFields(schema: GraphQLSchema): readonly string[] {
  const query = schema.getQueryType();
  if (!query) return [];
  const names = [SchemaMetaFieldDef.name, TypeMetaFieldDef.name];
  const fields = query.getFields();
  const service = Object.hasOwn(fields, '_service') ? fields['_service'] : undefined;
  if (service && getNamedType(service.type).name === '_Service') names.push(service.name);
  return names.map((name) => `${query.name}.${name}`);
}

const DISABLED: Denial = Object.freeze({
  kind: 'forbidden',
  code: 'introspection.disabled',
  detail: 'Introspection is off here.',
});

/**
 * Why the operation is not executed where introspection is off: it selects a field of that, which no entry of the table
 * stands for.
 */
export function deniedIntrospection(
  roots: readonly RootField[],
  schema: GraphQLSchema,
  isListed: (coordinate: string) => boolean,
): Denial | undefined {
  // Most operations select nothing of the kind, and are told apart by a name.
  const selected = roots.filter(({ node }) => node?.name.value.startsWith('_'));
  if (selected.length === 0) return undefined;
  const closed = introspectionFields(schema);
  return selected.some(({ coordinate }) => closed.includes(coordinate) && !isListed(coordinate))
    ? DISABLED
    : undefined;
}
