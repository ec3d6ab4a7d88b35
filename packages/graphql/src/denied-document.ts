import { type DocumentNode, parse } from 'graphql';

/**
 * Stands in for a document that is not to be read, in servers whose pipeline cannot be left before validation: no
 * schema has a field of this name, so it ends there, and is kept in no store of valid documents.
 */
export const deniedText = '{ __denied }';

let document: DocumentNode | undefined;

export function deniedDocument(): DocumentNode {
  return (document ??= parse(deniedText, { noLocation: true }));
}
