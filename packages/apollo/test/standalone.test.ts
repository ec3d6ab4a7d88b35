import { once } from 'node:events';
import { connect } from 'node:net';
import { apisec } from '@apisec/apollo';
import { type StandaloneOptions, startStandalone } from '@apisec/apollo/standalone';
import { createAuthority } from '@apisec/conformance/certificates';
import {
  allowAnonymous,
  type CertificateFacts,
  cors,
  definePolicy,
  denyPeers,
  type GraphqlFacts,
  guard,
  pass,
  securityHeaders,
} from '@apisec/core';
import { type ProxyTrust, trustProxies } from '@apisec/node';
import { ApolloServer, type BaseContext } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { GraphQLError } from 'graphql';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';

const APP = 'https://app.example.com';
const EVIL = 'https://evil.example';
const api = guard()
  .use(securityHeaders())
  .use(cors({ origins: [APP], credentials: true }))
  .use(allowAnonymous());

const create = (): ApolloServer =>
  new ApolloServer({
    typeDefs: 'type Query { echo(text: String): String }',
    resolvers: { Query: { echo: (_root: unknown, { text }: { text: string }) => text } },
    plugins: [apisec({ admission: api })],
  });

const preflight = (origin: string, method = 'POST') => ({
  method: 'OPTIONS',
  headers: {
    origin,
    'access-control-request-method': method,
    'access-control-request-headers': 'content-type',
  },
});
const query = (headers: Record<string, string>, text = 'hello') => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify({
    query: 'query($text: String) { echo(text: $text) }',
    variables: { text },
  }),
});
const allowed = (answer: Response) => answer.headers.get('access-control-allow-origin');

describe('Apollo by itself', () => {
  const server = create();
  let url = '';
  beforeAll(async () => {
    ({ url } = await startStandalone(server, {
      admission: api,
      listen: { port: 0, host: '127.0.0.1' },
      maxBodyBytes: 10_000,
    }));
  });
  afterAll(() => server.stop());

  test('answers what Node does not read with problem details', async () => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    let answer = '';
    socket.on('data', (chunk) => {
      answer += String(chunk);
    });
    socket.write('GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n');
    await once(socket, 'close');
    expect(answer).toContain('400 Bad Request');
    expect(answer).toContain('"code":"http.bad_request"');
  });

  test('answers preflights by the guard, and calls with what the origin may do', async () => {
    const answered = await fetch(url, preflight(APP));
    expect([answered.status, allowed(answered)]).toEqual([204, APP]);
    expect(answered.headers.get('access-control-allow-credentials')).toBe('true');
    expect(answered.headers.get('vary')).toContain('Origin');
    const answer = await fetch(url, query({ origin: APP }));
    expect([answer.status, allowed(answer)]).toEqual([200, APP]);
    expect(answer.headers.get('vary')).toContain('Origin');
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect(await answer.json()).toEqual({ data: { echo: 'hello' } });
  });

  test.each<[string, RequestInit, number]>([
    ['a preflight of a stranger', preflight(EVIL), 403],
    ['a preflight of null', preflight('null'), 403],
    ['a preflight for a method that is not allowed', preflight(APP, 'DELETE'), 403],
    ['a call of a stranger', query({ origin: EVIL }), 403],
    ['OPTIONS that is not a preflight', { method: 'OPTIONS' }, 405],
    ['a body that is too large', query({ origin: APP }, 'x'.repeat(10_000)), 413],
    [
      'a body with a member twice',
      { ...query({}), body: '{"query":"{echo}","query":"{echo}"}' },
      400,
    ],
    ['a body that is not JSON', { ...query({}), body: '{"query":' }, 400],
    ['a body with a content coding', query({ 'content-encoding': 'br' }), 415],
    [
      'a batch of more operations than allowed',
      {
        ...query({}),
        body: JSON.stringify(Array.from({ length: 11 }, () => ({ query: '{ echo }' }))),
      },
      400,
    ],
    [
      'a form, which needs no preflight',
      { ...query({}), headers: { 'content-type': 'text/plain' } },
      400,
    ],
  ])('denies %s without permission', async (_name, init, status) => {
    const answer = await fetch(url, init);
    expect([answer.status, allowed(answer)]).toEqual([status, null]);
    expect(await answer.text()).not.toContain('"echo":');
  });

  test('takes GET, and a call without Origin', async () => {
    const answer = await fetch(`${url}?query={echo(text:"a")}`, {
      headers: { 'apollo-require-preflight': '1' },
    });
    expect(await answer.json()).toEqual({ data: { echo: 'a' } });
    expect(answer.headers.get('vary')).toContain('Origin');
  });
});

test("Apollo's own standalone server allows every origin before any plugin runs", async () => {
  const server = create();
  const { url } = await startStandaloneServer(server, { listen: { port: 0, host: '127.0.0.1' } });
  const answer = await fetch(url, preflight(EVIL));
  expect([answer.status, allowed(answer)]).toEqual([204, '*']);
  await server.stop();
});

test.each<[string, Error, string]>([
  ['was not made for callers', new Error('connection to 10.0.0.7 lost'), 'handler.threw'],
  ['was', new GraphQLError('Come back later.'), 'Come back later.'],
])(
  'does not disclose what the context function throws, unless it was made for callers: %s',
  async (_, error, message) => {
    const faults: unknown[] = [];
    const server = create();
    const { url } = await startStandalone(server, {
      admission: api,
      listen: { port: 0, host: '127.0.0.1' },
      context: () => Promise.reject(error),
      onFault: (cause) => void faults.push(cause),
    });
    const answer = await fetch(url, query({}));
    const text = await answer.text();
    expect([answer.status, JSON.parse(text).errors[0].message]).toEqual([500, message]);
    expect(text).not.toContain('10.0.0.7');
    expect(faults).toEqual(error instanceof GraphQLError ? [] : [error]);
    await server.stop();
  },
);

test('takes a body of up to a megabyte', async () => {
  const server = create();
  onTestFinished(() => server.stop());
  const listen = { port: 0, host: '127.0.0.1' };
  const { url } = await startStandalone(server, { admission: api, listen });
  const sized = (bytes: number) => query({}, 'x'.repeat(bytes - query({}, '').body.length));
  const most = await fetch(url, sized(1_048_576));
  expect([most.status, (await most.json()).data?.echo.length]).toEqual([200, expect.any(Number)]);
  expect((await fetch(url, sized(1_048_577))).status).toBe(413);
});

test('ends with Apollo, and cannot be constructed with what it does not know', async () => {
  const server = create();
  const listen = { port: 0, host: '127.0.0.1' };
  const { httpServer } = await startStandalone(server, { admission: api, listen });
  const closed = once(httpServer, 'close');
  await server.stop();
  await closed;
  const wrong = { admission: api, cors: true } as unknown as StandaloneOptions<BaseContext>;
  await expect(startStandalone(create(), wrong)).rejects.toThrow('"cors" is not an option');
});

test('does not start with cors behind authentication, where every preflight is denied', async () => {
  const authenticate = definePolicy<object, { principal: string }, 'check'>({
    name: 'authenticate',
    role: 'check',
    adds: ['principal'],
    check: () => ({ ok: true, facts: { principal: 'ann' } }),
  });
  const admission = guard()
    .use(authenticate)
    .use(cors({ origins: [APP] }))
    .use(allowAnonymous());
  const listen = { port: 0, host: '127.0.0.1' };
  await expect(startStandalone(create(), { admission, listen })).rejects.toThrow(
    'startStandalone: cors comes after authenticate',
  );
});

describe('behind a proxy', () => {
  const seen: (string | undefined)[] = [];
  const certificates: (string | undefined)[] = [];
  const guarded = guard<GraphqlFacts>()
    .use(
      definePolicy<GraphqlFacts & CertificateFacts, object, 'check'>({
        name: 'seen',
        role: 'check',
        check: (_request, { peer, certificate }) => {
          seen.push(peer.address);
          certificates.push(certificate && Buffer.from(certificate.raw).toString('base64'));
          return pass();
        },
      }),
    )
    .use(denyPeers({ ranges: ['192.0.2.66'], unknown: 'pass' }))
    .use(allowAnonymous());
  const serve = async (trust?: ProxyTrust): Promise<string> => {
    seen.length = 0;
    certificates.length = 0;
    const server = new ApolloServer({
      typeDefs: 'type Query { echo(text: String): String }',
      resolvers: { Query: { echo: () => 'hello' } },
      plugins: [apisec({ admission: guarded, onFault: () => undefined })],
    });
    const listen = { port: 0, host: '127.0.0.1' };
    const { url } = await startStandalone(server, { admission: guarded, listen, trust });
    onTestFinished(() => server.stop());
    return url;
  };
  const trust = trustProxies({ proxies: ['127.0.0.0/8'], header: 'x-forwarded-for' });

  test('operations come from whoever the proxy says, as preflights do', async () => {
    const url = await serve(trust);
    const from = (address: string) => query({ 'x-forwarded-for': address });
    expect((await fetch(url, from('203.0.113.5, 192.0.2.7'))).status).toBe(200);
    expect((await fetch(url, from('192.0.2.66'))).status).toBe(403);
    const preflighted = await fetch(url, {
      ...preflight(APP),
      headers: from('192.0.2.8').headers,
    });
    expect(preflighted.status).toBe(405);
    expect(new Set(seen)).toEqual(new Set(['192.0.2.7', '192.0.2.66', '192.0.2.8']));
    seen.length = 0;
    // What a proxy does not know is nobody.
    for (const odd of ['unknown', '_hidden', '192.0.2.7, ', '192.0.2.7, x'])
      await fetch(url, from(odd));
    expect(new Set(seen)).toEqual(new Set([undefined]));
  });

  test('operations have the certificate that the proxy has verified', async () => {
    const { der } = await (await createAuthority('Callers')).issue('caller');
    const shown = Buffer.from(der).toString('base64');
    const clientCert = trustProxies({
      proxies: ['127.0.0.0/8'],
      header: 'x-forwarded-for',
      clientCert: true,
    });
    const sent = query({
      'x-forwarded-for': '192.0.2.7',
      'client-cert': `:${shown}:`,
    });
    await fetch(await serve(clientCert), sent);
    expect(certificates.splice(0)).toEqual([shown]);
    await fetch(await serve(trust), sent);
    expect(certificates.splice(0)).toEqual([undefined]);
  });

  test('nobody is believed who was not named', async () => {
    const url = await serve();
    expect((await fetch(url, query({ 'x-forwarded-for': '192.0.2.66' }))).status).toBe(200);
    expect(new Set(seen)).toEqual(new Set(['127.0.0.1']));
  });
});
