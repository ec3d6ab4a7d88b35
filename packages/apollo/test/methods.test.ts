import { allowAnonymous, guard, type RequestLike } from '@apisec/core';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { oblige } from './harness.ts';
import { httpServers } from './hostile-servers.ts';
import { reasonOf, schemaOf, servers } from './servers.ts';

const ran: string[] = [];
const heard: unknown[] = [];
beforeEach(() => {
  ran.length = 0;
  heard.length = 0;
});
const admission = guard()
  .use(oblige({ onComplete: ({ denial, outcome }) => void heard.push(denial?.code ?? outcome) }))
  .use(allowAnonymous());
const shop = () =>
  schemaOf('type Query { echo: String } type Mutation { rename: String }', {
    'Query.echo': () => {
      ran.push('echo');
      return 'echo';
    },
    'Mutation.rename': () => {
      ran.push('rename');
      return 'ann';
    },
  });
const SAFE = ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'QUERY'];

describe.each(servers)('a request that says it changes nothing, on %s', (_, serve) => {
  test.each(SAFE)('runs no mutation by %s, under whatever name, and queries', async (method) => {
    const request = (): RequestLike => ({ method, url: '/graphql', headers: new Headers() });
    const { send, call } = await serve({ admission, request } as never, shop());
    heard.length = 0;
    for (const query of [
      'mutation { rename }',
      'mutation M { a: rename } query Q { echo }',
      'mutation { ...F } fragment F on Mutation { rename }',
    ]) {
      const answer = await send(
        undefined,
        query.includes(' M ') ? { query, operationName: 'M' } : { query },
      );
      expect([answer.status ?? 405, reasonOf(answer)]).toEqual([405, 'operation.unsafe_method']);
    }
    expect(ran).toEqual([]);
    expect(heard.filter((each) => each !== 'succeeded')).toEqual(
      Array.from({ length: 3 }, () => 'operation.unsafe_method'),
    );
    const { body } = await call(undefined, '{ echo }');
    expect(body).toEqual({ data: { echo: 'echo' } });
  });

  test('runs mutations by POST', async () => {
    const { call } = await serve({ admission }, shop());
    expect((await call(undefined, 'mutation { rename }')).body.data).toEqual({ rename: 'ann' });
  });
});

describe.each(httpServers)('%s', (name, serve) => {
  test.each(['QUERY', 'PUT', 'DELETE', 'PATCH'])(
    'runs nothing that comes by %s, in the body or the address',
    async (method) => {
      const { url, close } = await serve({ admission }, shop());
      onTestFinished(() => void close());
      const headers = { 'content-type': 'application/json', 'apollo-require-preflight': '1' };
      const query = 'mutation { rename }';
      const inBody = await fetch(url, { method, headers, body: JSON.stringify({ query }) });
      const search = new URLSearchParams({ query });
      const inAddress = await fetch(`${url}?${search}`, { method, headers });
      for (const { status } of [inBody, inAddress]) {
        expect(status).toBeGreaterThanOrEqual(400);
        expect(status).toBeLessThan(500);
      }
      expect(ran).toEqual([]);
    },
  );

  test('runs a query by GET, and no mutation', async () => {
    const { url, close } = await serve({ admission }, shop());
    onTestFinished(() => void close());
    const accept = name === 'graphql-sse' ? 'text/event-stream' : 'application/json';
    const headers = { accept, 'apollo-require-preflight': '1' };
    const get = async (query: string): Promise<string> =>
      (await fetch(`${url}?${new URLSearchParams({ query })}`, { headers })).text();
    const denied = await get('mutation { rename }');
    expect(denied).not.toContain('"ann"');
    expect(ran).toEqual([]);
    expect(await get('{ echo }')).toContain('"echo":"echo"');
  });

  test.each([
    ['text/html', false],
    ['image/png, application/xml', false],
    ['application/json;q=0, application/xml', false],
    ['application/json; charset=latin1', false],
    ['text/html, application/*;q=0.1', true],
    ['text/html, */*;q=0.1', true],
    ['APPLICATION/JSON', true],
    ['application/graphql-response+json; charset=utf-8', true],
  ])('runs a mutation for who accepts %s: %s', async (accept, isAcceptable) => {
    // Answers in events alone, and asks by itself.
    const runs = isAcceptable && name !== 'graphql-sse';
    const { url, close } = await serve({ admission }, shop());
    onTestFinished(() => void close());
    heard.length = 0;
    const headers = { accept, 'content-type': 'application/json' };
    for (const isBatch of name === 'graphql-sse' ? [false] : [false, true]) {
      const sent = { query: 'mutation { rename }' };
      const body = JSON.stringify(isBatch ? [sent] : sent);
      const answer = await fetch(url, { method: 'POST', headers, body });
      await answer.text();
      expect(ran.splice(0)).toEqual(runs ? ['rename'] : []);
      if (name === 'graphql-sse') return;
      // Yoga does not read q, so it can say in JSON why the call is denied.
      const denied = name === 'Yoga' && accept.includes('q=0,') ? 415 : 406;
      expect(answer.status).toBe(runs ? 200 : denied);
      const heardOf = runs ? 'succeeded' : 'http.not_acceptable';
      await vi.waitFor(() => expect(heard.splice(0)).toEqual([heardOf]));
    }
  });
});
