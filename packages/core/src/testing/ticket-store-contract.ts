import type { TicketRecord, TicketStore } from '../contracts/ticket-store.ts';
import {
  assertLastsApart,
  assertSame,
  assertThat,
  type ClockedStoreSubject,
  type ContractCase,
  hostileKeys,
} from './contract-case.ts';

/** A store to test, with what its clock shows. */
export type TicketStoreSubject = ClockedStoreSubject<TicketStore>;

const LONG = 60_000;
const AT_ONCE = 40;

function one(
  name: string,
  run: (
    store: TicketStore,
    ticket: (changes?: Partial<TicketRecord>) => TicketRecord,
    subject: TicketStoreSubject,
  ) => Promise<void>,
): ContractCase<TicketStoreSubject> {
  return {
    name,
    run: async (subject) => {
      const time = subject.now();
      const ticket = (changes: Partial<TicketRecord> = {}): TicketRecord => ({
        id: 'ticket',
        purpose: 'reset',
        subject: 'alice',
        data: { attempts: 2, done: ['pwd'], text: 'a\0b\u00e4' },
        createdAt: time,
        expiresAt: time + LONG,
        ...changes,
      });
      return run(await subject.create(), ticket, subject);
    },
  };
}

/**
 * What every `TicketStore` promises, as cases for any test runner.
 *
 * @example
 * for (const { name, run } of ticketStoreContract) test(name, () => run({ create, pass, now }));
 */
export const ticketStoreContract: readonly ContractCase<TicketStoreSubject>[] = Object.freeze([
  one('a ticket is found as it was written, and stays', async (store, ticket) => {
    assertSame(await store.insert(ticket()), true, 'insert');
    for (const _ of [1, 2]) {
      const found = await store.read('ticket');
      assertSame(JSON.stringify(sorted(found)), JSON.stringify(sorted(ticket())), 'found');
    }
    assertSame(await store.read('other'), undefined, 'another id');
  }),
  one('an id is taken once', async (store, ticket) => {
    assertSame(await store.insert(ticket()), true, 'first');
    assertSame(await store.insert(ticket({ subject: 'mallory' })), false, 'again');
    assertSame((await store.read('ticket'))?.subject, 'alice', 'subject');
  }),
  one('of many who take a ticket at the same moment one gets it', async (store, ticket) => {
    await store.insert(ticket());
    const answers = await Promise.all(
      Array.from({ length: AT_ONCE }, async () => store.take('ticket')),
    );
    assertSame(answers.filter((answer) => answer !== undefined).length, 1, 'winners');
    assertSame(answers.find((answer) => answer !== undefined)?.subject, 'alice', 'what it got');
    assertSame(await store.read('ticket'), undefined, 'read');
    assertSame(await store.take('ticket'), undefined, 'take');
  }),
  one('of many who insert an id at the same moment one does', async (store, ticket) => {
    const answers = await Promise.all(
      Array.from({ length: AT_ONCE }, async () => store.insert(ticket())),
    );
    assertSame(answers.filter((answer) => answer === true).length, 1, 'winners');
  }),
  one('a ticket is gone when it has expired', async (store, ticket, { now, pass }) => {
    const soon = { expiresAt: now() + 1_000 };
    await store.insert(ticket(soon));
    await store.insert(ticket({ ...soon, id: 'taken' }));
    await store.insert(ticket({ id: 'long' }));
    assertThat((await store.read('ticket')) !== undefined, 'it should be there');
    await pass(1_100);
    assertSame(await store.read('ticket'), undefined, 'read after its end');
    assertSame(await store.take('taken'), undefined, 'take after its end');
    assertSame(await store.removeBySubject('reset', 'alice'), 1, 'the longer one');
    assertSame(await store.insert(ticket()), true, 'its id is free');
  }),
  one(
    'a ticket lasts as long as its process says, whatever the clocks show',
    async (first, ticket, subject) =>
      assertLastsApart(
        first,
        subject,
        async (store, id, expiresAt) => store.insert(ticket({ id, expiresAt })),
        async (store, id) => (await store.read(id)) !== undefined,
      ),
  ),
  one(
    'tickets of processes whose clocks differ are removed by their subject',
    async (store, ticket, subject) => {
      const { createApart, now } = subject;
      if (createApart === undefined) return;
      for (const aheadMs of [7 * 86_400_000, -7 * 86_400_000]) {
        const process = await createApart(aheadMs);
        await process.insert(ticket({ id: `of ${aheadMs}`, expiresAt: now() + aheadMs + LONG }));
      }
      assertSame(await store.removeBySubject('reset', 'alice'), 2, 'how many');
    },
  ),
  one('tickets of a subject are removed by purpose', async (store, ticket) => {
    for (const id of ['a', 'b', 'c']) await store.insert(ticket({ id }));
    await store.insert(ticket({ id: 'd', purpose: 'verify' }));
    await store.insert(ticket({ id: 'e', subject: 'bob' }));
    await store.insert(ticket({ id: 'f', subject: undefined }));
    await store.take('c');
    assertSame(await store.removeBySubject('reset', 'alice'), 2, 'how many');
    for (const id of ['a', 'b']) assertSame(await store.read(id), undefined, id);
    for (const id of ['d', 'e', 'f']) assertThat((await store.read(id)) !== undefined, id);
    assertSame(await store.removeBySubject('reset', 'nobody'), 0, 'of nobody');
  }),
  one('removing races with taking: each ticket goes once', async (store, ticket) => {
    for (let round = 0; round < 20; round++) {
      const id = `ticket${round}`;
      await store.insert(ticket({ id }));
      const [taken, removed] = await Promise.all([
        store.take(id),
        store.removeBySubject('reset', 'alice'),
      ]);
      assertSame((taken === undefined ? 0 : 1) + removed, 1, 'went');
    }
  }),
  one('ids, purposes and subjects that differ stay different', async (store, ticket) => {
    for (const key of hostileKeys) {
      const same = { id: key, subject: key, purpose: key };
      assertSame(await store.insert(ticket(same)), true, told(key));
    }
    for (const key of hostileKeys) {
      assertSame((await store.read(key))?.subject, key, told(key));
      assertSame(await store.removeBySubject(key, key), 1, told(key));
    }
  }),
]);

/** Stores may drop members that are undefined, and order them as they like. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(members.map(([name, each]) => [name, sorted(each)]));
}

function told(key: string): string {
  return JSON.stringify(key.slice(0, 20));
}
