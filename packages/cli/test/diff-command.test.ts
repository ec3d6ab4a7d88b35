import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  allowAnonymous,
  allowAuthenticated,
  anyOf,
  coverage,
  coverageReport,
  definePolicy,
  guard,
  guardMessages,
  type MessageFacts,
  type PolicyInfo,
  pass,
  type ServedOperation,
} from '@apisec/core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callCli, fixture } from './run-cli.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'apisec-diff-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const who = definePolicy({
  name: 'who',
  role: 'check',
  adds: ['principal'],
  check: () => pass({ principal: { id: 'alice', issuer: 'i', subject: 'alice' } as never }),
});
const limit = definePolicy({
  name: 'limit',
  role: 'check',
  purposes: ['limit'],
  check: () => pass(),
});
const extra = definePolicy({ name: 'extra', role: 'check', check: () => pass() });
const behind = guard().use(limit).use(who).use(allowAuthenticated());
const open = guard().use(limit).use(allowAnonymous());
const stricter = guard().use(limit).use(extra).use(who).use(allowAuthenticated());
const unlimited = guard().use(who).use(allowAuthenticated());
const ownMessage = guard<MessageFacts>().use(extra).use(allowAnonymous());
const anyMessage = guard<MessageFacts>().use(allowAnonymous());
const byMessage = (admission: typeof anyMessage) =>
  behind.use(anyOf(guardMessages(admission), limit));
const http = (operation: string, ...admissions: readonly object[]): ServedOperation => {
  return { operation, protocol: 'http', admissions };
};

/** What `apisec coverage --json` writes of such an application. */
async function saved(...served: readonly ServedOperation[]): Promise<string> {
  const path = join(folder, `${randomUUID()}.json`);
  await writeFile(path, JSON.stringify(coverageReport(served)));
  return path;
}

test.each<[string, readonly ServedOperation[], readonly ServedOperation[], string]>([
  [
    'authentication that is gone',
    [http('GET /orders/:id', behind)],
    [http('GET /orders/:order', open)],
    'opened  GET /orders/:order: authentication never, was for every call.',
  ],
  [
    'a limit that is gone',
    [http('GET /orders', behind)],
    [http('GET /orders', unlimited)],
    'opened  GET /orders: limit never, was for every call.',
  ],
  [
    'a policy that no aspect shows',
    [http('GET /orders', stricter)],
    [http('GET /orders', behind)],
    'opened  GET /orders: lost extra.',
  ],
  [
    'a policy inside of another one',
    [http('POST /orders', byMessage(ownMessage))],
    [http('POST /orders', byMessage(anyMessage))],
    'opened  POST /orders: lost guardMessages: extra.',
  ],
  [
    'one of two operations at the same path',
    [http('GET /orders/:id', behind), http('GET /orders/:name', open)],
    [http('GET /orders/:name', open), http('GET /orders/:id', open)],
    'opened  GET /orders/:id: authentication never, was for every call.',
  ],
  [
    'one of two operations at the same path, whose parameter has another name',
    [http('GET /orders/:id', behind), http('GET /orders/:name', open)],
    [http('GET /orders/:order', open), http('GET /orders/:name', open)],
    'opened  GET /orders/:order: authentication never, was for every call.',
  ],
  [
    'a new operation without a guard',
    [],
    [http('GET /debug')],
    'opened  GET /debug: is new, and lacks authentication, grant, limit.',
  ],
  [
    'an operation that was denied to everybody',
    [http('GET /a', coverage({ 'GET /b': behind }))],
    [http('GET /a', behind)],
    'opened  GET /a: was denied to everybody.',
  ],
])('%s fails, and the other way round it does not', async (_name, before, after, told) => {
  const [one, two] = [await saved(...before), await saved(...after)];
  const opens = await callCli('diff', one, two);
  expect(opens).toMatchObject({ code: 1, err: '' });
  expect(opens.out.split('\n')).toContain(told);
  const closes = await callCli('diff', two, one);
  expect(closes.code).toBe(0);
  expect(closes.out).toMatch(/^closed {2}(?:GET|POST) /);
});

test('a nested field of GraphQL that lost its policies is opened, and a new one is not', async () => {
  const field = (operation: string, ...policies: readonly PolicyInfo[]): ServedOperation => {
    return { operation, protocol: 'graphql', admissions: [], policies, nested: true };
  };
  const guarded = await saved(field('User.email', extra), field('User.name', extra));
  // One has a resolver, so it is listed without policies too.
  const bare = await saved(field('User.name'), field('User.born'));
  expect(await callCli('diff', guarded, bare)).toMatchObject({
    code: 1,
    out: 'opened  User.name: lost extra.\nopened  User.email: is gone, or lost extra.\n',
  });
  expect(await callCli('diff', bare, guarded)).toMatchObject({
    code: 0,
    out: 'closed  User.name: gained extra.\n',
  });
});

test('the same tables do not differ, and JSON says so', async () => {
  const one = await saved(http('GET /orders/:id', behind));
  const two = await saved(http('GET /orders/:order', behind));
  expect(await callCli('diff', one, two)).toMatchObject({
    code: 0,
    out: 'Nothing was opened, and nothing closed.\n',
  });
  const { out } = await callCli('diff', one, two, '--json');
  expect(JSON.parse(out)).toEqual({ opened: [], closed: [] });
});

test('an OpenAPI document is compared with what an application serves', async () => {
  const { code, out } = await callCli('diff', fixture('openapi.json'), fixture('inventory.ts'));
  expect(code).toBe(1);
  expect(out).toBe(
    'opened  GET /health: is new, and lacks authentication.\n' +
      'closed  GET /gone: is not served any more.\n',
  );
});

test.each<[string, readonly string[], RegExp]>([
  ['with one side', ['a.json'], /a report from before and the application/],
  ['with three sides', ['a.json', 'b.json', 'c.json'], /a report from before and the application/],
  ['with a file that is not there', ['no.json', 'no.json'], /cannot be read as JSON/],
  ['with other JSON', [fixture('../../package.json'), 'no.json'], /neither what apisec coverage/],
])('%s it is not run, and exits with 2', async (_what, args, told) => {
  const { code, out, err } = await callCli('diff', ...args);
  expect([code, out]).toEqual([2, '']);
  expect(err).toMatch(told);
});
