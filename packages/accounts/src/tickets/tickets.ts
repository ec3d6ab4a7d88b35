import type { TicketRecord, TicketStore } from '@apisec/core';
import { assertConfiguration, randomText, sha256 } from '@apisec/core/host';
import { timely } from '../timely.ts';

/** What all tickets that came one after the other begin with, in characters; in bytes 18, and 33 for the rest. */
const HEAD_LENGTH = 24;
const HEAD_BYTES = 18;
const REST_BYTES = 33;
/** Tries to take a place that others want at the same moment. */
const MOST_ATTEMPTS = 20;
const TICKET = /^[\w-]{68}$/;

/** A ticket that was handed out. This is the only copy there is. */
export interface IssuedTicket {
  readonly ticket: string;
  readonly expiresAt: number;
}

/** What a new ticket says. */
export interface TicketContent {
  readonly subject?: string | undefined;
  readonly data: Readonly<Record<string, unknown>>;
  readonly expiresAt: number;
}

/** Tickets of one purpose. All of it rejects when the store fails, or does not answer in time. */
export interface Tickets {
  /** `head` is that of the ticket before it, which is used up. */
  readonly issue: (content: TicketContent, head?: string) => Promise<IssuedTicket>;
  readonly read: (ticket: string) => Promise<TicketRecord | undefined>;
  /** Uses it up; exactly one of many callers gets it. */
  readonly take: (ticket: string) => Promise<TicketRecord | undefined>;
  readonly removeOf: (subject: string) => Promise<number>;
  /**
   * Issues the only ticket of a subject that is good: those of before are not, and of several that are issued at the
   * same moment exactly one is. Only `isOnly` tells them apart.
   */
  readonly issueOnly: (
    content: TicketContent & { readonly subject: string },
  ) => Promise<IssuedTicket>;
  /**
   * Issues one of at most `most` tickets that a subject has at once: the oldest gives way. Undefined where many are
   * issued at the same moment, and others were first again and again. Only for purposes whose tickets are all issued
   * so.
   */
  readonly issueWithin: (
    content: TicketContent & { readonly subject: string },
    most: number,
  ) => Promise<IssuedTicket | undefined>;
  /** True where a ticket of `issueOnly` is the one that is good. */
  readonly isOnly: (found: TicketRecord) => Promise<boolean>;
}

/** What a ticket and those that follow it have in common: a secret of 144 bits that is stored nowhere. */
export function headOf(ticket: string): string {
  return ticket.slice(0, HEAD_LENGTH);
}

/** A new head, for what must be hashed before its ticket is there. */
export function newHead(): string {
  return randomText(HEAD_BYTES);
}

/** True for text in the form of a ticket, whether or not it was ever issued. */
export function isTicket(value: unknown): value is string {
  return typeof value === 'string' && TICKET.test(value);
}

/** Throws where it is not a store of tickets. */
export function assertTicketStore(factory: string, store: TicketStore): void {
  const methods = [store?.insert, store?.read, store?.take, store?.removeBySubject];
  assertConfiguration(
    methods.every((each) => typeof each === 'function'),
    `${factory}: tickets must be a TicketStore, for example memoryTicketStore().`,
  );
}

/** `timeout` is in milliseconds. */
export function tickets(
  store: TicketStore,
  purpose: string,
  { timeout, now }: { readonly timeout: number; readonly now: () => number },
): Tickets {
  const ask = timely(timeout);
  // With another purpose it is another ticket, which cannot be used up by mistake either.
  const idOf = (ticket: string): Promise<string> => sha256(`${purpose}\n${ticket}`);
  const live = (record: TicketRecord | undefined): TicketRecord | undefined =>
    record?.purpose === purpose && now() < record.expiresAt ? record : undefined;
  // A row for each subject that names its only ticket. No ticket has a line break in it.
  const onlyPurpose = `${purpose}.only`;
  const onlyIdOf = (subject: string): Promise<string> => sha256(`${onlyPurpose}\n${subject}`);
  // Rows that name what has a place of those that a subject has.
  const placePurpose = `${purpose}.place`;
  const insert = async (
    ticket: string,
    { subject, data, expiresAt }: TicketContent,
  ): Promise<IssuedTicket> => {
    const id = await idOf(ticket);
    const record = { id, purpose, subject, data, createdAt: now(), expiresAt };
    if ((await ask(() => store.insert(record))) !== true) throw new Error('the id is taken');
    return { ticket, expiresAt };
  };
  return {
    issue: (content, head = newHead()) => insert(head + randomText(REST_BYTES), content),
    issueOnly: async (content) => {
      const { subject, expiresAt } = content;
      const ticket = newHead() + randomText(REST_BYTES);
      await ask(() => store.removeBySubject(purpose, subject));
      await ask(() => store.removeBySubject(onlyPurpose, subject));
      // Named before it is there: whoever removes the name later puts another one in its place, so that one is left in
      // whatever order several do this. Where the name is taken by now, this ticket is one that was replaced.
      const named = {
        id: await onlyIdOf(subject),
        purpose: onlyPurpose,
        subject,
        data: { only: await idOf(ticket) },
        createdAt: now(),
        expiresAt,
      };
      await ask(() => store.insert(named));
      return insert(ticket, content);
    },
    issueWithin: async (content, most) => {
      const { subject, expiresAt } = content;
      // Stored before it takes a place: a later ticket that evicts it must find it.
      const issued = await insert(newHead() + randomText(REST_BYTES), content);
      const data = { ticket: await idOf(issued.ticket) };
      const names = await Promise.all(
        Array.from({ length: most }, (_, at) => sha256(`${placePurpose}\n${at}\n${subject}`)),
      );
      for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
        const places = await Promise.all(names.map(async (id) => ask(() => store.read(id))));
        const free = names.find((_, at) => places[at] === undefined);
        const [oldest] = places
          .flatMap((each) => each ?? [])
          .toSorted((one, other) => one.createdAt - other.createdAt);
        if (free === undefined && oldest !== undefined) {
          // First what has the place, so that nothing is good without one.
          await ask(() => store.take(String(oldest.data['ticket'])));
          const taken = await ask(() => store.take(oldest.id));
          if (taken === undefined) continue;
          // By now the place may belong to another ticket.
          if (taken.data['ticket'] !== oldest.data['ticket']) {
            await ask(() => store.take(String(taken.data['ticket'])));
          }
        }
        const id = free ?? oldest?.id ?? '';
        const place = { id, purpose: placePurpose, subject, data, createdAt: now(), expiresAt };
        if ((await ask(() => store.insert(place))) === true) return issued;
      }
      await ask(() => store.take(data.ticket));
      return undefined;
    },
    isOnly: async ({ id, subject = '' }) => {
      const onlyId = await onlyIdOf(subject);
      const named = await ask(() => store.read(onlyId));
      return named?.purpose === onlyPurpose && named.data['only'] === id;
    },
    read: async (ticket) => {
      if (!isTicket(ticket)) return undefined;
      const id = await idOf(ticket);
      return live(await ask(() => store.read(id)));
    },
    take: async (ticket) => {
      if (!isTicket(ticket)) return undefined;
      const id = await idOf(ticket);
      return live(await ask(() => store.take(id)));
    },
    removeOf: async (subject) => {
      const [removed] = await Promise.all([
        ask(() => store.removeBySubject(purpose, subject)),
        ask(() => store.removeBySubject(placePurpose, subject)),
      ]);
      return removed;
    },
  };
}
