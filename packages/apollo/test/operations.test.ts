import { createHash } from 'node:crypto';
import { apisec } from '@apisec/apollo';
import {
  allowAnonymous,
  type Completion,
  coverage,
  definePolicy,
  deny,
  factsOf,
  guard,
  pass,
  requireScopes,
} from '@apisec/core';
import { ApolloServer, HeaderMap } from '@apollo/server';
import { describe, expect, test } from 'vitest';
import {
  base,
  headersOf,
  oblige,
  raw,
  reading,
  serve,
  shop,
  typeDefs,
  writing,
} from './harness.ts';

describe('a guard for every operation', () => {
  test('admits an honest caller, whose resolvers read the facts', async () => {
    const { resolvers } = shop((contextValue) => factsOf(contextValue, reading).principal.subject);
    const { call } = await serve([apisec({ admission: reading })], { resolvers });
    const { status, body } = await call('eve:read', '{ me { name } }');
    expect({ status, body }).toEqual({ status: 200, body: { data: { me: { name: 'eve' } } } });
  });

  test('denies a caller without credentials, with status and challenge, before any resolver', async () => {
    const { ran, resolvers } = shop();
    const { call } = await serve([apisec({ admission: reading })], { resolvers });
    const { status, headers, body } = await call(undefined, '{ me { name } }');
    expect(status).toBe(401);
    expect(headers.get('www-authenticate')).toBe('Bearer');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body).toEqual({
      errors: [
        {
          message: 'token.missing',
          extensions: { code: 'UNAUTHENTICATED', reason: 'token.missing' },
        },
      ],
    });
    expect(ran).toEqual([]);
  });

  test('denies a caller who lacks a scope, in the words of the scheme', async () => {
    const { call } = await serve([apisec({ admission: writing })]);
    const { status, headers, body } = await call('ann:read', 'mutation { deleteOrder(id: 1) }');
    expect(status).toBe(403);
    expect(headers.get('www-authenticate')).toContain('error="insufficient_scope"');
    expect(body.errors[0].extensions).toEqual({ code: 'FORBIDDEN', reason: 'scope.insufficient' });
  });

  test.each([
    ['rate_limited', 429, 'RATE_LIMITED', '7'],
    ['unavailable', 503, 'SERVICE_UNAVAILABLE', '7'],
    ['too_large', 413, 'PAYLOAD_TOO_LARGE', '7'],
    ['not_found', 404, 'NOT_FOUND', '7'],
  ] as const)('renders a denial of kind %s', async (kind, status, code, seconds) => {
    const busy = guard().use(
      definePolicy({
        name: 'busy',
        role: 'grant',
        check: () => deny(kind, 'x.y', { retryAfterMs: 6_200 }),
      }),
    );
    const { call } = await serve([apisec({ admission: busy })]);
    const answer = await call(undefined, '{ echo }');
    expect(answer.status).toBe(status);
    expect(answer.headers.get('retry-after')).toBe(seconds);
    expect(answer.body.errors[0].extensions).toEqual({ code, reason: 'x.y', retryAfter: 6.2 });
  });

  test.each([
    [
      'throws',
      () => {
        throw new Error('secret of the pool');
      },
      'policy.threw',
    ],
    ['rejects', () => Promise.reject(new Error('secret of the pool')), 'policy.threw'],
    ['answers nonsense', () => true, 'policy.invalid_outcome'],
  ])('denies when a policy %s, without saying why', async (_, check, reason) => {
    const broken = guard().use(
      definePolicy({ name: 'broken', role: 'grant', check: check as () => never }),
    );
    const { call } = await serve([apisec({ admission: broken })]);
    const { status, text, body } = await call('ann:read', '{ me { name } }');
    expect(status).toBe(500);
    expect(body.errors[0].extensions).toEqual({ code: 'INTERNAL_SERVER_ERROR', reason });
    expect(text).not.toMatch(/secret|stack|at /);
  });

  test('denies when an option callback throws', async () => {
    const open = guard().use(allowAnonymous());
    const peer = () => {
      throw new Error('secret of the pool');
    };
    const { call } = await serve([apisec({ admission: open, peer })]);
    const { status, text } = await call(undefined, '{ echo(text: "x") }');
    expect(status).toBe(500);
    expect(text).not.toMatch(/secret|stack/);
  });

  test('lets a policy in shadow mode deny nothing', async () => {
    const no = definePolicy({ name: 'no', role: 'check', check: () => deny('forbidden', 'x.no') });
    const shadow = guard().use(no, { mode: 'shadow' }).use(allowAnonymous());
    const { call } = await serve([apisec({ admission: shadow })]);
    expect((await call(undefined, '{ echo(text: "x") }')).body.data).toEqual({ echo: 'x' });
  });

  test('supplies the operation, the peer and the request', async () => {
    const seen: unknown[] = [];
    const echo = { coordinate: 'Query.echo', args: expect.any(Function) };
    const look = guard().use(
      definePolicy({
        name: 'look',
        role: 'grant',
        check: ({ method, url, headers }, facts: object) => {
          seen.push({ method, url, type: headers.get('Content-Type'), ...facts });
          return pass();
        },
      }),
    );
    const peer = () => ({ address: '192.0.2.1', id: '192.0.2.1' });
    const { call, fetch } = await serve([apisec({ admission: look, peer })]);
    await call(undefined, 'query Hello { echo }');
    await fetch('/graphql?query={echo}', { headers: { 'apollo-require-preflight': '1' } });
    const requestId: unknown = expect.stringMatching(/^[\da-f-]{36}$/);
    expect(seen).toEqual([
      {
        method: 'POST',
        url: '/',
        type: 'application/json',
        call: { protocol: 'graphql', operation: 'query Hello', fields: [echo] },
        requestId,
        peer: peer(),
      },
      {
        method: 'GET',
        url: '/graphql?query={echo}',
        type: undefined,
        call: { protocol: 'graphql', operation: 'query', fields: [echo] },
        requestId,
        peer: peer(),
      },
    ]);
  });

  test('does not mount without a grant', () => {
    // @ts-expect-error a guard of checks alone
    expect(() => apisec({ admission: base })).toThrow(/no grant/);
  });
});

describe('an operation that never resolves', () => {
  const cases = [
    ['does not parse', '{ me {'],
    ['does not validate', '{ me { passwordHash } }'],
    ['names an operation that is not there', 'query A { echo } query B { echo }'],
    ['has a document that is empty', ''],
  ] as const;

  test.each(cases)('discloses nothing to a stranger when it %s', async (_, query) => {
    const { call } = await serve([apisec({ admission: reading })]);
    const { status, body } = await call(undefined, query);
    expect(status).toBe(401);
    expect(body.errors).toEqual([
      {
        message: 'token.missing',
        extensions: { code: 'UNAUTHENTICATED', reason: 'token.missing' },
      },
    ]);
  });

  test.each(cases)('says what is wrong to an admitted caller when it %s', async (_, query) => {
    const { call } = await serve([apisec({ admission: reading })]);
    const { status, body } = await call('ann:read', query);
    expect(status).toBe(400);
    expect(body.errors[0].extensions.code).not.toBe('UNAUTHENTICATED');
  });

  test('has the name "unresolved", which a coverage table may list', async () => {
    const closed = coverage({ 'Query.me': reading });
    const open = coverage({ 'Query.me': reading, unresolved: reading });
    const one = await serve([apisec({ admission: closed })]);
    const two = await serve([apisec({ admission: open })]);
    const denied = await one.call('ann:read', '{ nope }');
    expect(denied.status).toBe(403);
    expect(denied.body.errors[0].extensions.reason).toBe('operation.unlisted');
    expect((await two.call('ann:read', '{ nope }')).status).toBe(400);
    expect((await two.call(undefined, '{ nope }')).status).toBe(401);
  });
});

describe('a coverage table', () => {
  const table = coverage({
    'Query.me': reading,
    'Query.users': reading,
    'Query.echo': guard().use(allowAnonymous()),
    'Mutation.createOrder': writing,
    'Query.__schema': base.use(requireScopes('introspect')),
    'Query.__typename': guard().use(allowAnonymous()),
  });

  test.each([
    ['an unlisted field', 'ann:read', '{ orders { id } }', 'operation.unlisted'],
    [
      'an unlisted field beside a listed one',
      'ann:read',
      '{ me { id } orders { id } }',
      'operation.unlisted',
    ],
    [
      'an unlisted field under a listed name',
      'ann:read',
      '{ me: orders { id } }',
      'operation.unlisted',
    ],
    [
      'an unlisted field in a fragment',
      'ann:read',
      '{ ...F } fragment F on Query { ... { orders { id } } }',
      'operation.unlisted',
    ],
    [
      'an unlisted field that is skipped',
      'ann:read',
      '{ me { id } orders @skip(if: true) { id } }',
      'operation.unlisted',
    ],
    [
      'an unlisted mutation',
      'ann:read:write',
      'mutation { deleteOrder(id: 1) }',
      'operation.unlisted',
    ],
    [
      'a field whose guard denies, beside an open one',
      undefined,
      '{ echo me { id } }',
      'token.missing',
    ],
    [
      'introspection without its scope',
      'ann:read',
      '{ __schema { types { name } } }',
      'scope.insufficient',
    ],
    [
      'introspection that is not listed',
      'ann:introspect',
      '{ __type(name: "User") { name } }',
      'operation.unlisted',
    ],
    [
      'another operation of the document',
      undefined,
      'query A { echo } query B { orders { id } }',
      'operation.unlisted',
    ],
  ])('denies %s', async (_, token, query, reason) => {
    const { ran, resolvers } = shop();
    const { call } = await serve([apisec({ admission: table })], { resolvers });
    const { status, body } = await call(token, query, {
      operationName: query.includes('query B') ? 'B' : undefined,
    });
    expect(status).toBe(reason === 'token.missing' ? 401 : 403);
    expect(body.data).toBeUndefined();
    expect(body.errors.map((error: any) => error.extensions.reason)).toEqual([reason]);
    expect(ran).toEqual([]);
  });

  test.each([
    ['a listed field', 'ann:read', '{ me { id } }'],
    ['fields of two guards', 'ann:read', '{ me { id } echo }'],
    [
      'a fragment',
      'ann:read',
      '{ ...F } fragment F on Query { mine: me { ...G } } fragment G on User { id }',
    ],
    ['an open field, to anybody', undefined, '{ echo }'],
    ['introspection with its scope', 'ann:introspect', '{ __schema { queryType { name } } }'],
    ['a mere __typename, where it is listed', undefined, '{ __typename }'],
    ['a mutation', 'ann:write', 'mutation { createOrder(total: 1) { id } }'],
    ['the operation that is named', undefined, 'query A { echo } query B { orders { id } }'],
  ])('admits %s', async (_, token, query) => {
    const { call } = await serve([apisec({ admission: table })]);
    const { status, body } = await call(token, query, {
      operationName: query.includes('query A') ? 'A' : undefined,
    });
    expect({ status, errors: body.errors }).toEqual({ status: 200, errors: undefined });
  });

  test('denies a mere __typename where it is not listed', async () => {
    const { call } = await serve([apisec({ admission: coverage({ 'Query.me': reading }) })]);
    expect((await call('ann:read', '{ __typename }')).body.errors[0].extensions.reason).toBe(
      'operation.unlisted',
    );
  });

  test('asks each guard once for an operation, however many of its fields are selected', async () => {
    let asked = 0;
    const counting = guard().use(
      definePolicy({
        name: 'counting',
        role: 'grant',
        check: () => {
          asked++;
          return pass();
        },
      }),
    );
    const { call } = await serve([
      apisec({ admission: coverage({ 'Query.me': counting, 'Query.users': counting }) }),
    ]);
    await call(undefined, '{ a: me { id } b: me { id } users { id } }');
    expect(asked).toBe(1);
  });

  test('asks no further guard once one has denied', async () => {
    let charged = 0;
    const charging = guard().use(
      definePolicy({
        name: 'charging',
        role: 'grant',
        check: () => {
          charged++;
          return pass();
        },
      }),
    );
    const table = coverage({ 'Query.me': reading, 'Query.echo': charging });
    const { call } = await serve([apisec({ admission: table })]);
    await call(undefined, '{ me { id } echo }');
    expect(charged).toBe(0);
    await call('ann:read', '{ me { id } echo }');
    expect(charged).toBe(1);
  });

  test('gives resolvers the facts of each guard', async () => {
    const other = base.use(requireScopes('read'));
    const { resolvers } = shop(
      (contextValue) =>
        factsOf(contextValue, reading).principal.subject +
        factsOf(contextValue, other).call.operation,
    );
    const { call } = await serve(
      [apisec({ admission: coverage({ 'Query.me': reading, 'Query.users': other }) })],
      { resolvers },
    );
    const { body } = await call('ann:read', 'query Q { me { name } users { id } }');
    expect(body.data.me.name).toBe('annquery Q');
  });
});

describe('ways into Apollo', () => {
  test('a repeated Authorization is denied, in whichever order', async () => {
    const { url } = await serve([apisec({ admission: reading })]);
    const body = '{"query":"{ me { name } }"}';
    const json = 'content-type: application/json';
    const good = 'authorization: Bearer ann:read';
    const bad = 'Authorization: Bearer eve';
    expect(await raw(url, [json, good], body)).toMatch(/^HTTP\/1.1 200 /);
    for (const head of [
      [json, good, bad],
      [json, bad, good],
      [json, good, good],
    ]) {
      const answer = await raw(url, head, body);
      expect(answer).toMatch(/^HTTP\/1.1 400 /);
      expect(answer).toContain('token.malformed');
    }
  });

  test('a view of the request that the user hands over is what policies see', async () => {
    const request = () =>
      new Request('http://x/', { headers: { authorization: 'Bearer ann:read' } });
    const { call } = await serve([apisec({ admission: reading, request })]);
    expect((await call(undefined, '{ me { name } }')).status).toBe(200);
  });

  test('each operation of a batch is decided by itself', async () => {
    const { ran, resolvers } = shop();
    const table = coverage({ 'Query.echo': guard().use(allowAnonymous()), 'Query.me': reading });
    const { fetch } = await serve([apisec({ admission: table })], { resolvers });
    const post = (operations: unknown) =>
      fetch('/', {
        method: 'POST',
        headers: headersOf(undefined),
        body: JSON.stringify(operations),
      });
    const mixed = await post([{ query: '{ echo(text: "a") }' }, { query: '{ me { id } }' }]);
    expect(mixed.status).toBe(200);
    expect(mixed.body[0]).toEqual({ data: { echo: 'a' } });
    expect(mixed.body[1].data).toBeUndefined();
    expect(mixed.body[1].errors[0].extensions.reason).toBe('token.missing');
    expect(ran).toEqual(['echo']);
    expect((await post([{ query: '{ echo }' }, { query: '{ echo }' }])).status).toBe(200);
    expect((await post([{ query: '{ me { id } }' }, { query: '{ me { name } }' }])).status).toBe(
      401,
    );
  });

  test('a persisted query is decided like any other, and registered by admitted callers only', async () => {
    const { call } = await serve([apisec({ admission: reading })]);
    const query = '{ me { name } }';
    const sha256Hash = createHash('sha256').update(query).digest('hex');
    const extensions = { persistedQuery: { version: 1, sha256Hash } };
    const byHash = (token: string | undefined) =>
      call(token, query, { query: undefined, extensions });
    expect((await call(undefined, query, { extensions })).status).toBe(401);
    expect((await byHash('ann:read')).body.errors[0].message).toBe('PersistedQueryNotFound');
    expect((await byHash(undefined)).body.errors[0].extensions.reason).toBe('token.missing');
    expect((await call('ann:read', query, { extensions })).status).toBe(200);
    expect((await byHash('ann:read')).body.data).toEqual({ me: { name: 'ann' } });
    expect((await byHash(undefined)).status).toBe(401);
  });

  test('GET is guarded too, and a mutation by GET is denied to strangers without a word', async () => {
    const { ran, resolvers } = shop();
    const { fetch } = await serve([apisec({ admission: reading })], { resolvers });
    const get = (query: string, token?: string) =>
      fetch(`/?query=${encodeURIComponent(query)}`, { headers: headersOf(token) });
    expect((await get('{ me { name } }')).status).toBe(401);
    expect((await get('{ me { name } }', 'ann:read')).status).toBe(200);
    expect((await get('mutation { deleteOrder(id: 1) }')).status).toBe(401);
    expect((await get('mutation { deleteOrder(id: 1) }', 'ann:read')).status).toBe(405);
    expect(ran).toEqual(['me']);
  });

  test('answers that Apollo gives before there is an operation run nothing', async () => {
    const { ran, resolvers } = shop();
    const plugin = apisec({ admission: reading, documentationPages: true });
    const { fetch } = await serve([plugin], { resolvers });
    const csrf = await fetch('/', {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: '{"query":"{ me { id } }"}',
    });
    const put = await fetch('/', {
      method: 'PUT',
      headers: headersOf('ann:read'),
      body: '{"query":"{ me { id } }"}',
    });
    const page = await fetch('/?query={me{id}}', { headers: { accept: 'text/html' } });
    expect([csrf.status, put.status, page.status]).toEqual([400, 405, 200]);
    expect(page.headers.get('content-type')).toBe('text/html');
    expect(ran).toEqual([]);
  });

  test('executeOperation without a request is a call without headers', async () => {
    const server = new ApolloServer({
      typeDefs,
      resolvers: shop().resolvers,
      plugins: [apisec({ admission: reading })],
    });
    const denied = await server.executeOperation({ query: '{ me { name } }' });
    expect(denied.http.status).toBe(401);
    expect(denied.body).toEqual({
      kind: 'single',
      singleResult: {
        errors: [
          {
            message: 'token.missing',
            extensions: { code: 'UNAUTHENTICATED', reason: 'token.missing' },
          },
        ],
      },
    });
    const headers = new HeaderMap([['authorization', 'Bearer ann:read']]);
    const admitted = await server.executeOperation({
      query: '{ me { name } }',
      http: { method: 'POST', headers, search: '', body: {} },
    });
    expect(admitted.body).toMatchObject({ singleResult: { data: { me: { name: 'ann' } } } });
    await server.stop();
  });

  test('an error of another plugin does not overtake a decision that takes long', async () => {
    const endings: Completion[] = [];
    const slow = guard()
      .use(oblige({ onComplete: (completion) => void endings.push(completion) }))
      .use(
        definePolicy({
          name: 'slow',
          role: 'grant',
          check: async () => {
            await new Promise((resolve) => setTimeout(resolve, 20));
            return deny('forbidden', 'x.slow');
          },
        }),
      );
    const hasty = {
      requestDidStart: async () => ({
        didResolveOperation: () => Promise.reject(new Error('hasty')),
      }),
    };
    const { call } = await serve([hasty, apisec({ admission: slow })]);
    const { status, body } = await call(undefined, '{ echo }');
    expect(status).toBe(403);
    expect(body.errors[0].extensions.reason).toBe('x.slow');
    expect(endings.map(({ outcome, denial }) => [outcome, denial?.code])).toEqual([
      ['denied', 'x.slow'],
    ]);
  });
});
