import type { MaybePromise } from '../lib/maybe-promise.ts';

/**
 * Something that its holder can use once, or until it expires: a login that waits for its second factor, a link that
 * resets a password, a device that is remembered. All times are epoch milliseconds. Holds hashes only: nothing in it
 * can be presented.
 */
export interface TicketRecord {
  /** SHA-256 of what its holder has. */
  readonly id: string;
  /** What it is for. A ticket is never good for anything else. */
  readonly purpose: string;
  /** Whose it is, where that is known. */
  readonly subject?: string | undefined;
  /** Plain JSON. */
  readonly data: Readonly<Record<string, unknown>>;
  readonly createdAt: number;
  readonly expiresAt: number;
}

/**
 * Where tickets are kept until they are used or expire. What is written by one call is seen by every later one. A store
 * that cannot answer throws or rejects, in bounded time: it never says that a ticket is unknown then.
 *
 * `ticketStoreContract` of `@apisec/core/testing` tests all of it.
 */
export interface TicketStore {
  /** Adds a ticket; false where the id is taken. Throws or rejects where there is no room. */
  readonly insert: (ticket: TicketRecord) => MaybePromise<boolean>;
  readonly read: (id: string) => MaybePromise<TicketRecord | undefined>;
  /** Removes a ticket and answers it. Atomic: of any number at once exactly one gets it. */
  readonly take: (id: string) => MaybePromise<TicketRecord | undefined>;
  /** Removes the tickets of a subject for one purpose; answers how many. */
  readonly removeBySubject: (purpose: string, subject: string) => MaybePromise<number>;
}
