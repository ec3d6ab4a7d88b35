import {
  type DefinitionNode,
  type FieldNode,
  type FragmentDefinitionNode,
  Kind,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql';

/** A pair of fragments costs as much as so many of fields. */
const FRAGMENT_PAIR = 8;

/**
 * How many pairs of fields "field selection merging" compares: of all that share a name in the response, wherever
 * merging brings them together. A pair counts as often as its arguments have values, which are compared as well. Ends
 * when there are more than `most`.
 */
export function mergedPairs(
  definitions: readonly DefinitionNode[],
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
  most: number,
): number {
  const sizes = new Map<FieldNode, number>();
  const compared = new Set<string>();
  /** Whether two fragments were met together before; from now on they were. */
  const isCompared = (one: string, other: string): boolean => {
    const before = compared.size;
    compared.add(one < other ? `${one} ${other}` : `${other} ${one}`);
    return compared.size === before;
  };
  let pairs = 0;
  const pending: (readonly SelectionSetNode[])[] = [];
  for (const definition of definitions) {
    if ('selectionSet' in definition && definition.selectionSet) {
      pending.push([definition.selectionSet]);
    }
  }
  for (let sets = pending.pop(); sets !== undefined; sets = pending.pop()) {
    const byName = new Map<string, SelectionSetNode[]>();
    const counts = new Map<string, number>();
    const spread = new Set<string>();
    const open = [...sets];
    for (let set = open.pop(); set !== undefined; set = open.pop()) {
      for (const selection of set.selections) {
        if (selection.kind === Kind.FIELD) {
          const name = selection.alias?.value ?? selection.name.value;
          const before = counts.get(name) ?? 0;
          counts.set(name, before + 1);
          if (before > 0) pairs += before * (1 + argumentsOf(selection, sizes, most));
          if (selection.selectionSet) {
            const inner = byName.get(name);
            if (inner) inner.push(selection.selectionSet);
            else byName.set(name, [selection.selectionSet]);
          }
        } else if (selection.kind === Kind.INLINE_FRAGMENT) open.push(selection.selectionSet);
        else {
          const name = selection.name.value;
          // Fragments are compared with one another as well, each pair once, with all that they select.
          pairs++;
          if (spread.has(name)) continue;
          for (const other of spread) pairs += isCompared(other, name) ? 1 : FRAGMENT_PAIR;
          spread.add(name);
          const fragment = fragments.get(name);
          if (fragment) open.push(fragment.selectionSet);
        }
        if (pairs > most) return pairs;
      }
    }
    pending.push(...byName.values());
  }
  return pairs;
}

/** How many values the arguments of a field hold; not more than `most`. */
function argumentsOf(field: FieldNode, sizes: Map<FieldNode, number>, most: number): number {
  const known = sizes.get(field);
  if (known !== undefined) return known;
  let size = 0;
  const open: ValueNode[] = (field.arguments ?? []).map(({ value }) => value);
  for (let value = open.pop(); value !== undefined && size <= most; value = open.pop()) {
    size++;
    if (value.kind === Kind.LIST) open.push(...value.values);
    else if (value.kind === Kind.OBJECT) open.push(...value.fields.map((each) => each.value));
  }
  sizes.set(field, size);
  return size;
}
