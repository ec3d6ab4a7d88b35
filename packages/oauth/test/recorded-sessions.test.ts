import { type AuditAct, memoryRevocationStore, type RecordOption } from '@apisec/core';
import { memorySessionStore, type Sessions, sealedSessions, sessions } from '@apisec/oauth';
import { describe, expect, test } from 'vitest';
import { brokenRecorders } from '../../core/test/recorders.ts';
import { ORIGIN } from './fixture.ts';
import { KEYS } from './secrets.ts';

const owner = { issuer: 'https://id.example.com', subject: 'alice' };

/** For sessions that begin: here it matters how they end. */
const unheard: RecordOption = { record: () => true };

/** A user with two sessions, and the cookie of the first. */
async function signedIn(record: RecordOption['record']) {
  const browser = sessions({ store: memorySessionStore(), keys: KEYS, record });
  const start = async () => {
    const user = { ...owner, clientId: 'shop', sid: 's1', claims: {} };
    const begun = await browser.start(new Request(ORIGIN), user, unheard);
    if (!begun.ok) throw new Error(begun.denial.code);
    return begun.setCookie.split(';')[0] ?? '';
  };
  const cookie = await start();
  await start();
  const left = async () => (await browser.list(owner)).length;
  return { browser, left, request: () => new Request(ORIGIN, { headers: { cookie } }) };
}

type User = Awaited<ReturnType<typeof signedIn>>;

const ways: readonly (readonly [string, (user: User) => Promise<unknown>, number])[] = [
  ['by its user', ({ browser, request }) => browser.end(request()), 1],
  [
    'by its handle',
    async ({ browser }) => browser.endOne(owner, (await browser.list(owner))[0]?.handle ?? ''),
    1,
  ],
  ['with all others', ({ browser }) => browser.endAll(owner), 0],
  [
    'by a logout at the issuer, with its sid',
    ({ browser }) => browser.endByLogout({ ...owner, sid: 's1', before: Date.now() + 1 }),
    0,
  ],
  [
    'by a logout of its subject',
    ({ browser }) => browser.endByLogout({ ...owner, sid: undefined, before: Date.now() + 1 }),
    0,
  ],
];

describe.each(ways)('a session that is ended %s', (_name, end, left) => {
  test('is recorded once, with whose it was', async () => {
    const acts: AuditAct[] = [];
    const user = await signedIn((act) => acts.push(act));
    await end(user);
    expect(acts).toMatchObject([
      {
        act: 'session.ended',
        target: { type: 'user', id: 'alice' },
        data: { issuer: owner.issuer, ended: 2 - left },
      },
    ]);
    expect(await user.left()).toBe(left);
  });

  test.each(brokenRecorders)('does not end in silence where record %s', async (_how, broken) => {
    const user = await signedIn(broken);
    const answer = await end(user).catch((cause: Error) => cause.message);
    const unrecorded = 'session.ended was done, and could not be recorded.';
    if (typeof answer === 'string') expect(answer).toBe(unrecorded);
    else {
      expect(answer).toMatchObject({
        ok: false,
        denial: { code: 'session.unavailable', cause: new Error(unrecorded) },
      });
    }
    expect(await user.left()).toBe(left);
  });
});

test('an act that ended nothing is not recorded, and a call may name its own recorder', async () => {
  const user = await signedIn(() => expect.unreachable());
  const { browser } = user;
  const [session] = await browser.list(owner);
  const handle = session?.handle ?? '';
  expect(await browser.endOne({ ...owner, subject: 'mallory' }, handle)).toBe(false);
  expect(await browser.endAll({ ...owner, subject: 'bob' })).toBe(0);
  expect(await browser.end(new Request(ORIGIN))).toMatchObject({ ok: true });
  const told: string[] = [];
  const record = ({ act }: AuditAct) => told.push(act);
  expect(await browser.endOne(owner, handle, { record })).toBe(true);
  expect(await browser.endAll(owner, undefined, { record })).toBe(1);
  expect(told).toEqual(['session.ended', 'session.ended']);
});

/** A request with the cookie of a session that has just begun. */
async function start(browser: Sessions): Promise<Request> {
  const user = { ...owner, clientId: 'shop', claims: {} };
  const begun = await browser.start(new Request(ORIGIN), user, unheard);
  if (!begun.ok) throw new Error(begun.denial.code);
  return new Request(ORIGIN, { headers: { cookie: begun.setCookie.split(';')[0] ?? '' } });
}

test('sealed sessions record what ends them in the same way', async () => {
  const acts: AuditAct[] = [];
  const options = { keys: KEYS, revocations: memoryRevocationStore() };
  const browser = sealedSessions({ ...options, record: (act) => acts.push(act) });
  const request = await start(browser);
  await browser.end(request);
  const reading = await browser.read(await start(browser));
  const handle = reading.kind === 'session' ? reading.session.handle : '';
  await browser.endOne(owner, handle);
  // Made up, or over: nothing ends, so nothing is recorded.
  await browser.endOne(owner, 'a handle');
  await browser.endOne(owner, handle);
  await browser.endAll(owner);
  await browser.endByLogout({ ...owner, sid: 's1', before: Date.now() });
  expect(acts.map(({ act, data }) => [act, data?.['how']])).toEqual(
    ['logout', 'one', 'all', 'issuer'].map((how) => ['session.ended', how]),
  );
  const silent = sealedSessions({ ...options, record: () => false });
  await expect(silent.endAll(owner)).rejects.toThrow('could not be recorded');
});

const user = { ...owner, clientId: 'shop', claims: {} };
const made = [
  [
    'in a store',
    (record: RecordOption['record']) =>
      sessions({ store: memorySessionStore(), keys: KEYS, record }),
  ],
  [
    'in its cookie',
    (record: RecordOption['record']) =>
      sealedSessions({ keys: KEYS, revocations: memoryRevocationStore(), record }),
  ],
] as const;

describe.each(made)('a session that begins, kept %s,', (where, make) => {
  test('is recorded with whose it is, and as renewed where it steps another one up', async () => {
    const acts: AuditAct[] = [];
    const browser = make((act) => acts.push(act));
    const begun = await browser.start(new Request(ORIGIN), user);
    if (!begun.ok) throw new Error(begun.denial.code);
    const cookie = begun.setCookie.split(';')[0] ?? '';
    const request = new Request(ORIGIN, { headers: { cookie } });
    const reading = await browser.read(request);
    const replaces = reading.kind === 'session' ? reading.session.handle : '';
    expect(await browser.start(request, { ...user, replaces })).toMatchObject({ ok: true });
    const told = { target: { type: 'user', id: 'alice' }, data: { clientId: 'shop' } };
    expect(acts).toMatchObject([
      { act: 'session.created', ...told },
      { act: 'session.renewed', ...told },
    ]);
  });

  test.each(brokenRecorders)('is nobody’s where record %s', async (_how, broken) => {
    const browser = make(broken);
    const begun = await browser.start(new Request(ORIGIN), user);
    expect(begun).toMatchObject({ ok: false, denial: { code: 'session.unavailable' } });
    if (where === 'in a store') expect(await browser.list(owner)).toEqual([]);
  });
});

describe.each(made)('a session that cannot be recorded, kept %s,', (_where, make) => {
  const handleOf = async (browser: Sessions, request: Request) => {
    const reading = await browser.read(request);
    return reading.kind === 'session' ? reading.session.handle : undefined;
  };

  test.each(['a login', 'a step-up'])('signs nobody out of the one before %s', async (how) => {
    const browser = make(() => true);
    const request = await start(browser);
    const before = await handleOf(browser, request);
    expect(before).toBeTypeOf('string');
    const replaces = how === 'a login' ? undefined : before;
    const begun = await browser.start(request, { ...user, replaces }, { record: () => false });
    expect(begun).toMatchObject({ ok: false, denial: { code: 'session.unavailable' } });
    expect(await handleOf(browser, request)).toBe(before);
  });
});

test('nobody else is signed out for a session that cannot be recorded', async () => {
  const options = { store: memorySessionStore(), keys: KEYS, maxPerUser: 2 };
  const browser = sessions({ ...options, record: ({ act }) => act !== 'session.ended' });
  await start(browser);
  await start(browser);
  const before = (await browser.list(owner)).map(({ handle }) => handle).toSorted();
  const silent = { record: () => false };
  expect(await browser.start(new Request(ORIGIN), user, silent)).toMatchObject({ ok: false });
  expect((await browser.list(owner)).map(({ handle }) => handle).toSorted()).toEqual(before);
  // One that begins and pushes out another, whose end is not recorded, is nobody's either.
  expect(await browser.start(new Request(ORIGIN), user)).toMatchObject({ ok: false });
  expect(await browser.list(owner)).toHaveLength(1);
});

test('of two step-ups at the same moment the one that came too late is recorded as over', async () => {
  const acts: AuditAct[] = [];
  const browser = sessions({ store: memorySessionStore(), keys: KEYS });
  const request = await start(browser);
  const [session] = await browser.list(owner);
  const step = { ...user, replaces: session?.handle };
  const record = (act: AuditAct) => Promise.resolve(acts.push(act));
  await Promise.all([1, 2].map(() => browser.start(request, step, { record })));
  const names = acts.map(({ act, data }) => `${act} ${data?.['how']}`);
  expect(names.filter((name) => name === 'session.renewed undefined').length).toBe(
    1 + names.filter((name) => name === 'session.ended late').length,
  );
  // One that has ended long ago begins nothing, so there is nothing to record.
  acts.length = 0;
  expect(await browser.start(request, step, { record })).toMatchObject({ ok: false });
  expect(acts).toEqual([]);
});
