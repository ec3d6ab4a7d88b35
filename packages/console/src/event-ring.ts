import type { AuditEvent } from '@apisec/core';

/** The newest events. */
export interface KeptEvents {
  /** How many came so far; where to go on from. */
  readonly count: () => number;
  /** Those that came after the first `count`, the oldest first and at most the newest `most`. */
  readonly since: (count: number, most: number) => readonly AuditEvent[];
  /** Those of one call. */
  readonly ofRequest: (requestId: string) => readonly AuditEvent[];
}

interface Kept {
  readonly event: AuditEvent;
  readonly number: number;
  readonly size: number;
}

/** A list that forgets its oldest; `head` is the first that is still there. */
interface Shelf {
  items: Kept[];
  head: number;
  bytes: number;
  readonly maxEvents: number;
  readonly maxBytes: number;
}

/**
 * Keeps denials, faults and acts apart from calls that simply succeeded, so that traffic does not push out what
 * somebody wants to look at.
 */
export function eventRing(
  maxEvents: number,
  maxBytes: number,
): KeptEvents & { readonly add: (event: AuditEvent) => void } {
  const shelf = (share: number): Shelf => ({
    items: [],
    head: 0,
    bytes: 0,
    maxEvents: Math.ceil(maxEvents * share),
    maxBytes: Math.floor(maxBytes * share),
  });
  // Acts are kept separately, so that denied calls cannot evict them.
  const shelves = { act: shelf(0.2), notable: shelf(0.7), plain: shelf(0.1) };
  let number = 0;
  const all = (): readonly Kept[] =>
    Object.values(shelves).flatMap(({ items, head }) => items.slice(head));

  return {
    count: () => number,
    add: (event) => {
      number++;
      const size = JSON.stringify(event).length * 2;
      const kept = shelves[shelfOf(event)];
      kept.items.push({ event, number, size });
      kept.bytes += size;
      const { items } = kept;
      while (items.length - kept.head > kept.maxEvents || kept.bytes > kept.maxBytes) {
        kept.bytes -= items[kept.head++]?.size ?? 0;
      }
      // Moved once in a while, so that adding costs the same however many there are.
      if (kept.head > kept.maxEvents) {
        kept.items = items.slice(kept.head);
        kept.head = 0;
      }
    },
    since: (count, most) =>
      all()
        .filter((kept) => kept.number > count)
        .toSorted((a, b) => a.number - b.number)
        .slice(-most)
        .map(({ event }) => event),
    ofRequest: (requestId) =>
      all()
        .filter(({ event }) => event.requestId === requestId)
        .map(({ event }) => event),
  };
}

function shelfOf(event: AuditEvent): 'act' | 'notable' | 'plain' {
  if (event.kind === 'act') return 'act';
  const isPlain =
    event.outcome === 'succeeded' && event.wouldDeny === undefined && event.degraded === undefined;
  return isPlain ? 'plain' : 'notable';
}
