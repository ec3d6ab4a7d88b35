import { memoryRevocationStore, type SessionStore } from '@apisec/core';
import { memorySessionStore, type Sessions, sealedSessions, sessions } from '@apisec/oauth';
import { describe, expect, test } from 'vitest';
import { ORIGIN } from './fixture.ts';
import { KEYS } from './secrets.ts';

const alice = { issuer: ORIGIN, subject: 'alice', clientId: 'page', claims: {} };
const requestWith = (cookie = '') => new Request(ORIGIN, { headers: { cookie } });

/** Begins a session: its cookie as a browser sends it, or the code of the denial. */
async function begin(browser: Sessions, cookie = '', replaces?: string): Promise<string> {
  const begun = await browser.start(requestWith(cookie), { ...alice, replaces });
  return begun.ok ? (begun.setCookie.split(';')[0] ?? '') : begun.denial.code;
}

async function handleOf(browser: Sessions, cookie: string): Promise<string | undefined> {
  const reading = await browser.read(requestWith(cookie));
  return reading.kind === 'session' ? reading.session.handle : undefined;
}

const kinds: readonly [string, () => Sessions][] = [
  ['in a store', () => sessions({ store: memorySessionStore(), keys: KEYS })],
  ['in a cookie', () => sealedSessions({ keys: KEYS, revocations: memoryRevocationStore() })],
];

describe.each(kinds)('a session %s that is stepped up', (_where, make) => {
  test('is replaced by another one', async () => {
    const browser = make();
    const cookie = await begin(browser);
    const next = await begin(browser, cookie, await handleOf(browser, cookie));
    expect(await handleOf(browser, next)).toBeTypeOf('string');
    expect(await handleOf(browser, cookie)).toBeUndefined();
  });

  test('begins nothing for a browser that has another session, or none', async () => {
    const browser = make();
    const [asked, other] = [await begin(browser), await begin(browser)];
    const handle = await handleOf(browser, asked);
    expect(await begin(browser, other, handle)).toBe('session.unknown');
    expect(await begin(browser, '', handle)).toBe('session.unknown');
    // Neither has ended for that.
    expect(await handleOf(browser, asked)).toBe(handle);
    expect(await handleOf(browser, other)).toBeTypeOf('string');
  });

  test('begins nothing once it has ended', async () => {
    const browser = make();
    const cookie = await begin(browser);
    const handle = await handleOf(browser, cookie);
    await browser.end(requestWith(cookie));
    expect(await begin(browser, cookie, handle)).toBe('session.unknown');
  });
});

test('of many step-ups of one session at the same moment one begins another session', async () => {
  const store = memorySessionStore();
  const browser = sessions({ store, keys: KEYS });
  const cookie = await begin(browser);
  const handle = await handleOf(browser, cookie);
  const begun = await Promise.all(Array.from({ length: 20 }, () => begin(browser, cookie, handle)));
  expect(begun.filter((each) => each !== 'session.unknown')).toHaveLength(1);
  expect(await browser.list(alice)).toHaveLength(1);
});

test('a store that fails when a session begins signs nobody out of the one before', async () => {
  const state = { isFull: false };
  const memory = memorySessionStore();
  const store: SessionStore = {
    ...memory,
    create: (session) => {
      if (state.isFull) throw new Error('full');
      return memory.create(session);
    },
  };
  const browser = sessions({ store, keys: KEYS });
  const cookie = await begin(browser);
  state.isFull = true;
  expect(await begin(browser, cookie)).toBe('session.unavailable');
  expect(await handleOf(browser, cookie)).toBeTypeOf('string');
});
