import type { CoverageReport } from '@apisec/core';
import { expect, test } from 'vitest';
import { callCli, fixture, runCli } from './run-cli.ts';

const INVENTORY = fixture('inventory.ts');

test('an application that lacks something fails, and says what', async () => {
  const { code, out, err } = await runCli(['coverage', fixture('express-app.ts')]);
  expect([code, err]).toEqual([1, '']);
  expect(out).toMatch(/^GET \/orders\/:id +yes +yes +yes/m);
  expect(out).toContain('- GET /health lacks authentication.');
  expect(out).toContain('- GET /bare has no guard.');
  expect(out).not.toContain('\u001b');
});

test.each(['hono-app.ts', 'fastify-app.ts'])(
  'the routes of %s are found by its adapter',
  async (app) => {
    const { code, out } = await runCli(['coverage', fixture(app), '--print-openapi']);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      paths: { '/orders/{id}': { get: { security: [{ bearer: [] }] } } },
    });
  },
);

test('the route handlers of Next are found in their folder, and which of them nothing guards', async () => {
  const { code, out } = await runCli(['coverage', fixture('next/app'), '--json']);
  expect(code).toBe(1);
  const { operations, problems } = JSON.parse(out) as CoverageReport;
  expect(operations.map(({ operation, guarded }) => [operation, guarded])).toEqual([
    ['GET /health', false],
    ['GET /api/orders/:id', true],
    ['POST /files/*path', true],
  ]);
  expect(problems).toEqual([expect.stringContaining('GET /health has no guard.')]);
});

test('operations that are open on purpose are named, and the report is JSON', async () => {
  const except = ['--except', 'GET /health=authentication'];
  const { code, out } = await callCli('coverage', INVENTORY, '--json', ...except);
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ covered: true, problems: [] });
});

test('what is required besides is missed', async () => {
  const args = ['coverage', INVENTORY, '--except', 'GET /health=authentication'];
  const { code, out } = await callCli(...args, '--require', 'authentication,grant,limit,input');
  expect(code).toBe(1);
  expect(out).toContain('lacks input.');
});

test('served operations are compared with an OpenAPI document', async () => {
  const { code, out } = await callCli('coverage', INVENTORY, '--openapi', fixture('openapi.json'));
  expect(code).toBe(1);
  expect(out).toContain('- GET /gone is documented, but not served.');
  expect(out).toContain('GET /orders/{orderId} is deprecated by its document, and still served.');
});

test.each([
  [
    'a schema of GraphQL',
    'graphql-inventory.ts',
    '--schema',
    'orders.graphql',
    'Query.hidden',
    'Query.gone',
  ],
  [
    'a proto file',
    'grpc-inventory.ts',
    '--proto',
    'orders.proto',
    '/shop.v1.Orders/Debug',
    '/shop.v1.Orders/Gone',
  ],
])('served operations are compared with %s', async (_what, app, option, file, hidden, gone) => {
  const args = ['coverage', fixture(app), option, fixture(file), '--json'];
  const { code, out, err } = await runCli(args);
  expect([code, err]).toEqual([1, '']);
  expect(JSON.parse(out).differences).toMatchObject({ undocumented: [hidden], missing: [gone] });
});

test.each<[string, readonly string[], RegExp]>([
  [
    'with a schema that is none',
    ['coverage', fixture('graphql-inventory.ts'), '--schema', fixture('orders.proto')],
    /is not a schema of GraphQL/,
  ],
  [
    'with a schema that is not there',
    ['coverage', fixture('graphql-inventory.ts'), '--schema', 'no.graphql'],
    /cannot be read \(ENOENT\)/,
  ],
  [
    'with a proto file that is none',
    ['coverage', fixture('grpc-inventory.ts'), '--proto', fixture('orders.graphql')],
    /is not a proto file/,
  ],
])('%s it is not run', async (_what, args, told) => {
  const { code, out, err } = await runCli(args);
  expect([code, out]).toEqual([2, '']);
  expect(err).toMatch(told);
});

test.each<[string, readonly string[], RegExp]>([
  ['without a module', ['coverage'], /name the module/],
  ['with a module that is not there', ['coverage', './no-\u001b[31m.ts'], /cannot be imported/],
  ['with a module without an application', ['coverage', fixture('guards.ts')], /must export app/],
  ['with an application without routes', ['coverage', fixture('empty-app.ts')], /no operation yet/],
  ['with an unknown option', ['coverage', INVENTORY, '--strict'], /--strict/],
  ['with an unknown aspect', ['coverage', INVENTORY, '--require', 'auth'], /each aspect/],
  ['with a document that is not JSON', ['coverage', INVENTORY, '--openapi', INVENTORY], /as JSON/],
  ['with an unknown command', ['cover'], /"cover" is not a command/],
])('%s it is not run, and exits with 2', async (_what, args, told) => {
  const { code, out, err } = await callCli(...args);
  expect([code, out]).toEqual([2, '']);
  expect(err).toMatch(told);
  expect(err).not.toContain('\u001b');
});
