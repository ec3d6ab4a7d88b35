import { createServer } from 'node:http';
import {
  allowAuthenticated,
  crossOrigin,
  explain,
  guard,
  type HttpFacts,
  memoryReplayStore,
  protect,
} from '@apisec/core';
import { authenticateSession, forward, memorySessionStore, oauthRoutes } from '@apisec/oauth';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { NAVIGATION } from './browser.ts';
import { codeOf, cookiesOf, ORIGIN, startTestProvider, testShop } from './fixture.ts';
import { listen, type TestProvider } from './provider.ts';

let provider: TestProvider;
beforeAll(async () => {
  provider = await startTestProvider();
});
afterAll(() => provider?.close());

function account(shop: ReturnType<typeof testShop>) {
  return guard<HttpFacts>()
    .use(crossOrigin({ self: ORIGIN }))
    .use(authenticateSession(shop.browser))
    .use(allowAuthenticated());
}
async function me(
  shop: ReturnType<typeof testShop>,
  cookie: string,
  more: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const handler = protect(account(shop), (_request, { principal }) =>
    Response.json({ code: principal.subject }),
  );
  return handler(new Request(`${ORIGIN}/me`, { headers: { cookie, ...more } }));
}

describe('the session cookie', () => {
  // Covers: V3.3.1, V3.3.2, V3.3.3, V3.3.4, V7.2.3
  test('holds a random id and no token, for this host alone, out of reach of scripts', async () => {
    const shop = testShop(provider.issuer);
    const { response } = await shop.signIn();
    const set = response.headers.getSetCookie().find((each) => each.includes('session=')) ?? '';
    expect(set).toMatch(
      /^__Host-Http-session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Secure$/,
    );
    expect(response.headers.get('cache-control')).toBe('no-store');
  });

  test('is stored as a hash, and tokens in the store cannot be read without it', async () => {
    const shop = testShop(provider.issuer);
    const { cookie } = await shop.signIn();
    const [record] = await shop.store.list(provider.issuer, 'alice');
    const token = cookie.slice(cookie.indexOf('=') + 1);
    const kept = JSON.stringify(record);
    expect(kept).not.toContain(token);
    expect(kept).not.toMatch(/refresh_?token/i);
    expect(record?.tokens).toBeDefined();
    const reading = await shop.browser.read(new Request(ORIGIN, { headers: { cookie } }));
    const access = reading.kind === 'session' ? await reading.session.accessToken() : undefined;
    if (access?.ok !== true) throw new Error('no access token');
    // The whole of it: what is encrypted may hold any few letters.
    expect(kept).not.toContain(access.accessToken);
  });

  test.each([
    ['forged', (good: string) => good.replace(/=.*/, `=${'A'.repeat(43)}`), 401, 'session.unknown'],
    ['truncated', (good: string) => good.slice(0, -1), 401, 'session.malformed'],
    ['longer', (good: string) => `${good}A`, 401, 'session.malformed'],
    ['not canonical', (good: string) => `${good.slice(0, -1)}B`, 401, 'session.malformed'],
    ['quoted', (good: string) => good.replace(/=(.*)/, '="$1"'), 401, 'session.malformed'],
    ['oversized', (good: string) => good + 'A'.repeat(70_000), 400, 'session.repeated'],
    ['repeated', (good: string) => `${good}; ${good}`, 400, 'session.repeated'],
    ['repeated in two headers', (good: string) => `${good}, ${good}`, 400, 'session.repeated'],
    ['of another name', (good: string) => `x${good}`, 401, 'session.missing'],
    // What another host of the site can set, since browsers see no prefix in it.
    ['with its prefix in other case', (good: string) => good.toLowerCase(), 401, 'session.missing'],
    ['behind white space of Unicode', (good: string) => `\u00a0${good}`, 401, 'session.missing'],
    ['written into another one', (good: string) => `x=1, ${good}`, 400, 'session.repeated'],
    [
      'without its prefix',
      (good: string) => good.replace('__Host-Http-', ''),
      401,
      'session.missing',
    ],
    [
      'the handle of the session',
      (_: string, handle: string) => `__Host-Http-session=${handle}`,
      401,
      'session.unknown',
    ],
  ])('that is %s is denied', async (_name, change, status, code) => {
    const shop = testShop(provider.issuer);
    const { cookie } = await shop.signIn();
    const [record] = await shop.store.list(provider.issuer, 'alice');
    const response = await me(shop, change(cookie, record?.id ?? ''));
    expect([response.status, await codeOf(response)]).toEqual([status, code]);
    const honest = await me(shop, `theme=dark; ${cookie}; lang=de`);
    expect([honest.status, await codeOf(honest)]).toEqual([200, 'alice']);
  });

  test('a store that is down denies with 503 and signs nobody out', async () => {
    let isDown = false;
    const memory = memorySessionStore();
    const store = {
      ...memory,
      read: (id: string) => {
        if (isDown) throw new Error('redis at 10.0.0.7 is down');
        return memory.read(id);
      },
    };
    const shop = testShop(provider.issuer, { sessions: { store } });
    const { cookie } = await shop.signIn();
    isDown = true;
    const response = await me(shop, cookie);
    expect(response.status).toBe(503);
    expect(response.headers.getSetCookie()).toEqual([]);
    const said = await response.text();
    expect(JSON.parse(said)).toMatchObject({ code: 'session.unavailable' });
    expect(said).not.toContain('10.0.0.7');
    isDown = false;
    expect((await me(shop, cookie)).status).toBe(200);
  });

  test('a guard without crossOrigin cannot be constructed in JavaScript either', () => {
    const shop = testShop(provider.issuer);
    const policy = authenticateSession(shop.browser) as never;
    const unsafe = guard()
      .use(policy)
      .use(allowAuthenticated() as never);
    expect(() => protect(unsafe as never, () => new Response())).toThrow(/crossOrigin/);
  });

  test('the facts hold no token that a log could write down', async () => {
    const shop = testShop(provider.issuer);
    const { cookie } = await shop.signIn();
    const decision = await account(shop).check(
      new Request(`${ORIGIN}/me`, { headers: { cookie } }),
      {
        call: { protocol: 'http', operation: 'GET /me' },
        peer: { address: undefined, id: undefined },
      },
    );
    expect(decision.allowed).toBe(true);
    expect(JSON.stringify(decision)).not.toMatch(/eyJ/);
    expect(explain(decision)).not.toMatch(/eyJ/);
  });
});

// Covers: V14.3.2
test('no cache keeps an answer that sets a cookie, whichever it is', async () => {
  const shop = testShop(provider.issuer);
  const { location, cookie } = await shop.begin();
  const back = await shop.agree(location);
  const failed = await shop.begin();
  const denied = new URL(await shop.agree(failed.location), ORIGIN);
  denied.searchParams.set('code', 'made-up');
  const post = (headers: Record<string, string>) =>
    shop.call('/auth/logout', { 'sec-fetch-site': 'same-origin', ...headers }, { method: 'POST' });
  const signedIn = await shop.call(back, { cookie });
  const answers: Readonly<Record<string, Response>> = {
    'begins a login': (await shop.begin()).response,
    'begins one too many': (
      await shop.begin(
        '/auth/login',
        Array(6)
          .fill(cookie.replace(/=.*/, ''))
          .map((name, at) => `${name}${at}=x`)
          .join('; '),
      )
    ).response,
    'begins a session': signedIn,
    'ends a login that failed': await shop.call(`/auth/callback${denied.search}`, {
      cookie: failed.cookie,
    }),
    'ends a login that was used': await shop.call(back, { cookie }),
    'ends a session for a script': await post({
      cookie: cookiesOf(signedIn),
      'sec-fetch-mode': 'cors',
    }),
    'ends a session for a page': await post({ cookie: cookiesOf(signedIn) }),
    'denies a session that has ended': await me(shop, cookiesOf(signedIn), NAVIGATION),
    'says that a session has ended': await shop.call('/auth/session', {
      cookie: cookiesOf(signedIn),
    }),
  };
  for (const [what, { headers }] of Object.entries(answers)) {
    expect(headers.getSetCookie().length, what).toBeGreaterThan(0);
    expect(headers.get('cache-control'), what).toBe('no-store');
  }
});

describe('a session', () => {
  // Covers: V7.2.4
  test('gets a new id at each login, and the one from before ends (fixation)', async () => {
    const shop = testShop(provider.issuer);
    const first = await shop.signIn();
    const second = await shop.signIn(first.cookie);
    expect(second.cookie).not.toBe(first.cookie);
    expect((await me(shop, first.cookie)).status).toBe(401);
    expect((await me(shop, second.cookie)).status).toBe(200);
  });

  test('from before a login ends though the browser comes back from the issuer without it', async () => {
    const shop = testShop(provider.issuer, { routes: { acrValues: ['urn:example:mfa'] } });
    const first = await shop.signIn();
    // A `Strict` cookie goes along with the click on this site, and not with the way back from another one.
    const { location, cookie } = await shop.begin('/auth/login', first.cookie);
    expect((await me(shop, first.cookie)).status).toBe(200);
    const response = await shop.call(await shop.agree(location), { cookie });
    expect((await me(shop, first.cookie)).status).toBe(401);
    expect((await me(shop, cookiesOf(response))).status).toBe(200);
    expect(await shop.browser.list({ issuer: provider.issuer, subject: 'alice' })).toHaveLength(1);
  });

  test('from before a login that fails goes on', async () => {
    const shop = testShop(provider.issuer);
    const first = await shop.signIn();
    const { location, cookie } = await shop.begin('/auth/login', first.cookie);
    const back = new URL(await shop.agree(location), ORIGIN);
    back.searchParams.set('code', 'made-up');
    const response = await shop.call(`/auth/callback${back.search}`, { cookie });
    expect(cookiesOf(response)).toBe('');
    expect((await me(shop, first.cookie)).status).toBe(200);
  });

  test('that an attacker has planted is not taken over by a login', async () => {
    const shop = testShop(provider.issuer);
    const planted = `__Host-Http-session=${'A'.repeat(43)}`;
    const { cookie } = await shop.signIn(planted);
    expect(cookie).not.toContain('AAAA');
    expect((await me(shop, planted)).status).toBe(401);
  });

  // Covers: V7.4.1
  test('that has ended is not brought back by a call that was under way', async () => {
    const clock = { time: Date.now() };
    const memory = memorySessionStore({ now: () => clock.time });
    let endNow = false;
    const store = {
      ...memory,
      read: (id: string) => {
        const found = memory.read(id);
        if (endNow) void memory.delete(id);
        return found;
      },
    };
    const shop = testShop(provider.issuer, { sessions: { store, now: () => clock.time } });
    const { cookie } = await shop.signIn();
    clock.time += 120_000;
    endNow = true;
    const response = await me(shop, cookie);
    expect([response.status, await codeOf(response)]).toEqual([401, 'session.unknown']);
    expect(await memory.list(provider.issuer, 'alice')).toEqual([]);
  });

  // Covers: V7.3.1, V7.3.2
  test('lives while it is used, ends when it is idle, and ends at its absolute end', async () => {
    const clock = { time: Date.now() };
    const now = () => clock.time;
    const shop = testShop(provider.issuer, {
      sessions: { store: memorySessionStore({ now }), now, idle: '10m', absolute: '1h' },
    });
    const used = await shop.signIn();
    const idle = await shop.signIn();
    for (let minute = 9; minute < 60; minute += 9) {
      clock.time += 540_000;
      expect((await me(shop, used.cookie)).status, `minute ${minute}`).toBe(200);
    }
    expect((await me(shop, idle.cookie)).status).toBe(401);
    clock.time += 360_001;
    expect((await me(shop, used.cookie)).status).toBe(401);
  });

  test('ends after 30 minutes without use and after 12 hours where nobody says otherwise', async () => {
    const clock = { time: Date.now() };
    const now = () => clock.time;
    const shop = testShop(provider.issuer, {
      sessions: { store: memorySessionStore({ now }), now },
    });
    const MINUTE = 60_000;
    const idle = await shop.signIn();
    clock.time += 30 * MINUTE;
    expect((await me(shop, idle.cookie)).status).toBe(401);
    const used = await shop.signIn();
    for (const minutes of [...Array.from({ length: 24 }, () => 29), 23]) {
      clock.time += minutes * MINUTE;
      expect((await me(shop, used.cookie)).status).toBe(200);
    }
    clock.time += MINUTE;
    expect((await me(shop, used.cookie)).status).toBe(401);
  });

  test('goes on where the clock was set back, and counts from there', async () => {
    const clock = { time: Date.now() };
    const now = () => clock.time;
    const store = memorySessionStore({ now });
    const shop = testShop(provider.issuer, { sessions: { store, now, idle: '10m' } });
    const { cookie } = await shop.signIn();
    expect((await me(shop, cookie)).status).toBe(200);
    clock.time -= 3_600_000;
    expect((await me(shop, cookie)).status).toBe(200);
    const [record] = await store.list(provider.issuer, 'alice');
    expect([record?.seenAt, record?.idleUntil]).toEqual([clock.time, clock.time + 600_000]);
    clock.time += 600_000;
    expect((await me(shop, cookie)).status).toBe(401);
  });

  // Covers: V7.5.2
  test('is listed to its user and ended by its user alone', async () => {
    const shop = testShop(provider.issuer);
    const one = await shop.signIn();
    const two = await shop.signIn();
    const owner = { issuer: provider.issuer, subject: 'alice' };
    const [newest, oldest] = await shop.browser.list(owner);
    expect(await shop.browser.endOne({ ...owner, subject: 'mallory' }, newest?.handle ?? '')).toBe(
      false,
    );
    expect(await shop.browser.endAll(owner, oldest?.handle)).toBe(1);
    const alive = [(await me(shop, one.cookie)).status, (await me(shop, two.cookie)).status];
    expect(alive.toSorted((one, other) => one - other)).toEqual([200, 401]);
  });
});

describe('a callback', () => {
  const codes = async (shop: ReturnType<typeof testShop>, path: string, cookie: string) =>
    codeOf(await shop.call(path, { cookie }));

  // Covers: V10.1.2, V10.2.1
  test('without a transaction, from another browser, is denied', async () => {
    const shop = testShop(provider.issuer);
    const victim = await shop.begin();
    const back = await shop.agree(victim.location);
    expect(await codes(shop, back, '')).toBe('login.transaction_missing');
    const attacker = await shop.begin();
    expect(await codes(shop, back, attacker.cookie)).toBe('login.transaction_missing');
    expect(cookiesOf(await shop.call(back, { cookie: victim.cookie }))).toContain('session=');
  });

  test('works once, also with its cookie, and the issuer is not asked again', async () => {
    const shop = testShop(provider.issuer);
    const { back, transaction } = await shop.signIn();
    const before = provider.requests.length;
    expect(await codes(shop, back, transaction)).toBe('login.transaction_used');
    expect(provider.requests.length).toBe(before);
  });

  test('begins one session among all processes that share what they remember', async () => {
    const shop = testShop(provider.issuer);
    const replay = memoryReplayStore();
    const processes = [1, 2].map(() => oauthRoutes(shop.client, shop.browser, { replay }));
    const { location, cookie } = await shop.begin();
    const back = new Request(ORIGIN + (await shop.agree(location)), {
      headers: { ...NAVIGATION, cookie },
    });
    const answers = await Promise.all(processes.map(({ fetch }) => fetch(back.clone())));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    const [late] = answers.filter(({ status }) => status !== 200);
    expect(late && (await codeOf(late))).toBe('login.transaction_used');
  });

  test('exactly one of many at the same moment begins a session', async () => {
    const shop = testShop(provider.issuer);
    const { location, cookie } = await shop.begin();
    const back = await shop.agree(location);
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => shop.call(back, { cookie })),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  test('with the state of another tab is denied, and both tabs finish on their own', async () => {
    const shop = testShop(provider.issuer);
    const one = await shop.begin();
    const two = await shop.begin('/auth/login', one.cookie);
    const cookie = `${one.cookie}; ${two.cookie}`;
    const backOne = await shop.agree(one.location);
    const backTwo = await shop.agree(two.location);
    const swapped = new URL(backOne, ORIGIN);
    swapped.searchParams.set('state', new URL(backTwo, ORIGIN).searchParams.get('state') ?? '');
    // The code of one login with the state of the other: PKCE keeps them apart at the issuer.
    expect(await codes(shop, `/auth/callback${swapped.search}`, cookie)).toBe('oauth.grant_denied');
    expect((await shop.call(backOne, { cookie })).status).toBe(200);
    const three = await shop.begin('/auth/login', one.cookie);
    const four = await shop.begin('/auth/login', three.cookie);
    const both = `${three.cookie}; ${four.cookie}`;
    for (const { location } of [four, three]) {
      expect((await shop.call(await shop.agree(location), { cookie: both })).status).toBe(200);
    }
  });

  test.each([
    ['from another issuer (mix-up)', { iss: 'https://evil.example.com' }, 'oauth.issuer_mismatch'],
    ['without the iss that is promised', { iss: undefined }, 'oauth.issuer_mismatch'],
    ['with a made-up code', { code: 'made-up' }, 'oauth.grant_denied'],
    ['with an empty code', { code: '' }, 'oauth.response_invalid'],
    ['with an empty error', { code: undefined, error: '' }, 'oauth.response_invalid'],
    ['with an error beside the code', { error: 'access_denied' }, 'oauth.response_invalid'],
    ['with a token in it', { access_token: 'x' }, 'oauth.response_invalid'],
    [
      'with an error that another issuer says',
      { code: undefined, error: 'access_denied', iss: 'https://evil.example.com' },
      'oauth.issuer_mismatch',
    ],
    [
      'with an error and the state of no login',
      { code: undefined, error: 'access_denied', state: 'made-up' },
      'login.transaction_missing',
    ],
    [
      'with an error and no state',
      { code: undefined, error: 'access_denied', state: undefined },
      'login.transaction_missing',
    ],
    [
      'that says the user did not agree',
      { code: undefined, error: 'access_denied' },
      'oauth.denied',
    ],
  ])('%s is denied', async (_name, changes, code) => {
    const shop = testShop(provider.issuer);
    const { location, cookie } = await shop.begin();
    const url = new URL(await shop.agree(location), ORIGIN);
    for (const [name, value] of Object.entries(changes)) {
      if (value === undefined) url.searchParams.delete(name);
      else url.searchParams.set(name, value);
    }
    const response = await shop.call(`/auth/callback${url.search}`, { cookie });
    expect(await codeOf(response)).toBe(code);
    expect(cookiesOf(response)).toBe('');
  });

  test.each([
    ['access_denied', 403, 'oauth.denied'],
    ['invalid_scope', 403, 'oauth.denied'],
    ['unauthorized_client', 403, 'oauth.denied'],
    ['unmet_authentication_requirements', 403, 'oauth.denied'],
    // One of the token endpoint, which no browser brings.
    ['invalid_grant', 403, 'oauth.denied'],
    ['of-a-new-provider', 403, 'oauth.denied'],
    ['__proto__', 403, 'oauth.denied'],
    ['<script>\r\nset-cookie: x=1', 403, 'oauth.denied'],
    ['x'.repeat(10_000), 403, 'oauth.denied'],
    ['login_required', 401, 'oauth.login_required'],
    ['temporarily_unavailable', 503, 'oauth.unavailable'],
  ])('with the error %j is denied, and why is for operators', async (error, status, code) => {
    const faults: unknown[] = [];
    const shop = testShop(provider.issuer, {
      routes: { onFault: (fault) => faults.push(fault) },
    });
    const { location, cookie } = await shop.begin();
    const back = new URL(await shop.agree(location), ORIGIN);
    back.searchParams.delete('code');
    back.searchParams.set('error', error);
    back.searchParams.set('error_description', 'database at 10.0.0.7');
    const response = await shop.call(`/auth/callback${back.search}`, { cookie });
    const body = await response.text();
    expect([response.status, (JSON.parse(body) as { code: string }).code]).toEqual([status, code]);
    expect(body).not.toMatch(/10\.0\.0\.7|script|provider"|xxxx/);
    expect(cookiesOf(response)).toBe('');
    expect(faults).toEqual([expect.objectContaining({ error })]);
  });

  // Covers: V15.3.7
  test('with a parameter twice is denied', async () => {
    const shop = testShop(provider.issuer);
    const { location, cookie } = await shop.begin();
    const back = await shop.agree(location);
    expect(await codes(shop, `${back}&code=other`, cookie)).toBe('oauth.response_invalid');
  });

  test('with a transaction of another client or a changed one is denied', async () => {
    const shop = testShop(provider.issuer);
    const other = testShop(provider.issuer, { client: { clientId: 'other' } });
    const { location, cookie } = await other.begin();
    const back = await other.agree(location);
    expect(await codes(shop, back, cookie)).toBe('login.transaction_invalid');
    const changed = cookie.slice(0, -4) + (cookie.endsWith('AAAA') ? 'BBBB' : 'AAAA');
    expect(await codes(other, back, changed)).toBe('login.transaction_invalid');
    expect(await codes(other, back, `${cookie}; ${cookie}`)).toBe('login.transaction_missing');
  });

  // Covers: V10.2.2
  test('with a transaction that was begun at another issuer is denied', async () => {
    const twin = await startTestProvider();
    try {
      const one = testShop(provider.issuer);
      // The same client to look at: id, secret, address and keys of cookies.
      const other = testShop(twin.issuer);
      const begun = await other.begin();
      const back = new URL(await other.agree(begun.location), ORIGIN);
      const { requests } = provider;
      const before = requests.length;
      const call = (search: string) => codes(one, `/auth/callback${search}`, begun.cookie);
      expect(await call(back.search)).toBe('login.transaction_invalid');
      back.searchParams.set('iss', provider.issuer);
      expect(await call(back.search)).toBe('login.transaction_invalid');
      // Nor does the client itself take it, whoever has kept it.
      const kept = await other.client.authorize();
      if (!kept.ok) throw new Error(kept.denial.code);
      const { state } = kept.transaction;
      const answer = new URLSearchParams({ code: 'c', state, iss: provider.issuer });
      const taken = await one.client.callback(answer, kept.transaction);
      expect(taken.ok || taken.denial.code).toBe('login.transaction_invalid');
      expect(requests.slice(before)).toEqual([]);
    } finally {
      await twin.close();
    }
  });

  test.each([
    ['in other case', (cookie: string) => cookie.toLowerCase()],
    ['behind white space of Unicode', (cookie: string) => `\u00a0${cookie}`],
    ['inside of another cookie', (cookie: string) => `x=1, ${cookie}`],
  ])('with a transaction that another host has planted %s is denied', async (_name, plant) => {
    const shop = testShop(provider.issuer);
    const { location, cookie } = await shop.begin();
    const back = await shop.agree(location);
    const planted = await shop.call(back, { cookie: plant(cookie) });
    expect([planted.status, await codeOf(planted)]).toEqual([400, 'login.transaction_missing']);
    expect((await shop.call(back, { cookie })).status).toBe(200);
  });

  test('after ten minutes is denied', async () => {
    const clock = { time: Date.now() };
    const shop = testShop(provider.issuer, { sessions: { now: () => clock.time } });
    const { location, cookie } = await shop.begin();
    const back = await shop.agree(location);
    clock.time += 600_000;
    expect(await codes(shop, back, cookie)).toBe('login.transaction_expired');
  });

  test('after the keys of the issuer were changed works, and with keys it does not publish not', async () => {
    const own = await startTestProvider();
    try {
      const shop = testShop(own.issuer);
      expect((await shop.signIn()).response.status).toBe(200);
      await own.rotateKeys();
      expect((await shop.signIn()).response.status).toBe(200);
    } finally {
      await own.close();
    }
  });
});

describe('a login', () => {
  test('keeps its transaction encrypted, Lax, for ten minutes, and five at a time', async () => {
    const shop = testShop(provider.issuer);
    const { response, cookie } = await shop.begin();
    const [set = ''] = response.headers.getSetCookie();
    expect(set).toMatch(
      /^__Host-Http-login\.[\w.-]+=[\w.-]+; Path=\/; HttpOnly; SameSite=Lax; Secure; Max-Age=600$/,
    );
    const header = JSON.parse(atob((cookie.split('=')[1] ?? '').split('.')[0] ?? '')) as object;
    expect(header).toEqual({ alg: 'dir', enc: 'A256GCM', kid: 'v1' });
    expect(response.headers.get('cache-control')).toBe('no-store');
    let cookies = '';
    for (let tab = 0; tab < 8; tab++) cookies += `; __Host-Http-login.a${tab}.x=y`;
    const cleared = (await shop.begin('/auth/login', cookies)).response.headers
      .getSetCookie()
      .filter((each) => each.endsWith('Max-Age=0'));
    expect(cleared).toHaveLength(4);
  });

  // Covers: V10.1.2, V10.2.1
  test('uses PKCE with S256, state and nonce', async () => {
    const { location } = await testShop(provider.issuer).begin();
    const { searchParams } = new URL(location);
    expect(searchParams.get('code_challenge_method')).toBe('S256');
    for (const name of ['code_challenge', 'state', 'nonce']) {
      expect(searchParams.get(name)).toMatch(/^[\w-]{43}$/);
    }
  });

  test('is not begun by a script, an image or a frame', async () => {
    const shop = testShop(provider.issuer);
    for (const [mode, dest] of [
      ['cors', 'empty'],
      ['no-cors', 'image'],
      ['navigate', 'iframe'],
    ]) {
      const response = await shop.call('/auth/login', {
        'sec-fetch-mode': mode ?? '',
        'sec-fetch-dest': dest ?? '',
      });
      expect(await codeOf(response)).toBe('login.not_a_navigation');
      expect(response.headers.getSetCookie()).toEqual([]);
    }
  });

  test.each([
    'https://evil.example.com',
    '//evil.example.com',
    '///evil.example.com',
    '/\\evil.example.com',
    '\\\\evil.example.com',
    '/\t/evil.example.com',
    '/\n/evil.example.com',
    ' //evil.example.com',
    '/.//evil.example.com',
    '/a/..//evil.example.com',
    '/%2e//evil.example.com',
    'https:evil.example.com',
    'https:/evil.example.com',
    'HTTPS://evil.example.com',
    'https://shop.example.com.evil.example.com',
    'https://shop.example.com@evil.example.com',
    'https://evil.example.com#shop.example.com',
    'https://user@shop.example.com/',
    'http://shop.example.com/',
    'https://shop.example.com:444/',
    'javascript:alert(1)',
    'data:text/html,x',
    '／／evil.example.com',
    '/／evil.example.com',
    'https://evil。example.com',
    'https://shop.example.com\u3002evil.example.com/',
    '\u2028//evil.example.com',
    '/\u0000/evil.example.com',
    'blob:https://shop.example.com/x',
    'JaVaScRiPt:alert(1)',
    '/auth/./login',
    '/orders/../auth/logout',
    'evil.example.com',
    '',
    '/auth/login',
    '/auth/logout',
    // What servers and proxies decode, fold or cut off before they look for a route.
    '/%61uth/login',
    '/a%75th/login',
    '/auth%2flogin',
    '/auth%2Fcallback?code=x',
    '/%2561uth/login',
    '/%252561uth/login',
    '/%2e%2e/%61uth/login',
    '/x/..%2fauth/login',
    '/x%2f..%2fauth/login',
    '/x/%252e%252e/auth/login',
    '/x%5c..%5cauth/login',
    '/auth;v=1/login',
    '/auth/%3bv=1/login',
    '/auth//login',
    '/AUTH/login',
    '/%41uth/login',
    'https://shop.example.com/%61uth/login',
    'https://shop.example.com:443/auth/login',
    'https://SHOP.example.com/auth/login',
    // Servers that decode a path and then redirect within it would lead elsewhere.
    '/%2fevil.example.com',
    '/%2f%2fevil.example.com',
    '/%252f%252fevil.example.com',
    '/%5cevil.example.com',
    '/a/%2e%2e%2f%2fevil.example.com',
    '/%09/evil.example.com',
    '/%0d%0aset-cookie:x=1',
    '/%00/evil.example.com',
    '/\u00a0/evil.example.com',
    '/\u2215evil.example.com',
    '/\u200b/evil.example.com',
    'https://shop.example.com\\@evil.example.com',
    'https://shop.example.com%2eevil.example.com',
    'https://shop.example.com:@evil.example.com',
    'https://:x@shop.example.com/',
    'https://shop.example.com%00.evil.example.com/',
    'https://[::ffff:127.0.0.1]/',
    'https:///evil.example.com',
    'https://\\evil.example.com',
    '?returnTo=//evil.example.com',
    '#//evil.example.com',
    '.',
    `/${'a'.repeat(2_000)}`,
  ])('does not lead on to %j', async (target) => {
    const shop = testShop(provider.issuer);
    const response = await shop.call(`/auth/login?returnTo=${encodeURIComponent(target)}`);
    expect([response.status, await codeOf(response)]).toEqual([400, 'login.return_denied']);
  });

  test.each([
    ['/orders?page=2#top', `${ORIGIN}/orders?page=2#top`],
    [`${ORIGIN}/a`, `${ORIGIN}/a`],
    ['https://admin.example.com/x', 'https://admin.example.com/x'],
    ['/a"><script>', undefined],
    // Not routes of a login, and nothing that any server takes for one.
    ['/authors/7', `${ORIGIN}/authors/7`],
    ['/auth', `${ORIGIN}/auth`],
    ['/my/auth/login', `${ORIGIN}/my/auth/login`],
    ['/off/50%25?q=%2f%0a', `${ORIGIN}/off/50%25?q=%2f%0a`],
    ['/caf%E9/%E4%B8%AD', `${ORIGIN}/caf%E9/%E4%B8%AD`],
    ['/files/a%20b;v=1', `${ORIGIN}/files/a%20b;v=1`],
    ['https://admin.example.com/auth/login', 'https://admin.example.com/auth/login'],
  ])('leads on to %j', async (target, expected) => {
    const shop = testShop(provider.issuer, {
      routes: { returnOrigins: ['https://admin.example.com'] },
    });
    const { location, cookie } = await shop.begin(
      `/auth/login?returnTo=${encodeURIComponent(target)}`,
    );
    const response = await shop.call(await shop.agree(location), { cookie });
    const page = await response.text();
    expect(page).not.toContain('<script>');
    if (expected !== undefined) expect(page).toContain(`content="0;url=${expected}"`);
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(response.headers.get('referrer-policy')).toBe('no-referrer');
  });

  test('is denied with 503 while the issuer is down, without details', async () => {
    const own = await startTestProvider();
    const shop = testShop(own.issuer);
    await own.close();
    const { response } = await shop.begin();
    expect(response.status).toBe(503);
    expect(await response.text()).not.toMatch(/ECONN|127\.0\.0\.1/);
  });
});

describe('a logout token', () => {
  const EVENTS = { 'http://schemas.openid.net/event/backchannel-logout': {} };
  async function setUp() {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
    const own = await startTestProvider();
    const jwk = { ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256', use: 'sig' };
    own.intercept = (req, res) => {
      if (req.url !== '/jwks') return false;
      res.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: [jwk] }));
      return true;
    };
    const shop = testShop(own.issuer);
    const seconds = Math.floor(Date.now() / 1_000);
    const token = (
      claims: Record<string, unknown> = {},
      typ: string | undefined = 'logout+jwt',
      key = privateKey,
    ) =>
      new SignJWT({
        iss: own.issuer,
        aud: 'shop',
        iat: seconds,
        exp: seconds + 60,
        jti: crypto.randomUUID(),
        sub: 'alice',
        events: EVENTS,
        ...claims,
      })
        .setProtectedHeader({ alg: 'ES256', kid: 'k', ...(typ !== undefined && { typ }) })
        .sign(key);
    const post = (body: string, type = 'application/x-www-form-urlencoded') =>
      shop.routes.fetch(
        new Request(`${ORIGIN}/auth/backchannel-logout`, {
          method: 'POST',
          headers: { 'content-type': type },
          body,
        }),
      );
    const begin = (
      { sid, subject = 'alice' }: { sid?: string; subject?: string } = { sid: 's1' },
    ) =>
      shop.browser.start(new Request(ORIGIN), {
        issuer: own.issuer,
        subject,
        clientId: 'shop',
        sid,
        claims: {},
      });
    const left = async (subject = 'alice') =>
      (await shop.browser.list({ issuer: own.issuer, subject })).length;
    return { own, token, post, begin, left, seconds };
  }

  // Covers: V10.5.5
  test('ends the sessions that it names, once, and its twins do not', async () => {
    const { own, token, post, begin, left, seconds } = await setUp();
    try {
      await begin();
      const { privateKey: foreign } = await generateKeyPair('ES256');
      const bad: readonly (readonly [string, string])[] = [
        ['an ID token', await token({ events: undefined, nonce: 'n' }, 'JWT')],
        ['a nonce', await token({ nonce: 'n' })],
        ['an empty nonce', await token({ nonce: '' })],
        ['no events', await token({ events: undefined })],
        ['other events', await token({ events: { other: {} } })],
        [
          'an event that is not an object',
          await token({ events: { [Object.keys(EVENTS)[0] ?? '']: true } }),
        ],
        ['another audience', await token({ aud: 'other' })],
        ['another issuer', await token({ iss: 'https://evil.example.com' })],
        ['an end that has passed', await token({ exp: seconds - 120 })],
        ['a beginning in the future', await token({ iat: seconds + 600 })],
        ['a beginning long ago', await token({ iat: seconds - 3_600, exp: seconds + 60 })],
        ['nobody', await token({ sub: undefined })],
        ['a sid that is not text', await token({ sid: 7 })],
        ['no jti', await token({ jti: undefined })],
        ['the type of an access token', await token({}, 'at+jwt')],
        ['a key of somebody else', await token({}, 'logout+jwt', foreign)],
        ['no signature', `${(await token()).split('.').slice(0, 2).join('.')}.`],
        ['nothing', ''],
      ];
      for (const [name, value] of bad) {
        const response = await post(new URLSearchParams({ logout_token: value }).toString());
        expect([response.status, await codeOf(response)], name).toEqual([
          400,
          'logout.token_invalid',
        ]);
      }
      const good = await token();
      for (const body of [`logout_token=${good}&logout_token=${good}`, 'x=y', '']) {
        expect((await post(body)).status).toBe(400);
      }
      expect((await post(`logout_token=${good}`, 'application/json')).status).toBe(400);
      expect((await post(`logout_token=${good}&x=${'a'.repeat(40_000)}`)).status).toBe(400);
      expect(await left()).toBe(1);

      const response = await post(`logout_token=${good}`);
      expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'no-store']);
      expect(await left()).toBe(0);
      expect(await codeOf(await post(`logout_token=${good}`))).toBe('logout.token_used');
    } finally {
      await own.close();
    }
  });

  test('spares sessions of a later login, also where its token is sent again', async () => {
    const { own, token, post, begin, left, seconds } = await setUp();
    try {
      const early = await token({ iat: seconds - 100 });
      await begin();
      expect((await post(`logout_token=${early}`)).status).toBe(200);
      expect(await codeOf(await post(`logout_token=${early}`))).toBe('logout.token_used');
      expect(await left()).toBe(1);
    } finally {
      await own.close();
    }
  });

  test('with a sid ends what may be that session, since its ID token named none', async () => {
    const { own, token, post, begin, left, seconds } = await setUp();
    try {
      await begin({});
      await begin({ subject: 'bob' });
      // One of another login.
      await begin({ sid: 's2' });
      const early = await token({ sid: 's1', iat: seconds - 100 });
      expect((await post(`logout_token=${early}`)).status).toBe(200);
      expect(await left()).toBe(2);
      const named = await token({ sid: 's1' });
      expect((await post(`logout_token=${named}`)).status).toBe(200);
      expect([await left(), await left('bob')]).toEqual([1, 1]);
    } finally {
      await own.close();
    }
  });

  test('with a sid alone ends no session whose ID token named none', async () => {
    const { own, token, post, begin, left } = await setUp();
    try {
      await begin({});
      await begin();
      const named = await token({ sub: undefined, sid: 's1' });
      expect((await post(`logout_token=${named}`)).status).toBe(200);
      expect(await left()).toBe(1);
    } finally {
      await own.close();
    }
  });

  test('with a sid ends that session alone, and spares those of other sids', async () => {
    const { own, token, post, begin, left } = await setUp();
    try {
      await begin();
      await post(`logout_token=${await token({ sub: 'alice', sid: 'another' })}`);
      expect(await left()).toBe(1);
      await post(`logout_token=${await token({ sub: undefined, sid: 's1' })}`);
      expect(await left()).toBe(0);
    } finally {
      await own.close();
    }
  });
});

describe('forward', () => {
  test('passes redirects of the API on, and follows none', async () => {
    const shop = testShop(provider.issuer);
    const { cookie } = await shop.signIn();
    const asked: string[] = [];
    const api = createServer((req, res) => {
      asked.push(req.url ?? '');
      res.writeHead(302, { location: '/elsewhere' }).end();
    });
    const port = await listen(api);
    onTestFinished(() => void api.close());
    const handler = protect(
      account(shop),
      forward(shop.browser, {
        to: `http://127.0.0.1:${port}`,
        paths: ['/orders'],
        methods: ['GET'],
        insecureLoopback: true,
      }),
    );
    const answer = await handler(new Request(`${ORIGIN}/orders`, { headers: { cookie } }));
    expect([answer.status, answer.headers.get('location')]).toEqual([302, '/elsewhere']);
    expect(asked).toEqual(['/orders']);
  });

  test('takes no protection away that the API gives its answers', async () => {
    const shop = testShop(provider.issuer);
    const { cookie } = await shop.signIn();
    const handler = protect(
      account(shop),
      forward(shop.browser, {
        to: 'https://api.example.com',
        paths: ['/files/*'],
        methods: ['GET'],
        fetch: async () =>
          new Response('<script>alert(1)</script>', {
            headers: {
              'content-type': 'text/plain',
              'content-security-policy': "sandbox; default-src 'none'",
            },
          }),
      }),
    );
    const { headers } = await handler(new Request(`${ORIGIN}/files/7`, { headers: { cookie } }));
    // Here it is an answer of the origin that the session is of.
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toBe("sandbox; default-src 'none'");
  });

  // Covers: V10.1.1
  test('attaches the token for listed paths and methods, and nothing of the browser', async () => {
    const shop = testShop(provider.issuer);
    const { cookie } = await shop.signIn();
    const seen: Request[] = [];
    const handler = protect(
      account(shop),
      forward(shop.browser, {
        to: 'https://api.example.com',
        paths: ['/orders', '/orders/*'],
        methods: ['GET', 'POST'],
        stripPrefix: '/api',
        fetch: async (input, init) => {
          seen.push(new Request(input, init));
          return new Response('[]', {
            headers: {
              'content-type': 'application/json',
              'set-cookie': 'evil=1',
              'x-internal': '1',
            },
          });
        },
      }),
    );
    const ask = (path: string, init: RequestInit = {}) =>
      handler(
        new Request(ORIGIN + path, {
          ...init,
          headers: { cookie, authorization: 'Bearer of-the-browser', 'x-forwarded-for': '1.2.3.4' },
        }),
      );
    const good = await ask('/api/orders/7?full=1');
    expect([good.status, await good.text()]).toEqual([200, '[]']);
    expect([good.headers.get('set-cookie'), good.headers.get('x-internal')]).toEqual([null, null]);
    expect(seen[0]?.url).toBe('https://api.example.com/orders/7?full=1');
    expect(seen[0]?.headers.get('authorization')).toMatch(/^Bearer eyJ/);
    expect(seen[0]?.headers.has('cookie')).toBe(false);
    expect(seen[0]?.headers.has('x-forwarded-for')).toBe(false);
    for (const path of [
      '/api/admin',
      '/orders/7',
      '/api/orders/%2e%2e/admin',
      '/api/orders/..%2fadmin',
      // Servlet containers cut off what follows a semicolon, and then go up.
      '/api/orders/..;/admin',
      '/api/orders/..;a=b/admin',
      '/api/orders/.;/admin',
      '/api/orders/..;',
      '/api/orders//admin',
      '/api//evil.example.com/orders',
      '/api/ordersx',
      '/api/orders/*',
      '/apix/orders',
    ]) {
      const response = await ask(path);
      expect([response.status, await codeOf(response)], path).toEqual([404, 'forward.not_listed']);
    }
    expect((await ask('/api/orders', { method: 'DELETE' })).status).toBe(405);
    expect(seen).toHaveLength(1);
    const post = (body: BodyInit) =>
      ask('/api/orders', { method: 'POST', body, duplex: 'half' } as RequestInit);
    expect((await post('{"count":1}')).status).toBe(200);
    expect(await seen[1]?.text()).toBe('{"count":1}');
    let read = 0;
    const endless = new ReadableStream({
      pull: (controller) => {
        read += 65_536;
        controller.enqueue(new Uint8Array(65_536));
      },
    });
    const large = await post(endless);
    expect([large.status, await codeOf(large)]).toEqual([413, 'body.too_large']);
    expect(read).toBeLessThan(2_000_000);
    expect(seen).toHaveLength(2);
  });
});
