import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { hasChromium, launchChromium, testThatChromiumIsThere } from '../../tooling/chromium.ts';
import { buildPlayground } from '../playground/build.ts';
import { fragmentOf, type PlaygroundState, PRESETS } from '../playground/state.ts';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
};

testThatChromiumIsThere();

const first = Object.values(PRESETS)[0] as PlaygroundState;

describe.runIf(hasChromium)('the playground in Chromium', () => {
  const folder = mkdtempSync(join(tmpdir(), 'playground-'));
  const asked: string[] = [];
  let server: Server;
  let browser: Browser;
  let page: Page;
  let origin: string;
  let complaints: string[] = [];

  beforeAll(async () => {
    await buildPlayground(folder);
    server = createServer((request, response) => {
      const { pathname } = new URL(request.url ?? '/', 'http://localhost');
      asked.push(pathname);
      const file = join(folder, pathname);
      if (!existsSync(file) || pathname.endsWith('/')) {
        response.writeHead(404).end();
        return;
      }
      response.setHeader('content-type', TYPES[extname(file)] ?? 'text/plain');
      response.end(readFileSync(file));
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    // It listens over TCP, so its address has a port.
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    server?.close();
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    await page?.close();
    page = await browser.newPage();
    complaints = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error' && !message.text().includes('favicon')) {
        complaints.push(message.text());
      }
    });
  });

  const text = (id: string) => page.locator(`#${id}`).textContent();
  const settled = () =>
    page.waitForFunction(() =>
      /^(done|failed)$/.test(document.getElementById('status')?.textContent ?? ''),
    );
  const open = async (state?: PlaygroundState) => {
    await page.goto(`${origin}/index.html${state ? `#${fragmentOf(state)}` : ''}`);
    if (state) {
      await page.waitForFunction(() =>
        document.getElementById('status')?.textContent?.startsWith('from a link'),
      );
      await page.click('#run');
    }
    await settled();
  };

  test('shows an allowed call on three protocols, and breaks no rule of its own', async () => {
    await open();
    expect(await text('http-answer')).toMatch(/^200\n/);
    expect(await text('http-answer')).toContain('x-content-type-options: nosniff');
    expect(await text('graphql-answer')).toContain('"orders"');
    expect(await text('grpc-answer')).toContain('grpc-status: 0 OK');
    expect(await text('http-decision')).toContain('requireScopes');
    expect(complaints).toEqual([]);
  });

  test.each(Object.entries(PRESETS))('%s', async (name) => {
    await open();
    await page.selectOption('#preset', name);
    await settled();
    const answers = [
      await text('http-answer'),
      await text('graphql-answer'),
      await text('grpc-answer'),
    ];
    const problem = await text('problem');
    if (name === 'No grant') expect(problem).toContain('has no grant');
    else {
      expect(problem).toBe('');
      for (const answer of answers) expect(answer).not.toBe('');
    }
  });

  test('the same denial has the same code on all of them', async () => {
    await open({ ...first, claims: '{ "aud": "https://other.test", "scope": "orders:read" }' });
    expect(await text('http-answer')).toContain('"token.audience_mismatch"');
    expect(await text('http-answer')).toMatch(/^401\n/);
    expect(await text('graphql-answer')).toContain('"reason": "token.audience_mismatch"');
    expect(await text('grpc-answer')).toContain('grpc-status: 16 UNAUTHENTICATED');
    expect(await text('http-decision')).toContain('token.audience_mismatch');
    // Operators learn what was expected, callers do not.
    expect(await text('http-answer')).not.toContain('https://other.test');
  });

  test('a link from somebody else runs nothing until its reader says so', async () => {
    await page.goto(`${origin}/index.html#${fragmentOf({ ...first, method: 'DELETE' })}`);
    await page.waitForFunction(() =>
      document.getElementById('status')?.textContent?.startsWith('from a link'),
    );
    expect(await page.inputValue('#method')).toBe('DELETE');
    expect(await text('http-answer')).toBe('');
    expect(new URL(page.url()).hash).toBe(`#${fragmentOf({ ...first, method: 'DELETE' })}`);
  });

  test.each(['#', '#AAAA', '#%00', `#${'A'.repeat(20_000)}`, `#${btoa('{"calls":1e9}')}`])(
    'a link that is not one of ours is the first example',
    async (hash) => {
      await page.goto(`${origin}/index.html${hash}`);
      await settled();
      expect(await page.inputValue('#policy')).toBe(first.policy);
    },
  );

  test('code of a stranger reaches neither the page nor the network, and is stopped', async () => {
    const before = asked.length;
    const attack = `try { globalThis.parent.document.title = 'pwned' } catch {}
try { globalThis.top.location = '${origin}/stolen-top' } catch {}
try { open('${origin}/stolen-popup') } catch {}
new Image().src = '${origin}/stolen-image';
const sent = fetch('${origin}/stolen-fetch').then(() => 'sent', () => 'blocked');
new WebSocket('${origin.replace('http', 'ws')}/stolen-socket');
return guard().use(definePolicy({ name: 'attack', role: 'grant', check: async () => deny('forbidden', 'attack.' + await sent) }));`;
    await open({ ...first, policy: attack });
    expect(`${await text('http-calls')}${await text('problem')}`).toMatch(
      /attack\.blocked|SecurityError|WebSocket/,
    );
    expect(await page.title()).toBe('Playground | apisec');
    expect(asked.slice(before).filter((path) => path.includes('stolen'))).toEqual([]);
    await page.fill('#policy', 'for (;;);');
    await page.click('#run');
    await settled();
    expect(await text('problem')).toContain('stopped after 5 seconds');
  });

  test('what comes back is text', async () => {
    const policy = `throw new Error('<img src=x onerror="document.title=1">')`;
    await open({ ...first, policy });
    expect(await text('problem')).toContain('<img');
    expect(await page.locator('#problem img').count()).toBe(0);
  });

  test('what comes back is bounded', async () => {
    await open({ ...first, policy: "throw new Error('x'.repeat(5e6))" });
    expect((await text('problem'))?.length).toBe(20_000);
  });

  test('the frame runs nothing where it is not sandboxed', async () => {
    await page.goto(`${origin}/frame.html`);
    const told = await page.evaluate(async () => {
      const frame = document.createElement('iframe');
      const heard: unknown[] = [];
      addEventListener('message', ({ data }) => heard.push(data));
      frame.src = './frame.html';
      document.body.append(frame);
      await new Promise((resolve) => frame.addEventListener('load', resolve));
      await new Promise((resolve) => setTimeout(resolve, 200));
      return heard;
    });
    expect(told).toEqual([]);
  });

  test('the page lets nobody evaluate text', async () => {
    await open();
    const evaluated = await page.evaluate(() => {
      const script = document.createElement('script');
      script.textContent = 'document.title = "inline"';
      document.head.append(script);
      return document.title;
    });
    expect(evaluated).toBe('Playground | apisec');
    const html = readFileSync(join(folder, 'index.html'), 'utf8');
    expect(/Content-Security-Policy" content="([^"]+)"/.exec(html)?.[1]).not.toContain('unsafe');
  });
});
