import type { DocumentedOperation, ServedOperation } from '@apisec/core';
import { assertConfiguration } from '@apisec/core/host';
import type { GraphQLSchema } from 'graphql';
import { compileFields } from './fields/field-policies.ts';
import { objectTypesOf } from './fields/guarded-coordinates.ts';
import type { OperationOptions } from './operation-plan.ts';
import { rootTypesOf } from './root-fields.ts';

/** What decides about a schema: the same options as the server has. */
export type InventoryOptions<Facts extends object> = Pick<
  OperationOptions<Facts>,
  'admission' | 'fields' | 'directives' | 'insecureIgnoreDirectives' | 'unlistedFields'
>;

/**
 * Every field of the root types, with the guard in front of it, for `coverageReport`; below the root, every field that
 * has a resolver or policies of its own. Give it the options that you give to the server.
 *
 * Fields below the root are listed and not judged: a caller who reaches them was admitted by a root field.
 *
 * @throws ConfigurationError without an admission, and when `fields` names something that the schema does not have.
 * @example
 * const options = { admission: api, fields: { 'User.email': requireScopes('pii:read') } };
 * const report = coverageReport(inventoryOf(schema, options));
 */
export function inventoryOf<Facts extends object>(
  schema: GraphQLSchema,
  options: InventoryOptions<Facts>,
): readonly ServedOperation[] {
  const { admission, fields = {}, directives = {}, unlistedFields } = options;
  assertConfiguration(
    typeof admission?.check === 'function',
    'inventoryOf: give it the options of the server: inventoryOf(schema, { admission }).',
  );
  const compiled = compileFields(schema, fields, {
    directives: options.insecureIgnoreDirectives === true ? undefined : directives,
    denyUnlisted: unlistedFields === 'deny',
  });
  const roots = rootTypesOf(schema);
  const below = objectTypesOf(schema).filter((type) => !roots.includes(type));
  return [...roots, ...below].flatMap((type) =>
    Object.values(type.getFields()).flatMap(({ name, resolve, deprecationReason }) => {
      const operation = `${type.name}.${name}`;
      const policies = compiled.policies(operation);
      const nested = !roots.includes(type);
      if (nested && resolve === undefined && policies.length === 0) return [];
      const deprecated = typeof deprecationReason === 'string';
      const admissions = nested ? [] : [admission];
      return { operation, protocol: 'graphql' as const, admissions, policies, deprecated, nested };
    }),
  );
}

/**
 * The root fields that a schema lists, for the option `documented` of `coverageReport`: to compare what is served with
 * the schema that was published.
 *
 * @example
 * const documented = documentedOperations(buildSchema(await readFile('schema.graphql', 'utf8')));
 */
export function documentedOperations(schema: GraphQLSchema): readonly DocumentedOperation[] {
  return rootTypesOf(schema).flatMap((type) =>
    Object.values(type.getFields()).map(({ name, deprecationReason }) => ({
      operation: `${type.name}.${name}`,
      deprecated: typeof deprecationReason === 'string',
    })),
  );
}
