import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import {
  allowAnonymous,
  type Completion,
  definePolicy,
  guard,
  limitBody,
  pass,
} from '@apisec/core';
import { expect, onTestFinished, test } from 'vitest';
import { beginCall, decideCall } from './call.ts';
import { nodeRequest } from './request.ts';
import { sendDenial } from './response.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => unknown;

/** What the caller gets who sends these bytes, and how the server side saw the end. */
async function serve(
  handler: Handler,
  text: string,
  before?: Handler,
): Promise<{ answer: string; end: Completion | undefined }> {
  let end: Completion | undefined;
  const recorder = definePolicy({
    name: 'recorder',
    role: 'check',
    check: () => pass({}, { onComplete: (completion) => void (end = completion) }),
  });
  const admission = guard()
    .use(recorder)
    .use(limitBody({ maxBytes: 100, maxDepth: 2 }))
    .use(allowAnonymous());
  const server = createServer((request, response) => {
    const begin = async (): Promise<void> => {
      await before?.(request, response);
      const decision = await decideCall(admission, nodeRequest(request), request, () => ({
        call: { protocol: 'http', operation: 'POST /' },
        peer: { address: undefined, id: undefined },
      }));
      const call = beginCall(response, decision);
      if (call.denial) sendDenial(response, call.denial);
      else await handler(request, response);
    };
    begin().catch(() => response.writeHead(500).end('the handler failed'));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', () => resolve()));
  onTestFinished(() => void server.close());
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  let answer = '';
  socket.setEncoding('utf8').on('data', (chunk) => {
    answer += String(chunk);
  });
  socket.on('error', () => undefined);
  socket.write(text, 'latin1');
  await new Promise((resolve) => socket.once('close', resolve));
  return { answer, end };
}

const read = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  response.end(`read ${text}`);
};
const listening: Handler = (request, response) => {
  let text = '';
  request.on('data', (chunk) => (text += String(chunk)));
  // It does not listen to errors.
  request.on('end', () => response.end(`read ${text}`));
};
const careless: Handler = (request, response) => {
  request.on('error', () => response.writeHead(200).end('all is well'));
  request.resume().on('end', () => response.end('read'));
};

const chunked = (...chunks: string[]): string =>
  'POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n' +
  'Transfer-Encoding: chunked\r\n\r\n' +
  [...chunks, ''].map((each) => `${each.length.toString(16)}\r\n${each}\r\n`).join('');

test.each([
  ['an iterator', read],
  ['listeners', listening],
])('a body within its bounds is read by %s', async (_, handler) => {
  const { answer, end } = await serve(handler, chunked('{"a":', '1}'));
  expect(answer).toContain('read {"a":1}');
  expect(end?.outcome).toBe('succeeded');
});

test.each([
  ['an iterator', read],
  ['listeners', listening],
  ['who does not care', careless],
])('a body beyond its bounds is cut off, whatever reads it: %s', async (_, handler) => {
  const { answer, end } = await serve(handler, chunked(...Array<string>(20).fill('"1234567890"')));
  expect(answer).toMatch(/^HTTP\/1.1 413 /);
  expect(answer).toContain('"code":"body.too_large"');
  expect(answer).not.toContain('read');
  expect(end).toMatchObject({ outcome: 'denied', denial: { code: 'body.too_large' } });
});

test('the reader of a body that is cut off gets an error with the status of the denial', async () => {
  let seen: unknown;
  const catching: Handler = async (request, response) => {
    seen = await read(request, response).catch((error: unknown) => error);
  };
  await serve(catching, chunked(...Array<string>(20).fill('"1234567890"')));
  expect(seen).toMatchObject({ status: 413, statusCode: 413, code: 'body.too_large' });
});

test.each<[BufferEncoding, string]>([
  ['utf8', 'read {"a":"\u00fc"}'],
  ['latin1', 'read {"a":"\u00c3\u00bc"}'],
  ['hex', `read ${Buffer.from('{"a":"\u00fc"}').toString('hex')}`],
  ['base64', `read ${Buffer.from('{"a":"\u00fc"}').toString('base64')}`],
])('a reader that asks for %s gets what the watcher has seen as bytes', async (encoding, text) => {
  const reader: Handler = (request, response) => listening(request.setEncoding(encoding), response);
  const bytes = (body: string): string => Buffer.from(body).toString('latin1');
  expect((await serve(reader, chunked(bytes('{"a":"\u00fc"}')))).answer).toContain(text);
  expect((await serve(reader, chunked(bytes('[[["\u00fc"]]]')))).answer).toContain('too_deep');
});

test("headers that describe the handler's own body are not sent with the denial", async () => {
  const described: Handler = (request, response) => {
    response.setHeader('Content-Encoding', 'gzip').setHeader('Transfer-Encoding', 'chunked');
    response.setHeader('ETag', '"1"').setHeader('Content-Length', '5');
    careless(request, response);
  };
  const { answer } = await serve(described, chunked('[[[1]]]'));
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  expect(head).not.toMatch(/gzip|chunked|etag/i);
  expect(head.toLowerCase()).toContain(`content-length: ${body.length}`);
  expect(JSON.parse(body)).toMatchObject({ code: 'body.too_deep' });
});

test('a body that is only wrong at its end is denied before readers see the end', async () => {
  const { answer } = await serve(listening, chunked('[[', '[1]', ']]'));
  expect(answer).toContain('"code":"body.too_deep"');
});

test('a body without end ends with its denial', async () => {
  const endless = `${chunked('x').slice(0, -5)}${'a\r\n0123456789\r\n'.repeat(1_000)}`;
  const { answer } = await serve(read, endless);
  expect(answer).toMatch(/^HTTP\/1.1 413 /);
});

test('a body that a parser has taken before is judged by what is left of it', async () => {
  const parse: Handler = async (request) => {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    Object.assign(request, { body: JSON.parse(text) });
  };
  const handler: Handler = (_, response) => response.end('handled');
  expect((await serve(handler, chunked('[[[1]]]'), parse)).answer).toContain('body.too_deep');
  expect((await serve(handler, chunked('[[1]]'), parse)).answer).toContain('handled');
});

test('a body that was read completely is not taken for a small one', async () => {
  const drain: Handler = async (request) => {
    for await (const _ of request);
  };
  const { answer } = await serve((_, response) => response.end('handled'), chunked('1'), drain);
  expect(answer).toMatch(/^HTTP\/1.1 500 /);
});
