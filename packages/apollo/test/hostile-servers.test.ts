import { Agent, type IncomingMessage, request as send } from 'node:http';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { allowAnonymous, type GraphqlFacts, guard } from '@apisec/core';
import { limitOperation } from '@apisec/graphql';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { reading } from './harness.ts';
import { documents, type HostileDocument, SDL } from './hostile-documents.ts';
import { frames, type HostileRequest, requests } from './hostile-requests.ts';
import { httpServers, type Listening, serveSockets } from './hostile-servers.ts';
import { schemaOf } from './servers.ts';

const ran: string[] = [];
const note = (name: string) => () => {
  ran.push(name);
  return null;
};
const noted = ['Query.me', 'Query.users', 'Query.things', 'Query.size', 'Mutation.rename'];
const schema = schemaOf(SDL, {
  ...Object.fromEntries(noted.map((field) => [field, note(field)])),
  'Query.viewer': () => ({}),
  'Query.echo': (_root, { text }) => text ?? 'echo',
});
const open = guard<GraphqlFacts>().use(limitOperation()).use(allowAnonymous());
const HONEST = { query: '{ echo(text: "a") }' };

/** What nobody is told who is not known: data, and what the schema holds. */
const TOLD = /Cannot query|Syntax Error|Did you mean|Unknown (type|argument|fragment)|"data":\{/;

/**
 * What servers answer with 200: Apollo's question for the text of a hash, media types and encodings that a server reads
 * by itself, and errors in the place of results.
 */
const answered: Readonly<Record<string, readonly string[]>> = {
  'Apollo, standalone': ['a hash that stands for nothing', 'the media type of answers'],
  'Apollo on Express': [
    'a hash that stands for nothing',
    'bytes that are not UTF-8',
    'another charset',
  ],
  Yoga: [
    'bytes that are not UTF-8',
    'another charset',
    'a form',
    'a multipart form',
    'a document as it is',
    'a content coding that is not there',
    'two queries by GET',
    'two media types',
    'an answer in parts of an unknown kind',
  ],
  'graphql-sse': ['bytes that are not UTF-8', 'two queries by GET'],
};

/**
 * Milliseconds of CPU for one request, its client included: against work that grows faster than what is sent, with room
 * for machines that are busy. The benchmarks measure.
 */
const MOST_CPU = 1_500;
/** Characters of one answer, however much was sent. */
const MOST_TEXT = 50_000;
/** Bytes that all of them together may leave behind. */
const MOST_KEPT = 20_000_000;

function heap(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

function cpuSince(began: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(began);
  return (user + system) / 1_000;
}

interface Answer {
  readonly status: number | undefined;
  readonly text: string;
  readonly cpu: number;
}

const agent = new Agent({ keepAlive: true });
afterAll(() => agent.destroy());

function call(url: string, accept: string, sent: Omit<HostileRequest, 'name'>): Promise<Answer> {
  const { method = 'POST', search = '', body, headers } = sent;
  const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
  const all = { 'content-type': 'application/json', accept, ...length, ...headers };
  const began = process.cpuUsage();
  return new Promise((resolve, reject) => {
    const take = (answer: IncomingMessage): void => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        resolve({ status: answer.statusCode, text, cpu: cpuSince(began) });
      });
    };
    send(`${url}${search}`, { agent, method, headers: all }, take).on('error', reject).end(body);
  });
}

const messageOf = ({ query, variables, operationName }: HostileDocument): string =>
  JSON.stringify({ query, variables, operationName });

beforeEach(() => {
  ran.length = 0;
});

describe.each(httpServers)('%s', (name, serve) => {
  const accept =
    name === 'graphql-sse'
      ? 'text/event-stream'
      : 'application/graphql-response+json, application/json;q=0.9';
  let lenient: Listening;
  let strict: Listening;
  let before = 0;
  beforeAll(async () => {
    [lenient, strict] = await Promise.all([
      serve({ admission: open }, schema),
      serve({ admission: reading }, schema),
    ]);
    await call(lenient.url, accept, { body: JSON.stringify(HONEST) });
    before = heap();
  });
  afterAll(() => Promise.all([lenient.close(), strict.close()]));

  const rows: HostileRequest[] = [
    ...documents.map((each) => ({ name: each.name, body: messageOf(each) })),
    ...requests,
  ];
  test.each(rows)('is not moved by $name', async (request) => {
    const known = await call(lenient.url, accept, request);
    const stranger = await call(strict.url, accept, request);
    const isAnswered = answered[name]?.includes(request.name);
    const denied = expect.toSatisfy((status: number) => status >= 400 && status < 500);
    expect(known.status).toEqual(isAnswered ? 200 : denied);
    if (!isAnswered) expect(stranger.status).toEqual(denied);
    expect(stranger.text).not.toMatch(TOLD);
    // What is the caller's fault is not told as the server's.
    expect(known.text + stranger.text).not.toContain('INTERNAL_SERVER_ERROR');
    expect(ran).toEqual([]);
    expect(Math.max(known.cpu, stranger.cpu)).toBeLessThan(MOST_CPU);
    expect(Math.max(known.text.length, stranger.text.length)).toBeLessThan(MOST_TEXT);
  });

  test('goes on to answer honest callers, and keeps nothing of the others', async () => {
    const { status, text } = await call(lenient.url, accept, { body: JSON.stringify(HONEST) });
    expect([status, text]).toEqual([200, expect.stringContaining('{"data":{"echo":"a"}}')]);
    expect(heap() - before).toBeLessThan(MOST_KEPT);
  });
});

describe('graphql-ws', () => {
  let lenient: Listening;
  let strict: Listening;
  let before = 0;
  beforeAll(async () => {
    [lenient, strict] = await Promise.all([
      serveSockets({ admission: open }, schema),
      serveSockets({ admission: reading }, schema),
    ]);
    await exchange(lenient.url, subscribe(HONEST));
    before = heap();
  });
  afterAll(() => Promise.all([lenient.close(), strict.close()]));

  const subscribe = (payload: object): string =>
    JSON.stringify({ id: '1', type: 'subscribe', payload });
  /** What comes of a frame on a connection that was accepted: its messages, and the code where it was closed. */
  const exchange = (url: string, frame: string | Uint8Array) =>
    new Promise<{ text: string; code: number | undefined; cpu: number }>((resolve) => {
      const socket = new WebSocket(url, 'graphql-transport-ws');
      let began = process.cpuUsage();
      let text = '';
      const finish = (code?: number): void => {
        socket.terminate();
        resolve({ text, code, cpu: cpuSince(began) });
      };
      socket.on('open', () => socket.send('{"type":"connection_init"}'));
      socket.on('close', finish);
      socket.on('message', (data: Buffer) => {
        const { type, id } = JSON.parse(data.toString()) as { type: string; id?: string };
        if (type === 'connection_ack') {
          began = process.cpuUsage();
          socket.send(frame);
          // Answered where the frame before it is not.
          socket.send('{"type":"ping"}');
          return;
        }
        text += data.toString();
        if (type === 'error' || type === 'complete' || (type === 'pong' && !isOperation(frame)))
          finish();
        else if (id !== undefined && id !== '1') finish();
      });
    });
  const isOperation = (frame: string | Uint8Array): boolean =>
    typeof frame === 'string' && frame.includes('"payload"');

  test.each(documents)('is not moved by $name', async (document) => {
    const { text, code, cpu } = await exchange(
      lenient.url,
      subscribe(JSON.parse(messageOf(document)) as object),
    );
    expect(text + String(code)).toMatch(/"type":"error"|"errors":\[|^4400$/);
    expect(text).not.toContain('"data":{');
    expect(ran).toEqual([]);
    expect(cpu).toBeLessThan(MOST_CPU);
    expect(text.length).toBeLessThan(MOST_TEXT);
  });

  test.each(frames)('is not moved by $name', async ({ frame }) => {
    const { text, code } = await exchange(lenient.url, frame);
    expect(text).not.toContain('"data":{');
    if (code !== undefined) expect(String(code)).toMatch(/^44\d\d$/);
  });

  test('reads nothing from strangers', async () => {
    expect(await exchange(strict.url, subscribe(HONEST))).toMatchObject({ code: 4403, text: '' });
  });

  test('goes on to answer honest callers, and keeps nothing of the others', async () => {
    const { text } = await exchange(lenient.url, subscribe(HONEST));
    expect(text).toContain('{"data":{"echo":"a"}}');
    expect(heap() - before).toBeLessThan(MOST_KEPT);
  });
});
