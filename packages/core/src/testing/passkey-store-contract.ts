import type { PasskeyRecord, PasskeyStore } from '../contracts/passkey-store.ts';
import { assertSame, type ContractCase, hostileKeys } from './contract-case.ts';

const AT_ONCE = 24;

/**
 * What every `PasskeyStore` promises, as cases for any test runner. They take a store, which may hold other accounts.
 *
 * @example
 * for (const { name, run } of passkeyStoreContract) test(name, () => run(store));
 */
export const passkeyStoreContract: readonly ContractCase<PasskeyStore>[] = Object.freeze([
  {
    name: 'a passkey comes back as it went in',
    run: async (store) => {
      const passkey = passkeyOf(unique());
      assertSame(await store.get(passkey.id), undefined, 'before');
      assertSame(await store.insert(passkey), true, 'insert');
      assertSame(sorted(await store.get(passkey.id)), sorted(passkey), 'get');
      assertSame(sorted((await store.list(passkey.subject))[0]), sorted(passkey), 'list');
    },
  },
  {
    name: 'an id is taken once, whoever has it',
    run: async (store) => {
      const passkey = passkeyOf(unique());
      const answers = await Promise.all(
        Array.from({ length: AT_ONCE }, async (_, index) =>
          store.insert({ ...passkey, subject: `${passkey.subject}${index}` }),
        ),
      );
      assertSame(answers.filter((answer) => answer === true).length, 1, 'inserted');
      const owner = `${passkey.subject}${answers.indexOf(true)}`;
      assertSame((await store.get(passkey.id))?.subject, owner, 'owner');
    },
  },
  {
    name: 'passkeys of an account are listed, the oldest first, and no others',
    run: async (store) => {
      const [subject, other] = [unique(), unique()];
      for (const [index, label] of ['b', 'a', 'c'].entries()) {
        await store.insert({ ...passkeyOf(subject), label, createdAt: 100 - index });
      }
      await store.insert(passkeyOf(other));
      const labels = (await store.list(subject)).map(({ label }) => label);
      assertSame(labels.join(), 'c,a,b', 'labels');
      assertSame((await store.list(unique())).length, 0, 'of nobody');
    },
  },
  {
    name: 'a count that was seen is not taken again',
    run: async (store) => {
      const passkey = { ...passkeyOf(unique()), counter: 5 };
      await store.insert(passkey);
      const use = (counter: number) => store.use(passkey.id, { counter, backedUp: true, at: 7 });
      for (const counter of [0, 4, 5]) assertSame(await use(counter), false, `count ${counter}`);
      assertSame((await store.get(passkey.id))?.lastUsedAt, undefined, 'not used yet');
      const answers = await Promise.all(Array.from({ length: AT_ONCE }, async () => use(6)));
      assertSame(answers.filter((answer) => answer === true).length, 1, 'winners');
      const found = await store.get(passkey.id);
      assertSame(found?.counter, 6, 'counter');
      assertSame(found?.lastUsedAt, 7, 'last used');
      assertSame(found?.backedUp, true, 'backed up');
      assertSame(await store.use(unique(), { counter: 9, backedUp: true, at: 7 }), false, 'none');
    },
  },
  {
    name: 'a passkey that does not count is used as often as one likes',
    run: async (store) => {
      const passkey = { ...passkeyOf(unique()), counter: 0 };
      await store.insert(passkey);
      for (const at of [1, 2, 3]) {
        const used = await store.use(passkey.id, { counter: 0, backedUp: false, at });
        assertSame(used, true, `use ${at}`);
      }
      assertSame((await store.get(passkey.id))?.lastUsedAt, 3, 'last used');
    },
  },
  {
    name: 'only its account renames and removes a passkey',
    run: async (store) => {
      const passkey = passkeyOf(unique());
      const { id, subject } = passkey;
      await store.insert(passkey);
      const other = unique();
      assertSame(await store.rename(other, id, 'stolen'), false, 'rename by another');
      assertSame(await store.remove(other, id), false, 'remove by another');
      assertSame(await store.rename(subject, id, 'my \u00e4 phone'), true, 'rename');
      assertSame((await store.get(id))?.label, 'my \u00e4 phone', 'label');
      assertSame(await store.remove(subject, id), true, 'remove');
      assertSame(await store.get(id), undefined, 'after');
      assertSame((await store.list(subject)).length, 0, 'list after');
      assertSame(await store.remove(subject, id), false, 'again');
    },
  },
  {
    name: 'all passkeys of an account are removed, and no others',
    run: async (store) => {
      const [subject, other] = [unique(), unique()];
      for (const _ of [1, 2]) await store.insert(passkeyOf(subject));
      await store.insert(passkeyOf(other));
      assertSame(await store.removeBySubject(subject), 2, 'how many');
      assertSame((await store.list(subject)).length, 0, 'left');
      assertSame((await store.list(other)).length, 1, 'of another');
      assertSame(await store.removeBySubject(subject), 0, 'again');
    },
  },
  {
    name: 'accounts that differ stay different',
    run: async (store) => {
      const prefix = unique();
      const subjects = hostileKeys.map((key) => `${prefix}${key}`);
      for (const subject of subjects) await store.insert(passkeyOf(subject));
      for (const subject of subjects) {
        const found = await store.list(subject);
        assertSame(found.map((each) => each.subject).join('|'), subject, subject.slice(0, 60));
      }
    },
  },
]);

function passkeyOf(subject: string): PasskeyRecord {
  return {
    id: crypto.randomUUID().replaceAll('-', ''),
    subject,
    userHandle: 'dXNlcg',
    publicKey: 'pQECAyYgASFYIA',
    counter: 1,
    transports: ['internal', 'hybrid'],
    aaguid: '00000000-0000-0000-0000-000000000000',
    backupEligible: true,
    backedUp: false,
    label: 'Phone',
    createdAt: 1_700_000_000_000,
  };
}

function unique(): string {
  return `contract-${crypto.randomUUID()}`;
}

/** As JSON, whatever the order of the members. */
function sorted(value: object | undefined): string {
  const members = Object.entries(value ?? {}).filter(([, each]) => each !== undefined);
  return JSON.stringify(members.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
