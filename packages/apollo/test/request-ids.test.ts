import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { apisec } from '@apisec/apollo';
import { startStandalone } from '@apisec/apollo/standalone';
import {
  audit,
  definePolicy,
  deny,
  type GraphqlFacts,
  guard,
  pass,
  type RequestIdFacts,
} from '@apisec/core';
import { apisec as apisecWs } from '@apisec/graphql/ws';
import { apisec as apisecYoga } from '@apisec/graphql/yoga';
import { nodeRequestId, trustProxies } from '@apisec/node';
import { ApolloServer } from '@apollo/server';
import { makeServer } from 'graphql-ws';
import { createYoga } from 'graphql-yoga';
import { describe, expect, onTestFinished, test } from 'vitest';
import { schemaOf } from './servers.ts';

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;
const GIVEN = 'id-of-a-proxy';
const schema = () =>
  schemaOf('type Query { a: String, fails: String }', {
    'Query.a': () => 'a',
    'Query.fails': () => {
      throw new Error('broken');
    },
  });

/** A guard that admits whoever has a key, and the ids that its policies and the audit have seen. */
function watched() {
  const seen: unknown[] = [];
  const audited: unknown[] = [];
  const admission = guard<GraphqlFacts>()
    .use(
      audit({
        sinks: [
          {
            name: 'kept',
            write: (events) => void audited.push(...events.map((each) => each.requestId)),
          },
        ],
        onFault: () => undefined,
      }),
    )
    .use(
      definePolicy<GraphqlFacts & RequestIdFacts, object, 'grant'>({
        name: 'key',
        role: 'grant',
        check: ({ headers }, { requestId }) => {
          seen.push(requestId);
          return headers.get('x-key') === 'open' ? pass() : deny('unauthenticated', 'key.missing');
        },
      }),
    );
  return { admission, seen, audited };
}

type Watched = ReturnType<typeof watched>;
type Send = (headers: Readonly<Record<string, string>>, body: unknown) => Promise<Response>;

const post = (url: string, headers: Readonly<Record<string, string>>, body: unknown): Request =>
  new Request(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });

async function apollo({ admission }: Watched, isTrusted = false): Promise<Send> {
  const proxies = ['127.0.0.0/8', '::1/128'];
  const server = new ApolloServer({
    schema: schema(),
    plugins: [apisec({ admission, onFault: () => undefined })],
    allowBatchedHttpRequests: true,
    stopOnTerminationSignals: false,
  });
  const { url } = await startStandalone(server, {
    admission,
    listen: { port: 0, host: '127.0.0.1' },
    trust: isTrusted ? trustProxies({ proxies, header: 'forwarded', requestId: true }) : undefined,
  });
  onTestFinished(() => server.stop());
  return (headers, body) => fetch(post(url, headers, body));
}

async function yoga({ admission }: Watched, isTrusted = false): Promise<Send> {
  const server = createYoga<{ req: { headers: Headers } }>({
    schema: schema(),
    batching: true,
    plugins: [
      apisecYoga({
        admission,
        onFault: () => undefined,
        requestId: isTrusted ? () => GIVEN : undefined,
      }),
    ],
    logging: false,
  });
  return async (headers, body) =>
    server.fetch(post('http://localhost/graphql', headers, body), {} as never);
}

describe.each([
  ['Apollo', apollo],
  ['Yoga', yoga],
] as const)('%s', (_, serve) => {
  test('gives each request an id of its own, which denied callers and the audit get', async () => {
    const host = watched();
    const send = await serve(host);
    const sent: unknown[] = [];
    for (let n = 0; n < 2; n++) {
      const answer = await send({ 'x-request-id': GIVEN }, { query: '{ a }' });
      expect(answer.status).toBe(401);
      sent.push(answer.headers.get('x-request-id'));
    }
    expect(sent).toEqual(host.seen);
    expect(new Set(sent).size).toBe(2);
    for (const id of sent) expect(id).toMatch(UUID);
    await expect.poll(() => host.audited).toEqual(sent);
  });

  test('names the call to those whose operation failed, and not where it succeeded', async () => {
    const host = watched();
    const send = await serve(host);
    const failed = await send({ 'x-key': 'open' }, { query: '{ fails }' });
    expect(failed.headers.get('x-request-id')).toBe(host.seen[0]);
    const done = await send({ 'x-key': 'open' }, { query: '{ a }' });
    expect(done.headers.get('x-request-id')).toBeNull();
  });

  test('gives the operations of a batch one id', async () => {
    const host = watched();
    const send = await serve(host);
    const answer = await send({}, [{ query: '{ a }' }, { query: '{ b: a }' }]);
    expect(new Set([...host.seen, answer.headers.get('x-request-id')]).size).toBe(1);
  });

  test('takes over the id of a trusted proxy', async () => {
    const host = watched();
    const send = await serve(host, true);
    const answer = await send({ 'x-request-id': GIVEN }, { query: '{ a }' });
    expect([...host.seen, answer.headers.get('x-request-id')]).toEqual([GIVEN, GIVEN]);
  });
});

test('GraphQL takes over the id that a host in front has given the request', async () => {
  const host = watched();
  const yogaServer = createYoga({
    schema: schema(),
    plugins: [apisecYoga({ admission: host.admission })],
    logging: false,
  });
  const given: string[] = [];
  const server = createServer((request, response) => {
    given.push(nodeRequestId(request));
    void yogaServer(request, response);
  });
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', () => resolve()));
  const { port } = server.address() as AddressInfo;
  const answer = await fetch(post(`http://127.0.0.1:${port}/graphql`, {}, { query: '{ a }' }));
  expect(answer.headers.get('x-request-id')).toBe(given[0]);
  expect(host.seen).toEqual(given);
});

test('graphql-ws gives each operation of a connection an id of its own', async () => {
  const host = watched();
  const { admission } = host;
  const server = makeServer(
    apisecWs({ admission, schema: schema(), connectionHeaders: ['x-key'] }),
  );
  let receive: (message: object) => Promise<void> = async () => undefined;
  const sent: { readonly type: string }[] = [];
  const close = server.opened(
    {
      protocol: 'graphql-transport-ws',
      send: (text) => void sent.push(JSON.parse(text) as { type: string }),
      close: () => undefined,
      onMessage: (callback) => {
        receive = (message) => callback(JSON.stringify(message));
      },
    },
    { request: { headers: {}, rawHeaders: [], url: '/graphql' } },
  );
  await receive({ type: 'connection_init', payload: { 'x-key': 'open' } });
  for (const id of ['1', '2']) {
    await receive({ id, type: 'subscribe', payload: { query: '{ a }' } });
  }
  await expect.poll(() => sent.filter(({ type }) => type === 'complete').length).toBe(2);
  // One more for the connection itself.
  expect(new Set(host.seen).size).toBe(3);
  for (const id of host.seen) expect(id).toMatch(UUID);
  await close(1000, 'done');
});
