import { allowAnonymous, coverage, coverageReport, definePolicy, guard, pass } from '@apisec/core';
import { Hono } from 'hono';
import { expect, test } from 'vitest';
import { inventoryOf } from './inventory.ts';
import { secure } from './secure.ts';

const limit = definePolicy({
  name: 'limit',
  role: 'check',
  purposes: ['limit'],
  check: () => pass(),
});
const open = guard().use(allowAnonymous());
const limited = guard().use(limit).use(allowAnonymous());

function problemsOf(app: Hono): readonly string[] {
  return coverageReport(inventoryOf(app), { require: ['grant', 'limit'] }).problems;
}

test('each route is reported with the guards in front of it', () => {
  const app = new Hono();
  app.get('/bare', (c) => c.text('bare'));
  app.use(secure(open));
  app.get('/open', (c) => c.text('open'));
  app.post('/both', secure(limited), (c) => c.text('both'));
  app.route(
    '/admin',
    new Hono().get('/users/:id', secure(limited), (c) => c.text('user')),
  );
  expect(problemsOf(app)).toEqual([
    'GET /bare has no guard. It lacks grant, limit.',
    'GET /open lacks limit.',
  ]);
  expect(inventoryOf(app).map(({ operation }) => operation)).toEqual([
    'GET /bare',
    'GET /open',
    'POST /both',
    'GET /admin/users/:id',
  ]);
});

test('an application that is mounted is in no list', () => {
  const app = new Hono();
  app.get('/own', secure(limited), (c) => c.text('own'));
  app.mount('/other', () => new Response('other'));
  expect(inventoryOf(app).map(({ operation }) => operation)).toEqual(['GET /own']);
});

test('a table decides by its entries', () => {
  const app = new Hono();
  app.use(secure(coverage({ 'GET /orders/:id': limited, 'GET /plain': open })));
  app.get('/orders/:id', (c) => c.text('order'));
  app.get('/plain', (c) => c.text('plain'));
  app.get('/other', (c) => c.text('other'));
  expect(problemsOf(app)).toEqual([
    'GET /plain lacks limit.',
    'GET /other is served, but its table does not list it: every call is denied.',
  ]);
});

test('of a table with names of its own, what all of its entries have counts', () => {
  const app = new Hono();
  const named = { operation: () => 'any' };
  app.get('/a', secure(coverage({ one: limited, two: limited }), named), (c) => c.text('a'));
  app.get('/b', secure(coverage({ one: limited, two: open }), named), (c) => c.text('b'));
  app.get('/c', secure(limited, named), (c) => c.text('c'));
  expect(problemsOf(app)).toEqual(['GET /b lacks limit.']);
});
