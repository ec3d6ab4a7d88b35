import {
  type GraphQLSchema,
  getArgumentValues,
  getVariableValues,
  isObjectType,
  type OperationDefinitionNode,
} from 'graphql';
import type { RootField } from './root-fields.ts';

/**
 * The arguments that the resolver of a root field gets: what variables and literals make of them, by the types
 * of the schema. Undefined where GraphQL would not run it with them.
 */
export function rootArguments(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  { node, coordinate }: RootField,
  variables: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> | undefined {
  const type = schema.getType(coordinate.slice(0, coordinate.indexOf('.')));
  const field = node && isObjectType(type) ? type.getFields()[node.name.value] : undefined;
  if (node === undefined || field === undefined) return undefined;
  try {
    const known = getVariableValues(schema, operation.variableDefinitions ?? [], variables);
    if (known.errors) return undefined;
    // GraphQL 17 has another member, which its `getArgumentValues` takes in the same place.
    const values = known.coerced ?? (known as { readonly variableValues?: never }).variableValues;
    return getArgumentValues(field, node, values);
  } catch {
    return undefined;
  }
}
