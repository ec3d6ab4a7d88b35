import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { start } from '../src/start.ts';

let tell: (seen: object) => void;
const orders = new Promise<object>((resolve) => {
  tell = resolve;
});
let app: Awaited<ReturnType<typeof start>>;
beforeAll(async () => {
  app = await start((cookies, of) => tell({ cookies, of }));
});
afterAll(() => app?.close());

const binary = ['chromium', 'chromium-browser', 'google-chrome'].find(
  (name) => spawnSync(name, ['--version']).status === 0,
);

test('a script without a session gets 401, and the API is not asked', async () => {
  const response = await fetch(`${app.origin}/api/orders`, { redirect: 'manual' });
  expect(response.status).toBe(401);
});

test('a browser is there, or nobody needs it', () => {
  expect(binary !== undefined || process.env['APISEC_REQUIRE_SERVICES'] !== '1').toBe(true);
});

test.runIf(binary !== undefined)(
  'in a real browser the page signs in across sites, calls the API through its backend, and sees no cookie',
  async () => {
    const profile = mkdtempSync(join(tmpdir(), 'apisec-chromium-'));
    const options = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'];
    const chromium = spawn(
      binary ?? '',
      [...options, '--remote-debugging-port=0', `--user-data-dir=${profile}`, `${app.origin}/`],
      { stdio: 'ignore', detached: true },
    );
    try {
      expect(await orders).toEqual({ cookies: '', of: 'alice' });
    } finally {
      // With the processes that it started.
      if (chromium.pid !== undefined) process.kill(-chromium.pid, 'SIGKILL');
      await once(chromium, 'exit');
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    }
  },
  120_000,
);
