import type { Denial } from '@apisec/core';
import { type DocumentNode, type GraphQLSchema, validate } from 'graphql';
import { MOST_ERRORS } from '../safe-errors.ts';

/** Characters of documents that have no room for many errors. */
const SHORT = 200;

const TOO_MANY: Denial = Object.freeze({
  kind: 'malformed',
  code: 'document.too_many_errors',
  detail: 'The document has more errors than are looked for here.',
});

/** How to validate a document, or read variables, without finding all that is wrong with them. */
export const FEW_ERRORS: { readonly maxErrors: number } = { maxErrors: MOST_ERRORS };

/** Denies a document that was validated with {@link FEW_ERRORS} and has more. */
export function deniedErrors(errors: readonly unknown[]): Denial | undefined {
  return errors.length > MOST_ERRORS ? TOO_MANY : undefined;
}

/**
 * Denies a document with more errors than anybody reads, for servers that look for a hundred: each costs a multiple of
 * what it takes to find it, in suggestions, places and formatting.
 */
export function findErrors(schema: GraphQLSchema, document: DocumentNode): Denial | undefined {
  const { length = Number.POSITIVE_INFINITY } = document.loc?.source.body ?? {};
  if (length <= SHORT) return undefined;
  const options = { ...FEW_ERRORS, hideSuggestions: true };
  return deniedErrors(validate(schema, document, undefined, options));
}
