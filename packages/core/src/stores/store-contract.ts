/** One thing that every implementation of a store must do, as data: run it in any test runner. */
export interface StoreContractCase<Store> {
  readonly name: string;
  /** Rejects, with what is wrong, when the store does something else. The store may hold other rows. */
  readonly run: (store: Store) => Promise<void>;
}

/** Throws unless both are the same as JSON, whatever the order of members. */
export function expectSame(actual: unknown, expected: unknown, what: string): void {
  const [one, other] = [canonical(actual), canonical(expected)];
  if (one !== other) throw new Error(`${what}: ${one} instead of ${other}`);
}

function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_, inner: unknown) =>
      typeof inner === 'object' && inner !== null && !Array.isArray(inner)
        ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
        : inner,
    ) ?? 'undefined'
  );
}
