import {
  allowAuthenticated,
  crossOrigin,
  guard,
  type HttpFacts,
  memoryRevocationStore,
  protect,
  requireNotRevoked,
  revocations,
} from '@apisec/core';
import {
  authenticateSession,
  type NewSession,
  type SealedSessionsOptions,
  sealedSessions,
} from '@apisec/oauth';
import { compactDecrypt } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codeOf, cookiesOf, ORIGIN, startTestProvider, testShop } from './fixture.ts';
import type { TestProvider } from './provider.ts';
import { KEYS } from './secrets.ts';

const ALICE = {
  issuer: 'https://id.example.com',
  subject: 'alice',
  clientId: 'shop',
  sid: 's1',
  claims: { name: 'Alice' },
  tokens: { accessToken: 'at', tokenType: 'Bearer', refreshToken: 'rt', idToken: 'it' },
} as const satisfies NewSession;

function setUp(options: Partial<SealedSessionsOptions> = {}) {
  const clock = { time: 1_700_000_000_000 };
  const now = () => clock.time;
  const browser = sealedSessions({
    keys: KEYS,
    revocations: memoryRevocationStore({ now }),
    now,
    ...options,
  });
  const request = (cookie: string) => new Request(ORIGIN, { headers: { cookie } });
  const start = async (user: NewSession = ALICE, cookie = ''): Promise<string> => {
    const started = await browser.start(request(cookie), user);
    if (!started.ok) throw new Error(started.denial.code);
    return started.setCookie.slice(0, started.setCookie.indexOf(';'));
  };
  const read = async (cookie: string) => browser.read(request(cookie));
  const kindOf = async (cookie: string): Promise<string> => {
    const reading = await read(cookie);
    return reading.kind === 'bad' ? reading.problem : reading.kind;
  };
  return { clock, browser, request, start, read, kindOf };
}

/** What a JWE of another maker reads in the cookie, with the key that is made for it (HKDF, RFC 5869). */
async function openWithJose(cookie: string, name: string): Promise<string> {
  const value = cookie.slice(cookie.indexOf('=') + 1);
  const material = await crypto.subtle.importKey('raw', KEYS.keys.v1, 'HKDF', false, [
    'deriveBits',
  ]);
  const info = new TextEncoder().encode(JSON.stringify(['session', name]));
  const hkdf = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(0), info };
  const bits = new Uint8Array(await crypto.subtle.deriveBits(hkdf, material, 256));
  return new TextDecoder().decode((await compactDecrypt(value, bits)).plaintext);
}

describe('a sealed session', () => {
  test('is a JWE that holds no refresh token, no ID token, and the access token where asked for', async () => {
    const plain = await setUp().start();
    expect(plain).toMatch(/^__Host-Http-session=[\w-]+\.\.[\w-]+\.[\w-]+\.[\w-]+$/);
    const kept = await openWithJose(plain, '__Host-Http-session');
    expect(JSON.parse(kept)).toMatchObject({ subject: 'alice', claims: { name: 'Alice' } });
    expect(kept).not.toMatch(/"rt"|"it"|"at"/);
    const { start, read } = setUp({ keepAccessToken: true });
    const cookie = await start();
    expect(await openWithJose(cookie, '__Host-Http-session')).not.toMatch(/"rt"|"it"/);
    const reading = await read(cookie);
    if (reading.kind !== 'session') throw new Error(reading.kind);
    expect(await reading.session.accessToken()).toMatchObject({ ok: true, accessToken: 'at' });
  });

  test('has no access token by default, and never an expired one', async () => {
    const tokenOf = async (more: Partial<SealedSessionsOptions>, later: number) => {
      const { clock, start, read } = setUp(more);
      const tokens = { ...ALICE.tokens, expiresAt: clock.time + 60_000 };
      const cookie = await start({ ...ALICE, tokens });
      clock.time += later;
      const reading = await read(cookie);
      if (reading.kind !== 'session') throw new Error(reading.kind);
      const token = await reading.session.accessToken();
      return token.ok ? token.accessToken : token.denial.code;
    };
    expect(await tokenOf({ keepAccessToken: true }, 59_999)).toBe('at');
    expect(await tokenOf({ keepAccessToken: true }, 60_000)).toBe('session.token_missing');
    expect(await tokenOf({}, 0)).toBe('session.token_missing');
  });

  test('ends at its time, however it is used', async () => {
    const { clock, start, kindOf } = setUp({ lifetime: '10m' });
    const cookie = await start();
    for (let minute = 1; minute < 10; minute++) {
      clock.time += 60_000;
      expect(await kindOf(cookie)).toBe('session');
    }
    clock.time += 60_000;
    expect(await kindOf(cookie)).toBe('unknown');
  });

  test.each([
    ['forged', (good: string) => good.replace(/=.*/, `=${'A'.repeat(200)}`), 'unknown'],
    ['truncated', (good: string) => good.slice(0, -1), 'unknown'],
    ['longer', (good: string) => `${good}A`, 'unknown'],
    ['with a part more', (good: string) => `${good}.A`, 'unknown'],
    [
      'changed in its text',
      (good: string) =>
        good.replace(
          /\.([\w-])([\w-]+)$/,
          (_, first, rest) => `.${first === 'A' ? 'B' : 'A'}${rest}`,
        ),
      'unknown',
    ],
    [
      'with another header',
      (good: string) => good.replace(/=[\w-]+/, '=eyJhbGciOiJub25lIn0'),
      'unknown',
    ],
    ['oversized', (good: string) => good + 'A'.repeat(5_000), 'malformed'],
    ['repeated', (good: string) => `${good}; ${good}`, 'repeated'],
    ['of another name', (good: string) => `x${good}`, 'none'],
  ])('that is %s is denied', async (_name, change, expected) => {
    const { start, kindOf } = setUp();
    const cookie = await start();
    expect(await kindOf(change(cookie))).toBe(expected);
    expect(await kindOf(cookie)).toBe('session');
  });

  test('of other keys, of another cookie, or sealed for another purpose is denied', async () => {
    const { browser, start, kindOf } = setUp();
    const foreign = setUp({
      keys: { current: 'v1', keys: { v1: crypto.getRandomValues(new Uint8Array(32)) } },
    });
    expect(await kindOf(await foreign.start())).toBe('unknown');
    const admin = await setUp({ cookie: { name: 'admin' } }).start();
    expect(await kindOf(admin.replace('admin', 'session'))).toBe('unknown');
    const sealed = await browser.sealing.seal('{"subject":"mallory"}', 'login');
    expect(await kindOf(`__Host-Http-session=${sealed}`)).toBe('unknown');
    expect(await kindOf(await start())).toBe('session');
  });

  test('that does not fit into a cookie is not begun', async () => {
    const { browser, request } = setUp();
    const started = await browser.start(request(''), {
      ...ALICE,
      claims: { note: 'x'.repeat(4_000) },
    });
    expect(started.ok ? '' : started.denial.code).toBe('session.too_large');
  });

  test('that has ended stays ended in every copy: by logout, a new login, and its user', async () => {
    const { browser, request, start, read, kindOf } = setUp();
    const copy = await start();
    expect((await browser.end(request(copy))).ok).toBe(true);
    expect(await kindOf(copy)).toBe('unknown');
    const first = await start();
    const second = await start(ALICE, first);
    expect([await kindOf(first), await kindOf(second)]).toEqual(['unknown', 'session']);
    const reading = await read(second);
    const handle = reading.kind === 'session' ? reading.session.handle : '';
    await browser.endOne({ ...ALICE, subject: 'mallory' }, handle);
    expect(await kindOf(second)).toBe('session');
    await browser.endOne(ALICE, handle);
    expect(await kindOf(second)).toBe('unknown');
  });

  test('ends once by its own handle, and not by a made-up one', async () => {
    const memory = memoryRevocationStore();
    let entries = 0;
    const { clock, browser, start, read, kindOf } = setUp({
      revocations: {
        ...memory,
        revoke: (entry) => {
          entries++;
          return memory.revoke(entry);
        },
      },
    });
    const handleOf = async (cookie: string): Promise<string> => {
      const reading = await read(cookie);
      return reading.kind === 'session' ? reading.session.handle : '';
    };
    const cookie = await start();
    const handle = await handleOf(cookie);
    const value = cookie.slice(cookie.indexOf('=') + 1);
    const bad = ['', 'x', 'A'.repeat(43), `${handle}A`, `${handle}.A`, value, 'A'.repeat(100_000)];
    for (const made of bad) expect(await browser.endOne(ALICE, made), made).toBe(false);
    expect(await browser.endOne({ ...ALICE, subject: 'mallory' }, handle)).toBe(false);
    expect(await browser.endOne({ ...ALICE, issuer: 'https://evil.example.com' }, handle)).toBe(
      false,
    );
    expect([entries, await kindOf(cookie)]).toEqual([0, 'session']);
    expect(await browser.endOne(ALICE, handle)).toBe(true);
    expect(await kindOf(cookie)).toBe('unknown');
    expect(await browser.endOne(ALICE, handle)).toBe(false);
    const late = await handleOf(await start());
    clock.time += 3_600_000;
    expect(await browser.endOne(ALICE, late)).toBe(false);
    expect(entries).toBe(1);
    // A handle names a session, and is none.
    expect(await kindOf(`__Host-Http-session=${late}`)).toBe('unknown');
  });

  test('ends with all of its user, and by a logout at the issuer, and later ones live', async () => {
    const { clock, browser, start, kindOf } = setUp();
    const bob = await start({ ...ALICE, subject: 'bob', sid: 's2' });
    const one = await start();
    await expect(browser.list(ALICE)).rejects.toThrow(/sealed sessions are not stored/);
    await browser.endAll(ALICE);
    expect([await kindOf(one), await kindOf(bob)]).toEqual(['unknown', 'session']);
    clock.time += 2;
    const two = await start();
    const other = await start({ ...ALICE, sid: 's3' });
    const logout = { issuer: ALICE.issuer, subject: 'alice', before: clock.time + 1 };
    await browser.endByLogout({ ...logout, sid: 's1' });
    expect([await kindOf(two), await kindOf(other)]).toEqual(['unknown', 'session']);
    await browser.endByLogout({ ...logout, sid: undefined });
    expect([await kindOf(other), await kindOf(bob)]).toEqual(['unknown', 'session']);
    clock.time += 2;
    expect(await kindOf(await start())).toBe('session');
  });

  test('does not begin where its user was signed out while it was begun', async () => {
    const { browser, start, kindOf, clock } = setUp();
    const provenAt = clock.time;
    const logout = { issuer: ALICE.issuer, subject: 'alice', before: clock.time + 30_000 };
    await browser.endByLogout({ ...logout, sid: 's1' });
    await expect(start({ ...ALICE, sid: 's1', provenAt })).rejects.toThrow('session.ended');
    expect(await kindOf(await start({ ...ALICE, sid: 's2', provenAt }))).toBe('session');
    await browser.endAll(ALICE);
    await expect(start({ ...ALICE, sid: 's2', provenAt })).rejects.toThrow('session.ended');
    clock.time += 2;
    expect(await kindOf(await start({ ...ALICE, sid: 's1' }))).toBe('session');
  });

  test('whose ID token names no session ends by a logout that names its user too', async () => {
    const { browser, start, kindOf, clock } = setUp();
    const bare = await start({ ...ALICE, sid: undefined });
    const named = await start({ ...ALICE, sid: 's2' });
    const bob = await start({ ...ALICE, subject: 'bob', sid: undefined });
    clock.time += 2;
    const logout = { issuer: ALICE.issuer, sid: 's1', before: clock.time };
    // Nothing tells whose session that is.
    await browser.endByLogout({ ...logout, subject: undefined });
    expect(await kindOf(bare)).toBe('session');
    await browser.endByLogout({ ...logout, subject: 'alice' });
    expect([await kindOf(bare), await kindOf(named), await kindOf(bob)]).toEqual([
      'unknown',
      'session',
      'session',
    ]);
    clock.time += 2;
    expect(await kindOf(await start({ ...ALICE, sid: undefined }))).toBe('session');
  });

  test('is denied with 503 while revocations cannot be asked, and its logout is not called done', async () => {
    const memory = memoryRevocationStore();
    const state = { isUp: true };
    const down = (): never => {
      throw new Error('10.0.0.7 is down');
    };
    const { browser, request, start, kindOf } = setUp({
      revocations: {
        ...memory,
        isRevoked: (...asked) => (state.isUp ? memory.isRevoked(...asked) : down()),
        revoke: down,
      },
    });
    const cookie = await start();
    state.isUp = false;
    await expect(start()).rejects.toThrow('session.unavailable');
    expect(await kindOf(cookie)).toBe('unavailable');
    const ended = await browser.end(request(cookie));
    expect(ended.ok ? '' : ended.denial.code).toBe('session.unavailable');
  });

  test('without revocations is taken from the browser alone, and says so where more is asked for', async () => {
    const { browser, request, start, kindOf } = setUp({ revocations: 'none' });
    const copy = await start();
    expect((await browser.end(request(copy))).ok).toBe(true);
    expect(await kindOf(copy)).toBe('session');
    expect(browser.endsByLogout).toBe(false);
    await expect(browser.endAll(ALICE)).rejects.toThrow(/revocations is "none"/);
    await expect(browser.endOne(ALICE, 'x')).rejects.toThrow(/revocations is "none"/);
    await expect(browser.list(ALICE)).rejects.toThrow(/sealed sessions are not stored/);
  });

  test.each([
    ['no word on revocations', { revocations: undefined }, /'none'/],
    ['a lifetime of more than a day', { lifetime: '25h' }, /lifetime/],
    ['an option of other sessions', { idle: '30m' }, /"idle" is not an option/],
    ['a client that is not one', { clients: [{}] }, /clients/],
  ])('cannot be constructed with %s', (_name, options, message) => {
    expect(() => setUp(options as never)).toThrow(message);
  });
});

describe('a login with sealed sessions', () => {
  let provider: TestProvider;
  beforeAll(async () => {
    provider = await startTestProvider();
  });
  afterAll(() => provider?.close());
  const client = { scope: ['openid', 'profile'] };

  test('leads to a session that a guard takes, and its logout ends it', async () => {
    const store = memoryRevocationStore();
    const shop = testShop(provider.issuer, { client, sealed: { revocations: store } });
    const account = guard<HttpFacts>()
      .use(crossOrigin({ self: ORIGIN }))
      .use(authenticateSession(shop.browser))
      .use(allowAuthenticated());
    const me = protect(account, (_request, { principal }) =>
      Response.json({ code: principal.subject }),
    );
    const ask = async (cookie: string) =>
      codeOf(await me(new Request(`${ORIGIN}/me`, { headers: { cookie } })));
    const { response, cookie } = await shop.signIn();
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await ask(cookie)).toBe('alice');
    const out = await shop.call(
      '/auth/logout',
      { cookie, origin: ORIGIN, 'sec-fetch-site': 'same-origin' },
      { method: 'POST' },
    );
    expect(out.status).toBe(303);
    expect(await ask(cookie)).toBe('session.unknown');
  });

  test('ends the session from before though the browser comes back without its cookie', async () => {
    const store = memoryRevocationStore();
    const shop = testShop(provider.issuer, { client, sealed: { revocations: store } });
    const first = await shop.signIn();
    const { location, cookie } = await shop.begin('/auth/login', first.cookie);
    const next = cookiesOf(await shop.call(await shop.agree(location), { cookie }));
    const statusOf = async (held: string) =>
      (await shop.call('/auth/session', { cookie: held })).status;
    expect([await statusOf(first.cookie), await statusOf(next)]).toEqual([401, 200]);
  });

  test('whose session is too large is denied, without a session cookie', async () => {
    const shop = testShop(provider.issuer, { client, sealed: {} });
    const { location, cookie } = await shop.begin();
    const back = await shop.agree(`${location}&login_hint=${'m'.repeat(2_000)}`);
    const response = await shop.call(back, { cookie });
    expect([response.status, cookiesOf(response)]).toEqual([500, '']);
    expect(await codeOf(response)).toBe('session.too_large');
  });

  test('serves no logout by the issuer where it could end nothing', async () => {
    const status = async (revocations: SealedSessionsOptions['revocations']) => {
      const { routes } = testShop(provider.issuer, { client, sealed: { revocations } });
      const url = `${ORIGIN}/auth/backchannel-logout`;
      return (await routes.fetch(new Request(url, { method: 'POST' }))).status;
    };
    expect(await status('none')).toBe(404);
    expect(await status(memoryRevocationStore())).toBe(400);
  });

  test('cannot be constructed for a client that asks for refresh tokens', () => {
    expect(() => testShop(provider.issuer, { sealed: {} })).toThrow(/offline_access/);
  });
});

describe('revocations of core', () => {
  test('end sessions of a store by subject, and let those begin that come later', async () => {
    const clock = { time: 1_700_000_000_000 };
    const now = () => clock.time;
    const store = memoryRevocationStore({ now });
    const { browser, request, start } = setUp({ now, revocations: 'none' });
    const account = guard<HttpFacts>()
      .use(crossOrigin({ self: ORIGIN }))
      .use(authenticateSession(browser))
      .use(requireNotRevoked({ store }))
      .use(allowAuthenticated());
    const me = protect(account, () => Response.json({ code: 'ok' }));
    const ask = async (cookie: string) => codeOf(await me(request(cookie)));
    const early = await start();
    clock.time += 1;
    await revocations({ store, maxTokenLifetime: '1h' }).revoke(
      { kind: 'subject', issuer: ALICE.issuer, id: 'alice' },
      { issuedBefore: clock.time },
    );
    const late = await start();
    expect([await ask(early), await ask(late)]).toEqual(['token.revoked', 'ok']);
  });
});
