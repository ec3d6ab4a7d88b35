import type { Denial } from '@apisec/core';
import { type DocumentNode, GraphQLError, type GraphQLSchema, validate } from 'graphql';
import { MOST_ERRORS } from '../safe-errors.ts';
import { hasManyErrors } from './early-errors.ts';

const TOO_MANY: Denial = Object.freeze({
  kind: 'malformed',
  code: 'document.too_many_errors',
  detail: 'The document has more errors than are looked for here.',
});

/** How to read variables without finding all that is wrong with them. */
export const FEW_ERRORS: { readonly maxErrors: number } = { maxErrors: MOST_ERRORS };

/** Denies a document with more errors than anybody reads. */
export function deniedErrors(errors: readonly unknown[]): Denial | undefined {
  return errors.length > MOST_ERRORS ? TOO_MANY : undefined;
}

/**
 * The same before validation, as far as it is cheap to know. For servers that validate by themselves and look for a
 * hundred errors, each of which costs a multiple of what it takes to find it.
 */
export function deniedEarly(schema: GraphQLSchema, document: DocumentNode): Denial | undefined {
  return hasManyErrors(schema, document, MOST_ERRORS) ? TOO_MANY : undefined;
}

/**
 * Validates a document, as far as {@link deniedErrors} wants to know. What a rule throws is an error of the document.
 */
export function validateFew(
  schema: GraphQLSchema,
  document: DocumentNode,
  hideSuggestions: boolean,
  run: (bounds: ValidationBounds) => readonly GraphQLError[] = (bounds) =>
    validate(schema, document, undefined, bounds),
): readonly GraphQLError[] {
  if (deniedEarly(schema, document)) return MANY;
  try {
    return run({ ...FEW_ERRORS, hideSuggestions });
  } catch (cause) {
    return [cause instanceof GraphQLError ? cause : UNREADABLE];
  }
}

const UNREADABLE = new GraphQLError('The document cannot be validated.');

interface ValidationBounds {
  readonly maxErrors: number;
  readonly hideSuggestions: boolean;
}

/** Nobody reads them: the denial says that they are too many. */
const MANY: readonly GraphQLError[] = Object.freeze(
  Array.from({ length: MOST_ERRORS + 1 }, () => new GraphQLError('Too many errors.')),
);
