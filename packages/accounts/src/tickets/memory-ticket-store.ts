import type { TicketRecord, TicketStore } from '@apisec/core';
import { assertConfiguration, assertKnownOptions, expiringRows } from '@apisec/core/host';

/** Options of {@link memoryTicketStore}. */
export interface MemoryTicketStoreOptions {
  /** Tickets that it holds at once; a full store takes no more. Default: 100,000. */
  readonly capacity?: number | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

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
  const rows = expiringRows<TicketRecord>({
    where: 'memoryTicketStore',
    capacity,
    now,
    endsAt: ({ expiresAt }) => expiresAt,
    groupsOf: ({ purpose, subject }) => (subject === undefined ? [] : [groupOf(purpose, subject)]),
  });
  return Object.freeze<TicketStore>({
    insert: rows.insert,
    read: rows.get,
    take: (id) => {
      const row = rows.get(id);
      if (row !== undefined) rows.drop(row);
      return row;
    },
    removeBySubject: (purpose, subject) => {
      const found = rows.inGroup(groupOf(purpose, subject));
      for (const row of found) rows.drop(row);
      return found.length;
    },
  });
}

/** The length tells where the purpose ends, whatever is in it. */
function groupOf(purpose: string, subject: string): string {
  return `${purpose.length}:${purpose}${subject}`;
}
