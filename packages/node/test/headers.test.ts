import type { ServerResponse } from 'node:http';
import type { HeaderEdit } from '@apisec/core';
import { holdHeaders, type NodeHead } from '@apisec/core/host';
import { describe, expect, test } from 'vitest';
import type { NodeResponse } from '../src/response.ts';
import { call, exchange, serveHttp1, serveHttp2 } from './servers.ts';

// Its methods are overloaded; they take what their names say.
const hold = (response: NodeResponse, edits: readonly HeaderEdit[]) =>
  holdHeaders(response as unknown as NodeHead, [edits]);

/** The lines of the head that a handler's response gets. */
async function head(
  headers: readonly HeaderEdit[],
  handler: (response: ServerResponse) => void,
): Promise<readonly string[]> {
  const base = await serveHttp1((_, response) => {
    hold(response, headers);
    handler(response);
    if (!response.writableEnded) response.end();
  });
  const answer = await exchange(base, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  const [top = ''] = answer.split('\r\n\r\n');
  return top
    .split('\r\n')
    .filter((line) => !/^(?:date|connection|content-length|transfer-encoding):/i.test(line));
}

const append = (name: string, value: string): HeaderEdit => ({ op: 'append', name, value });
const set = (name: string, value: string): HeaderEdit => ({ op: 'set', name, value });
const remove = (name: string): HeaderEdit => ({ op: 'delete', name });
/** As policies keep it: hosts need not look at it again. */
const lasting = (edits: readonly HeaderEdit[]): readonly HeaderEdit[] =>
  Object.freeze(edits.map((edit) => Object.freeze({ ...edit })));
const OK = 'HTTP/1.1 200 OK';

describe('on the wire', () => {
  test.each<[string, readonly HeaderEdit[], (response: ServerResponse) => void, readonly string[]]>(
    [
      ['a set stands', [set('x-a', '1')], () => undefined, [OK, 'x-a: 1']],
      [
        'a set gives way to the handler',
        [set('x-a', '1')],
        (r) => r.setHeader('X-A', '2'),
        [OK, 'X-A: 2'],
      ],
      [
        'a later set replaces an earlier',
        [set('x-a', '1'), set('X-A', '2')],
        () => undefined,
        [OK, 'X-A: 2'],
      ],
      [
        'an append alone is a header',
        [append('vary', 'Origin')],
        () => undefined,
        [OK, 'vary: Origin'],
      ],
      [
        'an append adds to the handler',
        [append('Vary', 'Origin')],
        (r) => r.setHeader('vary', 'Accept'),
        [OK, 'vary: Accept, Origin'],
      ],
      [
        'an append adds to a list',
        [append('vary', 'Origin')],
        (r) => r.setHeader('vary', ['A', 'B']),
        [OK, 'vary: A, B, Origin'],
      ],
      [
        'two appends both add',
        [append('vary', 'A'), append('vary', 'B')],
        () => undefined,
        [OK, 'vary: A, B'],
      ],
      [
        'a cookie is a line of its own',
        [append('set-cookie', 'b=2')],
        (r) => r.setHeader('set-cookie', 'a=1'),
        [OK, 'set-cookie: a=1', 'set-cookie: b=2'],
      ],
      ['a delete holds', [remove('X-Powered-By')], (r) => r.setHeader('x-powered-by', 'me'), [OK]],
      [
        'a set after a delete stands',
        [remove('x-a'), set('X-A', '1')],
        () => undefined,
        [OK, 'X-A: 1'],
      ],
      ['a delete after a set holds', [set('x-a', '1'), remove('x-a')], () => undefined, [OK]],
      [
        'an append after a delete begins anew',
        [remove('vary'), append('vary', 'B')],
        (r) => r.setHeader('vary', 'A'),
        [OK, 'vary: B'],
      ],
      [
        'writeHead with an object merges',
        [append('vary', 'B'), remove('server')],
        (r) => r.writeHead(200, { Vary: 'A', Server: 'me' }),
        [OK, 'Vary: A, B'].map((line) => line.replace('Vary', 'vary')),
      ],
      [
        'a set gives way to a header of writeHead, whatever its case',
        [set('x-a', '1'), set('x-b', '1')],
        (r) => r.writeHead(200, { 'X-A': '2' }),
        [OK, 'X-A: 2', 'x-b: 1'],
      ],
      [
        'a set gives way to headers that were set before those of writeHead',
        [set('x-a', '1'), set('x-b', '1')],
        (r) => r.setHeader('X-A', '2').writeHead(200, { 'X-B': '3' }),
        [OK, 'X-A: 2', 'X-B: 3'],
      ],
      [
        'a delete holds against writeHead, whatever its case',
        [remove('server')],
        (r) => r.writeHead(200, { SERVER: 'me', 'x-a': '1' }),
        [OK, 'x-a: 1'],
      ],
      [
        'cookies of writeHead stay lines of their own',
        [append('set-cookie', 'c=3')],
        (r) => r.writeHead(200, { 'Set-Cookie': ['a=1', 'b=2'] }),
        [OK, 'set-cookie: a=1', 'set-cookie: b=2', 'set-cookie: c=3'],
      ],
      [
        'a set after an append does not touch what the handler has set',
        [append('vary', 'B'), set('vary', 'C')],
        (r) => r.setHeader('vary', 'A'),
        [OK, 'vary: A, B'],
      ],
      [
        'writeHead with a flat list merges',
        [append('vary', 'B')],
        (r) => r.writeHead(200, ['x-a', '1', 'X-A', '2', 'vary', 'A']),
        [OK, 'x-a: 1', 'x-a: 2', 'vary: A, B'],
      ],
      [
        'writeHead with a reason keeps it',
        [append('vary', 'B')],
        (r) => r.writeHead(200, 'Fine', { vary: 'A' }),
        ['HTTP/1.1 200 Fine', 'vary: A, B'],
      ],
      [
        'writeHead with a reason alone keeps it',
        [append('vary', 'B')],
        (r) => r.writeHead(200, 'Fine'),
        ['HTTP/1.1 200 Fine', 'vary: B'],
      ],
      [
        'flushHeaders merges',
        [append('vary', 'B')],
        (r) => r.setHeader('vary', 'A').flushHeaders(),
        [OK, 'vary: A, B'],
      ],
      [
        'a write merges',
        [append('vary', 'B')],
        (r) => r.setHeader('vary', 'A').write('x'),
        [OK, 'vary: A, B'],
      ],
    ],
  )('%s', async (_, edits, handler, lines) => {
    expect(await head(edits, handler)).toEqual(lines);
    expect(await head(lasting(edits), handler)).toEqual(lines);
  });

  test('cached lists are combined, unless they name the same field', async () => {
    const lists = [
      [remove('server'), set('x-a', '1'), append('vary', 'A')],
      [set('x-b', '2')],
      [append('vary', 'B'), remove('x-a')],
    ].map(lasting);
    const answers = async (count: number, given: Record<string, string>) => {
      const base = await serveHttp1((_, response) => {
        holdHeaders(response as unknown as NodeHead, lists.slice(0, count));
        response.writeHead(200, given).end();
      });
      const { headers } = await fetch(base);
      return ['server', 'x-a', 'x-b', 'vary'].map((name) => headers.get(name));
    };
    expect(await answers(2, { 'X-C': '3' })).toEqual([null, '1', '2', 'A']);
    expect(await answers(2, { Server: 'me', 'X-B': '4' })).toEqual([null, '1', '4', 'A']);
    expect(await answers(3, {})).toEqual([null, null, '2', 'A, B']);
  });
});

test('over HTTP/2 the same holds', async () => {
  const edits = [set('x-a', '1'), append('vary', 'B'), remove('server')];
  const session = await serveHttp2((_, response) => {
    hold(response, edits);
    response.writeHead(200, { vary: 'A', server: 'me' });
    response.end('in');
  });
  const { headers, body } = await call(session, { ':path': '/' });
  expect(body).toBe('in');
  expect(headers).toMatchObject({ 'x-a': '1', vary: 'A, B' });
  expect(headers).not.toHaveProperty('server');
});

test('two decisions on one response both hold', async () => {
  const base = await serveHttp1((_, response) => {
    hold(response, [append('vary', 'B'), remove('server')]);
    hold(response, [append('vary', 'C')]);
    response.setHeader('vary', 'A').setHeader('server', 'me').end();
  });
  const { headers } = await fetch(base);
  expect(headers.get('vary')).toBe('A, C, B');
  expect(headers.get('server')).toBeNull();
});

test.each([
  ['a line break in a value', set('x', 'a\r\nset-cookie: b')],
  ['a line break in an appended value', append('x', 'a\nb')],
  ['a name that is not a token', set('x y', 'a')],
  ['an appended name that is not a token', append('x:', 'a')],
  ['a name that plain objects take for their prototype', set('__proto__', 'a')],
  ['a deleted name that is not a token', remove('x y')],
  // Plain JavaScript may write anything there.
  ['an operation that nobody knows', { op: 'put', name: 'x', value: 'a' } as unknown as HeaderEdit],
])('%s is a denial, not a throw', async (_, edit) => {
  let denial: unknown;
  const base = await serveHttp1((_, response: NodeResponse) => {
    denial = hold(response, [edit]);
    response.end();
  });
  await fetch(base);
  expect(denial).toMatchObject({ kind: 'internal', code: 'policy.invalid_outcome' });
});
