import type { SessionRecord, SessionStore } from '../contracts/session-store.ts';
import {
  assertLastsApart,
  assertSame,
  assertThat,
  type ClockedStoreSubject,
  type ContractCase,
  hostileKeys,
} from './contract-case.ts';

/** A store to test, with what its clock shows. */
export type SessionStoreSubject = ClockedStoreSubject<SessionStore>;

type Make = (changes?: Partial<SessionRecord>) => SessionRecord;

const LONG = 600_000;
const ISSUER = 'https://id.example.com';

function one(
  name: string,
  run: (store: SessionStore, make: Make, subject: SessionStoreSubject) => Promise<void>,
): ContractCase<SessionStoreSubject> {
  return {
    name,
    run: async (subject) => {
      const time = subject.now();
      const make: Make = (changes = {}) => ({
        id: 'session',
        version: 1,
        issuer: ISSUER,
        subject: 'alice',
        clientId: 'shop',
        sid: 'at-issuer',
        claims: { sub: 'alice', roles: ['clerk'], nested: { deep: [1, null, 'ä'] } },
        tokens: 'sealed',
        createdAt: time,
        seenAt: time,
        idleUntil: time + LONG,
        expiresAt: time + LONG,
        ...changes,
      });
      return run(await subject.create(), make, subject);
    },
  };
}

/**
 * What every `SessionStore` promises, as cases for any test runner.
 *
 * @example
 * for (const { name, run } of sessionStoreContract) test(name, () => run({ create, pass, now }));
 */
export const sessionStoreContract: readonly ContractCase<SessionStoreSubject>[] = Object.freeze([
  one('a session is found as it was written, and by its id alone', async (store, make) => {
    assertSame(await store.create(make()), true, 'create');
    assertSame(canonical(await store.read('session')), canonical(make()), 'found');
    assertSame(await store.read('other'), undefined, 'another id');
    const bare = make({ id: 'bare', sid: undefined, tokens: undefined });
    assertSame(await store.create(bare), true, 'create without sid and tokens');
    assertSame(canonical(await store.read('bare')), canonical(bare), 'found without them');
  }),
  one('an id is taken once', async (store, make) => {
    await store.create(make());
    assertSame(await store.create(make({ subject: 'mallory' })), false, 'again');
    assertSame((await store.read('session'))?.subject, 'alice', 'subject');
  }),
  one('it is replaced only at the expected version', async (store, make) => {
    await store.create(make());
    const next = make({ version: 2, tokens: 'renewed' });
    assertSame(await store.replace(2, next), false, 'another version');
    assertSame(await store.replace(1, next), true, 'the version that is there');
    assertSame(await store.replace(1, make({ version: 2, tokens: 'late' })), false, 'the loser');
    assertSame((await store.read('session'))?.tokens, 'renewed', 'tokens');
  }),
  one('of many replacements at the same moment exactly one succeeds', async (store, make) => {
    await store.create(make());
    const answers = await Promise.all(
      Array.from({ length: 40 }, async (_, index) =>
        store.replace(1, make({ version: 2, tokens: `t${index}` })),
      ),
    );
    assertSame(answers.filter((answer) => answer === true).length, 1, 'winners');
    assertSame((await store.read('session'))?.tokens, `t${answers.indexOf(true)}`, 'tokens');
  }),
  one('what has ended is never written again', async (store, make) => {
    await store.create(make());
    assertSame(await store.delete('session'), true, 'delete');
    assertSame(await store.delete('session'), false, 'again');
    assertSame(await store.replace(1, make({ version: 2 })), false, 'replace');
    assertSame(await store.read('session'), undefined, 'read');
    assertSame((await store.list(ISSUER, 'alice')).length, 0, 'list');
  }),
  one('ending races with a replacement and always holds', async (store, make) => {
    for (let round = 0; round < 20; round++) {
      const id = `race${round}`;
      await store.create(make({ id }));
      await Promise.all([store.replace(1, make({ id, version: 2 })), store.delete(id)]);
      assertSame(await store.read(id), undefined, 'read');
    }
  }),
  one('a deletion at a version spares what was renewed since', async (store, make) => {
    await store.create(make());
    await store.replace(1, make({ version: 2 }));
    assertSame(await store.delete('session', 1), false, 'at the old version');
    assertThat((await store.read('session')) !== undefined, 'it should be there');
    assertSame(await store.delete('session', 2), true, 'at the new version');
  }),
  one('all sessions of a user end, but for the excepted one', async (store, make) => {
    for (const id of ['a', 'b', 'c']) await store.create(make({ id }));
    await store.create(make({ id: 'd', subject: 'bob' }));
    await store.create(make({ id: 'e', issuer: 'https://other.example.com' }));
    assertSame(await store.deleteBySubject(ISSUER, 'alice', 'b'), 2, 'how many');
    for (const id of ['a', 'c']) assertSame(await store.read(id), undefined, id);
    for (const id of ['b', 'd', 'e']) assertThat((await store.read(id)) !== undefined, id);
    assertSame(await store.deleteBySubject(ISSUER, 'nobody'), 0, 'of nobody');
    assertSame(await store.deleteBySubject(ISSUER, 'alice'), 1, 'the rest');
  }),
  one('sessions from one session at the issuer end, and no others', async (store, make) => {
    await store.create(make({ id: 'a', sid: 's1' }));
    await store.create(make({ id: 'b', sid: 's1' }));
    await store.create(make({ id: 'c', sid: 's2' }));
    await store.create(make({ id: 'd', sid: undefined }));
    await store.create(make({ id: 'e', sid: 's1', issuer: 'https://other.example.com' }));
    assertSame(await store.deleteBySid(ISSUER, 's1'), 2, 'how many');
    for (const id of ['a', 'b']) assertSame(await store.read(id), undefined, id);
    for (const id of ['c', 'd', 'e']) assertThat((await store.read(id)) !== undefined, id);
    assertSame(await store.deleteBySid(ISSUER, ''), 0, 'of an empty sid');
  }),
  one(
    'what has ended is remembered for its time, sessions or not',
    async (store, make, subject) => {
      const { now, pass } = subject;
      const time = now();
      assertSame(await store.endedAt(['alice']), undefined, 'before');
      assertSame(await store.endedAt([]), undefined, 'of nothing');
      await store.markEnded('alice', time, 1_000);
      await store.markEnded('bob', time - 5_000.5, 10_000);
      assertSame(await store.endedAt(['alice']), time, 'one key');
      assertSame(await store.endedAt(['carol', 'bob']), time - 5_000.5, 'one of two keys');
      assertSame(await store.endedAt(['bob', 'alice', 'carol']), time, 'the latest of several');
      assertSame(await store.create(make()), true, 'sessions begin all the same');
      await pass(1_100);
      assertSame(await store.endedAt(['alice']), undefined, 'after its time');
      assertSame(await store.endedAt(['bob']), time - 5_000.5, 'within its time');
      await store.markEnded('alice', time - 9_000, 1_000);
      assertSame(await store.endedAt(['alice']), time - 9_000, 'anew, nothing is left of before');
    },
  ),
  one('of several ends the latest and the longest stands', async (store, _, { now, pass }) => {
    const time = now();
    await Promise.all(
      Array.from({ length: 20 }, async (_each, index) =>
        store.markEnded('alice', time - ((index * 7) % 20), 5_000),
      ),
    );
    assertSame(await store.endedAt(['alice']), time, 'the latest');
    await store.markEnded('alice', time - 100, 100);
    await pass(1_000);
    assertSame(await store.endedAt(['alice']), time, 'neither sooner nor for a shorter time');
  }),
  one('the sessions of a user are listed, the newest first', async (store, make, { now }) => {
    const time = now();
    await store.create(make({ id: 'old', createdAt: time - 2_000 }));
    await store.create(make({ id: 'new', createdAt: time }));
    await store.create(make({ id: 'middle', createdAt: time - 1_000 }));
    await store.create(make({ id: 'other', subject: 'bob' }));
    const ids = (await store.list(ISSUER, 'alice')).map(({ id }) => id);
    assertSame(ids.join(), 'new,middle,old', 'ids');
  }),
  one('a session is gone when it was idle too long', async (store, make, { now, pass }) => {
    await store.create(make({ idleUntil: now() + 1_000 }));
    await store.create(make({ id: 'used', idleUntil: now() + 1_000 }));
    assertThat((await store.read('session')) !== undefined, 'it should be there');
    const kept = make({ id: 'used', version: 2, idleUntil: now() + LONG });
    assertSame(await store.replace(1, kept), true, 'its use');
    await pass(1_100);
    assertSame(await store.read('session'), undefined, 'after its end');
    assertSame(await store.replace(1, make({ version: 2 })), false, 'replace');
    assertSame(await store.acquireLease('session', 'a', 1_000), false, 'lease');
    const listed = await store.list(ISSUER, 'alice');
    assertSame(listed.map(({ id }) => id).join(), 'used', 'list');
  }),
  one('a session is gone at its end however it was used', async (store, make, { now, pass }) => {
    await store.create(make({ expiresAt: now() + 1_000 }));
    await pass(1_100);
    assertSame(await store.read('session'), undefined, 'after its end');
  }),
  one(
    'a session lasts as long as its process says, whatever the clocks show',
    async (first, make, subject) =>
      assertLastsApart(
        first,
        subject,
        async (store, id, idleUntil) =>
          store.create(make({ id, idleUntil, expiresAt: idleUntil + LONG })),
        async (store, id) => (await store.read(id)) !== undefined,
      ),
  ),
  one(
    'a session lasts as long as the process says that used it last',
    async (store, make, { now, pass, createApart }) => {
      if (createApart === undefined) return;
      const used = await Promise.all(
        [3_600_000, -3_600_000].map(async (aheadMs) => {
          const process = await createApart(aheadMs);
          return { id: `used ${aheadMs}`, process, own: () => now() + aheadMs };
        }),
      );
      for (const { id, process, own } of used) {
        await store.create(make({ id, idleUntil: now() + 1_000 }));
        const longer = { id, version: 2, idleUntil: own() + 60_000, expiresAt: own() + LONG };
        assertSame(await process.replace(1, make(longer)), true, 'used');
      }
      await pass(1_100);
      const listed = (await store.list(ISSUER, 'alice')).map(({ id }) => id);
      for (const { id, process, own } of used) {
        assertThat((await store.read(id)) !== undefined, `${id} should be there`);
        assertThat(listed.includes(id), `${id} should be listed`);
        const over = { id, version: 3, idleUntil: own(), expiresAt: own() + LONG };
        assertSame(await process.replace(2, make(over)), true, 'used for the last time');
      }
      await pass(10);
      for (const { id } of used) assertSame(await store.read(id), undefined, id);
    },
  ),
  one(
    'a session ends when its creator said, whatever the clock of a process that uses it shows',
    async (store, make, { now, pass, createApart }) => {
      if (createApart === undefined) return;
      const expiresAt = now() + 1_000;
      for (const aheadMs of [-3_600_000, 3_600_000]) {
        const id = `used ${aheadMs}`;
        const process = await createApart(aheadMs);
        await store.create(make({ id, idleUntil: expiresAt, expiresAt }));
        const idleUntil = Math.min(now() + aheadMs + LONG, expiresAt + LONG);
        const used = make({ id, version: 2, idleUntil, expiresAt: expiresAt + LONG });
        // One that is ahead takes it for ended, as far as it goes by what it writes.
        assertSame(await process.replace(1, used), true, `${id}: used`);
        const again = { ...used, version: 3, idleUntil: now() + LONG, expiresAt: now() + LONG };
        await store.replace(2, again);
      }
      await pass(1_100);
      for (const aheadMs of [-3_600_000, 3_600_000]) {
        assertSame(
          await store.read(`used ${aheadMs}`),
          undefined,
          `used ${aheadMs}, after its end`,
        );
      }
      const left = (await store.list(ISSUER, 'alice')).map(({ id }) => id);
      assertSame(left.join(), '', 'listed');
    },
  ),
  one('a lease has one holder at a time, and ends', async (store, make, { pass }) => {
    await store.create(make());
    const taken = await Promise.all(
      Array.from({ length: 20 }, async (_, index) =>
        store.acquireLease('session', `h${index}`, 1_000),
      ),
    );
    assertSame(taken.filter((each) => each === true).length, 1, 'holders');
    await store.releaseLease('session', 'somebody else');
    assertSame(await store.acquireLease('session', 'other', 1_000), false, 'not released');
    await store.releaseLease('session', `h${taken.indexOf(true)}`);
    assertSame(await store.acquireLease('session', 'other', 1_000), true, 'released');
    await pass(1_100);
    assertSame(await store.acquireLease('session', 'next', 1_000), true, 'ended by itself');
    assertThat((await store.read('session')) !== undefined, 'a lost lease ends no session');
    assertSame(await store.acquireLease('unknown', 'next', 1_000), false, 'of no session');
  }),
  one('a lease is lengthened by its holder alone', async (store, make, { pass }) => {
    await store.create(make());
    await store.acquireLease('session', 'holder', 1_000);
    await pass(600);
    assertSame(await store.acquireLease('session', 'other', 5_000), false, 'somebody else');
    assertSame(await store.acquireLease('session', 'holder', 1_500), true, 'the holder');
    await pass(600);
    assertSame(await store.acquireLease('session', 'other', 1_000), false, 'after its first end');
    await pass(1_000);
    assertSame(await store.acquireLease('session', 'other', 1_000), true, 'after its end');
  }),
  one('a lease survives writes and gives no right to write', async (store, make) => {
    await store.create(make());
    assertSame(await store.acquireLease('session', 'holder', 5_000), true, 'lease');
    assertSame(await store.replace(1, make({ version: 2 })), true, 'a write of somebody else');
    assertSame(await store.acquireLease('session', 'other', 5_000), false, 'still held');
    assertSame(await store.replace(1, make({ version: 2 })), false, 'the holder, late');
  }),
  one('ids, subjects, sids and ends that differ stay different', async (store, make, subject) => {
    for (const key of hostileKeys) {
      const session = make({ id: key, subject: key, sid: key });
      assertSame(await store.create(session), true, told(key));
    }
    const time = subject.now();
    for (const [index, key] of hostileKeys.entries()) {
      await store.markEnded(key, time - index, LONG);
    }
    for (const [index, key] of hostileKeys.entries()) {
      assertSame(await store.endedAt([key]), time - index, told(key));
    }
    for (const key of hostileKeys.slice(0, 10)) {
      assertSame(await store.deleteBySid(ISSUER, key), 1, told(key));
    }
    for (const key of hostileKeys.slice(10)) {
      assertSame(await store.deleteBySubject(ISSUER, key), 1, told(key));
    }
  }),
]);

/** Stores may drop members that are undefined, and order them as they like. */
function canonical(session: SessionRecord | undefined): string {
  const { claims, ...rest } = session ?? { claims: {} };
  const members = Object.entries(rest).filter(([, value]) => value !== undefined);
  return JSON.stringify([sorted(members), sorted(Object.entries(claims))]);
}

function sorted(entries: readonly [string, unknown][]): readonly [string, unknown][] {
  return entries.toSorted(([one], [other]) => (one < other ? -1 : 1));
}

function told(key: string): string {
  return JSON.stringify(key.slice(0, 20));
}
