/** What one operation, or one fragment, selects itself. */
export interface OwnSelections {
  /** Aliases by coordinate. */
  readonly aliases: Map<string, number>;
  /** Fragments that it spreads, and how often. */
  readonly spreads: Map<string, number>;
}

export function ownSelections(): OwnSelections {
  return { aliases: new Map(), spreads: new Map() };
}

export function increase(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

/**
 * The most aliases of one field, with every fragment in its place: each definition is read once, and counts as often as
 * it is spread. Linear in the document. `fragments` in the order in which they ended, so that each stands behind
 * those that it spreads.
 */
export function mostAliases(
  operation: OwnSelections,
  fragments: ReadonlyMap<string, OwnSelections>,
): number {
  const times = new Map<string, number>(operation.spreads);
  const total = new Map<string, number>(operation.aliases);
  for (const [name, { aliases, spreads }] of [...fragments].toReversed()) {
    const count = times.get(name) ?? 0;
    for (const [spread, own] of spreads) times.set(spread, (times.get(spread) ?? 0) + own * count);
    for (const [coordinate, own] of aliases) {
      total.set(coordinate, (total.get(coordinate) ?? 0) + own * count);
    }
  }
  let most = 0;
  for (const count of total.values()) most = Math.max(most, count);
  return most;
}
