import type { Count } from './wire.ts';

/** The reported count of one name: never more than there were. */
interface Cell {
  count: number;
  denied: number;
}

/** What is kept of one name. */
interface Slot extends Cell {
  /** Part of the count that belongs to the name that gave way to it. */
  readonly inherited: number;
}

/** How often names were seen in this window of time and the one before it. */
export interface RollingCounts {
  readonly add: (name: string, time: number, weight?: number, denied?: boolean) => void;
  /** The most frequent first. */
  readonly top: (time: number, most: number) => readonly Count[];
  readonly cells: (time: number) => ReadonlyMap<string, Readonly<Cell>>;
}

/**
 * Bounded in memory: where there are more than `maxNames`, the rarest gives way and the new one begins from its
 * count, so that a name that is frequent stays, however many are made up. What is told of a name leaves that count out.
 */
export function rollingCounts(windowMs: number, maxNames: number): RollingCounts {
  let began = Number.NEGATIVE_INFINITY;
  let current = new Map<string, Slot>();
  let previous = new Map<string, Slot>();

  const turn = (time: number): void => {
    const window = Math.floor(time / windowMs);
    // An event that is one window late counts in this one; anything later means a clock that was ahead.
    if (window === began || window === began - 1) return;
    previous = window === began + 1 ? current : new Map();
    current = new Map();
    began = window;
  };

  const cells: RollingCounts['cells'] = (time) => {
    turn(time);
    const all = new Map<string, Cell>();
    for (const table of [previous, current]) {
      for (const [name, { count, inherited, denied }] of table) {
        const sum = all.get(name);
        all.set(name, {
          count: (sum?.count ?? 0) + count - inherited,
          denied: (sum?.denied ?? 0) + denied,
        });
      }
    }
    return all;
  };

  return {
    add: (name, time, weight = 1, denied = false) => {
      turn(time);
      let cell = current.get(name);
      if (cell === undefined) {
        const inherited = current.size < maxNames ? 0 : dropRarest(current);
        cell = { count: inherited, inherited, denied: 0 };
        current.set(name, cell);
      }
      cell.count += weight;
      if (denied) cell.denied += weight;
    },
    top: (time, most) =>
      [...cells(time)]
        .map(([name, { count }]): Count => [name, count])
        .toSorted((a, b) => b[1] - a[1])
        .slice(0, most),
    cells,
  };
}

function dropRarest(table: Map<string, Slot>): number {
  let rarest = '';
  let least = Number.POSITIVE_INFINITY;
  for (const [name, { count }] of table) {
    if (count < least) [rarest, least] = [name, count];
  }
  table.delete(rarest);
  return least;
}
