import { generateKeyPairSync } from 'node:crypto';
import type { ConsoleRoutes } from '@apisec/console';
import {
  type Admission,
  type Audit,
  allowAnonymous,
  guard,
  type HttpFacts,
  type Policy,
  protect,
  type ServedOperation,
} from '@apisec/core';
import type { Usage } from '@apisec/insights';
import { afterEach, expect, test, vi } from 'vitest';
import { runGuide } from '../src/run-guide.ts';
import { provider } from '../src/running/provider.ts';

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

const callOf = (admission: unknown) => {
  const serve = protect(admission as Admission<HttpFacts, object>, () => new Response('in'));
  return async (claims?: object) => {
    const headers = new Headers();
    if (claims) headers.set('authorization', `Bearer ${await provider.token({ ...claims })}`);
    return serve(new Request(provider.audience, { headers }));
  };
};

/** Keeps audit events off the terminal, and answers that they were written. */
function quietStdout(): void {
  vi.spyOn(process.stdout, 'write').mockImplementation((_text, encoding, done) => {
    const written = typeof encoding === 'function' ? encoding : done;
    written?.();
    return true;
  });
}

test('the guide to logging writes why a call was denied, and no token, and alerts whoever is on call', async () => {
  vi.stubGlobal('fetch', provider.fetch);
  const written: string[] = [];
  vi.spyOn(console, 'error').mockImplementation((line) => void written.push(String(line)));
  const [first, alerting] = await runGuide('logging', [0, 6]);
  const call = callOf(first?.['orders']);
  expect((await call({})).status).toBe(200);
  expect((await call({ aud: 'https://other.example.com' })).status).toBe(401);
  expect(written.map((line) => JSON.parse(line))).toMatchObject([
    { code: 'token.audience_mismatch', cause: expect.stringContaining('other.example.com') },
  ]);
  expect(written.join()).not.toContain('eyJ');

  const { sent } = await import('../src/running/guides-logging.ts');
  quietStdout();
  const log = alerting?.['log'] as Audit;
  expect(await log.record({ act: 'audit.chain_broken' })).toEqual({ ok: true });
  await log.close();
  // The last rule reports the end of the log itself.
  expect(sent).toMatchObject(
    ['trail broken', 'blind'].map((rule) => ({ type: 'security.alert', data: { rule } })),
  );
});

test('the guide to metrics watches calls, and reports them', async () => {
  vi.stubGlobal('fetch', provider.fetch);
  const [measured, reported] = await runGuide('metrics', [0, 1]);
  const call = callOf(measured?.['orders']);
  expect((await call({ scope: 'orders:read' })).status).toBe(200);
  expect((await call()).status).toBe(401);

  quietStdout();
  const log = reported?.['log'] as Audit;
  const watched = guard<HttpFacts>().use(log).use(allowAnonymous());
  expect(await (await callOf(watched)()).text()).toBe('in');
  await log.close();
  const used = reported?.['used'] as Usage;
  expect(used.report('operation', 'hour')).toMatchObject([{ name: 'GET /', calls: 1 }]);
});

test('the guide to the console shows it to nobody who is not signed in', async () => {
  quietStdout();
  const [shown] = await runGuide('console', [0]);
  const routes = shown?.['routes'] as ConsoleRoutes;
  const page = await routes.fetch(new Request('https://ops.example.com/console/'));
  expect([page.status, await page.json()]).toMatchObject([401, { code: 'session.missing' }]);
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

test('the guides to certificates and encrypted tokens make policies: no certificate is denied', async () => {
  vi.stubGlobal('fetch', provider.fetch);
  const [workload] = await runGuide('mtls', [1]);
  expect((await callOf(workload?.['workload'])()).status).toBe(401);
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
