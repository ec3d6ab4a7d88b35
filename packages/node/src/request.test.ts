import { METHODS } from 'node:http';
import { pathOf, type RequestLike } from '@apisec/core';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { call, exchange, receiveHttp2, serveHttp1, serveHttp2 } from '../test/servers.ts';
import { hasBody, type NodeIncoming, nodeRequest } from './request.ts';

/** What `read` finds in the view of a request that is sent as these lines. */
async function view<T>(lines: readonly string[], read: (view: RequestLike) => T): Promise<T> {
  let found: T | undefined;
  const base = await serveHttp1((incoming, response) => {
    found = read(nodeRequest(incoming));
    response.end();
  });
  const [line = 'GET / HTTP/1.1', ...fields] = lines;
  await exchange(base, [line, 'Host: a', 'Connection: close', ...fields, '', ''].join('\r\n'));
  // A request that the server denies itself has no view, which no test here sends.
  return found as T;
}

const get = (name: string) => (request: RequestLike) => request.headers.get(name);
const line = 'GET / HTTP/1.1';
const PSEUDO = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':path', '/a?b'],
  [':authority', 'api.example.com'],
] as const;

/** Every field that Node treats in a way of its own, in HTTP/1 or HTTP/2, and some that it does not. */
const FIELDS = [
  'accept',
  'accept-encoding',
  'access-control-allow-credentials',
  'access-control-max-age',
  'access-control-request-headers',
  'access-control-request-method',
  'age',
  'authorization',
  'cache-control',
  'content-encoding',
  'content-language',
  'content-location',
  'content-md5',
  'content-range',
  'content-type',
  'date',
  'dnt',
  'dpop',
  'etag',
  'expires',
  'forwarded',
  'from',
  'idempotency-key',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'last-modified',
  'location',
  'max-forwards',
  'origin',
  'pragma',
  'proxy-authorization',
  'range',
  'referer',
  'retry-after',
  'sec-fetch-site',
  'server',
  'signature',
  'signature-input',
  'tk',
  'user-agent',
  'x-api-key',
  'x-content-type-options',
  'x-forwarded-for',
  'x-http-method-override',
];

describe('headers', () => {
  test('are found in any case', async () => {
    expect(await view([line, 'X-API-Key: k'], get('x-Api-kEY'))).toBe('k');
  });

  test('that are absent are null, whatever their name', async () => {
    const names = [
      'x',
      '',
      '__proto__',
      'constructor',
      'toString',
      'hasOwnProperty',
      ':path',
      'a b',
    ];
    const found = await view([line], ({ headers }) =>
      names.map((name) => [headers.get(name), headers.has(name)]),
    );
    expect(found).toEqual(names.map(() => [null, false]));
  });

  test.each(['constructor', 'toString', 'hasownproperty'])('may be called %s', async (name) => {
    expect(await view([line, `${name}: v`], get(name))).toBe('v');
  });

  test.each(FIELDS)('%s is joined when it is repeated', async (name) => {
    const fields = [`${name}: a`, `${name.toUpperCase()}: b`, `${name}: c`];
    expect(await view([line, ...fields], get(name))).toBe('a, b, c');
    const seen = await receiveHttp2(
      [...PSEUDO, [name, 'a'], [name, 'b'], [name, 'c']],
      (incoming) => nodeRequest(incoming).headers.get(name),
    );
    expect(seen).toBe('a, b, c');
  });

  test('Host is seen when it is repeated', async () => {
    expect(await view([line, 'Host: b'], get('host'))).toBe('a, b');
  });

  test('Cookie is joined as cookies are, Set-Cookie as a list', async () => {
    expect(await view([line, 'Cookie: a=1', 'cookie: b=2'], get('cookie'))).toBe('a=1; b=2');
    expect(await view([line, 'Set-Cookie: a', 'Set-Cookie: b'], get('set-cookie'))).toBe('a, b');
  });

  test('are empty, not absent, where their value is empty', async () => {
    const read = ({ headers }: RequestLike) => [headers.get('x'), headers.has('X')];
    expect(await view([line, 'X:'], read)).toEqual(['', true]);
    expect(await view([line, 'Authorization: ', 'Authorization: b'], get('authorization'))).toBe(
      ', b',
    );
  });

  test('that the application removed or replaced are gone, except where the wire was ambiguous', async () => {
    const read = async (fields: readonly string[], change: (incoming: NodeIncoming) => void) => {
      let found: unknown;
      const base = await serveHttp1((incoming, response) => {
        change(incoming);
        found = nodeRequest(incoming).headers.get('authorization');
        response.end();
      });
      await exchange(base, [line, 'Host: a', 'Connection: close', ...fields, '', ''].join('\r\n'));
      return found;
    };
    const one = 'Authorization: a';
    const set = (value: string | undefined) => (incoming: NodeIncoming) => {
      incoming.headers.authorization = value;
    };
    expect(await read([one], set('mine'))).toBe('mine');
    expect(await read([], set('mine'))).toBe('mine');
    expect(await read([one], set(undefined))).toBeNull();
    expect(await read([one], (incoming) => void delete incoming.headers.authorization)).toBeNull();
    expect(await read([one, 'Authorization: b'], set('mine'))).toBe('a, b');
  });

  test('agree with web Headers, repeated as often as one likes', async () => {
    const field = fc.tuple(
      fc.constantFrom('authorization', 'Content-Type', 'x-a', 'X-B', 'referer', 'Origin', 'from'),
      fc.stringMatching(/^[\x21-\x7e]{0,8}$/),
    );
    const base = await serveHttp1((incoming, response) => {
      const { headers } = nodeRequest(incoming);
      const names = ['authorization', 'content-type', 'x-a', 'x-b', 'referer', 'origin', 'from'];
      response.end(JSON.stringify(names.map((name) => [name, headers.get(name)])));
    });
    await fc.assert(
      fc.asyncProperty(fc.array(field, { maxLength: 12 }), async (fields) => {
        const web = new Headers(fields);
        const lines = fields.map(([name, value]) => `${name}: ${value}`);
        const text = [line, 'Host: a', 'Connection: close', ...lines, '', ''].join('\r\n');
        const answer = await exchange(base, text);
        const seen = JSON.parse(answer.slice(answer.indexOf('[['))) as [string, string | null][];
        for (const [name, value] of seen) expect(value).toBe(web.get(name));
      }),
      { numRuns: 50 },
    );
  });
});

describe('HTTP/2', () => {
  const ask = (fields: readonly (readonly [string, string])[], name: string) =>
    receiveHttp2(fields, (incoming) => {
      const { headers, url, method } = nodeRequest(incoming);
      return [headers.get(name), url, method];
    });

  test('says in Host what stands in :authority', async () => {
    expect(await ask(PSEUDO, 'Host')).toEqual(['api.example.com', '/a?b', 'GET']);
    expect((await ask([...PSEUDO, ['host', 'api.example.com']], 'host'))[0]).toBe(
      'api.example.com',
    );
  });

  test('shows both where Host says something else', async () => {
    const found = await ask([...PSEUDO, ['host', 'evil.example']], 'host');
    expect(found[0]).toBe('api.example.com, evil.example');
  });

  test.each([':authority', ':path', ':method'])('does not show %s as a header', async (name) => {
    expect((await ask(PSEUDO, name))[0]).toBeNull();
  });
});

describe('the target', () => {
  test.each([
    ['/orders?page=2', '/orders?page=2', '/orders'],
    ['//evil.example/x', '//evil.example/x', '//evil.example/x'],
    ['http://evil.example/orders?page=2', '/orders?page=2', '/orders'],
    ['http://evil.example', '/', '/'],
    ['http://[::1]:80/orders', '/orders', '/orders'],
    ['*', '*', '/'],
  ])('%s is %s', async (target, url, path) => {
    const lines = [`${target === '*' ? 'OPTIONS' : 'GET'} ${target} HTTP/1.1`];
    expect(await view(lines, (request) => request.url)).toBe(url);
    expect(await view(lines, (request) => pathOf(request))).toBe(path);
  });

  test.each([
    'http://a?b/admin',
    'http://a;42/admin',
    'http://a%2Fadmin/x',
    'http://a:80:90/x',
    'http://a@b/x',
    'http:///admin',
  ])('%s stays as it is, since routers disagree on its path', async (target) => {
    expect(await view([`GET ${target} HTTP/1.1`], (request) => request.url)).toBe(target);
  });

  test('is what the caller sent, also where a framework has rewritten it', () => {
    const rewritten = { url: '/7', originalUrl: '/orders/7?x', headers: {} } as never;
    expect(nodeRequest(rewritten).url).toBe('/orders/7?x');
  });
});

test.each(METHODS.filter((method) => method !== 'CONNECT'))(
  'the method %s is passed on',
  async (method) => {
    expect(await view([`${method} / HTTP/1.1`], (request) => request.method)).toBe(method);
  },
);

describe('a body', () => {
  const has = async (lines: readonly string[], body = '') => {
    let found: boolean | undefined;
    const base = await serveHttp1((incoming, response) => {
      found = hasBody(incoming);
      incoming.resume();
      response.end();
    });
    const head = ['POST / HTTP/1.1', 'Host: a', 'Connection: close', ...lines, '', ''].join('\r\n');
    await exchange(base, head + body);
    return found;
  };

  test.each([
    ['nothing', [], '', false],
    ['a length of zero', ['Content-Length: 0'], '', false],
    ['a length', ['Content-Length: 2'], '{}', true],
    ['chunks', ['Transfer-Encoding: chunked'], '2\r\n{}\r\n0\r\n\r\n', true],
  ])('is there or not, as the framing says: %s', async (_, lines, body, expected) => {
    expect(await has(lines, body)).toBe(expected);
  });

  test('over HTTP/2 needs no length', async () => {
    const seen: boolean[] = [];
    const session = await serveHttp2((incoming, response) => {
      seen.push(hasBody(incoming));
      incoming.resume();
      response.end();
    });
    await call(session, { ':method': 'GET' });
    const stream = session.request({ ':method': 'POST' });
    stream.end('{}');
    await new Promise((resolve) => stream.resume().on('close', resolve));
    expect(seen).toEqual([false, true]);
  });
});
