/** How much a cache may hold; both bounds hold at once. */
export interface CacheBounds {
  readonly maxEntries: number;
  /** In bytes, as estimated by the code that adds the entries. */
  readonly maxBytes: number;
}

/** A cache of fixed size. */
export interface BoundedCache<V> {
  readonly get: (key: string) => V | undefined;
  readonly set: (key: string, value: V, bytes: number) => void;
  readonly delete: (key: string) => void;
  readonly clear: () => void;
}

interface Entry<V> {
  readonly value: V;
  readonly bytes: number;
}

/**
 * Keeps what was used lately, in two generations: when the young one has taken half of the bounds it becomes the
 * old one, and the old one goes. Every operation is O(1), and an entry in use is never pushed out by a
 * flood of new ones without having been asked for again in between.
 */
export function boundedCache<V>({ maxEntries, maxBytes }: CacheBounds): BoundedCache<V> {
  let young = new Map<string, Entry<V>>();
  let old = new Map<string, Entry<V>>();
  let youngBytes = 0;

  const put = (key: string, entry: Entry<V>): void => {
    if (entry.bytes * 2 > maxBytes) return;
    if ((young.size + 1) * 2 > maxEntries || (youngBytes + entry.bytes) * 2 > maxBytes) {
      old = young;
      young = new Map();
      youngBytes = 0;
    }
    young.set(key, entry);
    youngBytes += entry.bytes;
  };
  const drop = (key: string): void => {
    youngBytes -= young.get(key)?.bytes ?? 0;
    young.delete(key);
    old.delete(key);
  };
  return {
    get: (key) => {
      const entry = young.get(key);
      if (entry !== undefined) return entry.value;
      const kept = old.get(key);
      if (kept === undefined) return undefined;
      old.delete(key);
      put(key, kept);
      return kept.value;
    },
    set: (key, value, bytes) => {
      drop(key);
      put(key, { value, bytes });
    },
    delete: drop,
    clear: () => {
      young.clear();
      old.clear();
      youngBytes = 0;
    },
  };
}
