import { type DocumentNode, parse } from 'graphql';

/**
 * Stands in for a text that is not to be read, in servers whose pipeline cannot be left before it is parsed: it does
 * not parse, which takes less than validation does.
 */
export const deniedText = '}';

let document: DocumentNode | undefined;

/**
 * Stands in for a document that is not to be validated: no schema has a field of this name, so the pipeline ends there,
 * and the document is kept in no store of valid ones.
 */
export function deniedDocument(): DocumentNode {
  return (document ??= parse('{ __denied }', { noLocation: true }));
}
