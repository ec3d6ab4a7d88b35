import { connect as connectTcp, createServer as createTcp } from 'node:net';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { ConfigurationError } from '@apisec/core';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { listen, openFetch, outcome, serve, track } from '../../test/kit.ts';
import { isEgressError } from './egress-error.ts';
import { type SafeFetchOptions, safeFetch } from './safe-fetch.ts';

describe('an honest call', () => {
  test('is answered as fetch answers it', async () => {
    const server = await serve((request, response) => {
      response.setHeader('set-cookie', ['a=1', 'b=2']);
      response.setHeader('x-method', request.method ?? '');
      response.end(JSON.stringify({ url: request.url }));
    });
    const response = await openFetch([server])(server.url('/a?b=1#c'));
    expect(response).toBeInstanceOf(Response);
    expect(response.status).toBe(200);
    expect(response.url).toBe(server.url('/a?b=1'));
    expect(response.redirected).toBe(false);
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect(await response.json()).toEqual({ url: '/a?b=1' });
  });

  test.each<[string, () => RequestInit, string, string | undefined]>([
    ['text', () => ({ body: 'hällo' }), 'hällo', 'text/plain;charset=UTF-8'],
    ['bytes', () => ({ body: new TextEncoder().encode('bytes') }), 'bytes', undefined],
    [
      'form',
      () => ({ body: new URLSearchParams({ a: '1' }) }),
      'a=1',
      'application/x-www-form-urlencoded;charset=UTF-8',
    ],
    ['a blob', () => ({ body: new Blob(['blob'], { type: 'text/x' }) }), 'blob', 'text/x'],
    [
      'a stream',
      () => ({ body: new Blob(['stream']).stream(), duplex: 'half' }) as RequestInit,
      'stream',
      undefined,
    ],
  ])('sends %s', async (_name, init, text, type) => {
    let received = '';
    const server = await serve((request, response) => {
      request.on('data', (chunk: Buffer) => {
        received += chunk.toString();
      });
      request.on('end', () => response.end(request.headers['content-type'] ?? ''));
    });
    const response = await openFetch([server])(server.url(), { method: 'POST', ...init() });
    expect(await response.text()).toBe(type ?? '');
    expect(received).toBe(text);
  });

  test('takes a Request, and a URL object', async () => {
    const server = await serve((request, response) => response.end(request.headers['x-a']));
    const fetch = openFetch([server]);
    const response = await fetch(new Request(server.url(), { headers: { 'x-a': '1' } }));
    expect(await response.text()).toBe('1');
    expect(await outcome(fetch(new URL(server.url())))).toBe(200);
  });

  test.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
    ['deflate', deflateSync],
    ['deflate', deflateRawSync],
  ])('is decoded: %s', async (coding, encode) => {
    const text = 'abc'.repeat(100_000);
    const server = await serve((_, response) => {
      response.setHeader('content-encoding', coding);
      response.end(encode(Buffer.from(text)));
    });
    expect(await (await openFetch([server])(server.url())).text()).toBe(text);
  });

  test('streams a large body, and only as fast as it is read', async () => {
    const server = await serve((_, response) => {
      let left = 400;
      const more = (): void => {
        while (left-- > 0)
          if (!response.write('x'.repeat(10_000))) return void response.once('drain', more);
        response.end();
      };
      more();
    });
    const response = await openFetch([server])(server.url());
    expect((await response.text()).length).toBe(4_000_000);
  });

  test('is answered without a body where there is none', async () => {
    const server = await serve((_, response) => response.writeHead(204).end());
    const fetch = openFetch([server]);
    expect((await fetch(server.url())).body).toBeNull();
    expect(await (await fetch(server.url(), { method: 'HEAD' })).text()).toBe('');
  });

  test('uses one connection after another', async () => {
    const ports = new Set<number | undefined>();
    const server = await serve((request, response) => {
      ports.add(request.socket.remotePort);
      response.end('ok');
    });
    const fetch = openFetch([server]);
    for (let time = 0; time < 5; time++) await (await fetch(server.url())).text();
    // A connection rests for one turn before it is used again.
    expect(ports.size).toBeLessThanOrEqual(2);
  });
});

describe('names', () => {
  const named = (addresses: readonly (readonly string[])[], options: SafeFetchOptions = {}) => {
    let at = 0;
    const resolve = vi.fn(async () => addresses[Math.min(at++, addresses.length - 1)] ?? []);
    return { resolve, options: { ...options, resolve } };
  };

  test.each<[string, readonly string[]]>([
    ['loopback', ['127.0.0.1']],
    ['a private address behind a public one', ['93.184.215.14', '10.0.0.1']],
    ['metadata', ['169.254.169.254']],
    ['metadata over IPv6', ['fd00:ec2::254']],
    ['mapped loopback', ['::ffff:127.0.0.1']],
    ['NAT64 loopback', ['64:ff9b::7f00:1']],
    ['link-local with a zone', ['fe80::1%eth0']],
    ['what is not an address', ['localhost']],
  ])('that resolve to %s are denied before anything is sent', async (_name, addresses) => {
    const { options } = named([addresses]);
    const fetch = track(safeFetch(options));
    expect(await outcome(fetch('http://rebind.example.com/'))).toBe('egress.address_not_allowed');
  });

  test('are resolved once for each connection, which stays where it was checked', async () => {
    const server = await serve((request, response) => response.end(request.headers.host));
    // The second answer would lead elsewhere.
    const { resolve, options } = named([['127.0.0.1'], ['169.254.169.254']], {
      maxConnectionsPerOrigin: 1,
    });
    const fetch = openFetch([server], options);
    for (let time = 0; time < 3; time++) {
      const response = await fetch(`http://api.example.com:${server.port}/`);
      expect(await response.text()).toBe(`api.example.com:${server.port}`);
    }
    expect(resolve).toHaveBeenCalledTimes(1);
  });

  // Covers: API7:2023, V1.3.6
  test('that are rebound between two connections are denied at the second', async () => {
    const server = await serve((_, response) =>
      response.setHeader('connection', 'close').end('ok'),
    );
    const { options } = named([['127.0.0.1'], ['10.0.0.1']]);
    const fetch = openFetch([server], options);
    expect(await outcome(fetch(`http://api.example.com:${server.port}/`))).toBe(200);
    await vi.waitFor(async () => {
      expect(await outcome(fetch(`http://api.example.com:${server.port}/`))).toBe(
        'egress.address_not_allowed',
      );
    }, 20_000);
    expect(server.requests).toHaveLength(1);
  });

  test('are tried at their next address where the first is dead', async () => {
    const server = await serve((_, response) => response.end('ok'));
    // Nobody listens on the others of 127.0.0.0/8 at this port.
    const { options } = named([['127.0.0.99', '127.0.0.1']]);
    expect(
      await outcome(openFetch([server], options)(`http://a.example.com:${server.port}/`)),
    ).toBe(200);
  });

  test.each<[string, () => Promise<readonly string[]>]>([
    ['do not exist', () => Promise.reject(new Error('ENOTFOUND'))],
    ['have no address', async () => []],
    ['have no end of addresses', async () => Array.from({ length: 1_000 }, () => '8.8.8.8')],
    ['are never resolved', () => new Promise(() => undefined)],
  ])('that %s are told from those that are denied', async (_name, resolve) => {
    const fetch = track(safeFetch({ resolve, connectTimeout: '50ms' }));
    expect(await outcome(fetch('http://gone.example.com/'))).toBe('egress.name_unresolved');
  });

  test('localhost is denied by its name, and leads nowhere else where its network is allowed', async () => {
    const server = await serve((_, response) => response.end('ok'));
    expect(await outcome(track(safeFetch())('http://localhost/'))).toBe('egress.host_local');
    expect(await outcome(openFetch([server])(`http://localhost:${server.port}/`))).toBe(200);
  });
});

describe('redirects', () => {
  const redirecting = async (location: string, status = 302) =>
    serve((request, response) => {
      if (request.url === '/start') response.writeHead(status, { location }).end();
      else response.end(JSON.stringify({ method: request.method, headers: request.headers }));
    });

  test('are followed and reported', async () => {
    const server = await redirecting('/end');
    const response = await openFetch([server])(server.url('/start'));
    expect(response.redirected).toBe(true);
    expect(response.url).toBe(server.url('/end'));
  });

  test.each([
    ['http://169.254.169.254/', 'egress.address_not_allowed'],
    ['http://2852039166/', 'egress.address_not_allowed'],
    ['http://[::ffff:a9fe:a9fe]/', 'egress.address_not_allowed'],
    ['//10.0.0.1/', 'egress.address_not_allowed'],
    ['\\\\10.0.0.1/', 'egress.address_not_allowed'],
    ['/\\10.0.0.1/', 'egress.address_not_allowed'],
    ['http://10.0.0.1:22/', 'egress.port_not_allowed'],
    ['file:///etc/passwd', 'egress.scheme_not_allowed'],
    ['gopher://127.0.0.1/_x', 'egress.scheme_not_allowed'],
    ['http://user:pass@example.com/', 'egress.url_credentials'],
    ['http:///example.com/', 'egress.url_malformed'],
    ['http://exa mple.com/', 'egress.url_malformed'],
    ['http://metadata.google.internal/', 'egress.host_local'],
  ])('to %j are denied: %s', async (location, code) => {
    const server = await redirecting(location);
    expect(await outcome(openFetch([server])(server.url('/start')))).toBe(code);
  });

  // Covers: API7:2023, V1.3.6
  test('to a name that resolves to a private address are denied', async () => {
    const server = await redirecting('http://inner.example.com/');
    const fetch = openFetch([server], { resolve: async () => ['10.0.0.1'] });
    expect(await outcome(fetch(server.url('/start')))).toBe('egress.address_not_allowed');
  });

  test('to another origin take no credentials along, and none come back', async () => {
    const home = await serve((request, response) => {
      if (request.url === '/start') response.writeHead(302, { location: other.url('/hop') }).end();
      else response.end(JSON.stringify(request.headers));
    });
    const other = await serve((_, response) =>
      response.writeHead(302, { location: home.url('/back') }).end(),
    );
    const secrets = {
      authorization: 'Bearer secret',
      cookie: 'session=secret',
      'x-api-key': 'secret',
      'x-request-id': '7',
      accept: 'text/html',
    };
    const fetch = openFetch([home, other], { crossOriginHeaders: ['X-Request-Id'] });
    const response = await fetch(home.url('/start'), { headers: secrets });
    const seen = [other.requests[0]?.headers, await response.json()];
    for (const headers of seen) {
      expect(JSON.stringify(headers)).not.toContain('secret');
      expect(headers).toMatchObject({ accept: 'text/html', 'x-request-id': '7' });
    }
  });

  test('within an origin keep them', async () => {
    const server = await redirecting('/end');
    const response = await openFetch([server])(server.url('/start'), {
      headers: { authorization: 'Bearer token' },
    });
    expect(await response.json()).toMatchObject({ headers: { authorization: 'Bearer token' } });
  });

  test.each([
    [301, 'POST', 'GET'],
    [302, 'POST', 'GET'],
    [303, 'PUT', 'GET'],
    [302, 'PUT', 'PUT'],
    [307, 'POST', 'POST'],
    [308, 'POST', 'POST'],
  ])('with %i make a %s a %s', async (status, method, then) => {
    const server = await redirecting('/end', status);
    const response = await openFetch([server])(server.url('/start'), { method, body: 'x' });
    const { method: sent, headers } = (await response.json()) as {
      method: string;
      headers: object;
    };
    expect(sent).toBe(then);
    expect('content-type' in headers).toBe(then !== 'GET');
  });

  test('do not carry a body to another origin', async () => {
    const other = await serve((_, response) => response.end());
    const server = await redirecting(other.url('/'), 307);
    const fetch = openFetch([server, other]);
    expect(await outcome(fetch(server.url('/start'), { method: 'POST', body: 'secret' }))).toBe(
      'egress.redirect_body',
    );
    expect(other.requests).toHaveLength(0);
  });

  test('end after as many as are allowed', async () => {
    const server = await serve((request, response) =>
      response.writeHead(302, { location: `${request.url}x` }).end(),
    );
    const fetch = openFetch([server], { maxRedirects: 3 });
    expect(await outcome(fetch(server.url()))).toBe('egress.too_many_redirects');
    expect(server.requests).toHaveLength(4);
  });

  // Covers: V15.3.2
  test('are handed back or denied where that was asked for', async () => {
    const server = await redirecting('http://10.0.0.1/');
    const fetch = openFetch([server]);
    const response = await fetch(server.url('/start'), { redirect: 'manual' });
    expect([response.status, response.headers.get('location')]).toEqual([302, 'http://10.0.0.1/']);
    expect(await outcome(fetch(server.url('/start'), { redirect: 'error' }))).toBe(
      'egress.too_many_redirects',
    );
  });

  test('with several targets are denied', async () => {
    const port = await raw(
      'HTTP/1.1 302 Found\r\nlocation: /a\r\nlocation: http://10.0.0.1/\r\ncontent-length: 0\r\n\r\n',
    );
    expect(await outcome(openFetch([{ port }])(`http://127.0.0.1:${port}/`))).toBe(
      'egress.response_malformed',
    );
  });

  test('with a body without end are followed all the same', async () => {
    const server = await serve((request, response) => {
      if (request.url === '/end') return void response.end('ok');
      response.writeHead(302, { location: '/end' });
      const more = (): void => {
        while (response.write('x'.repeat(16_384)));
        response.once('drain', more);
      };
      more();
    });
    const response = await openFetch([server])(server.url('/start'));
    expect(await response.text()).toBe('ok');
  });
});

/** A server that answers bytes to whatever it reads. */
async function raw(answer: string | Buffer | (() => void)): Promise<number> {
  return listen(
    createTcp((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => {
        if (typeof answer !== 'function') socket.write(answer);
      });
    }),
  );
}

describe('bounds', () => {
  // Covers: API10:2023
  test('a body that is longer than allowed is cut off, whether it says so or not', async () => {
    const server = await serve((request, response) => {
      if (request.url === '/said') response.setHeader('content-length', 2_000);
      response.end('x'.repeat(2_000));
    });
    const fetch = openFetch([server], { maxResponseBytes: 1_000 });
    expect(await outcome(fetch(server.url('/said')))).toBe('egress.response_too_large');
    const chunked = await serve((_, response) => {
      response.write('x'.repeat(600));
      response.end('x'.repeat(600));
    });
    const other = openFetch([chunked], { maxResponseBytes: 1_000 });
    await expect((await other(chunked.url())).text()).rejects.toMatchObject({
      code: 'egress.response_too_large',
    });
    const honest = openFetch([chunked], { maxResponseBytes: 1_200 });
    expect((await (await honest(chunked.url())).text()).length).toBe(1_200);
  });

  test.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
    ['deflate', deflateSync],
  ])('a bomb is stopped at the limit of what comes out of it: %s', async (coding, encode) => {
    const bomb = encode(Buffer.alloc(50_000_000));
    const server = await serve((_, response) => {
      response.setHeader('content-encoding', coding);
      response.end(bomb);
    });
    const response = await openFetch([server], { maxResponseBytes: 1_000_000 })(server.url());
    let read = 0;
    const reading = (async () => {
      for await (const chunk of response.body ?? []) read += (chunk as Uint8Array).length;
    })();
    await expect(reading).rejects.toMatchObject({ code: 'egress.response_too_large' });
    expect(read).toBeLessThanOrEqual(1_000_000);
  });

  test('a coded body of which nothing comes out is cut off as well, at the same limit', async () => {
    // A header of gzip, and then blocks that hold nothing, without end.
    const block = Buffer.concat(Array.from({ length: 200 }, () => Buffer.of(0, 0, 0, 255, 255)));
    const server = await serve((_, response) => {
      response.setHeader('content-encoding', 'gzip');
      response.write(Buffer.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3));
      const more = (): void => {
        if (response.destroyed) return;
        if (response.write(block)) setImmediate(more);
        else response.once('drain', more);
      };
      more();
    });
    const fetch = openFetch([server], { maxResponseBytes: 10_000, timeout: '3s' });
    const response = await fetch(server.url());
    await expect(response.text()).rejects.toMatchObject({ code: 'egress.response_too_large' });
  });

  test.each(['gzip, gzip', 'zstd', 'compress', 'gzip;q=1'])(
    'the coding %s is not read',
    async (coding) => {
      const server = await serve((_, response) =>
        response.setHeader('content-encoding', coding).end('x'),
      );
      expect(await outcome(openFetch([server])(server.url()))).toBe('egress.encoding_unsupported');
    },
  );

  test.each([
    ['that is cut off', gzipSync(Buffer.from('x'.repeat(1_000))).subarray(0, 20)],
    ['that is none', Buffer.from('not gzip')],
  ])('a coded body %s is an error, not half an answer', async (_name, bytes) => {
    const server = await serve((_, response) =>
      response.setHeader('content-encoding', 'gzip').end(bytes),
    );
    const response = await openFetch([server])(server.url());
    await expect(response.text()).rejects.toMatchObject({ code: 'egress.response_malformed' });
  });

  test('a host that never answers, or never ends, is left after the timeout', async () => {
    const silent = await raw(() => undefined);
    const slow = await raw('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nx');
    const endless = await raw('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n');
    const fetch = openFetch([{ port: silent }, { port: slow }, { port: endless }], {
      timeout: '100ms',
    });
    expect(await outcome(fetch(`http://127.0.0.1:${silent}/`))).toBe('egress.timeout');
    expect(await outcome(fetch(`http://127.0.0.1:${slow}/`))).toBe('egress.timeout');
    const response = await fetch(`http://127.0.0.1:${endless}/`);
    await expect(response.text()).rejects.toMatchObject({ code: 'egress.timeout' });
  });

  test('a body that nobody reads ends with the timeout, and its place is free again', async () => {
    const server = await serve((_, response) => {
      response.write('x'.repeat(10));
    });
    const fetch = openFetch([server], { timeout: '100ms', maxConcurrent: 1 });
    const unread = await fetch(server.url());
    expect(await outcome(fetch(server.url()))).toBe('egress.overloaded');
    await expect(unread.text()).rejects.toMatchObject({ code: 'egress.timeout' });
    expect(await outcome(fetch(server.url()))).toBe(200);
  });

  test('informational answers are read, but not without end', async () => {
    const early = 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n';
    const last = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';
    const few = await raw(early.repeat(20) + last);
    const many = await raw(early.repeat(21) + last);
    const fetch = openFetch([{ port: few }, { port: many }]);
    expect(await outcome(fetch(`http://127.0.0.1:${few}/`))).toBe(200);
    expect(await outcome(fetch(`http://127.0.0.1:${many}/`))).toBe('egress.response_malformed');
  });

  test('of one call are 5 redirects, 10 MB, 5 s to connect and 30 s in all where nothing else is said', async () => {
    const server = await serve((request, response) => {
      if (request.url === '/silent') return;
      const size = { '/most': 10_000_000, '/more': 10_000_001 }[request.url ?? ''];
      if (size !== undefined) response.end(Buffer.alloc(size));
      else response.writeHead(302, { location: `${request.url}x` }).end();
    });
    const fetch = openFetch([server]);
    expect(await outcome(fetch(server.url()))).toBe('egress.too_many_redirects');
    expect(server.requests).toHaveLength(6);
    const most = await (await fetch(server.url('/most'))).arrayBuffer();
    expect(most.byteLength).toBe(10_000_000);
    expect(await outcome(fetch(server.url('/more')))).toBe('egress.response_too_large');
    const unresolved = openFetch([server], { resolve: () => new Promise(() => undefined) });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const after = async (call: Promise<Response>, ms: number) => {
      let ended: unknown;
      void outcome(call).then((how) => (ended = how));
      await vi.advanceTimersByTimeAsync(ms - 1);
      const before = ended;
      await vi.advanceTimersByTimeAsync(1);
      return [before, ended];
    };
    expect(await after(unresolved('http://gone.example.com/'), 5_000)).toEqual([
      undefined,
      'egress.name_unresolved',
    ]);
    expect(await after(fetch(server.url('/silent')), 30_000)).toEqual([
      undefined,
      'egress.timeout',
    ]);
  });

  test('of all calls are 1,000 at once and 32 connections to an origin where nothing else is said', async () => {
    const resolve = () => new Promise<never>(() => undefined);
    const unresolved = openFetch([], { resolve, connectTimeout: '20ms' });
    const calls = Array.from({ length: 1_001 }, () => outcome(unresolved('http://a.example.com/')));
    const codes = await Promise.all(calls);
    expect(codes.filter((code) => code !== 'egress.name_unresolved')).toEqual([
      'egress.overloaded',
    ]);

    const answers: (() => void)[] = [];
    const server = await serve((_, response) => void answers.push(() => response.end('ok')));
    const fetch = openFetch([server]);
    const all = Array.from({ length: 40 }, () => outcome(fetch(server.url())));
    await vi.waitFor(() => expect(answers.length).toBeGreaterThanOrEqual(32));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(answers).toHaveLength(32);
    for (const answer of answers.splice(0)) answer();
    await vi.waitFor(() => expect(answers).toHaveLength(8));
    for (const answer of answers) answer();
    expect(new Set(await Promise.all(all))).toEqual(new Set([200]));
  });

  test('a head without end is cut off', async () => {
    const port = await raw(`HTTP/1.1 200 OK\r\n${'x-a: aaaaaaaaaaaaaaaa\r\n'.repeat(5_000)}\r\n`);
    expect(await outcome(openFetch([{ port }])(`http://127.0.0.1:${port}/`))).toBe(
      'egress.response_malformed',
    );
  });

  test.each([
    ['no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx'],
    [
      'a length and chunks',
      'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n',
    ],
    ['a status that is none', 'HTTP/1.1 999 Odd\r\ncontent-length: 0\r\n\r\n'],
  ])('anything but one HTTP answer is an error: %s', async (_name, bytes) => {
    const port = await raw(bytes);
    expect(
      await outcome(openFetch([{ port }], { timeout: '2s' })(`http://127.0.0.1:${port}/`)),
    ).toBe('egress.response_malformed');
  });

  test('an invalid status is an error even if `Response` was replaced by one that allows it', async () => {
    const port = await raw('HTTP/1.1 999 Odd\r\ncontent-length: 0\r\n\r\n');
    vi.stubGlobal(
      'Response',
      class {
        readonly status: number;
        constructor(_body: unknown, { status }: { readonly status: number }) {
          this.status = status;
        }
      },
    );
    const given = await outcome(openFetch([{ port }])(`http://127.0.0.1:${port}/`));
    vi.unstubAllGlobals();
    expect(given).toBe('egress.response_malformed');
  });

  test('an empty answer gets no content type', async () => {
    const server = await serve((_, response) => response.end());
    const response = await openFetch([server])(server.url());
    expect(response.headers.get('content-type')).toBeNull();
    expect(await response.text()).toBe('');
  });

  test('a hundred calls over two connections are all answered', async () => {
    const server = await serve((_, response) => response.end('ok'));
    const fetch = openFetch([server], { maxConnectionsPerOrigin: 2 });
    const all = await Promise.all(Array.from({ length: 100 }, () => outcome(fetch(server.url()))));
    expect(new Set(all)).toEqual(new Set([200]));
    expect(new Set(server.requests.map(({ socket }) => socket)).size).toBeLessThanOrEqual(2);
  });

  test('an aborted call that waits for a connection does not open one later', async () => {
    let [opened, answers] = [0, false];
    const tcp = createTcp((socket) => {
      opened++;
      socket.on('error', () => undefined);
      socket.on('data', () => answers && socket.end('HTTP/1.1 204 No Content\r\n\r\n'));
    });
    const port = await listen(tcp);
    const fetch = openFetch([{ port }], { maxConnectionsPerOrigin: 2 });
    const call = (signal?: AbortSignal) =>
      outcome(fetch(`http://127.0.0.1:${port}/`, { signal: signal ?? null }));
    const all = Array.from({ length: 50 }, () => new AbortController());
    const calls = all.map(({ signal }) => call(signal));
    await vi.waitFor(() => expect(opened).toBe(2));
    for (const each of all) each.abort(new Error('enough'));
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['Error: enough']));
    await new Promise((resolve) => setTimeout(resolve, 100));
    // undici opens the two anew that were cut off.
    expect(opened).toBeLessThanOrEqual(4);
    answers = true;
    expect(await Promise.all([call(), call(), call()])).toEqual([204, 204, 204]);
  });

  test('an aborted call rejects with the reason, before, while it runs and while it is read', async () => {
    const server = await serve((_, response) => {
      response.write('x');
    });
    const fetch = openFetch([server]);
    const reason = new Error('enough');
    await expect(fetch(server.url(), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const later = new AbortController();
    const response = await fetch(server.url(), { signal: later.signal });
    later.abort(reason);
    await expect(response.text()).rejects.toBe(reason);
    const silent = await raw(() => undefined);
    const sooner = new AbortController();
    const call = openFetch([{ port: silent }])(`http://127.0.0.1:${silent}/`, {
      signal: sooner.signal,
    });
    sooner.abort(reason);
    await expect(call).rejects.toBe(reason);
  });
});

describe('requests', () => {
  test.each([
    'host',
    'transfer-encoding',
    'content-length',
    'connection',
    'upgrade',
    'expect',
    'te',
    'proxy-authorization',
    'keep-alive',
    'sec-fetch-site',
  ])('the header %s is not taken', async (name) => {
    const server = await serve((_, response) => response.end());
    const call = openFetch([server])(server.url(), { headers: { [name]: 'x' } });
    expect(await outcome(call)).toBe('egress.header_not_allowed');
    expect(server.requests).toHaveLength(0);
  });

  test.each<[string, RequestInit]>([
    ['a line break in a value', { headers: { 'x-a': 'a\r\nHost: evil' } }],
    ['a line break in a name', { headers: { 'x-a\r\nb': 'a' } }],
    ['a NUL', { headers: { 'x-a': 'a\0' } }],
    ['a method with a space', { method: 'GET / HTTP/1.1\r\nX:' }],
    ['CONNECT', { method: 'connect' }],
    ['TRACE', { method: 'TRACE' }],
    ['a GET with a body', { body: 'x' }],
    ['another dispatcher', { dispatcher: {} } as RequestInit],
    ['integrity', { integrity: 'sha256-x' }],
    ['another redirect mode', { redirect: 'maybe' as 'follow' }],
  ])('cannot be sent with %s', async (_name, init) => {
    const server = await serve((_, response) => response.end());
    expect(await outcome(openFetch([server])(server.url(), init))).toBe('egress.request_malformed');
    expect(server.requests).toHaveLength(0);
  });

  test('line breaks in the URL reach no server', async () => {
    const server = await serve((_, response) => response.end());
    const fetch = openFetch([server]);
    expect(await outcome(fetch(server.url('/a\r\nX: y')))).toBe('egress.url_malformed');
    expect(await outcome(fetch(server.url('/%0d%0aX:%20y')))).toBe(200);
    expect(server.requests[0]?.headers).not.toHaveProperty('x');
  });
});

describe('proxies', () => {
  const variables = [
    'HTTP_PROXY',
    'HTTPS_PROXY',
    'http_proxy',
    'https_proxy',
    'ALL_PROXY',
    'NO_PROXY',
  ];

  test('of the environment are ignored unless they are asked for', async () => {
    const proxy = await serve((_, response) => response.end('proxy'));
    const server = await serve((_, response) => response.end('direct'));
    for (const name of variables)
      vi.stubEnv(name, name === 'NO_PROXY' ? '' : `http://127.0.0.1:${proxy.port}`);
    try {
      expect(await (await openFetch([server])(server.url())).text()).toBe('direct');
      const through = openFetch([server], { proxy: 'environment' });
      // A server is no proxy: it does not know the method.
      expect(await outcome(through(server.url()))).toBe('egress.connection_failed');
    } finally {
      vi.unstubAllEnvs();
    }
    expect(proxy.requests).toHaveLength(0);
  });

  test('get the checked address and not the name', async () => {
    const seen: string[] = [];
    const server = await serve((request, response) => response.end(request.headers.host));
    const proxy = await listen(
      createTcp((socket) => {
        socket.on('error', () => undefined);
        socket.once('data', (head) => {
          seen.push(head.toString());
          const target = connectTcp(server.port, '127.0.0.1');
          socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
          socket.pipe(target).pipe(socket);
        });
      }),
    );
    const options = { resolve: async () => ['127.0.0.1'], proxy: `http://u:p@127.0.0.1:${proxy}` };
    const response = await openFetch([server], options)(`http://api.example.com:${server.port}/`);
    expect(await response.text()).toBe(`api.example.com:${server.port}`);
    expect(seen[0]).toContain(`CONNECT 127.0.0.1:${server.port} HTTP/1.1`);
    expect(seen[0]).toContain(`Proxy-Authorization: Basic ${btoa('u:p')}`);
    expect(seen[0]).not.toContain('example.com');
    const denied = openFetch([server], { ...options, resolve: async () => ['10.0.0.1'] });
    expect(await outcome(denied(`http://api.example.com:${server.port}/`))).toBe(
      'egress.address_not_allowed',
    );
    expect(seen).toHaveLength(1);
  });
});

test('an error says its code, and shows its cause to nobody but logs', async () => {
  const fetch = track(safeFetch({ resolve: async () => ['10.0.0.1'] }));
  const error = await fetch('https://inner.example.com/').catch((caught: unknown) => caught);
  expect(isEgressError(error)).toBe(true);
  const { message, denial } = error as { message: string; denial: { cause: string } };
  expect(message).toBe('egress.address_not_allowed: The URL may not be called.');
  expect(denial.cause).toContain('10.0.0.1 is private');
  expect(isEgressError(Object.assign(new TypeError('x'), { code: 'egress.timeout' }))).toBe(false);
});

test('a closed fetch ends what waits for a connection, however much', async () => {
  const port = await listen(createTcp(() => undefined));
  const fetch = openFetch([{ port }], { maxConnectionsPerOrigin: 1, maxConcurrent: 10_000 });
  await fetch.selfTest();
  const calls = Array.from({ length: 5_000 }, () => outcome(fetch(`http://127.0.0.1:${port}/`)));
  await Promise.resolve();
  await fetch.close();
  expect(new Set(await Promise.all(calls))).toEqual(new Set(['egress.connection_failed']));
});

test('a closed fetch sends nothing any more', async () => {
  const server = await serve((_, response) => response.end());
  const fetch = openFetch([server]);
  await fetch.close();
  expect(await outcome(fetch(server.url()))).toBe('egress.closed');
});

test.each<[string, object]>([
  ['an unknown option', { timeouts: '1s' }],
  ['a bare number of time', { timeout: 1_000 }],
  ['a size that is not whole', { maxResponseBytes: 1.5 }],
  ['no calls at once', { maxConcurrent: 0 }],
  ['redirects below zero', { maxRedirects: -1 }],
  ['an unknown option of tls', { tls: { rejectUnauthorized: false } }],
  ['a certificate without key', { tls: { cert: 'x' } }],
  ['a proxy that is not one', { proxy: 'proxy:3128' }],
  ['a password of a proxy that cannot be read', { proxy: 'http://me:50%@proxy.internal:3128' }],
  ['resolve that is not a function', { resolve: 'system' }],
  ['pins that are not pins', { pins: {} }],
  ['a network that is not one', { allowedNetworks: ['10.0.0.1/8'] }],
])('cannot be constructed with %s', (_name, options) => {
  expect(() => safeFetch(options)).toThrow(ConfigurationError);
});
