import { type AuditAct, memoryRevocationStore, type SessionStore } from '@apisec/core';
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

test('one of many concurrent step-ups of one session begins another session', async () => {
  const store = memorySessionStore();
  const browser = sessions({ store, keys: KEYS });
  const cookie = await begin(browser);
  const handle = await handleOf(browser, cookie);
  const begun = await Promise.all(Array.from({ length: 20 }, () => begin(browser, cookie, handle)));
  expect(begun.filter((each) => each !== 'session.unknown')).toHaveLength(1);
  expect(await browser.list(alice)).toHaveLength(1);
});

test.each(['create', 'list'] as const)(
  'a store that fails to %s when a session begins signs nobody out of the one before',
  async (failing) => {
    const state: { failing?: 'create' | 'list' } = {};
    const memory = memorySessionStore();
    const fail = (step: 'create' | 'list'): void => {
      if (state.failing === step) throw new Error('full');
    };
    const store: SessionStore = {
      ...memory,
      create: (session) => {
        fail('create');
        return memory.create(session);
      },
      list: (issuer, subject) => {
        fail('list');
        return memory.list(issuer, subject);
      },
    };
    const browser = sessions({ store, keys: KEYS });
    const cookie = await begin(browser);
    state.failing = failing;
    expect(await begin(browser, cookie)).toBe('session.unavailable');
    expect(await handleOf(browser, cookie)).toBeTypeOf('string');
  },
);

describe('the sessions of one user', () => {
  test('are bounded: the one that was used least lately gives way', async () => {
    const clock = { time: 1_000_000 };
    const now = () => clock.time;
    const acts: AuditAct[] = [];
    const browser = sessions({
      store: memorySessionStore({ now }),
      keys: KEYS,
      maxPerUser: 3,
      record: (act) => acts.push(act),
      now,
    });
    const others = { ...alice, subject: 'bob' };
    await browser.start(requestWith(), others);
    const cookies: string[] = [];
    for (let at = 0; at < 3; at++) {
      clock.time += 1_000;
      cookies.push(await begin(browser));
    }
    const [first = '', second = '', third = ''] = cookies;
    clock.time += 600_000;
    // Its use is written down.
    expect(await handleOf(browser, first)).toBeTypeOf('string');
    const fourth = await begin(browser);
    expect(await handleOf(browser, second)).toBeUndefined();
    for (const cookie of [first, third, fourth]) {
      expect(await handleOf(browser, cookie)).toBeTypeOf('string');
    }
    expect(acts.filter(({ act }) => act === 'session.ended')).toMatchObject([
      { act: 'session.ended', data: { ended: 1, how: 'excess' }, target: { id: 'alice' } },
    ]);
    // Whoever replaces a session ends no other one.
    const fifth = await begin(browser, fourth);
    for (const cookie of [first, third, fifth]) {
      expect(await handleOf(browser, cookie)).toBeTypeOf('string');
    }
    expect(await browser.list(others)).toHaveLength(1);
  });

  test('are 100 where nobody says otherwise', async () => {
    const browser = sessions({ store: memorySessionStore(), keys: KEYS });
    for (let at = 0; at < 105; at++) await begin(browser);
    expect(await browser.list(alice)).toHaveLength(100);
  });

  test.each([0, 1.5, -1, Number.NaN, '3'])('are not bounded by %s', (maxPerUser) => {
    const options = { store: memorySessionStore(), keys: KEYS, maxPerUser: maxPerUser as number };
    expect(() => sessions(options)).toThrow('maxPerUser must be');
  });

  test('end by handles, and a text that cannot be one is not looked up', async () => {
    const asked: string[] = [];
    const memory = memorySessionStore();
    const store: SessionStore = {
      ...memory,
      read: (id) => {
        asked.push(id);
        return memory.read(id);
      },
    };
    const browser = sessions({ store, keys: KEYS });
    const cookie = await begin(browser);
    const handle = (await handleOf(browser, cookie)) ?? '';
    asked.length = 0;
    for (const text of ['', '\0', `${handle}=`, 'a'.repeat(100_000), undefined, 7]) {
      expect(await browser.endOne(alice, text as string)).toBe(false);
    }
    expect(asked).toEqual([]);
    expect(await browser.endOne(alice, handle)).toBe(true);
  });
});
