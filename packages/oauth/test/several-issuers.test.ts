import { memorySessionStore, oauthClient, oauthRoutes, sessions } from '@apisec/oauth';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { cookiesOf, ORIGIN, startTestProvider, testShop } from './fixture.ts';
import type { TestProvider } from './provider.ts';
import { KEYS, SECRET } from './secrets.ts';

let provider: TestProvider;
beforeAll(async () => {
  provider = await startTestProvider();
});
afterAll(() => provider?.close());

test('a logout under the routes of one client hands no token of another to its issuer', async () => {
  const mine = testShop(provider.issuer).client;
  const seen: string[] = [];
  const other = oauthClient({
    issuer: 'https://other.example.com',
    clientId: 'shop',
    authentication: { method: 'client_secret_post', clientSecret: SECRET },
    redirectUri: `${ORIGIN}/other/callback`,
    fetch: async (input, init) => {
      const sent = new Request(input, init);
      seen.push(`${sent.url} ${await sent.text()}`);
      return Response.json({
        issuer: 'https://other.example.com',
        end_session_endpoint: 'https://other.example.com/end',
        revocation_endpoint: 'https://other.example.com/revoke',
      });
    },
  });
  const browser = sessions({ store: memorySessionStore(), keys: KEYS, clients: [mine, other] });
  const begun = await browser.start(new Request(ORIGIN), {
    issuer: mine.issuer,
    subject: 'alice',
    clientId: mine.clientId,
    claims: {},
    tokens: {
      accessToken: 'access-of-mine',
      tokenType: 'Bearer',
      refreshToken: 'refresh-of-mine',
      idToken: 'id-of-mine',
    },
  });
  if (!begun.ok) throw new Error(begun.denial.code);
  const cookie = cookiesOf(new Response(null, { headers: { 'set-cookie': begun.setCookie } }));
  const routes = oauthRoutes(other, browser, { base: '/other' });
  const before = provider.requests.length;
  const response = await routes.fetch(
    new Request(`${ORIGIN}/other/logout`, {
      method: 'POST',
      headers: { cookie, origin: ORIGIN, 'sec-fetch-site': 'same-origin' },
    }),
  );
  const { location } = (await response.json()) as { readonly location: string };
  // At its own issuer the refresh token is ended.
  const asked = () => provider.requests.slice(before);
  await vi.waitFor(() => expect(asked()).toContain('POST /token/revocation'), 20_000);
  expect(`${location} ${seen.join(' ')}`).not.toMatch(/other\.example\.com.*-of-mine/);
  expect(new URL(location).origin).toBe(provider.issuer);
});
