import { definePolicy, guard, pass } from '@apisec/core';
import express5, { type RequestHandler } from 'express';
import express4 from 'express4';
import { describe, expect, test } from 'vitest';
import { operationsOf, unsecuredOperations } from './operations.ts';
import { secure } from './secure.ts';

const open = guard().use(definePolicy({ name: 'open', role: 'grant', check: () => pass() }));
const end: RequestHandler = (_, response) => void response.end();
const versions = [
  ['Express 5', express5],
  ['Express 4', express4 as unknown as typeof express5],
] as const;

describe.each(versions)('%s', (_, express) => {
  test('every operation is named as secure supplies it', () => {
    const app = express();
    app.use(express.json());
    app.get('/orders/:id', end).post('/orders', end);
    app.route('/both').put(end).delete(end);
    app.all('/any', end);
    app.get(/^\/pattern$/, end);
    expect(operationsOf(app)).toEqual([
      'GET /orders/:id',
      'POST /orders',
      'PUT /both',
      'DELETE /both',
      'ALL /any',
      'GET /^\\/pattern$/',
    ]);
  });

  test('an application without routes serves nothing', () => {
    expect(operationsOf(express())).toEqual([]);
    expect(operationsOf(express.Router())).toEqual([]);
  });

  test('mounted routers are named with their prefix, and have to be', () => {
    const inner = express.Router().get('/deep', end);
    const admin = express.Router().get('/users', end).use('/in', inner);
    const app = express().use('/admin', admin);
    expect(() => operationsOf(app)).toThrow(/mounted/);
    expect(() => operationsOf(app, { '/admin': admin })).toThrow(/mounted/);
    expect(operationsOf(app, { '/admin': admin, '/in': inner })).toEqual([
      'GET /admin/users',
      'GET /admin/in/deep',
    ]);
    const twice = express().use('/a', inner).use('/a', express.Router().get('/x', end));
    expect(() => operationsOf(twice, { '/a': inner })).toThrow(/mounted/);
    expect(() => operationsOf(express().use('/sub', express().get('/x', end)))).toThrow(/mounted/);
  });

  test('routers without a prefix need no name, and several may share one', () => {
    const one = express.Router().get('/one', end);
    const two = express.Router().get('/two', end);
    expect(operationsOf(express().use(one).use('/', two))).toEqual(['GET /one', 'GET /two']);
    expect(operationsOf(express().use('/a', one).use('/a', two), { '/a': [one, two] })).toEqual([
      'GET /a/one',
      'GET /a/two',
    ]);
  });

  test('an operation is secured by its own guard, or by one before it', () => {
    const app = express();
    app.get('/before', end);
    app.get('/own', secure(open), end);
    app.get('/parsed', express.json(), secure(open), end);
    app.options('/preflight', secure(open));
    app.get('/behind', end, secure(open));
    app.route('/split').get(secure(open), end).post(end);
    app.use('/part', secure(open));
    app.get('/part/x', end);
    app.use(secure(open));
    app.get('/after', end);
    expect(unsecuredOperations(app)).toEqual([
      'GET /before',
      'GET /behind',
      'POST /split',
      'GET /part/x',
    ]);
  });

  test('a guard before a router secures what is in it', () => {
    const inside = express.Router().get('/x', end);
    expect(
      unsecuredOperations(express().use(secure(open)).use('/a', inside), { '/a': inside }),
    ).toEqual([]);
    expect(
      unsecuredOperations(express().use('/a', secure(open), inside), { '/a': inside }),
    ).toEqual(['GET /a/x']);
    const own = express.Router().use(secure(open)).get('/x', end);
    expect(unsecuredOperations(express().use('/a', own), { '/a': own })).toEqual([]);
  });
});
