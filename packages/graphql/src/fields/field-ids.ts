import type { RequestLike } from '@apisec/core';
import { assertConfiguration } from '@apisec/core/host';
import type { FieldFacts } from './field-facts.ts';

/** Where `loadObject` finds the id that belongs to a field. */
export type FieldId = (request: RequestLike, facts: FieldFacts) => unknown;

/**
 * Takes an argument of the field that is guarded, with variables and defaults in their places.
 *
 * @throws ConfigurationError for an empty name.
 * @example
 * fields: { 'Query.document': guard<MemberFacts>().use(loadObject(document, { id: fieldArgument('id'), loadMany })) }
 */
export function fieldArgument(name: string): FieldId {
  assertName('fieldArgument', name);
  return (_request, { field: { args } }) => (Object.hasOwn(args, name) ? args[name] : undefined);
}

/**
 * Takes a member of the object that the guarded field belongs to, as the parent's resolver gave it.
 *
 * @throws ConfigurationError for an empty name.
 * @example
 * loadObject(document, { id: sourceMember('documentId'), loadMany })
 */
export function sourceMember(name: string): FieldId {
  assertName('sourceMember', name);
  // The server's own object, which may be of a class with accessors.
  return (_request, { field: { source } }) =>
    typeof source === 'object' && source !== null
      ? (source as Readonly<Record<string, unknown>>)[name]
      : undefined;
}

function assertName(where: string, name: string): void {
  assertConfiguration(
    typeof name === 'string' && name !== '',
    `${where}: name must say which one holds the id: ${where}('id').`,
  );
}
