import { constants, PerformanceObserver } from 'node:perf_hooks';

/** Garbage collection in one window. */
export interface GcFigures {
  readonly totalMs: number;
  /** Each pass over the young generation. */
  readonly youngMs: readonly number[];
}

/** Watches from now on; `take` answers what happened since the last time. */
export function watchGc(): { readonly take: () => GcFigures } {
  let entries: PerformanceEntry[] = [];
  const observer = new PerformanceObserver((list) => {
    entries.push(...list.getEntries());
  });
  observer.observe({ entryTypes: ['gc'] });
  return {
    take: () => {
      const seen = [...entries, ...observer.takeRecords()];
      entries = [];
      return {
        totalMs: seen.reduce((sum, { duration }) => sum + duration, 0),
        youngMs: seen.filter(isYoung).map(({ duration }) => duration),
      };
    },
  };
}

function isYoung(entry: PerformanceEntry): boolean {
  // The type of an entry is that of every kind; those of `gc` have this detail.
  const { detail } = entry as PerformanceEntry & { readonly detail?: { readonly kind?: number } };
  return detail?.kind === constants.NODE_PERFORMANCE_GC_MINOR;
}
