import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasChromium, launchChromium, testThatChromiumIsThere } from '../../../tooling/chromium.ts';
import { start } from '../src/start.ts';

testThatChromiumIsThere();

describe.runIf(hasChromium)('in a real browser', () => {
  let servers: Awaited<ReturnType<typeof start>>;
  let browser: Browser;
  let context: BrowserContext;
  beforeAll(async () => {
    servers = await start();
    browser = await launchChromium();
    context = await browser.newContext();
    // Ports share cookies, so this signs in to both.
    const page = await context.newPage();
    await page.goto(`${servers.shop}/`);
    await page.close();
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    servers?.close();
  });

  /** A page of `origin`, in the browser of somebody who is signed in to both shops. */
  async function visit(origin: string, run: (page: Page) => Promise<void>): Promise<void> {
    const page = await context.newPage();
    try {
      await page.goto(`${origin}/`);
      await run(page);
    } finally {
      await page.close();
    }
  }

  /** What a script of the page gets from a fetch: status and body, or `blocked`. */
  const call = (page: Page, url: string, init: object = {}): Promise<string> =>
    page.evaluate(
      async ([target, options]) => {
        try {
          const answer = await fetch(target, options);
          return `${answer.status} ${await answer.text()} ${answer.headers.get('x-total') ?? ''}`.trim();
        } catch {
          return 'blocked';
        }
      },
      [url, init] as const,
    );
  const put = {
    method: 'PUT',
    credentials: 'include',
    headers: { 'content-type': 'application/json', 'x-trace': '1' },
    body: '{"count":3}',
  };

  test('CORS: the page calls its API, preflights included, and strangers do not', async () => {
    const { api, shop, evil, ran } = servers;
    await visit(shop, async (page) => {
      expect(await call(page, `${api}/orders`, { credentials: 'include' })).toBe(
        '200 ["book","lamp"] 2',
      );
      expect(await call(page, `${api}/orders/7`, put)).toBe('200 {"count":3}');
      const unlisted = { ...put, headers: { ...put.headers, 'x-debug': '1' } };
      expect(await call(page, `${api}/orders/8`, unlisted)).toBe('blocked');
      expect(await call(page, `${api}/orders/8`, { ...put, method: 'DELETE' })).toBe('blocked');
    });
    expect(ran).toEqual(['list', 'change 7']);
    await visit(evil, async (page) => {
      expect(await call(page, `${api}/orders`, { credentials: 'include' })).toBe('blocked');
      expect(await call(page, `${api}/orders/9`, put)).toBe('blocked');
      // A sandboxed frame has the origin null.
      const seen = await page.evaluate(
        (url) =>
          new Promise<string>((resolve) => {
            addEventListener('message', ({ data }) => resolve(String(data)));
            const frame = document.createElement('iframe');
            frame.sandbox.add('allow-scripts');
            frame.srcdoc = `<script>fetch(${JSON.stringify(url)}).then(
              () => parent.postMessage('read', '*'), () => parent.postMessage('blocked', '*'))</script>`;
            document.body.append(frame);
          }),
        `${api}/orders`,
      );
      expect(seen).toBe('blocked');
    });
    expect(ran).toEqual(['list', 'change 7']);
  });

  // Covers: API8:2023
  test('CSRF: a form of a sister origin carries the cookie, and moves nothing', async () => {
    const { shop, open, evil, state } = servers;
    const forge = async (page: Page, action: string): Promise<number> => {
      const [answer] = await Promise.all([
        page.waitForNavigation(),
        page.evaluate((target) => {
          const form = document.createElement('form');
          Object.assign(form, { method: 'post', enctype: 'text/plain', action: target });
          const field = document.createElement('input');
          Object.assign(field, { name: '{"address":"', value: 'evil"}' });
          form.append(field);
          document.body.append(form);
          form.submit();
        }, action),
      ]);
      return answer?.status() ?? 0;
    };
    await visit(evil, async (page) => {
      expect(await forge(page, `${shop}/address`)).toBe(403);
      await page.goto(`${evil}/`);
      expect(await forge(page, `${shop}/address-by-token`)).toBe(403);
    });
    expect(state.address).toBe('home');
    await visit(evil, async (page) => expect(await forge(page, `${open}/address`)).toBe(200));
    expect(state.address).toContain('evil');
    await visit(shop, async (page) => {
      expect(await call(page, '/address', { method: 'POST', body: 'new' })).toBe('200 moved');
    });
    expect(state.address).toBe('new');
  });

  test('CSRF tokens: a script of the page reads its token and sends it back', async () => {
    const { shop, state } = servers;
    await visit(shop, async (page) => {
      const url = '/address-by-token';
      await call(page, '/token');
      expect(await call(page, url, { method: 'POST', body: 'x' })).toContain('csrf.token_missing');
      const cookies = await page.evaluate(() => document.cookie);
      const [, token = ''] = /csrf=([^;]+)/.exec(cookies) ?? [];
      const init = { method: 'POST', body: 'by token', headers: { 'x-csrf-token': token } };
      expect(await call(page, url, init)).toBe('200 moved');
      expect(state.address).toBe('by token');
      const other = { ...init, headers: { 'x-csrf-token': `${token.slice(0, -1)}_` } };
      expect(await call(page, url, other)).toContain('csrf.token_invalid');
    });
  });

  test('CSP: a script that was injected does not run, the one with the nonce does', async () => {
    const { shop, open, evil, api } = servers;
    const attack = `/?name=${encodeURIComponent('<script>globalThis.pwned = 1</script><img src=x onerror="globalThis.pwned = 2">')}`;
    const ranThere = (page: Page) =>
      page.evaluate(() => [Reflect.get(globalThis, 'pwned'), Reflect.get(globalThis, 'shop')]);
    await visit(shop, async (page) => {
      await page.goto(shop + attack);
      expect(await ranThere(page)).toEqual([undefined, 'ran']);
      expect(await call(page, `${evil}/`, { mode: 'no-cors' })).toBe('blocked');
      expect(await call(page, `${api}/orders`)).toContain('book');
      const first = await page.goto(`${shop}/`);
      const second = await page.goto(`${shop}/`);
      const policies = [first, second].map((each) => each?.headers()['content-security-policy']);
      expect(policies[0]).toContain("'nonce-");
      expect(policies[0]).not.toBe(policies[1]);
      await page.goto(open + attack);
      expect((await ranThere(page))[0]).toBeDefined();
    });
  });

  test('frames and cookies: the page is in nobody else’s frame, scripts see no session', async () => {
    const { shop, open, evil } = servers;
    await visit(shop, async (page) => {
      expect(await page.evaluate(() => document.cookie)).not.toContain('session');
      const [cookie] = (await page.context().cookies()).filter(({ name }) => name === 'session');
      expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict' });
    });
    await visit(evil, async (page) => {
      const framed = async (url: string): Promise<boolean> => {
        await page.setContent(`<iframe src="${url}/"></iframe>`);
        const frame = page.frames()[1];
        await frame?.waitForLoadState();
        return (await frame?.title()) === 'Shop';
      };
      expect(await framed(shop)).toBe(false);
      expect(await framed(open)).toBe(true);
    });
  });
});
