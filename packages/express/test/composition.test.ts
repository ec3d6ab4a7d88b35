import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { definePolicy, deny, guard, type HeaderEdit, pass } from '@apisec/core';
import { secure } from '@apisec/express';
import express5, { type Express, type RequestHandler } from 'express';
import express4 from 'express4';
import { describe, expect, onTestFinished, test } from 'vitest';
import { profitsFromDictionaries } from '../src/dictionary-mode.ts';
import { isDictionary } from './is-dictionary.ts';

// Express 4 has the same functions as 5 where this test uses them.
const versions = [
  ['Express 5', express5, express4 as unknown as typeof express5],
  ['Express 4', express4 as unknown as typeof express5, express5],
] as const;

async function answerOf(app: Express, path = '/'): Promise<Response> {
  const server = createServer(app).listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return fetch(`http://127.0.0.1:${port}${path}`, { redirect: 'manual' });
}

const set = (name: string, value: string): HeaderEdit => ({ op: 'set', name, value });
const append = (name: string, value: string): HeaderEdit => ({ op: 'append', name, value });
const remove = (name: string): HeaderEdit => ({ op: 'delete', name });

const admitting = (...headers: readonly HeaderEdit[]): RequestHandler =>
  secure(
    guard().use(
      definePolicy({ name: 'admits', role: 'grant', check: () => pass({}, { headers }) }),
    ),
  );
const denying = (...headers: readonly HeaderEdit[]): RequestHandler =>
  secure(
    guard().use(
      definePolicy({
        name: 'denies',
        role: 'grant',
        check: () => deny('forbidden', 'shop.closed', { obligations: { headers } }),
      }),
    ),
  );

/** The three kinds of edits. */
const edits = [set('x-a', '1'), append('vary', 'Origin'), remove('x-powered-by')];
const held = { 'x-a': '1', vary: 'Origin', 'x-powered-by': null };

function expectHeaders(answer: Response, expected: Record<string, string | null>): void {
  const shown = Object.keys(expected).map((name) => [name, answer.headers.get(name)]);
  expect(Object.fromEntries(shown)).toEqual(expected);
}

/** As `on-headers` does it, which `compression` and others are built on. */
const onHead =
  (edit: (response: ServerResponse) => void): RequestHandler =>
  (_, response, next) => {
    const writeHead = response.writeHead.bind(response) as (...args: readonly unknown[]) => never;
    response.writeHead = (...args: readonly unknown[]) => {
      edit(response);
      return writeHead(...args);
    };
    next();
  };

describe.each(versions)('%s', (_, express, other) => {
  const quiet = () => express().set('env', 'test');

  test.each<[string, RequestHandler, number]>([
    ['json', (_q, response) => void response.json({ a: 1 }), 200],
    ['send', (_q, response) => void response.send('text'), 200],
    ['sendStatus', (_q, response) => void response.sendStatus(202), 202],
    ['redirect', (_q, response) => response.redirect('/other'), 302],
    ['sendFile', (_q, response) => response.sendFile(import.meta.filename), 200],
    ['write', (_q, response) => void (response.write('a'), response.end('b')), 200],
    ['flushHeaders', (_q, response) => void (response.flushHeaders(), response.end()), 200],
    ['an early hint first', (_q, response) => hinted(response), 200],
    ['writeHead', (_q, response) => void response.writeHead(201, { 'x-b': '2' }).end(), 201],
    ['an error of the handler', (_q, _r, next) => next(new Error('broken')), 500],
    ['no route', (_q, _r, next) => next(), 404],
  ])('edits of headers hold for %s', async (_, handler, status) => {
    const answer = await answerOf(quiet().get('/', admitting(...edits), handler));
    expect(answer.status).toBe(status);
    expectHeaders(answer, { ...held, vary: status === 302 ? 'Accept, Origin' : 'Origin' });
  });

  test('edits of headers hold for a denial', async () => {
    const answer = await answerOf(quiet().use(denying(...edits)));
    expect(answer.status).toBe(403);
    expectHeaders(answer, held);
  });

  test('wrappers of writeHead before and after the guard run in the order in which they are mounted', async () => {
    const app = quiet()
      .use(onHead((response) => response.setHeader('vary', seen(response, 'outer'))))
      .use(admitting(...edits))
      .use(onHead((response) => response.setHeader('vary', seen(response, 'inner'))));
    app.get('/', (_q, response) => void response.json({}));
    expectHeaders(await answerOf(app), { ...held, vary: 'inner, Origin, outer' });
  });

  test('of a guard of the application and one of the route, the nearer one edits first', async () => {
    const app = quiet().use(admitting(...edits));
    app.get('/', admitting(set('x-a', '2'), append('vary', 'Accept')), (_q, response) => {
      response.json({});
    });
    expectHeaders(await answerOf(app), { ...held, 'x-a': '2', vary: 'Accept, Origin' });
  });

  test('edits in a mounted application hold behind it, when it calls next', async () => {
    const inner = quiet().use(admitting(append('vary', 'Inner')));
    const app = quiet()
      .use(admitting(...edits))
      .use('/inner', inner);
    app.use((_q, response) => void response.json({}));
    expectHeaders(await answerOf(app, '/inner'), { ...held, vary: 'Inner, Origin' });
  });

  test.each<[string, (app: Express, mounted: Express) => unknown]>([
    ['is mounted', (app, mounted) => app.use(mounted)],
    ['is called', (app, mounted) => app.use((q, r, next) => mounted(q, r, next))],
    ['stands in a router', (app, mounted) => app.use(express.Router().use(mounted))],
    ['stands on a route', (app, mounted) => app.get('/', mounted)],
  ])('edits hold where an application of another Express %s', async (_, mount) => {
    const mounted = other().set('env', 'test');
    mounted.get('/', (_q, response) => void response.json({}));
    const app = quiet().use(admitting(...edits));
    mount(app, mounted);
    expectHeaders(await answerOf(app), held);
  });

  test('handlers get what fits this engine: dictionaries or objects with hidden classes', async () => {
    const app = quiet().use(admitting(...edits));
    app.get('/', (request, response) => {
      const both = [request, response].map(isDictionary);
      response.json({ both, linked: request.res === response && response.req === request });
    });
    const isOne = profitsFromDictionaries(process.versions);
    const answer = await answerOf(app);
    expect(await answer.json()).toEqual({ both: [isOne, isOne], linked: true });
  });
});

function hinted(response: ServerResponse): void {
  response.writeEarlyHints({ link: '</a.css>; rel=preload; as=style' });
  response.end();
}

function seen(response: ServerResponse, name: string): string {
  return [response.getHeader('vary') ?? [], name].flat().join(', ');
}
