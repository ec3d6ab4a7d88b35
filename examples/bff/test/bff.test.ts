import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { start } from '../src/start.ts';

let app: Awaited<ReturnType<typeof start>>;
beforeAll(async () => {
  app = await start();
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
    try {
      const { stdout } = await promisify(execFile)(
        binary ?? '',
        [
          '--headless=new',
          '--no-sandbox',
          '--disable-gpu',
          '--disable-dev-shm-usage',
          `--user-data-dir=${profile}`,
          '--virtual-time-budget=20000',
          '--dump-dom',
          `${app.origin}/`,
        ],
        { timeout: 90_000, killSignal: 'SIGKILL' },
      );
      expect(stdout).toContain('Hello alice');
      expect(stdout).toContain('orders: one, two; cookies: []');
    } finally {
      rmSync(profile, { recursive: true, force: true });
    }
  },
  120_000,
);
