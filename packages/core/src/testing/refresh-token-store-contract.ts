import type { RefreshTokenFamily, RefreshTokenStore } from '../contracts/refresh-token-store.ts';
import {
  assertLastsApart,
  assertSame,
  assertThat,
  type ClockedStoreSubject,
  type ContractCase,
  hostileKeys,
} from './contract-case.ts';

/** A store to test, with what its clock shows. */
export type RefreshTokenStoreSubject = ClockedStoreSubject<RefreshTokenStore>;

type Case = ContractCase<RefreshTokenStoreSubject>;

const LONG = 60_000;

function one(
  name: string,
  run: (
    store: RefreshTokenStore,
    family: (changes?: Partial<RefreshTokenFamily>) => RefreshTokenFamily,
    subject: RefreshTokenStoreSubject,
  ) => Promise<void>,
): Case {
  return {
    name,
    run: async (subject) => {
      const time = subject.now();
      const family = (changes: Partial<RefreshTokenFamily> = {}): RefreshTokenFamily => ({
        id: 'family',
        current: 'first',
        generation: 0,
        subject: 'alice',
        clientId: 'shop',
        audience: ['https://api.example.com'],
        scopes: ['orders:read'],
        tenant: 'acme',
        session: 'session',
        claims: { roles: ['clerk'] },
        startedAt: time,
        idleUntil: time + LONG,
        expiresAt: time + LONG,
        ...changes,
      });
      return run(await subject.create(), family, subject);
    },
  };
}

/**
 * What every `RefreshTokenStore` promises, as cases for any test runner.
 *
 * @example
 * for (const { name, run } of refreshTokenStoreContract) test(name, () => run({ create, pass, now }));
 */
export const refreshTokenStoreContract: readonly ContractCase<RefreshTokenStoreSubject>[] =
  Object.freeze([
    one('a family is found as it was written', async (store, family) => {
      const written = family({ previous: { hash: 'a', usedAt: 1 }, jkt: 'key', generation: 7 });
      assertSame(await store.insert(written), true, 'insert');
      const found = await store.get('family');
      assertSame(canonical(found), canonical(written), 'found');
      assertSame(await store.get('other'), undefined, 'another id');
    }),
    one('an id is taken once', async (store, family) => {
      assertSame(await store.insert(family()), true, 'first');
      assertSame(await store.insert(family({ subject: 'mallory' })), false, 'again');
      assertSame((await store.get('family'))?.subject, 'alice', 'subject');
    }),
    one(
      'it is replaced only where its current token is the expected one',
      async (store, family) => {
        await store.insert(family());
        const next = family({ current: 'second', generation: 1 });
        assertSame(await store.replace('other', next), false, 'another token');
        assertSame(await store.replace('first', next), true, 'the current token');
        assertSame(
          await store.replace('first', family({ current: 'third' })),
          false,
          'the one before',
        );
        assertSame((await store.get('family'))?.current, 'second', 'current');
        assertSame(await store.replace('first', family({ id: 'unknown' })), false, 'unknown id');
      },
    ),
    one('of many replacements at the same moment exactly one succeeds', async (store, family) => {
      await store.insert(family());
      const tries = Array.from({ length: 40 }, async (_, index) =>
        store.replace('first', family({ current: `next${index}`, generation: 1 })),
      );
      const answers = await Promise.all(tries);
      assertSame(answers.filter((answer) => answer === true).length, 1, 'winners');
      const winner = `next${answers.indexOf(true)}`;
      assertSame((await store.get('family'))?.current, winner, 'current');
    }),
    one('what has ended is kept and never replaced', async (store, family) => {
      await store.insert(family());
      assertSame(await store.end('family', 'reused'), true, 'ended');
      assertSame(await store.end('family', 'revoked'), false, 'again');
      assertSame(await store.end('unknown', 'revoked'), false, 'unknown');
      assertSame((await store.get('family'))?.ended, 'reused', 'why');
      assertSame(await store.replace('first', family({ current: 'b' })), false, 'replace');
    }),
    one('ending races with a replacement and always holds', async (store, family) => {
      for (let round = 0; round < 20; round++) {
        const id = `family${round}`;
        await store.insert(family({ id }));
        await Promise.all([
          store.replace('first', family({ id, current: 'second' })),
          store.end(id, 'reused'),
        ]);
        assertSame((await store.get(id))?.ended, 'reused', 'ended');
      }
    }),
    one('all families of a subject end, and those of others do not', async (store, family) => {
      for (const id of ['a', 'b', 'c']) await store.insert(family({ id }));
      await store.insert(family({ id: 'd', subject: 'bob' }));
      await store.end('c', 'reused');
      assertSame(await store.endSubject('alice'), 2, 'how many');
      for (const id of ['a', 'b']) assertSame((await store.get(id))?.ended, 'revoked', id);
      assertSame((await store.get('d'))?.ended, undefined, 'of bob');
      assertSame(await store.endSubject('nobody'), 0, 'of nobody');
    }),
    one('a family is gone when it has expired', async (store, family, { now, pass }) => {
      await store.insert(family({ expiresAt: now() + 1_000 }));
      await store.insert(family({ id: 'long' }));
      assertThat((await store.get('family')) !== undefined, 'it should be there');
      await pass(1_100);
      assertSame(await store.get('family'), undefined, 'after its end');
      assertSame(await store.replace('first', family({ current: 'b' })), false, 'replace');
      assertThat((await store.get('long')) !== undefined, 'the longer one should be there');
    }),
    one(
      'a family lasts as long as its process says, whatever the clocks show',
      async (first, family, subject) =>
        assertLastsApart(
          first,
          subject,
          async (store, id, expiresAt) => store.insert(family({ id, expiresAt })),
          async (store, id) => (await store.get(id)) !== undefined,
        ),
    ),
    one(
      'a family ends as it was begun, whoever replaces its token',
      async (store, family, subject) => {
        const processes = [store];
        for (const aheadMs of [3_600_000, -3_600_000]) {
          const process = await subject.createApart?.(aheadMs);
          if (process !== undefined) processes.push(process);
        }
        const expiresAt = subject.now() + 1_000;
        for (const [at, process] of processes.entries()) {
          const id = `family${at}`;
          await store.insert(family({ id, expiresAt }));
          const next = family({ id, current: 'second', generation: 1, expiresAt });
          assertSame(await process.replace('first', next), true, 'replaced');
          assertThat((await store.get(id)) !== undefined, 'it should be there');
        }
        await subject.pass(1_100);
        for (const at of processes.keys()) {
          assertSame(await store.get(`family${at}`), undefined, 'after its end');
        }
      },
    ),
    one('ids and subjects that differ stay different', async (store, family) => {
      for (const key of hostileKeys) {
        assertSame(await store.insert(family({ id: key, subject: key })), true, told(key));
      }
      for (const key of hostileKeys) assertSame(await store.endSubject(key), 1, told(key));
    }),
  ]);

/** Stores may drop members that are undefined, and order them as they like. */
function canonical(family: RefreshTokenFamily | undefined): string {
  const members = Object.entries(family ?? {}).filter(([, value]) => value !== undefined);
  return JSON.stringify(members.toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

function told(key: string): string {
  return JSON.stringify(key.slice(0, 20));
}
