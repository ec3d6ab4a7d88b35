import { freezeDeep } from './freeze-deep.ts';

/** Options for rows of one kind. */
export interface ExpiringRowsOptions<Row> {
  /** The factory of the store, for the message of a full one. */
  readonly where: string;
  /** Rows that it holds at once. */
  readonly capacity: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** When a row ends, by the same clock. */
  readonly endsAt: (row: Row) => number;
  /** The groups by which a row can also be found. */
  readonly groupsOf?: ((row: Row) => readonly string[]) | undefined;
  /** Called for each row that is removed. */
  readonly onDrop?: ((row: Row) => void) | undefined;
}

/** Rows of a store in the memory of this process. Each stays until it ends, and not longer. */
export interface ExpiringRows<Row> {
  /**
   * Keeps a copy, unless there is a row of this id.
   *
   * @throws Error when it is full of rows that have not ended.
   */
  readonly insert: (row: Row) => boolean;
  /** Keeps a copy in place of the row with the same id and groups. */
  readonly replace: (row: Row) => void;
  readonly get: (id: string) => Row | undefined;
  readonly inGroup: (group: string) => readonly Row[];
  readonly drop: (row: Row) => void;
}

/** A full store scans all of its rows at most this often. */
const SWEEP_EVERY_MS = 1_000;

/** For memory stores: rows by id and by group, each until it ends. A full store rejects new rows and drops none. */
export function expiringRows<Row extends { readonly id: string }>({
  where,
  capacity,
  now,
  endsAt,
  groupsOf = () => [],
  onDrop,
}: ExpiringRowsOptions<Row>): ExpiringRows<Row> {
  const rows = new Map<string, Row>();
  const groups = new Map<string, Set<string>>();
  let sweptAt = Number.NEGATIVE_INFINITY;

  const drop = (row: Row): void => {
    rows.delete(row.id);
    for (const group of groupsOf(row)) {
      const ids = groups.get(group);
      ids?.delete(row.id);
      if (ids?.size === 0) groups.delete(group);
    }
    onDrop?.(row);
  };
  const get = (id: string): Row | undefined => {
    const row = rows.get(id);
    if (row === undefined || now() < endsAt(row)) return row;
    drop(row);
    return undefined;
  };
  const put = (row: Row): void => {
    rows.set(row.id, freezeDeep(structuredClone(row)));
    for (const group of groupsOf(row)) {
      groups.set(group, (groups.get(group) ?? new Set()).add(row.id));
    }
  };
  const makeRoom = (): void => {
    if (rows.size < capacity) return;
    const time = now();
    // Even if the clock was set back.
    if (Math.abs(time - sweptAt) >= SWEEP_EVERY_MS) {
      sweptAt = time;
      for (const row of rows.values()) if (!(time < endsAt(row))) drop(row);
    }
    if (rows.size >= capacity) throw new Error(`${where}: full.`);
  };
  return {
    insert: (row) => {
      if (get(row.id) !== undefined) return false;
      makeRoom();
      put(row);
      return true;
    },
    replace: put,
    get,
    inGroup: (group) => [...(groups.get(group) ?? [])].flatMap((id) => get(id) ?? []),
    drop,
  };
}
