import {
  allowAnonymous,
  type Completion,
  concurrencyLimit,
  coverage,
  factsOf,
  guard,
  requireScopes,
} from '@apisec/core';
import { apisec, type SseOptions } from '@apisec/graphql/sse';
import type { GraphQLObjectType } from 'graphql';
import { createHandler as createFetchHandler } from 'graphql-sse/lib/use/fetch';
import { createHandler } from 'graphql-sse/lib/use/http';
import { describe, expect, test } from 'vitest';
import { base, listen, MASKED, ODD_FIELDS, oblige, reading, shop, shownErrors } from './harness.ts';

const open = guard().use(allowAnonymous());

async function serve(
  options: Omit<SseOptions<any>, 'schema'>,
  ran: string[] = [],
  own: Parameters<typeof apisec>[1] = {},
) {
  const schema = shop(ran);
  const context = () => ({ shared: true });
  const handler = createHandler(apisec({ ...options, schema }, { context, ...own }));
  const { port } = await listen((request, response) => void handler(request, response));
  const url = `http://127.0.0.1:${port}/graphql`;
  const send = (token: string | undefined, query: string, init: RequestInit = {}) =>
    fetch(url, {
      method: 'POST',
      body: JSON.stringify({ query }),
      ...init,
      headers: {
        'content-type': 'application/json',
        accept: 'text/event-stream',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(init.headers as Record<string, string>),
      },
    });
  /** The results that came, or those of the answer where no stream began. */
  const run = async (token: string | undefined, query: string, init?: RequestInit) => {
    const response = await send(token, query, init);
    const { status, headers } = response;
    const text = await response.text();
    const streams = headers.get('content-type')?.startsWith('text/event-stream');
    const events = [...text.matchAll(/^event: next\ndata: (.*)$/gm)];
    const messages: any[] = streams
      ? events.map(([, data = '']) => JSON.parse(data))
      : [JSON.parse(text)];
    return { status, headers, text, messages, reasons: messages.flatMap(reasonsOf) };
  };
  return { url, send, run, ran, schema };
}

const reasonsOf = ({ errors = [] }: any) => errors.map((each: any) => each.extensions?.reason);

describe('a guard in front of graphql-sse', () => {
  test('gives each request an id, which denied callers get', async () => {
    const { run } = await serve({ admission: reading, requestId: () => 'id-of-a-proxy' });
    const given = await run(undefined, '{ me { name } }');
    expect([given.status, given.headers.get('x-request-id')]).toEqual([401, 'id-of-a-proxy']);
    const bare = await serve({ admission: reading });
    const { headers } = await bare.run(undefined, '{ me { name } }');
    expect(headers.get('x-request-id')).toMatch(/^[\da-f-]{36}$/);
  });

  test('admits an honest caller, whose resolvers read the facts', async () => {
    const seen: unknown[] = [];
    const { run, schema } = await serve({ admission: reading });
    const { me } = (schema.getType('Query') as GraphQLObjectType).getFields();
    if (!me) throw new Error('the schema has no Query.me');
    me.resolve = (_source, _args, contextValue) => {
      const { shared } = contextValue as { shared: unknown };
      seen.push([shared, factsOf(contextValue as object, reading).principal.id]);
      return { name: 'ann' };
    };
    const { status, messages } = await run('eve:read', '{ me { name } }');
    expect([status, messages, seen]).toEqual([
      200,
      [{ data: { me: { name: 'ann' } } }],
      [[true, 'eve']],
    ]);
  });

  test('does not disclose a value of a resolver that has the wrong type', async () => {
    const { run } = await serve({ admission: open });
    for (const kind of ['query', 'subscription']) {
      const { messages, text } = await run(undefined, `${kind} ${ODD_FIELDS}`);
      expect(shownErrors(messages[0].errors)).toEqual(MASKED);
      expect(text).not.toContain('k9-secret');
    }
    for (const field of ['nothing', 'failing']) {
      const { messages } = await run(undefined, `subscription { ${field} }`);
      expect(shownErrors(messages.at(-1).errors)).toEqual(MASKED.slice(0, 1));
    }
    const { messages } = await run(undefined, '{ odd { named } }');
    expect(messages[0].errors[0].message).toBe('No such order.');
  });

  test('answers what it denies with status and challenge, before any stream', async () => {
    const { run, ran } = await serve({ admission: reading });
    for (const query of ['{ me { name } }', 'subscription { ticks }', '{ nope }', '{ me {']) {
      const { status, headers, reasons, text } = await run(undefined, query);
      expect([status, headers.get('www-authenticate'), reasons]).toEqual([
        401,
        'Bearer',
        ['token.missing'],
      ]);
      expect(headers.get('content-type')).toMatch(/json/);
      expect(text).not.toMatch(/Cannot query|Syntax/);
    }
    expect((await run('ann', '{ me { name } }')).status).toBe(403);
    expect(ran).toEqual([]);
    expect((await run('ann:read', '{ nope }')).status).toBe(400);
  });

  test('decides each root field of a table, wherever it is reached', async () => {
    const admission = coverage({ 'Query.viewer': open, 'Query.me': reading });
    const { run, ran } = await serve({ admission });
    const { status, reasons } = await run(undefined, '{ viewer { me { name } } }');
    expect([status, reasons, ran]).toEqual([401, ['token.missing'], []]);
    expect((await run('a', '{ viewer { echo } }')).reasons).toEqual(['operation.unlisted']);
  });

  test('asks field policies for each event', async () => {
    const { run } = await serve({
      admission: reading,
      fields: { 'User.email': requireScopes('pii') },
    });
    const query = 'subscription { renamed { name email } }';
    const { messages, reasons } = await run('ann:read', query);
    expect(messages.map(({ data }) => data.renamed)).toEqual([
      { name: 'ann', email: null },
      { name: 'ann', email: null },
    ]);
    expect(reasons).toEqual(['scope.insufficient', 'scope.insufficient']);
    expect((await run('ann:read:pii', query)).reasons).toEqual([]);
  });

  test('counts as a running call until it ends', async () => {
    const admission = base
      .use(requireScopes('read'))
      .use(concurrencyLimit({ limit: 1, by: () => 'all' }));
    const { run, send, ran } = await serve({ admission });
    const abort = new AbortController();
    await send('ann:read', 'subscription { ticks(count: -1) }', { signal: abort.signal });
    await expect.poll(() => ran, { timeout: 20_000 }).toEqual(['ticks']);
    const echo = () => run('ann:read', '{ echo }');
    expect((await echo()).reasons).toEqual(['limit.concurrency']);
    abort.abort();
    await expect.poll(async () => (await echo()).status, { timeout: 20_000 }).toBe(200);
  });

  test('ends with the token, though its source goes on, and counts until then', async () => {
    const heard: Completion[] = [];
    const admission = base
      .use(requireScopes('read'))
      .use(concurrencyLimit({ limit: 1, by: () => 'all' }))
      .use(oblige({ onComplete: (completion) => void heard.push(completion) }));
    const { run } = await serve({ admission });
    const first = await run('ann:read:300ms', 'subscription { ticks(count: -1) }');
    expect(first.reasons).toEqual(['token.expired']);
    expect((await run('ann:read', '{ echo }')).status).toBe(200);
    expect(heard.filter(({ outcome }) => outcome === 'denied').at(-1)?.denial?.code).toBe(
      'token.expired',
    );
  });

  test('records a caller who leaves as aborted, once', async () => {
    const heard: Completion[] = [];
    const admission = guard()
      .use(oblige({ onComplete: (completion) => void heard.push(completion) }))
      .use(allowAnonymous());
    const { send, ran } = await serve({ admission });
    const abort = new AbortController();
    const { body } = await send(undefined, 'subscription { ticks(count: -1) }', {
      signal: abort.signal,
    });
    expect(body).not.toBeNull();
    await expect.poll(() => ran, { timeout: 20_000 }).toEqual(['ticks']);
    abort.abort();
    await expect
      .poll(() => heard.map(({ outcome }) => outcome), { timeout: 20_000 })
      .toEqual(['aborted']);
  });

  test.each([
    ['said to be text', { 'content-type': 'text/plain' }, 415, 'content_type.not_allowed'],
    [
      'that only mentions JSON',
      { 'content-type': 'text/plain; x=application/json' },
      415,
      'content_type.not_allowed',
    ],
  ])('does not read a body %s', async (_, headers, status, code) => {
    const { run, ran } = await serve({ admission: open });
    const denied = await run(undefined, 'mutation { rename { echo } }', { headers });
    expect([denied.status, denied.reasons, ran]).toEqual([status, [code], []]);
    expect((await run(undefined, 'mutation { rename { echo } }')).status).toBe(200);
  });

  test('does not read a body that is too large, or does not say how large it is', async () => {
    const { run, url } = await serve({ admission: open, maxBodyBytes: 100 });
    const long = await run(undefined, `{ echo } ${'#'.repeat(100)}`);
    expect([long.status, long.reasons]).toEqual([413, ['body.too_large']]);
    const headers = { 'content-type': 'application/json', accept: 'text/event-stream' };
    const body = new Blob(['{"query":"{ echo }"}']).stream();
    const init = { method: 'POST', headers, body, duplex: 'half' } as RequestInit;
    expect((await fetch(url, init)).status).toBe(413);
    expect((await run(undefined, '{ echo }')).status).toBe(200);
  });

  test('reads a body of up to a megabyte', async () => {
    const { run } = await serve({ admission: open });
    const bodyOf = (size: number) => '{ echo }'.padEnd(size - '{"query":""}'.length, '#');
    const most = await run(undefined, bodyOf(1_048_576));
    expect([most.status, most.reasons]).toEqual([400, ['document.too_large']]);
    const more = await run(undefined, bodyOf(1_048_577));
    expect([more.status, more.reasons]).toEqual([413, ['body.too_large']]);
  });

  test('changes nothing for a GET', async () => {
    const { url, ran } = await serve({ admission: open });
    const get = (query: string) =>
      fetch(`${url}?query=${encodeURIComponent(query)}`, {
        headers: { accept: 'text/event-stream' },
      });
    expect((await get('mutation { rename { echo } }')).status).toBe(405);
    expect(ran).toEqual([]);
    expect((await get('{ echo }')).status).toBe(200);
  });

  test('keeps no streams beyond their requests', async () => {
    const { url } = await serve({ admission: open });
    const headers = { 'x-graphql-event-stream-token': '__proto__' };
    for (const method of ['PUT', 'GET', 'DELETE']) {
      expect((await fetch(url, { method, headers })).status).toBe(404);
    }
  });

  test('makes header edits where there is a response to edit', async () => {
    const admission = guard()
      .use(oblige({ headers: [{ op: 'set', name: 'x-note', value: 'fine' }] }))
      .use(allowAnonymous());
    const { run } = await serve({ admission });
    expect((await run(undefined, '{ echo }')).headers.get('x-note')).toBe('fine');
    expect((await run(undefined, '{ echo ')).headers.get('x-note')).toBe('fine');
  });

  test('holds on fetch hosts as well', async () => {
    const handler = createFetchHandler(apisec({ admission: reading, schema: shop() }));
    const post = (authorization: string) => {
      const body = JSON.stringify({ query: '{ echo(text: "a") }' });
      const headers = {
        'content-type': 'application/json',
        'content-length': String(body.length),
        accept: 'text/event-stream',
        authorization,
      };
      return handler(new Request('http://localhost/graphql', { method: 'POST', headers, body }));
    };
    expect((await post('Bearer ann')).status).toBe(403);
    expect(await (await post('Bearer ann:read')).text()).toContain('{"data":{"echo":"a"}}');
  });
});

test('a table that does not fit the schema does not start', () => {
  const admission = coverage({ 'Query.ordres': open });
  expect(() => apisec({ admission, schema: shop() })).toThrow(/ordres/);
  expect(() => apisec({ admission: open, schema: shop(), maxBodyBytes: 0 })).toThrow(
    /maxBodyBytes/,
  );
});

test('a result in parts in the format of GraphQL 17 does not bypass filters', async () => {
  const execute = (): any => ({
    initialResult: { data: { echo: 'secret' }, hasNext: true },
    subsequentResults: (async function* () {})(),
  });
  const { run } = await serve({ admission: open }, [], { execute });
  const { text, reasons } = await run(undefined, '{ echo }');
  expect([text.includes('secret'), reasons]).toEqual([false, ['release.unfilterable']]);
});
