import { generateKeyPairSync } from 'node:crypto';
import type { ConsoleRoutes } from '@apisec/console';
import type { Audit, Policy, ServedOperation } from '@apisec/core';
import { afterEach, expect, test, vi } from 'vitest';
import { runGuide } from '../src/run-guide.ts';
import { provider } from '../src/running/provider.ts';
import { callOf } from './guarded.ts';

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

/** Keeps audit events off the terminal, and answers that they were written. */
function quietStdout(): void {
  vi.spyOn(process.stdout, 'write').mockImplementation((_text, encoding, done) => {
    const written = typeof encoding === 'function' ? encoding : done;
    written?.();
    return true;
  });
}

test('the guide to the console shows it to nobody who is not signed in', async () => {
  quietStdout();
  const blocks = await runGuide('console', [0, 1]);
  for (const shown of blocks) {
    const routes = shown['routes'] as ConsoleRoutes;
    const page = await routes.fetch(new Request('https://ops.example.com/console/'));
    expect([page.status, await page.json()]).toMatchObject([401, { code: 'session.missing' }]);
  }
  const log = blocks[0]?.['log'] as Audit;
  await log.close();
});

test('the guide to the command line lists what an application serves', async () => {
  const [shown] = await runGuide('command-line', [0]);
  const inventory = shown?.['inventory'] as () => readonly ServedOperation[];
  expect(
    inventory()
      .map(({ operation }) => operation)
      .toSorted(),
  ).toEqual(['GET /admin/users', 'GET /health']);
});

test('the guide to providers takes tokens that are encrypted, and those that are signed alone', async () => {
  vi.stubGlobal('fetch', provider.fetch);
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = { ...privateKey.export({ format: 'jwk' }), alg: 'RSA-OAEP-256', kid: 'k1' };
  const [sealed] = await runGuide('providers', [4], {
    'declare const key: DecryptionJwk;': `const key = ${JSON.stringify(key)};`,
  });
  const policy = sealed?.['authenticateSealed'] as Policy<object, object, 'check'>;
  const headers = { authorization: `Bearer ${await provider.token()}` };
  const outcome = await policy.check(new Request(provider.audience, { headers }), {});
  // One that is signed alone is taken as ever.
  expect(outcome.ok).toBe(true);
});

test('the page of concepts makes a guard that admits by scopes', async () => {
  vi.stubGlobal('fetch', provider.fetch);
  const [shown] = await runGuide('concepts', [0]);
  const call = callOf(shown?.['orders']);
  expect((await call({ scope: 'orders:read' })).status).toBe(200);
  expect((await call({ scope: 'other' })).status).toBe(403);
  expect((await call()).status).toBe(401);
});

test('the page of runtimes hands to a Worker what goes on beside a call', async () => {
  const { handed, key, worker } = await import('../src/running/runtimes.ts');
  const [shown] = await runGuide('runtimes', [0], {
    'protect(orders': 'export const serve = protect(orders',
  });
  const serve = shown?.['serve'] as (
    request: Request,
    env: object,
    context: object,
  ) => Promise<Response>;
  const request = new Request(provider.audience, { headers: { 'x-api-key': key } });
  const answer = await serve(request, {}, worker);
  expect([answer.status, await answer.text()]).toEqual([200, 'in']);
  // That the key was used.
  expect(handed.length).toBeGreaterThan(0);
  await Promise.all(handed);
});
