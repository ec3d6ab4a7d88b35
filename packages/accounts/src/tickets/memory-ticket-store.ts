import type { TicketRecord, TicketStore } from '@apisec/core';
import { assertConfiguration, assertKnownOptions, freezeDeep } from '@apisec/core/host';

/** Options of {@link memoryTicketStore}. */
export interface MemoryTicketStoreOptions {
  /** Tickets that it holds at once; a full store takes no more. Default: 100,000. */
  readonly capacity?: number | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** A full store looks through all of its tickets at most this often. */
const SWEEP_EVERY_MS = 1_000;

/**
 * Keeps tickets in the memory of this process, for tests and single nodes: logins that are under way, links that were
 * sent and devices that are remembered end with it. Never forgets a ticket before its end: when it is full, `insert`
 * throws.
 *
 * @throws ConfigurationError when `capacity` is not a whole number above 0.
 * @example
 * const tickets = memoryTicketStore({ capacity: 10_000 });
 */
export function memoryTicketStore(options: MemoryTicketStoreOptions = {}): TicketStore {
  assertKnownOptions('memoryTicketStore', options, ['capacity', 'now']);
  const { capacity = 100_000, now = () => Date.now() } = options;
  assertConfiguration(
    Number.isInteger(capacity) && capacity >= 1,
    'memoryTicketStore: capacity must be a whole number of tickets, at least 1.',
  );
  const rows = new Map<string, TicketRecord>();
  const groups = new Map<string, Set<string>>();
  let swept = Number.NEGATIVE_INFINITY;

  const drop = (ticket: TicketRecord): void => {
    rows.delete(ticket.id);
    const group = groupOf(ticket.purpose, ticket.subject);
    const ids = groups.get(group);
    ids?.delete(ticket.id);
    if (ids?.size === 0) groups.delete(group);
  };
  const live = (id: string): TicketRecord | undefined => {
    const row = rows.get(id);
    if (row === undefined || now() < row.expiresAt) return row;
    drop(row);
    return undefined;
  };
  const makeRoom = (): void => {
    if (rows.size < capacity) return;
    const time = now();
    if (Math.abs(time - swept) >= SWEEP_EVERY_MS) {
      swept = time;
      for (const row of rows.values()) if (!(time < row.expiresAt)) drop(row);
    }
    if (rows.size >= capacity) throw new Error('memoryTicketStore: full.');
  };

  return Object.freeze<TicketStore>({
    insert: (ticket) => {
      if (live(ticket.id) !== undefined) return false;
      makeRoom();
      rows.set(ticket.id, freezeDeep(structuredClone(ticket)));
      if (ticket.subject !== undefined) {
        const group = groupOf(ticket.purpose, ticket.subject);
        groups.set(group, (groups.get(group) ?? new Set()).add(ticket.id));
      }
      return true;
    },
    read: live,
    take: (id) => {
      const row = live(id);
      if (row !== undefined) drop(row);
      return row;
    },
    removeBySubject: (purpose, subject) => {
      const found = [...(groups.get(groupOf(purpose, subject)) ?? [])].flatMap(
        (id) => live(id) ?? [],
      );
      for (const row of found) drop(row);
      return found.length;
    },
  });
}

/** The length tells where the purpose ends, whatever is in it. */
function groupOf(purpose: string, subject: string | undefined): string {
  return `${purpose.length}:${purpose}${subject ?? ''}`;
}
