import { assertConfiguration } from '@apisec/core/host';
import type { GraphQLSchema } from 'graphql';
import { UNRESOLVED } from './operation-name.ts';
import { listRootFields, rootTypesOf } from './root-fields.ts';

/**
 * For adapters, at start: a coverage table must fit the schema that it guards. What it lists and nobody serves is a
 * name that was misspelt, so that the field it was meant for is decided by nobody's rule.
 *
 * @throws ConfigurationError naming every entry that the schema does not serve.
 */
export function assertTable(schema: GraphQLSchema, admission: object): void {
  const { operations } = admission as { readonly operations?: readonly string[] };
  // A guard decides every operation, so it has no entries.
  if (!Array.isArray(operations)) return;
  const served = new Set([...listRootFields(schema), UNRESOLVED]);
  const query = schema.getQueryType()?.name;
  for (const name of ['__schema', '__type']) served.add(`${query}.${name}`);
  for (const { name } of rootTypesOf(schema)) served.add(`${name}.__typename`);
  const stale = operations.filter((operation) => !served.has(operation));
  assertConfiguration(
    stale.length === 0,
    `coverage: listed, but not in the schema: ${stale.join(', ')}. ` +
      "Write root fields as 'Query.orders', and remove or correct the others.",
  );
}
