import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import { logDenials } from '@apisec/core';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  type ClientError,
  type ClientErrorsOptions,
  clientErrors,
  unmetExpectations,
} from './client-errors.ts';
import { secureServerOptions } from './server-options.ts';

const TYPES = 'https://api.example.com/problems/';
const CHUNKED = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
const long = (size: number): string => 'a'.repeat(size);

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** What comes back for these texts, each sent a moment after the one before. */
async function exchange(port: number, texts: readonly string[]): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  let answer = '';
  socket.setEncoding('latin1').on('data', (chunk) => {
    answer += String(chunk);
  });
  socket.on('error', () => undefined);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  for (const text of texts) {
    socket.write(text, 'latin1');
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  await closed;
  return answer;
}

async function serve(options: ClientErrorsOptions = {}, handler: Handler = echo) {
  const heard: ClientError[] = [];
  const server = createServer(
    secureServerOptions({ headersTimeout: '200ms', requestTimeout: '300ms' }),
    handler,
  );
  server.on(
    'clientError',
    clientErrors({ onClientError: (error) => void heard.push(error), ...options }),
  );
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', () => resolve()));
  const { port } = server.address() as AddressInfo;
  return { heard, port, send: (...texts: string[]) => exchange(port, texts) };
}

const echo: Handler = (request, response) => {
  request.on('error', () => undefined);
  request.resume().on('end', () => response.end('whole'));
};

const headOf = (answer: string): string => answer.slice(0, answer.indexOf('\r\n\r\n'));
const bodyOf = (answer: string): Record<string, unknown> =>
  JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4)) as Record<string, unknown>;

describe('requests that the parser of Node rejects', () => {
  test.each<[string, number, string, string[]]>([
    ['not HTTP', 400, 'http.bad_request', ['GARBAGE\r\n\r\n']],
    [
      'two lengths',
      400,
      'http.bad_request',
      [`GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n`],
    ],
    [
      'a length beside chunks',
      400,
      'http.bad_request',
      [CHUNKED.replace('Host: a', 'Host: a\r\nContent-Length: 3')],
    ],
    ['a chunk without a size', 400, 'http.bad_request', [CHUNKED, 'zz\r\n']],
    [
      'a folded field',
      400,
      'http.bad_request',
      ['GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n'],
    ],
    [
      'lines that end without CR',
      400,
      'http.bad_request',
      ['POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n0\n\n'],
    ],
    [
      'a head that is too long',
      431,
      'http.headers_too_large',
      [`GET / HTTP/1.1\r\nHost: a\r\nX: ${long(20_000)}\r\n\r\n`],
    ],
    [
      'a target that is too long',
      431,
      'http.headers_too_large',
      [`GET /${long(300_000)} HTTP/1.1\r\nHost: a\r\n\r\n`],
    ],
    [
      'chunk extensions that are too long',
      413,
      'message.too_large',
      [`${CHUNKED}1;${long(20_000)}`],
    ],
    ['a head that does not end', 408, 'message.timeout', ['GET / HTTP/1.1\r\nHo']],
    [
      'a body that does not end',
      408,
      'message.timeout',
      ['POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab'],
    ],
  ])(
    '%s is answered with problem details, and the connection closed',
    async (_, status, code, texts) => {
      const { heard, send } = await serve({ problemTypeBase: TYPES });
      const answer = await send(...texts);
      expect(headOf(answer)).toMatch(new RegExp(`^HTTP/1.1 ${status} \\w`));
      expect(headOf(answer)).toContain('content-type: application/problem+json');
      expect(headOf(answer)).toContain('connection: close');
      const body = bodyOf(answer);
      expect(body).toMatchObject({ type: `${TYPES}${code}`, status, code });
      expect(headOf(answer)).toContain(`x-request-id: ${String(body['requestId'])}`);
      expect(Object.keys(body).toSorted()).toEqual([
        'code',
        'requestId',
        'status',
        'title',
        'type',
      ]);
      expect(heard).toEqual([
        {
          requestId: body['requestId'],
          peer: { address: '127.0.0.1', id: '127.0.0.1' },
          status,
          code,
          cause: expect.any(Error),
          answered: true,
        },
      ]);
    },
  );

  test('is answered once, however much comes behind it', async () => {
    const { heard, send } = await serve();
    const answer = await send(
      'GARBAGE\r\n\r\n',
      'MORE\r\n\r\n',
      'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
    );
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(heard).toHaveLength(1);
  });

  test('lets honest calls be answered', async () => {
    const { heard, send } = await serve();
    const answer = await send(
      `${CHUNKED.replace('Host: a', 'Host: a\r\nConnection: close')}0\r\n\r\n`,
    );
    expect(answer).toContain('whole');
    expect(heard).toEqual([]);
  });
});

describe('where an answer is on its way', () => {
  test('nothing is written into a half-sent answer', async () => {
    const { heard, send } = await serve({}, (request, response) => {
      request.on('error', () => undefined);
      response.write('half of it');
    });
    const answer = await send(CHUNKED, 'zz\r\n');
    expect(answer).toContain('half of it');
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(heard.map(({ status, answered }) => [status, answered])).toEqual([[400, false]]);
  });

  test('nothing follows an answer that did not wait for the body', async () => {
    const { heard, send } = await serve({}, (_request, response) => void response.end('early'));
    const answer = await send(CHUNKED, 'zz\r\n');
    expect(answer).toContain('early');
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(heard.map(({ answered }) => answered)).toEqual([false]);
  });

  test('a request behind one that was answered gets its own answer', async () => {
    const { send } = await serve();
    const answer = await send('GET / HTTP/1.1\r\nHost: a\r\n\r\n', 'GARBAGE\r\n\r\n');
    expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 400']);
  });

  test('nobody gets the problem of a pipelined request as the answer to the one before', async () => {
    const { heard, send } = await serve({}, () => undefined);
    expect(await send('GET /slow HTTP/1.1\r\nHost: a\r\n\r\nGARBAGE\r\n\r\n')).toBe('');
    expect(heard.map(({ answered }) => answered)).toEqual([false]);
  });

  test('what the handler writes afterwards is not sent', async () => {
    let later: Promise<unknown> = Promise.resolve();
    const { send } = await serve({}, (request, response) => {
      request.on('error', () => undefined);
      later = new Promise((resolve) => {
        response.once('close', () => resolve(response.end('too late')));
      });
    });
    const answer = await send(CHUNKED, 'zz\r\n');
    expect(answer).toContain('http.bad_request');
    await later;
    expect(answer).not.toContain('too late');
  });
});

test('operators learn why, and nothing of what was sent', async () => {
  const lines: string[] = [];
  const log = logDenials({ write: (line) => void lines.push(line) });
  const { send, heard } = await serve({ logDenials: log });
  const secret = 'Authorization: Bearer very-secret';
  const answer = await send(`GET / HTTP/1.1\r\nHost: a\r\n${secret}\r\nX: a\r\n b\r\n\r\n`);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain('http.bad_request');
  expect(lines[0]).toContain('127.0.0.1');
  expect(lines[0]).toMatch(/HPE_\w+/);
  expect(lines[0]).toContain(String(bodyOf(answer)['requestId']));
  expect(JSON.stringify([lines, heard, answer, String(heard[0]?.cause)])).not.toContain(
    'very-secret',
  );
});

test('a flood of broken requests is no flood of lines', async () => {
  const lines: string[] = [];
  const log = logDenials({ write: (line) => void lines.push(line), maxPerSecond: 3 });
  const { send } = await serve({ logDenials: log });
  await Promise.all(Array.from({ length: 20 }, () => send('GARBAGE\r\n\r\n')));
  expect(lines.length).toBeLessThanOrEqual(6);
});

test('a callback that throws changes nothing', async () => {
  const { send } = await serve({
    onClientError: () => {
      throw new Error('broken');
    },
  });
  expect(await send('GARBAGE\r\n\r\n')).toContain('400 Bad Request');
});

test('callers who leave, and handshakes that fail, are no requests', async () => {
  const heard: ClientError[] = [];
  const server = createTlsServer(secureServerOptions());
  server.on('clientError', clientErrors({ onClientError: (error) => void heard.push(error) }));
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', () => resolve()));
  const { port } = server.address() as AddressInfo;
  // Perhaps an alert of TLS; no HTTP.
  expect(await exchange(port, ['GET / HTTP/1.1\r\nHost: a\r\n\r\n'])).not.toContain('HTTP/1.1 4');
  expect(heard).toEqual([]);
});

test.each([
  ['an unknown option', { problemtypes: TYPES }],
  ['a base that is not an address', { problemTypeBase: 'problems' }],
  ['a log of one’s own', { logDenials: true }],
])('%s cannot be constructed', (_, options) => {
  expect(() => clientErrors(options as ClientErrorsOptions)).toThrow(/clientErrors/);
});

describe('an expectation that nobody knows', () => {
  /** A server whose handler answers with the method. */
  const listen = async (options: ClientErrorsOptions) => {
    const handled: string[] = [];
    const server = createServer(secureServerOptions(), (request, response) => {
      handled.push(`${request.method} ${request.url}`);
      response.end('whole');
    });
    server.on('checkExpectation', unmetExpectations(options));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', () => resolve()));
    return { handled, port: (server.address() as AddressInfo).port };
  };
  const expecting = (expected: string, version = '1.1') =>
    `POST /a HTTP/${version}\r\nHost: a\r\nExpect: ${expected}\r\nContent-Length: 2\r\n\r\nab`;
  const last = 'GET /b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

  test('is answered with problem details, and told to operators; the next request is read right', async () => {
    const heard: ClientError[] = [];
    const lines: string[] = [];
    const { handled, port } = await listen({
      problemTypeBase: TYPES,
      onClientError: (error) => void heard.push(error),
      logDenials: logDenials({ write: (line) => void lines.push(line) }),
    });
    const answer = await exchange(port, [expecting('a-miracle') + last]);
    expect(headOf(answer)).toMatch(/^HTTP\/1.1 417 Expectation Failed/);
    expect(headOf(answer)).toContain('content-type: application/problem+json');
    const [, body = ''] = /\r\n\r\n(\{[^]*?\})HTTP/.exec(answer) ?? [];
    const problem = JSON.parse(body) as Record<string, unknown>;
    expect(problem).toMatchObject({
      type: `${TYPES}http.expectation_failed`,
      status: 417,
      code: 'http.expectation_failed',
    });
    expect(heard).toMatchObject([
      {
        requestId: problem['requestId'],
        peer: { address: '127.0.0.1' },
        status: 417,
        code: 'http.expectation_failed',
        answered: true,
      },
    ]);
    expect(lines.join('')).toContain('http.expectation_failed');
    expect(answer).not.toContain('miracle');
    expect(handled).toEqual(['GET /b']);
  });

  test.each([
    ['100-continue', '1.1'],
    ['100-Continue', '1.1'],
    ['a-miracle', '1.0'],
  ])('is not %s of HTTP/%s', async (expected, version) => {
    const { handled, port } = await listen({ logDenials: false });
    const answer = await exchange(port, [
      expecting(expected, version),
      version === '1.1' ? last : '',
    ]);
    expect(handled[0]).toBe('POST /a');
    expect(answer).not.toContain('417');
  });

  test('is answered on HTTP/2 as well', async () => {
    const server = createHttp2Server((_, response) => void response.end('whole'));
    server.on('checkExpectation', unmetExpectations({ logDenials: false }));
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', () => resolve()));
    const session = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    onTestFinished(() => {
      session.destroy();
      server.close();
    });
    const stream = session.request({ ':path': '/a', expect: 'a-miracle' });
    let text = '';
    stream.setEncoding('utf8').on('data', (chunk) => (text += String(chunk)));
    await new Promise((resolve) => stream.once('end', resolve));
    expect(JSON.parse(text)).toMatchObject({ code: 'http.expectation_failed', status: 417 });
  });

  test('takes no options that it does not know', () => {
    expect(() => unmetExpectations({ types: TYPES } as never)).toThrow('unmetExpectations');
  });
});
