/** Counts what is open, by key. It holds no more keys than there are open streams. */
export interface StreamCount {
  /** Takes a place, and answers how to give it back; undefined where all are taken. */
  readonly take: (key: string) => (() => void) | undefined;
}

/** Counts up to `limit` for each key. */
export function streamCount(limit: number): StreamCount {
  const open = new Map<string, number>();
  return {
    take: (key) => {
      const count = open.get(key) ?? 0;
      if (count >= limit) return undefined;
      open.set(key, count + 1);
      let isTaken = true;
      return () => {
        if (!isTaken) return;
        isTaken = false;
        const left = (open.get(key) ?? 1) - 1;
        if (left === 0) open.delete(key);
        else open.set(key, left);
      };
    },
  };
}
