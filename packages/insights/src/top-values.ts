/** One of the most frequent values. */
export interface Frequent<State> {
  readonly name: string;
  /** At least as often as it came, and by at most `error` more often. */
  readonly count: number;
  readonly error: number;
  readonly state: State;
}

/** The most frequent values with something kept for each. */
export interface TopValues<State> {
  /** `isKnown`: nobody can have made the name up. Default: true. */
  readonly add: (name: string, isKnown?: boolean) => State;
  /** The most frequent first. */
  readonly list: () => readonly Frequent<State>[];
}

interface Slot<State> {
  count: number;
  error: number;
  state: State;
}

/**
 * Space-saving (Metwally and others 2005) in `most` slots: a known value that makes up more than one part in `most` of
 * all is always among them. A new value takes the slot of the rarest, with its count as its error.
 *
 * Values that may be made up have a quarter as many slots of their own, until they are known: however many there are,
 * they push out no known one.
 */
export function topValues<State>(most: number, make: () => State): TopValues<State> {
  const known = slotTable(most, make);
  const others = slotTable(Math.ceil(most / 4), make);
  return {
    add: (name, isKnown = true) => {
      if (!isKnown && !known.has(name)) return others.add(name);
      return known.add(name, others.remove(name));
    },
    list: () => [...known.list(), ...others.list()].toSorted((a, b) => b.count - a.count),
  };
}

interface SlotTable<State> {
  readonly has: (name: string) => boolean;
  /** `counted`: what was counted of a new name elsewhere. */
  readonly add: (name: string, counted?: Slot<State>) => State;
  readonly remove: (name: string) => Slot<State> | undefined;
  readonly list: () => readonly Frequent<State>[];
}

function slotTable<State>(most: number, make: () => State): SlotTable<State> {
  const slots = new Map<string, Slot<State>>();
  /** Names by their count, so that the rarest is found at once. */
  const byCount = new Map<number, Set<string>>();
  let least = 0;
  const place = (name: string, count: number): void => {
    const names = byCount.get(count);
    if (names) names.add(name);
    else byCount.set(count, new Set([name]));
  };
  const leave = (name: string, count: number): void => {
    const names = byCount.get(count);
    names?.delete(name);
    if (names?.size === 0) byCount.delete(count);
  };
  /** Makes room for one more, and answers how often the one that gave way had come. */
  const dropRarest = (): number => {
    if (slots.size < most) return 0;
    // Where slots are full, the rarest count only grows.
    while (!byCount.has(least)) least++;
    const [rarest = ''] = byCount.get(least) ?? [];
    leave(rarest, least);
    slots.delete(rarest);
    return least;
  };
  return {
    has: (name) => slots.has(name),
    add: (name, counted) => {
      let slot = slots.get(name);
      if (slot !== undefined) leave(name, slot.count);
      else {
        const inherited = dropRarest();
        const { count, error, state } = counted ?? { count: 0, error: 0, state: make() };
        slot = { count: count + inherited, error: error + inherited, state };
        slots.set(name, slot);
        if (inherited === 0) least = 1;
      }
      slot.count++;
      place(name, slot.count);
      return slot.state;
    },
    remove: (name) => {
      const slot = slots.get(name);
      if (slot !== undefined) {
        slots.delete(name);
        leave(name, slot.count);
      }
      return slot;
    },
    list: () => [...slots].map(([name, slot]) => ({ name, ...slot })),
  };
}
