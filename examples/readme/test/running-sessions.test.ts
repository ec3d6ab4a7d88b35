import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { PasswordChanges } from '@apisec/accounts';
import {
  allowAuthenticated,
  authenticateJwt,
  crossOrigin,
  guard,
  protect,
  type RevocationStore,
  requireNotRevoked,
} from '@apisec/core';
import { testIssuer } from '@apisec/core/testing';
import {
  authenticateSession,
  type NewSession,
  type OAuthClient,
  type OAuthRoutes,
  oauthRoutes,
  type Sessions,
} from '@apisec/oauth';
import { afterEach, expect, test, vi } from 'vitest';
import { send } from '../../../packages/oauth/test/browser.ts';
import { runGuide } from '../src/run-guide.ts';
import { sealingKeys } from '../src/running/sealing-keys.ts';

const ORIGIN = 'https://shop.example.com';
const provider = testIssuer({ issuer: 'https://id.example.com' });
const ALICE: NewSession = {
  issuer: provider.issuer,
  subject: 'alice',
  clientId: 'shop',
  claims: {},
};
const SAME_ORIGIN = { 'sec-fetch-site': 'same-origin' };

const ends: (() => unknown)[] = [];
afterEach(() => {
  for (const end of ends.splice(0).toReversed()) end();
});

test('the guide to a backend for pages forwards what it lists with the token of the session, and nothing else', async () => {
  const { browser } = await import('../src/running/guides-bff.ts');
  const [shown] = await runGuide('bff', [0]);
  const orders = shown?.['orders'] as (request: Request) => Promise<Response>;
  const calls: Request[] = [];
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    calls.push(new Request(url, init));
    return new Response('[7]', { headers: { 'set-cookie': 'of=the-api' } });
  });
  ends.push(() => vi.unstubAllGlobals());
  const tokens = { accessToken: 'the token of alice', tokenType: 'Bearer' } as const;
  const cookie = await begun(browser, { ...ALICE, tokens });
  const ask = (path: string, method = 'GET', headers: Record<string, string> = { cookie }) =>
    orders(new Request(ORIGIN + path, { method, headers: { ...SAME_ORIGIN, ...headers } }));

  const answer = await ask('/api/orders/7?full=1');
  expect([answer.status, await answer.text()]).toEqual([200, '[7]']);
  expect(answer.headers.getSetCookie()).toEqual([]);
  const [sent] = calls;
  expect(sent?.url).toBe('https://orders.internal.example.com/orders/7?full=1');
  expect(sent?.headers.get('authorization')).toBe('Bearer the token of alice');
  expect(sent?.headers.get('cookie')).toBeNull();

  const denied = [
    await ask('/api/users'),
    await ask('/api/orders/..%2fusers'),
    await ask('/api/orders/7', 'DELETE'),
    await ask('/api/orders', 'GET', {}),
    await ask('/api/orders', 'POST', { cookie, 'sec-fetch-site': 'cross-site' }),
  ];
  expect(denied.map(({ status }) => status)).toEqual([404, 404, 405, 401, 403]);
  expect(calls).toHaveLength(1);
});

test('the guide to logging in ends tokens at APIs, and keeps sessions without a store', async () => {
  vi.stubGlobal('fetch', provider.fetch);
  vi.stubEnv('ISSUER', provider.issuer);
  vi.stubEnv('CLIENT_SECRET', 'a secret of at least thirty-two characters');
  vi.stubEnv('COOKIE_KEY', Buffer.from(sealingKeys.keys['v1'] ?? '').toString('base64'));
  vi.stubEnv('ORIGIN', ORIGIN);
  ends.push(
    () => vi.unstubAllGlobals(),
    () => vi.unstubAllEnvs(),
  );
  const [page, ending, sealing] = await runGuide('login', [0, 1, 2], { 'app.listen(3000);': '' });

  const api = protect(
    guard()
      .use(authenticateJwt(provider.trust))
      .use(requireNotRevoked({ store: ending?.['store'] as RevocationStore }))
      .use(allowAuthenticated()),
    () => new Response('in'),
  );
  const [hers, his] = [await provider.token(), await provider.token({ sub: 'bob' })];
  const statuses = async () => {
    const headers = [hers, his].map((token) => ({ authorization: `Bearer ${token}` }));
    const asked = headers.map((each) => api(new Request(provider.audience, { headers: each })));
    return (await Promise.all(asked)).map(({ status }) => status);
  };
  expect(await statuses()).toEqual([200, 200]);
  expect((await logOut(ending?.['ending'] as OAuthRoutes)).status).toBe(200);
  expect(await statuses()).toEqual([401, 200]);

  const sealed = sealing?.['sealed'] as Sessions;
  const account = guard()
    .use(crossOrigin({ self: ORIGIN }))
    .use(authenticateSession(sealed, { loginPath: '/auth/login' }))
    .use(allowAuthenticated());
  const serve = protect(account, (_request, { principal }) => new Response(principal.subject));
  const call = (cookie: string) =>
    serve(new Request(ORIGIN, { headers: { ...SAME_ORIGIN, cookie } }));
  const [first, second] = [await begun(sealed), await begun(sealed)];
  expect(await (await call(first)).text()).toBe('alice');
  const routes = oauthRoutes(page?.['client'] as OAuthClient, sealed);
  const headers = { ...SAME_ORIGIN, cookie: first };
  await routes.fetch(new Request(`${ORIGIN}/auth/logout`, { method: 'POST', headers }));
  // The browser may keep a copy of the cookie.
  expect([(await call(first)).status, (await call(second)).status]).toEqual([401, 200]);
  expect((await logOut(routes)).status).toBe(200);
  expect((await call(second)).status).toBe(401);
});

test('the guide to passwords signs a user in, also over HTTP, and changes and resets the password', async () => {
  const given = await import('../src/running/guides-password-login.ts');
  const [, http, , changing] = await runGuide('password-login', [0, 1, 2, 3], {
    'nodePasswordHasher()': `nodePasswordHasher(${JSON.stringify(given.cheap)})`,
  });
  expect(given.sent).toMatchObject([{ ok: true, accessToken: expect.any(String) }]);

  const handler = http?.['handler'] as (request: Request) => Promise<Response>;
  const asked = (password: string, more: Readonly<Record<string, string>>) => ({
    method: 'POST',
    headers: { 'content-type': 'application/json', 'cf-connecting-ip': '192.0.2.1', ...more },
    body: JSON.stringify({ identifier: given.identifier, password }),
  });
  const post = (password: string, more: Readonly<Record<string, string>> = SAME_ORIGIN) =>
    handler(new Request(`${ORIGIN}/login/password`, asked(password, more)));
  // The guide has changed it by now.
  expect((await post(given.current)).status).toBe(401);
  expect((await post(given.next, { 'sec-fetch-site': 'cross-site' })).status).toBe(403);
  const done = await post(given.next);
  expect(await done.json()).toMatchObject({ status: 'done' });
  expect(await kindOf(given.browser, done)).toBe('session');

  const server = given.app.listen(0, '127.0.0.1');
  ends.push(() => server.close());
  await once(server, 'listening');
  // It listens over TCP, so its address has a port.
  const { port } = server.address() as AddressInfo;
  const onExpress = await send(
    `http://127.0.0.1:${port}/login/password`,
    asked(given.next, SAME_ORIGIN),
  );
  expect(await onExpress.json()).toMatchObject({ status: 'done' });
  expect(await kindOf(given.browser, onExpress)).toBe('session');

  const changes = changing?.['changes'] as PasswordChanges;
  await vi.waitFor(() => expect(given.mails).toHaveLength(1), 20_000);
  const [, token = ''] =
    /^https:\/\/shop\.example\.com\/reset#(\S+)$/.exec(given.mails[0] ?? '') ?? [];
  // It was sent before the password was changed.
  const next = 'a third horse of another stable';
  expect(await changes.reset({ token, next })).toMatchObject({ ok: false });
  expect(await changes.requestReset({ identifier: given.identifier, peer: given.peer })).toEqual({
    ok: true,
  });
  await vi.waitFor(() => expect(given.mails).toHaveLength(2), 20_000);
  const [, fresh = ''] = given.mails[1]?.split('#') ?? [];
  expect(await changes.reset({ token: fresh, next })).toEqual({ ok: true, subject: 'alice' });
  expect(await kindOf(given.browser, done)).toBe('unknown');
  expect((await post(next)).status).toBe(200);
}, 60_000);

async function kindOf(sessions: Sessions, answer: Response): Promise<string> {
  const cookie = answer.headers.getSetCookie().map(cookieOf).join('; ');
  const reading = await sessions.read(new Request(ORIGIN, { headers: { cookie } }));
  return reading.kind === 'bad' ? reading.problem : reading.kind;
}

/** A logout of alice at the provider. */
async function logOut({ fetch }: OAuthRoutes): Promise<Response> {
  const events = { 'http://schemas.openid.net/event/backchannel-logout': {} };
  const token = await provider.token({ aud: 'shop', events }, { typ: 'logout+jwt' });
  const body = new URLSearchParams({ logout_token: token });
  return fetch(new Request(`${ORIGIN}/auth/backchannel-logout`, { method: 'POST', body }));
}

async function begun(sessions: Sessions, session: NewSession = ALICE): Promise<string> {
  const started = await sessions.start(new Request(ORIGIN), session);
  if (!started.ok) throw new Error(started.denial.code);
  return cookieOf(started.setCookie);
}

function cookieOf(setCookie: string): string {
  return setCookie.slice(0, setCookie.indexOf(';'));
}
