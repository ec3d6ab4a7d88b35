import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { serve, startIdentityProvider } from 'apisec-example-identity-provider';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Browser, send } from '../../../packages/oauth/test/browser.ts';

const here = join(import.meta.dirname, '..');
const guide = readFileSync(join(here, '../../docs/guides/login.md'), 'utf8');
const [, program = ''] = /^```js \[page\.mjs\]\n([^]*?)^```$/m.exec(guide) ?? [];
const clientSecret = crypto.randomUUID();
const ends: (() => unknown)[] = [];
let child: ChildProcess;
let origin: string;

beforeAll(async () => {
  const folder = join(here, '.login');
  mkdirSync(folder, { recursive: true });
  ends.push(() => rmSync(folder, { recursive: true, force: true }));
  const reserved = await serve('localhost');
  ({ origin } = reserved);
  const provider = await startIdentityProvider({
    apis: {},
    clients: [
      {
        client_id: 'shop',
        client_secret: clientSecret,
        redirect_uris: [`${origin}/auth/callback`],
      },
    ],
  });
  ends.push(provider.close);
  reserved.close();
  const { port } = new URL(origin);
  writeFileSync(join(folder, 'page.mjs'), program.replace('3000', port));
  child = spawn(process.execPath, ['--conditions=@apisec/source', '--import=tsx', 'page.mjs'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      ISSUER: provider.issuer,
      CLIENT_SECRET: clientSecret,
      COOKIE_KEY: Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64'),
      ORIGIN: origin,
    },
  });
  for (;;) {
    if (child.exitCode !== null) throw new Error(`It ended with ${child.exitCode}.`);
    try {
      await send(`${origin}/`);
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}, 120_000);
afterAll(async () => {
  child?.kill('SIGKILL');
  if (child?.exitCode === null) await once(child, 'exit');
  for (const end of ends.toReversed()) end();
});

test('a protected page with a login takes 20 lines', () => {
  const lines = program.split('\n').filter((line) => line.trim() !== '');
  expect(lines.length).toBeGreaterThan(10);
  expect(lines.length).toBeLessThanOrEqual(20);
});

test('the program of the guide sends a user through the login, back to the page, and out again', async () => {
  const denied = await send(`${origin}/`, { headers: { 'sec-fetch-mode': 'cors' } });
  expect([denied.status, await denied.json()]).toMatchObject([401, { code: 'session.missing' }]);
  const browser = new Browser();
  const { url, response } = await browser.open(`${origin}/`);
  expect([new URL(url).pathname, response?.status]).toEqual(['/auth/callback', 200]);
  const page = await browser.request(`${origin}/`);
  expect([page.status, await page.json()]).toEqual([200, { hello: 'alice' }]);
  const headers = { 'sec-fetch-site': 'same-origin' };
  const out = await browser.request(`${origin}/auth/logout`, { method: 'POST', headers });
  expect(out.status).toBe(200);
  expect([...browser.cookies(origin).keys()]).toEqual([]);
});
