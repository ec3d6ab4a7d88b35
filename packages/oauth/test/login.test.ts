import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { HOSTS, reserveOrigin, SECRET, startApp, type TestApp } from './app.ts';
import { Browser, NAVIGATION, send } from './browser.ts';
import { startProvider, type TestProvider } from './provider.ts';

describe.each(HOSTS)('a login on %s', (host) => {
  let provider: TestProvider;
  let app: TestApp;
  beforeAll(async () => {
    const reserved = await reserveOrigin();
    provider = await startProvider([
      {
        client_id: 'shop',
        client_secret: SECRET,
        redirect_uris: [`${reserved.origin}/auth/callback`],
        post_logout_redirect_uris: [`${reserved.origin}/`],
        backchannel_logout_uri: `${reserved.origin}/auth/backchannel-logout`,
        grant_types: ['authorization_code', 'refresh_token'],
      },
    ]);
    app = await startApp(host, reserved, { issuer: provider.issuer });
  });
  afterAll(async () => {
    await app?.close();
    await provider?.close();
  });
  const signIn = async (browser: Browser): Promise<string> => {
    const { url, response } = await browser.open(`${app.origin}/me?page=2`);
    expect(new URL(url).pathname).toBe('/auth/callback');
    expect(response?.status).toBe(200);
    expect(response?.headers.get('cache-control')).toBe('no-store');
    return (await response?.text()) ?? '';
  };

  test('a page without a session leads through the login and back to the page', async () => {
    const browser = new Browser();
    const page = await signIn(browser);
    expect(page).toContain(`content="0;url=${app.origin}/me?page=2"`);
    const me = await browser.request(`${app.origin}/me?page=2`);
    expect([me.status, await me.json()]).toEqual([200, { subject: 'alice' }]);
    expect([...browser.cookies(app.origin).keys()]).toEqual(['session']);
  });

  test('the Host of a request does not change the addresses of the login', async () => {
    const headers = {
      ...NAVIGATION,
      host: 'evil.example.com',
      'x-forwarded-host': 'evil.example.com',
      'x-forwarded-proto': 'https',
      forwarded: 'host=evil.example.com;proto=https',
    };
    const browser = new Browser();
    const begun = await browser.request(`${app.origin}/auth/login?returnTo=/me`, { headers });
    const location = begun.headers.get('location') ?? '';
    expect(new URL(location).searchParams.get('redirect_uri')).toBe(`${app.origin}/auth/callback`);
    const { url } = await browser.open(location, (at) => at.startsWith(`${app.origin}/`));
    const back = await browser.request(url, { headers });
    const page = await back.text();
    expect([back.status, page.includes(`0;url=${app.origin}/me"`)]).toEqual([200, true]);
    expect(location + page).not.toContain('evil.example.com');
  });

  test('a call that is answered behind a step-up does not take the new cookie away', async () => {
    const browser = new Browser();
    await signIn(browser);
    const before = `session=${browser.cookies(app.origin).get('session')}`;
    // Sent by the browser before its session got another id, and answered after that.
    await browser.open(`${app.origin}/auth/login`);
    expect(before).not.toBe(`session=${browser.cookies(app.origin).get('session')}`);
    const late = await send(`${app.origin}/me`, {
      headers: { cookie: before, 'sec-fetch-mode': 'cors', 'sec-fetch-site': 'same-origin' },
    });
    expect([late.status, late.headers.getSetCookie()]).toEqual([401, []]);
    expect((await browser.request(`${app.origin}/me`)).status).toBe(200);
  });

  test('a page whose address is too long to return to leads to the login without it', async () => {
    const page = `${app.origin}/me?q=${'a'.repeat(2_000)}`;
    const browser = new Browser();
    const response = await browser.request(page, { headers: NAVIGATION });
    expect(response.headers.get('location')).toBe('/auth/login');
    const { url } = await browser.open(`${app.origin}/auth/login`);
    expect(new URL(url).pathname).toBe('/auth/callback');
  });

  test('a script without a session is denied with 401 and not sent anywhere', async () => {
    const response = await send(`${app.origin}/me`, {
      headers: { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty', accept: 'text/html' },
    });
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ code: 'session.missing' });
    const post = await send(`${app.origin}/me`, { method: 'POST', headers: NAVIGATION });
    expect(post.status).toBe(401);
  });

  test('another site cannot use the session, and the own site can', async () => {
    const browser = new Browser();
    await signIn(browser);
    const post = (site: string) =>
      browser.request(`${app.origin}/me`, {
        method: 'POST',
        headers: { 'sec-fetch-site': site, 'sec-fetch-mode': 'cors' },
      });
    expect((await post('cross-site')).status).toBe(403);
    expect((await post('same-origin')).status).toBe(200);
  });

  // Covers: V7.4.1
  test('a logout by POST ends the session, here and at the issuer, and a GET does not', async () => {
    const browser = new Browser();
    await signIn(browser);
    const cookie = [...browser.cookies(app.origin)].map((pair) => pair.join('=')).join('; ');
    const get = await browser.request(`${app.origin}/auth/logout`);
    expect(get.status).toBe(405);
    const foreign = await browser.request(`${app.origin}/auth/logout`, {
      method: 'POST',
      headers: { origin: 'https://evil.example.com' },
    });
    expect(foreign.status).toBe(403);
    expect((await browser.request(`${app.origin}/me`)).status).toBe(200);

    const before = provider.requests.length;
    const response = await browser.request(`${app.origin}/auth/logout`, {
      method: 'POST',
      headers: { 'sec-fetch-site': 'same-origin' },
    });
    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('no-store');
    const { location } = (await response.json()) as { location: string };
    expect(location).toMatch(`${provider.issuer}/session/end?`);
    // The refresh token ends beside the answer.
    await vi.waitFor(
      () => expect(provider.requests.slice(before)).toContain('POST /token/revocation'),
      20_000,
    );
    expect(browser.cookies(app.origin).has('session')).toBe(false);
    const after = await send(`${app.origin}/me`, { headers: { cookie } });
    expect([after.status, await after.json()]).toMatchObject([401, { code: 'session.unknown' }]);
    expect(after.headers.getSetCookie()).toEqual([]);
    for (const [path, status] of [
      ['/me', 303],
      ['/auth/session', 401],
    ] as const) {
      const page = await send(app.origin + path, { headers: { cookie, ...NAVIGATION } });
      expect([page.status, page.headers.getSetCookie()[0]]).toEqual([
        status,
        expect.stringContaining('Max-Age=0'),
      ]);
      expect(page.headers.get('cache-control')).toBe('no-store');
    }
  });

  test('a logout at the issuer ends the session here', async () => {
    const browser = new Browser();
    await signIn(browser);
    expect((await browser.request(`${app.origin}/me`)).status).toBe(200);
    const { response } = await browser.open(`${provider.issuer}/session/end`);
    const form = (await response?.text()) ?? '';
    const xsrf = /name="xsrf" value="([^"]+)"/.exec(form)?.[1] ?? '';
    const confirmed = await browser.request(`${provider.issuer}/session/end/confirm`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ xsrf, logout: 'yes' }).toString(),
    });
    expect(confirmed.status).toBe(303);
    expect((await browser.request(`${app.origin}/me`)).status).toBe(401);
  });

  test('the browser may know of its session what is shown, and no token', async () => {
    const browser = new Browser();
    await signIn(browser);
    const response = await browser.request(`${app.origin}/auth/session`);
    const text = await response.text();
    expect(JSON.parse(text)).toMatchObject({ claims: { sub: 'alice', name: 'Name of alice' } });
    expect(text).not.toMatch(/token|eyJ/i);
  });
});
