import { type DocumentNode, Kind, type ValueNode, visit } from 'graphql';
import type { OperationSource } from '../operation-call.ts';
import { withDefaults } from './plain-values.ts';

/** Characters of a text that count as one value. */
const CHARACTERS = 64;
/** Variables that hold no more than this are not worth a look, as often as a document can name them. */
const SMALL = 8;

/**
 * How many values variables put into lists and objects of the document, as often as they stand there: `[$a $a $a]` is
 * three times as large as what was sent, and so is what resolvers of the application make of it. A text counts by its
 * length. Ends at the first that is more than `most`; linear in the document and the variables.
 */
export function repeatedValues(
  { document, operation, variables }: OperationSource,
  most: number,
): number {
  const sizes = new Map<string, number>();
  for (const [name, value] of Object.entries(withDefaults(operation, variables))) {
    const size = sizeOf(value);
    if (size > SMALL) sizes.set(name, size);
  }
  return sizes.size === 0 ? 0 : countUses(document, sizes, most);
}

function countUses(
  document: DocumentNode,
  sizes: ReadonlyMap<string, number>,
  most: number,
): number {
  let sum = 0;
  const count = (node: ValueNode): void => {
    if (sum > most) return;
    if (node.kind === Kind.VARIABLE) sum += sizes.get(node.name.value) ?? 0;
    else if (node.kind === Kind.LIST) node.values.forEach(count);
    else if (node.kind === Kind.OBJECT) for (const { value } of node.fields) count(value);
  };
  visit(document, {
    Argument: ({ value }) => {
      // One that is the whole argument is what was sent, and no more.
      if (value.kind !== Kind.VARIABLE) count(value);
      return false;
    },
  });
  return sum;
}

/** Nesting was bounded before. */
function sizeOf(value: unknown): number {
  if (typeof value === 'string') return 1 + Math.floor(value.length / CHARACTERS);
  if (typeof value !== 'object' || value === null) return 1;
  let size = 1;
  for (const each of Array.isArray(value) ? (value as unknown[]) : Object.values(value)) {
    size += sizeOf(each);
  }
  return size;
}
