import type { DocumentNode } from 'graphql';

/** Documents whose errors still name their places. */
const MOST_CHARACTERS = 20_000;
const MOST_LINES = 1_000;

/**
 * Takes the places from the nodes of a long document, in place. For each error GraphQL.js looks for the ends of lines
 * from the beginning of the text, so that a hundred errors behind 90,000 empty lines cost a second. Without places
 * they cost what their messages do. Linear in the document.
 */
export function dropLocations(document: DocumentNode): void {
  const text = document.loc?.source.body;
  if (text === undefined || !isLong(text)) return;
  const open: Node[] = [document as unknown as Node];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    // A place is an object as well, with all tokens behind it.
    if (node['loc'] !== undefined) node['loc'] = undefined;
    // Nodes and lists have no members but their own; made without a list of these, it takes half the time.
    for (const name in node) {
      const member = node[name];
      if (typeof member === 'object' && member !== null) open.push(member as Node);
    }
  }
}

/** By its type a node is read-only, and lists have no names. */
type Node = Record<string, unknown>;

function isLong(text: string): boolean {
  if (text.length > MOST_CHARACTERS) return true;
  if (text.length <= MOST_LINES) return false;
  let lines = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if ((char === 10 || char === 13) && ++lines > MOST_LINES) return true;
  }
  return false;
}
