import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  allowAuthenticated,
  audit,
  authenticateJwt,
  guard,
  jsonLines,
  requireScopes,
} from '@apisec/core';
import { enforce } from '@apisec/core/host';
import { testIssuer } from '@apisec/core/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { commands, wordsOf } from './guide-commands.ts';
import { callCli, fixture, runCli } from './run-cli.ts';

const HOSTILE = 'evil\u001b[2J\nforged line';
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'apisec-incident-'));
  let lines = 'another program says hello\n{"level":30,"msg":"no event"}\n';
  const odd = { schema: 'apisec.audit/1', id: 'x', time: 1, kind: 'decision', outcome: 'denied' };
  for (const more of [{ code: { a: 1 } }, { trace: 'x' }, { trace: [1] }, { target: 'x' }]) {
    lines += `${JSON.stringify({ ...odd, ...more })}\n`;
  }
  const log = audit({ sinks: [jsonLines((text) => void (lines += text))] });
  const issuer = testIssuer();
  const orders = guard()
    .use(log)
    .use(authenticateJwt(issuer.trust))
    .use(requireScopes('orders:read'))
    .use(allowAuthenticated());
  const call = async (id: string, scope: string, subject = 'alice') => {
    const token = await issuer.token({ subject, scope });
    const headers = new Headers({ authorization: `Bearer ${token}` });
    const facts = {
      call: { protocol: 'http', operation: 'GET /orders' },
      peer: { address: '192.0.2.7', id: '192.0.2.7' },
      requestId: id,
    } as const;
    const decision = await orders.check({ method: 'GET', url: '/orders', headers }, facts);
    const outcome = decision.allowed ? 'succeeded' : 'failed';
    enforce(decision).complete({ outcome, status: decision.allowed ? 200 : 403 });
  };
  await call('req-1', 'orders:read');
  await call('req-2', 'orders:write');
  await call('req-3', 'orders:write', HOSTILE);
  await log.record({ act: 'limit.reset', principal: 'olga', target: { type: 'limit', id: 'api' } });
  await log.close();
  await writeFile(join(folder, 'audit.log'), lines);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('the guide has the commands that are run here, and no others', () => {
  expect(commands.map((command) => command.split(' ').slice(0, 2).join(' '))).toEqual([
    'audit denials',
    'explain req-2',
    'explain -',
    'coverage ./app.js',
    'diff before.json',
    'limits ./limits.js',
    'limits ./limits.js',
    'audit verify',
  ]);
});

const run = (beginning: string, files: Readonly<Record<string, string>>) =>
  callCli(...wordsOf(beginning, files));

test('says who was denied what and why, and nothing of it acts on the terminal', async () => {
  const { code, out, err } = await run('audit denials', { 'audit.log': join(folder, 'audit.log') });
  expect([code, err]).toEqual([1, '']);
  expect(out).toContain('2 calls were denied.');
  expect(out).toMatch(/by code\n +2 {2}scope\.insufficient/);
  expect(out).toMatch(/by operation\n +2 {2}GET \/orders/);
  expect(out).toMatch(/policy +requireScopes/);
  expect(out).not.toContain('\u001b');
  expect(out.split('\n')).not.toContain('forged line');
});

test('explains one call by the id of its request', async () => {
  const { code, out } = await run('explain req-2', { 'audit.log': join(folder, 'audit.log') });
  expect(code).toBe(1);
  expect(out).toMatch(/denied {2}GET \/orders\n {2}who .+alice/);
  expect(out).toMatch(/code +scope\.insufficient/);
  expect(out).toMatch(/why +.*orders:read/);
  expect(out).toMatch(/trace +audit > authenticateJwt > .*denied scope\.insufficient/);
  const log = join(folder, 'audit.log');
  expect(await callCli('explain', 'req-1', '--log', log)).toMatchObject({ code: 0 });
  expect(await callCli('explain', 'nobody', '--log', log)).toMatchObject({ code: 2 });
});

test('says what a token says, and which rule of a guard denies it', async () => {
  const args = wordsOf('explain -', { './orders.js': fixture('guards.ts') });
  const { code, out, err } = await runCli(args, await testIssuer().token({ sub: 'alice' }));
  expect([code, err]).toEqual([1, '']);
  expect(out).toMatch(/"sub": "alice"/);
  expect(out).toMatch(/^denied: unauthenticated token\.signature_invalid/m);
  expect(out).toMatch(/authenticateJwt \(check\) denied/);
});

test('names the operation that is open, and what a deployment opened', async () => {
  const app = fixture('inventory.ts');
  const covered = await run('coverage', { './app.js': app });
  expect([covered.code, covered.out]).toEqual([
    1,
    expect.stringContaining('GET /health lacks authentication.'),
  ]);
  const opened = await run('diff', { './app.js': app, 'before.json': fixture('openapi.json') });
  expect([opened.code, opened.out]).toEqual([1, expect.stringContaining('opened  GET /health')]);
});

test('shows which limit a caller is close to', async () => {
  const { code, out } = await run('limits', { './limits.js': fixture('limits.ts') });
  expect(code).toBe(1);
  expect(out).toMatch(/^exports {2}user-42 {2}bucket {2}1 of 20 left, whole again in \d+ s$/m);
  expect(out).toMatch(/^orders {2}user-42 {2}bucket {2}20 of 20 left/m);
});

test('shows which limits the callers in a log are close to', async () => {
  const files = { './limits.js': fixture('limits.ts'), 'audit.log': join(folder, 'audit.log') };
  const { code, out } = await run('limits ./limits.js --log', files);
  expect(code).toBe(0);
  // Nobody who is in this log has used a limit.
  expect(out).toMatch(/^None of the \d busiest callers has used a limit/);
});

test.each<[string, readonly string[], RegExp]>([
  ['without a log', ['audit', 'denials'], /name the log/],
  ['with a log that is not there', ['audit', 'denials', './no.log'], /cannot be read \(ENOENT\)/],
  ['with a number that is none', ['audit', 'denials', 'x', '--newest', '-1x'], /--newest/],
])('%s it is not run, and exits with 2', async (_what, args, told) => {
  const { code, err } = await callCli(...args);
  expect(code).toBe(2);
  expect(err).toMatch(told);
});
