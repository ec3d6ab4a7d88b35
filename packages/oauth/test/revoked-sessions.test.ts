import {
  allowAuthenticated,
  authenticateJwt,
  crossOrigin,
  discoverIssuer,
  guard,
  type HttpFacts,
  memoryRevocationStore,
  protect,
  type RevocationTarget,
  requireNotRevoked,
  revocations,
} from '@apisec/core';
import { authenticateSession, memorySessionStore, sessions } from '@apisec/oauth';
import { expect, onTestFinished, test } from 'vitest';
import { accessToken } from './aged-sessions.ts';
import { reserveOrigin, startApp } from './app.ts';
import { Browser } from './browser.ts';
import { codeOf, ORIGIN } from './fixture.ts';
import { API, startProvider } from './provider.ts';
import { KEYS, SECRET } from './secrets.ts';

test('a logout at the issuer ends the session and its access tokens at APIs with the next call', async () => {
  const store = memoryRevocationStore();
  const ended = revocations({ store, maxTokenLifetime: '1h' });
  const reserved = await reserveOrigin();
  const provider = await startProvider([
    {
      client_id: 'shop',
      client_secret: SECRET,
      redirect_uris: [`${reserved.origin}/auth/callback`],
      post_logout_redirect_uris: [`${reserved.origin}/`],
      backchannel_logout_uri: `${reserved.origin}/auth/backchannel-logout`,
      grant_types: ['authorization_code', 'refresh_token'],
    },
  ]);
  const app = await startApp('protect', reserved, {
    issuer: provider.issuer,
    client: { resource: [API] },
    routes: {
      onLogout: async ({ issuer, subject = '' }) => {
        await ended.revoke({ kind: 'subject', issuer, id: subject }, { issuedBefore: Date.now() });
      },
    },
  });
  onTestFinished(async () => {
    await app.close();
    await provider.close();
  });
  const { issuer } = provider;
  const keys = discoverIssuer(issuer, { insecureLoopback: true });
  const orders = protect(
    guard<HttpFacts>()
      .use(authenticateJwt({ issuer, audience: API, keys }))
      .use(requireNotRevoked({ store }))
      .use(allowAuthenticated()),
    (_request, { principal }) => Response.json({ code: principal.subject }),
  );
  const call = async (token: string): Promise<string> =>
    codeOf(await orders(new Request(API, { headers: { authorization: `Bearer ${token}` } })));
  const signIn = async (browser: Browser): Promise<string> => {
    await browser.open(`${app.origin}/me`);
    const cookie = `session=${browser.cookies(app.origin).get('session')}`;
    return accessToken(app.browser, cookie);
  };

  const browser = new Browser();
  const token = await signIn(browser);
  expect(await call(token)).toBe('alice');
  const { response } = await browser.open(`${issuer}/session/end`);
  const form = (await response?.text()) ?? '';
  const xsrf = /name="xsrf" value="([^"]+)"/.exec(form)?.[1] ?? '';
  await browser.request(`${issuer}/session/end/confirm`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ xsrf, logout: 'yes' }).toString(),
  });
  expect(await call(token)).toBe('token.revoked');
  expect((await browser.request(`${app.origin}/me`)).status).toBe(401);
});

test.each<readonly [string, (owner: { readonly handle: string }) => RevocationTarget]>([
  ['its handle', ({ handle }) => ({ kind: 'token', issuer: ORIGIN, id: handle })],
  ['its session at the issuer', () => ({ kind: 'session', issuer: ORIGIN, id: 's1' })],
  ['its user', () => ({ kind: 'subject', issuer: ORIGIN, id: 'alice' })],
  ['its client', () => ({ kind: 'client', issuer: ORIGIN, id: 'shop' })],
  ['its issuer', () => ({ kind: 'issuer', issuer: ORIGIN })],
])('a session ends with the next call where it is revoked by %s', async (_how, targetOf) => {
  const store = memoryRevocationStore();
  const browser = sessions({ store: memorySessionStore(), keys: KEYS });
  const begin = async (subject: string, sid: string, clientId: string, issuer: string) => {
    const user = { issuer, subject, clientId, sid, claims: {} };
    const begun = await browser.start(new Request(ORIGIN), user);
    if (!begun.ok) throw new Error(begun.denial.code);
    return begun.setCookie.slice(0, begun.setCookie.indexOf(';'));
  };
  const me = protect(
    guard<HttpFacts>()
      .use(crossOrigin({ self: ORIGIN }))
      .use(authenticateSession(browser))
      .use(requireNotRevoked({ store }))
      .use(allowAuthenticated()),
    (_request, { session }) => Response.json({ code: session.subject }),
  );
  const call = async (cookie: string): Promise<string> =>
    codeOf(await me(new Request(ORIGIN, { headers: { cookie } })));
  const hers = await begin('alice', 's1', 'shop', ORIGIN);
  const other = await begin('bob', 's2', 'page', 'https://id.example.com');
  expect([await call(hers), await call(other)]).toEqual(['alice', 'bob']);
  const [info] = await browser.list({ issuer: ORIGIN, subject: 'alice' });
  const { handle = '' } = info ?? {};
  await revocations({ store, maxTokenLifetime: '1h' }).revoke(targetOf({ handle }));
  expect([await call(hers), await call(other)]).toEqual(['token.revoked', 'bob']);
});
