/** Something that was asked of the store at a time. */
export interface Reading {
  readonly id: string;
  readonly startedAt: number;
  /** No longer used from then on. */
  readonly until: number;
  /** The number of changes that were known when it began. */
  readonly seen: number;
}

/** Tells readings of the store that may still be used from those that a change has overtaken. */
export interface Readings {
  /** Begins a reading, which is used for its lifetime at most. */
  readonly begin: (id: string, at: number) => Reading;
  readonly isFresh: (reading: Reading, at: number) => boolean;
  /** Discards everything that was read of this key before. */
  readonly forget: (id: string) => void;
}

/** Keys that changed here, remembered one by one; beyond that all that was read before is given up. */
const MAX_FORGOTTEN = 1_024;

/** `lifetime` in milliseconds. */
export function apiKeyReadings(lifetime: number): Readings {
  const forgotten = new Map<string, number>();
  let changes = 0;
  let forgottenBefore = 0;
  return {
    begin: (id, at) => ({ id, startedAt: at, until: at + lifetime, seen: changes }),
    // A clock that was set back makes readings stale, never longer-lived.
    isFresh: (reading, at) =>
      at >= reading.startedAt &&
      at < reading.until &&
      reading.seen >= (forgotten.get(reading.id) ?? forgottenBefore),
    forget: (id) => {
      changes++;
      if (forgotten.size >= MAX_FORGOTTEN) {
        forgotten.clear();
        forgottenBefore = changes;
      } else forgotten.set(id, changes);
    },
  };
}
