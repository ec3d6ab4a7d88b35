import { allowAnonymous, coverage, coverageReport, definePolicy, guard, pass } from '@apisec/core';
import express5, { type Application, type RequestHandler } from 'express';
import express4 from 'express4';
import { describe, expect, test } from 'vitest';
import { assertSecured } from './assert-secured.ts';
import { inventoryOf } from './inventory.ts';
import { operationsOf, unsecuredOperations } from './operations.ts';
import { secure } from './secure.ts';

const limit = definePolicy({
  name: 'limit',
  role: 'check',
  purposes: ['limit'],
  check: () => pass(),
});
const open = guard().use(allowAnonymous());
const limited = guard().use(limit).use(allowAnonymous());
const end: RequestHandler = (_, response) => void response.end();
const versions = [
  ['Express 5', express5],
  // Both versions are used alike here.
  ['Express 4', express4 as unknown as typeof express5],
] as const;

function problemsOf(app: ReturnType<typeof express5>, mounts = {}): readonly string[] {
  return coverageReport(inventoryOf(app, { mounts }), { require: ['grant', 'limit'] }).problems;
}

describe.each(versions)('%s', (_, express) => {
  test('each route is reported with the guards in front of it', () => {
    const app = express();
    app.get('/bare', end);
    app.use(secure(open));
    app.get('/open', end);
    app.post('/both', secure(limited), end);
    const admin = express.Router();
    admin.get('/users/:id', secure(limited), end);
    app.use('/admin', admin);
    expect(problemsOf(app, { '/admin': admin })).toEqual([
      'GET /bare has no guard. It lacks grant, limit.',
      'GET /open lacks limit.',
    ]);
    expect(inventoryOf(app, { mounts: { '/admin': admin } }).map((each) => each.operation)).toEqual(
      ['GET /bare', 'GET /open', 'POST /both', 'GET /admin/users/:id'],
    );
  });

  test('static folders are in no list', () => {
    const app = express();
    app.use('/files', express.static('.'));
    app.get('/own', secure(limited), end);
    expect(inventoryOf(app).map(({ operation }) => operation)).toEqual(['GET /own']);
  });

  test.each<[string, (app: Application, inner: Application) => unknown]>([
    ['under a prefix', (app, inner) => app.use('/other', inner as RequestHandler)],
    ['at the root', (app, inner) => app.use(inner as RequestHandler)],
    ['in a router', (app, inner) => app.use(express.Router().use(inner as RequestHandler))],
  ])('an application %s is an error, since nobody can tell what it serves', (_, mount) => {
    const app = express();
    mount(app, express().get('/inner', end));
    for (const look of [inventoryOf, operationsOf, unsecuredOperations, assertSecured]) {
      expect(() => look(app)).toThrow('Mount routers, not applications');
    }
  });

  test('a table decides by its entries, and by none where it cannot see the pattern', () => {
    const table = coverage({ 'GET /orders/:id': limited, 'GET /plain': open });
    const app = express();
    app.get('/orders/:id', secure(table), end);
    app.get('/plain', secure(table), end);
    app.get('/other', secure(table), end);
    expect(problemsOf(app)).toEqual([
      'GET /plain lacks limit.',
      'GET /other is served, but its table does not list it: every call is denied.',
    ]);
    const blind = express();
    blind.use(secure(table));
    blind.get('/orders/:id', end);
    expect(problemsOf(blind)).toEqual([
      'GET /orders/:id is served, but its table does not list it: every call is denied.',
    ]);
  });

  test('of a table with names of its own, what all of its entries have counts', () => {
    const app = express();
    const named = { operation: () => 'any' };
    app.get('/a', secure(coverage({ one: limited, two: limited }), named), end);
    app.get('/b', secure(coverage({ one: limited, two: open }), named), end);
    expect(problemsOf(app)).toEqual(['GET /b lacks limit.']);
  });
});
