import { createServer } from 'node:http';
import type { AuditAct } from '@apisec/core';
import { memorySessionStore, sendWebResponse, toNodeHandler } from '@apisec/oauth';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { brokenRecorders } from '../../core/test/recorders.ts';
import { send } from './browser.ts';
import { codeOf, cookiesOf, ORIGIN, startTestProvider, testShop } from './fixture.ts';
import { API, listen, type TestProvider } from './provider.ts';

let provider: TestProvider;
beforeAll(async () => {
  provider = await startTestProvider();
});
afterAll(() => provider?.close());

describe('a step-up', () => {
  test('asks for the classes that are listed, and for no other', async () => {
    const shop = testShop(provider.issuer, { routes: { acrValues: ['urn:example:mfa'] } });
    const { location } = await shop.begin('/auth/login?acr=urn:example:mfa');
    expect(new URL(location).searchParams.get('acr_values')).toBe('urn:example:mfa');
    const plain = await shop.begin();
    expect(new URL(plain.location).searchParams.has('acr_values')).toBe(false);
    const unlisted = await shop.begin('/auth/login?acr=urn:example:mfa&acr=urn:example:other');
    expect([unlisted.response.status, await codeOf(unlisted.response)]).toEqual([
      400,
      'oauth.response_invalid',
    ]);
    expect(unlisted.cookie).toBe('');
  });

  test('that ends in a weaker login begins no session, and leaves the one that there is', async () => {
    const shop = testShop(provider.issuer, { routes: { acrValues: ['urn:example:mfa'] } });
    const { cookie } = await shop.signIn();
    const step = await shop.begin('/auth/login?acr=urn:example:mfa', cookie);
    // This provider signs in as always, and its ID token names no class.
    const back = await shop.agree(step.location);
    const before = provider.requests.length;
    const response = await shop.call(back, { cookie: `${step.cookie}; ${cookie}` });
    expect([response.status, await codeOf(response), cookiesOf(response)]).toEqual([
      403,
      'oauth.id_token_invalid',
      '',
    ]);
    expect((await shop.call('/auth/session', { cookie })).status).toBe(200);
    // Nobody has the tokens that came, so they end.
    await vi.waitFor(
      () => expect(provider.requests.slice(before)).toContain('POST /token/revocation'),
      20_000,
    );
  });
});

describe('a login', () => {
  test('names the API that its tokens are for', async () => {
    const { location } = await testShop(provider.issuer).begin();
    expect(new URL(location).searchParams.getAll('resource')).toEqual([API]);
  });

  test('cannot be constructed where it would lead to its own routes', () => {
    for (const defaultReturnTo of ['/auth/login', '/%61uth/login', 'https://evil.example.com']) {
      expect(() => testShop(provider.issuer, { routes: { defaultReturnTo } })).toThrow(
        'defaultReturnTo must be a page',
      );
    }
  });

  test('leads on where its routes lie at the root of the site', async () => {
    const shop = testShop(provider.issuer, {
      client: { redirectUri: `${ORIGIN}/callback` },
      routes: { base: '' },
    });
    expect((await shop.begin('/login?returnTo=/orders')).response.status).toBe(303);
    expect(await codeOf((await shop.begin('/login?returnTo=/login')).response)).toBe(
      'login.return_denied',
    );
  });

  test('that onLogin does not want begins no session, and says nothing of why', async () => {
    const faults: unknown[] = [];
    const cause = new Error('10.0.0.7 says no');
    const shop = testShop(provider.issuer, {
      routes: {
        onLogin: () => {
          throw cause;
        },
        onFault: (fault) => faults.push(fault),
      },
    });
    const before = provider.requests.length;
    const { response } = await shop.signIn();
    expect([response.status, cookiesOf(response)]).toEqual([500, '']);
    // Nobody has its tokens, so they end.
    await vi.waitFor(
      () => expect(provider.requests.slice(before)).toContain('POST /token/revocation'),
      20_000,
    );
    expect(await response.text()).not.toContain('10.0.0.7');
    expect(faults).toEqual([cause]);
    expect(await shop.store.list(provider.issuer, 'alice')).toEqual([]);
  });

  test('that cannot end the session from before is denied, and its tokens end', async () => {
    const memory = memorySessionStore();
    const state = { isDown: false };
    const store = {
      ...memory,
      delete: (id: string, expected?: number) => {
        if (state.isDown) throw new Error('redis at 10.0.0.7 is down');
        return memory.delete(id, expected);
      },
    };
    const shop = testShop(provider.issuer, {
      sessions: { store },
      routes: { onFault: () => undefined },
    });
    const first = await shop.signIn();
    const { location, cookie } = await shop.begin('/auth/login', first.cookie);
    const back = await shop.agree(location);
    const before = provider.requests.length;
    state.isDown = true;
    const response = await shop.call(back, { cookie });
    expect([response.status, await codeOf(response), cookiesOf(response)]).toEqual([
      503,
      'session.unavailable',
      '',
    ]);
    // Nobody has its cookie.
    await vi.waitFor(
      () => expect(provider.requests.slice(before)).toContain('POST /token/revocation'),
      20_000,
    );
  });

  test('that failed may be answered with a page, which no cache keeps', async () => {
    const shop = testShop(provider.issuer, {
      routes: { failurePage: ({ code }) => new Response(`<h1>${code}</h1>`, { status: 403 }) },
    });
    const { location, cookie } = await shop.begin();
    const back = new URL(await shop.agree(location), location);
    back.searchParams.set('code', 'made-up');
    const response = await shop.call(`/auth/callback${back.search}`, { cookie });
    expect([response.status, await response.text()]).toEqual([403, '<h1>oauth.grant_denied</h1>']);
    expect(response.headers.get('cache-control')).toBe('no-store');
    // Its transaction is over.
    expect(response.headers.getSetCookie()).toEqual([expect.stringMatching(/Max-Age=0$/)]);
  });

  test('gives a cookie that outlives the window where that was asked for', async () => {
    const shop = testShop(provider.issuer, { sessions: { cookie: { persistent: true } } });
    const { response } = await shop.signIn();
    const set = response.headers.getSetCookie().find((each) => each.includes('session='));
    expect(set).toMatch(/; Secure; Max-Age=43200$/);
  });
});

describe('a login that fails', () => {
  /** What the browser comes back with, and how it ends. */
  type Attack = (shop: ReturnType<typeof testShop>) => Promise<Response>;
  const back =
    (change: (url: URL) => unknown): Attack =>
    async (shop) => {
      const { location, cookie } = await shop.begin();
      const url = new URL(await shop.agree(location), ORIGIN);
      change(url);
      return shop.call(`/auth/callback${url.search}`, { cookie });
    };
  const attacks: readonly (readonly [string, Attack, string])[] = [
    [
      'in another browser',
      async (shop) => shop.call(await shop.agree((await shop.begin()).location)),
      'login.transaction_missing',
    ],
    [
      'for the second time',
      async (shop) => {
        const { back: again, transaction } = await shop.signIn();
        return shop.call(again, { cookie: transaction });
      },
      'login.transaction_used',
    ],
    [
      'from another issuer',
      back((url) => url.searchParams.set('iss', 'https://evil.example.com')),
      'oauth.issuer_mismatch',
    ],
    ['with a made-up code', back((url) => url.searchParams.set('code', 'x')), 'oauth.grant_denied'],
    [
      'since its user did not agree',
      back((url) => {
        url.searchParams.delete('code');
        url.searchParams.set('error', 'access_denied');
      }),
      'oauth.denied',
    ],
    [
      'with a code twice',
      back((url) => url.searchParams.append('code', 'x')),
      'oauth.response_invalid',
    ],
  ];

  test.each(attacks)(
    '%s is recorded, with its reason and nothing of the browser',
    async (_how, attack, code) => {
      const acts: AuditAct[] = [];
      const requests: Request[] = [];
      const shop = testShop(provider.issuer, {
        routes: {
          record: (act, request) => {
            requests.push(request);
            return acts.push(act);
          },
        },
      });
      expect(await codeOf(await attack(shop))).toBe(code);
      expect(acts).toEqual([
        {
          act: 'login.failed',
          outcome: 'denied',
          target: undefined,
          data: { issuer: provider.issuer, clientId: 'shop', code },
        },
      ]);
      expect(requests.map(({ url }) => new URL(url).pathname)).toEqual(['/auth/callback']);
    },
  );

  test('after a logout of its user is recorded with whose it was', async () => {
    const acts: AuditAct[] = [];
    const memory = memorySessionStore();
    const store = { ...memory, endedAt: () => Number.MAX_SAFE_INTEGER };
    const shop = testShop(provider.issuer, {
      sessions: { store },
      routes: { record: (act) => acts.push(act) },
    });
    expect(await codeOf((await shop.signIn()).response)).toBe('session.ended');
    expect(acts).toMatchObject([
      {
        act: 'login.failed',
        target: { type: 'user', id: 'alice' },
        data: { code: 'session.ended' },
      },
    ]);
  });

  test('because of our own fault, or not at all, is not recorded as a failed login', async () => {
    const record = () => expect.unreachable();
    const shop = testShop(provider.issuer, {
      routes: { record, replay: { putIfAbsent: () => Promise.reject(new Error('down')) } },
    });
    expect(await codeOf((await shop.signIn()).response)).toBe('login.unavailable');
    const honest = testShop(provider.issuer, { routes: { record } });
    expect((await honest.signIn()).response.status).toBe(200);
  });

  test.each(brokenRecorders)('is denied all the same where record %s', async (_how, record) => {
    const faults: unknown[] = [];
    const shop = testShop(provider.issuer, {
      routes: { record, onFault: (fault) => faults.push(fault) },
    });
    const response = await shop.call('/auth/callback?state=x&code=y');
    expect([response.status, await codeOf(response)]).toEqual([400, 'login.transaction_missing']);
    expect(faults).toEqual([new Error('login.failed was done, and could not be recorded.')]);
  });
});

test('a method that no web request can have is denied, and the server goes on', async () => {
  const answer = toNodeHandler(testShop(provider.issuer).routes);
  const server = createServer((req, res) => void answer(req, res));
  const origin = `http://127.0.0.1:${await listen(server)}`;
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  for (const path of ['/auth/login', '//', '/auth/callback?state=%']) {
    const traced = await send(`${origin}${path}`, { method: 'TRACE' });
    expect([traced.status, await traced.text()]).toEqual([405, '']);
  }
  expect((await send(`${origin}/auth/session`)).status).toBe(401);
});

test('an answer that streams keeps its cookies, and those that were set before', async () => {
  const server = createServer((_req, res) => {
    res.setHeader('set-cookie', 'theme=dark');
    const chunks = ['one ', 'two'].map((each) => new TextEncoder().encode(each));
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        const next = chunks.shift();
        if (next === undefined) controller.close();
        else controller.enqueue(next);
      },
    });
    const headers = new Headers();
    for (const each of ['a=1; Path=/', 'b=2; Expires=Thu, 01 Jan 2026 00:00:00 GMT']) {
      headers.append('set-cookie', each);
    }
    void sendWebResponse(new Response(body, { headers }), res);
  });
  const origin = `http://127.0.0.1:${await listen(server)}`;
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const response = await send(origin);
  expect(await response.text()).toBe('one two');
  expect(response.headers.getSetCookie()).toEqual([
    'theme=dark',
    'a=1; Path=/',
    'b=2; Expires=Thu, 01 Jan 2026 00:00:00 GMT',
  ]);
});
