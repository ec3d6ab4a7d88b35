import { apisec } from '@apisec/apollo';
import {
  allOf,
  allowAnonymous,
  anyOf,
  type Completion,
  coverage,
  definePolicy,
  deny,
  guard,
  logDenials,
  pass,
  requireRole,
  requireScopes,
} from '@apisec/core';
import type { FieldFacts } from '@apisec/graphql';
import { ApolloServer } from '@apollo/server';
import { buildSchema, type GraphQLFieldResolver, graphql } from 'graphql';
import { describe, expect, test } from 'vitest';
import {
  authenticate,
  base,
  headersOf,
  oblige,
  type Running,
  reading,
  serve,
  shop,
  typeDefs,
} from './harness.ts';

const pii = requireScopes('pii');
const denied = { code: 'FORBIDDEN', reason: 'scope.insufficient' };

function served(fields: object, more: Parameters<typeof serve>[1] = {}): Promise<Running> {
  // The table is typed where it is the subject of the test.
  return serve([apisec({ admission: reading, fields: fields as Record<string, never> })], more);
}

describe('a guarded field', () => {
  test('is resolved for a caller whom its policy passes', async () => {
    const { call } = await served({ 'User.email': pii });
    const { body } = await call('ann:read:pii', '{ me { name email } }');
    expect(body).toEqual({ data: { me: { name: 'ann', email: 'ann@example.com' } } });
  });

  test('is null with an error at its path for any other, and the HTTP status stays', async () => {
    const { ran, resolvers } = shop();
    const { call } = await served({ 'User.email': pii }, { resolvers });
    const { status, headers, text, body } = await call('ann:read', '{ me { name email } }');
    expect(status).toBe(200);
    expect(headers.get('www-authenticate')).toBeNull();
    expect(body.data).toEqual({ me: { name: 'ann', email: null } });
    expect(body.errors).toEqual([
      {
        message: 'The credential lacks a scope that this operation needs.',
        locations: [{ line: 1, column: 13 }],
        path: ['me', 'email'],
        extensions: denied,
      },
    ]);
    expect(text).not.toContain('stack');
    expect(ran).toEqual(['me']);
  });

  test.each([
    ['under an alias', '{ me { name: email } }', ['me', 'name']],
    ['in a named fragment', '{ me { ...F } } fragment F on User { email }', ['me', 'email']],
    ['in an inline fragment', '{ me { ... on User { ... { email } } } }', ['me', 'email']],
    ['behind an interface', '{ node(id: "ann") { ... on User { email } } }', ['node', 'email']],
    ['behind a union', '{ things { ... on User { email } } }', ['things', 0, 'email']],
    [
      'deep in lists',
      '{ me { friends { friends { email } } } }',
      ['me', 'friends', 0, 'friends', 0, 'email'],
    ],
  ])('is denied %s', async (_, query, path) => {
    const { ran, resolvers } = shop();
    const { call } = await served({ 'User.email': pii }, { resolvers });
    const { status, body } = await call('ann:read', query);
    expect(status).toBe(200);
    expect(body.errors[0]).toMatchObject({ path, extensions: denied });
    expect(ran).not.toContain('email');
    const honest = await call('ann:read:pii', query);
    expect(honest.body.errors).toBeUndefined();
  });

  test('is denied for each item of a list by itself', async () => {
    const own = definePolicy<FieldFacts>({
      name: 'own',
      role: 'grant',
      check: (_request, { field }) =>
        (field.source as { name: string }).name === 'ann' ? pass() : deny('forbidden', 'x.foreign'),
    });
    const { call } = await served({ 'User.email': own });
    const { body } = await call('ann:read', '{ users { email } }');
    expect(body.data.users).toEqual([{ email: 'ann@example.com' }, { email: null }]);
    expect(body.errors.map((error: any) => error.path)).toEqual([['users', 1, 'email']]);
  });

  test('takes its parent with it where it may not be null', async () => {
    const { call } = await served({ 'User.name': pii });
    const { status, body } = await call('ann:read', '{ me { name } }');
    expect({ status, data: body.data }).toEqual({ status: 200, data: { me: null } });
  });

  test('may be a root field, with its arguments as facts', async () => {
    const small = definePolicy<FieldFacts>({
      name: 'small',
      role: 'check',
      check: (_request, { field }) =>
        (field.args['limit'] as number) <= 10 ? pass() : deny('too_large', 'x.page'),
    });
    const { ran, resolvers } = shop();
    const { call } = await served({ 'Query.orders': small }, { resolvers });
    const { status, body } = await call(
      'ann:read',
      'query ($n: Int) { orders(limit: $n) { id } }',
      { variables: { n: 11 } },
    );
    expect({ status, data: body.data, ran }).toEqual({
      status: 200,
      data: { orders: null },
      ran: [],
    });
    expect((await call('ann:read', '{ orders(limit: 2) { id } }')).body.data.orders).toHaveLength(
      2,
    );
  });

  test('does not keep another operation on the same server from its answer', async () => {
    const { call } = await served({ 'User.email': pii });
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        call(index % 2 ? 'ann:read' : 'ann:read:pii', '{ me { email } }'),
      ),
    );
    answers.forEach(({ body }, index) =>
      expect(body.data.me.email).toBe(index % 2 ? null : 'ann@example.com'),
    );
  });

  test('makes the answer unfit for caches', async () => {
    const cached = `directive @cacheControl(maxAge: Int) on FIELD_DEFINITION\n${typeDefs}`
      .replace('me: User', 'me: User @cacheControl(maxAge: 60)')
      .replace('email: String', 'email: String @cacheControl(maxAge: 60)')
      .replace('name: String!', 'name: String! @cacheControl(maxAge: 60)');
    const { call } = await served({ 'User.email': pii }, { typeDefs: cached });
    const plain = await call('ann:read:pii', '{ me { name } }');
    const guarded = await call('ann:read:pii', '{ me { name email } }');
    expect(plain.headers.get('cache-control')).toBe('max-age=60, private');
    expect(guarded.headers.get('cache-control')).toBe('no-store');
  });
});

describe('a policy on a field of an interface', () => {
  test.each([
    ['the interface', '{ node(id: "order") { secret } }'],
    ['one type that implements it', '{ me { secret } }'],
    ['the other', '{ orders { secret } }'],
  ])('holds through %s', async (_, query) => {
    const { ran, resolvers } = shop();
    const { call } = await served({ 'Node.secret': pii }, { resolvers });
    const { body } = await call('ann:read', query);
    expect(body.errors[0].extensions).toEqual(denied);
    expect(ran.some((name) => name.endsWith('secret'))).toBe(false);
    expect((await call('ann:read:pii', query)).body.errors).toBeUndefined();
  });

  test("is joined by the type's own", async () => {
    const { call } = await served({ 'Node.secret': pii, 'Order.secret': requireScopes('orders') });
    const reason = async (token: string) => {
      const { body } = await call(token, '{ orders { secret } }');
      return body.errors?.[0].extensions.reason;
    };
    expect(await reason('ann:read:pii')).toBe('scope.insufficient');
    expect(await reason('ann:read:orders')).toBe('scope.insufficient');
    expect(await reason('ann:read:pii:orders')).toBeUndefined();
  });
});

describe('a policy that cannot guard a field', () => {
  const cases = [
    ['rejects', () => Promise.reject(new Error('secret of the pool')), 'policy.threw'],
    [
      'throws',
      () => {
        throw new Error('secret of the pool');
      },
      'policy.threw',
    ],
    ['answers nonsense', () => 'yes', 'policy.invalid_outcome'],
    [
      'wants to see messages',
      () => pass({}, { onMessage: () => ({ ok: true }) }),
      'message.unavailable',
    ],
    [
      'wants to see payloads',
      () => pass({}, { onRelease: () => ({ ok: true }) }),
      'release.unfilterable',
    ],
  ] as const;

  test.each(cases)('denies it: one that %s', async (_, check, reason) => {
    const { ran, resolvers } = shop();
    const policy = definePolicy({ name: 'odd', role: 'grant', check: check as () => never });
    const { call } = await served({ 'User.email': policy }, { resolvers });
    const { status, text, body } = await call('ann:read', '{ me { name email } }');
    expect(status).toBe(200);
    expect(body.data.me).toEqual({ name: 'ann', email: null });
    expect(body.errors[0].extensions).toEqual({ code: 'INTERNAL_SERVER_ERROR', reason });
    expect(text).not.toMatch(/secret|stack/);
    expect(ran).not.toContain('email');
  });

  test.each([
    ['a type that is not there', { 'Uzer.email': pii }, /"Uzer\.email" names no object type/],
    ['a field that is not there', { 'User.mail': pii }, /"User" has no field "mail"/],
    ['a field of every object', { 'User.constructor': pii }, /"User" has no field "constructor"/],
    ['a type that is not there, alone', { Uzer: pii }, /"Uzer" is not a type/],
    ['a union', { 'Thing.id': pii }, /names no object type/],
    ['an argument', { 'Query.node.id': pii }, /names no object type/],
    ['a field that the language has', { 'User.__typename': pii }, /has no field/],
    ['no policy', { 'User.email': {} }, /A policy needs a name/],
  ])('does not start with %s', async (_, fields: object, message) => {
    const server = new ApolloServer({
      typeDefs,
      plugins: [apisec({ admission: reading, fields: fields as Record<string, never> })],
      logger: { debug() {}, info() {}, warn() {}, error() {} },
    });
    const failure: unknown = await server.start().catch((error: unknown) => error);
    expect(failure).toMatchObject({
      name: 'ConfigurationError',
      message: expect.stringMatching(message),
    });
  });

  test('does not start in front of a gateway, which resolves no fields', async () => {
    const schema = buildSchema('type Query { a: String }');
    const gateway = (fields: object) =>
      new ApolloServer({
        gateway: {
          onSchemaLoadOrUpdate: (tell) => {
            tell({ apiSchema: schema, coreSupergraphSdl: 'x' });
            return () => undefined;
          },
          load: async () => ({ executor: async () => ({ data: { a: 'a' } }) }),
          stop: async () => undefined,
        },
        plugins: [apisec({ admission: reading, fields: fields as Record<string, never> })],
        logger: { debug() {}, info() {}, warn() {}, error() {} },
      });
    await expect(gateway({ 'Query.a': pii }).start()).rejects.toThrow(
      /Guard them in the subgraphs/,
    );
    const open = gateway({});
    await open.start();
    await open.stop();
  });
});

describe('the facts of a field policy', () => {
  test('are those of the guard above it in a coverage table', async () => {
    const anonymous = guard().use(allowAnonymous());
    const table = coverage({ 'Query.me': reading, 'Query.users': anonymous });
    const fields = { 'User.email': pii } as unknown as Record<string, never>;
    const { call } = await serve([apisec({ admission: table, fields })]);
    const { body } = await call(
      'ann:read:pii',
      '{ a: me { friends { email } } b: users { email } }',
    );
    expect(body.data.a.friends[0].email).toBe('cat@example.com');
    expect(body.data.b[0].email).toBeNull();
    expect(body.errors[0].extensions.reason).toBe('policy.threw');
  });

  test('are its own where it is a guard, also below what anybody may call', async () => {
    const anonymous = guard().use(allowAnonymous());
    const table = coverage({ 'Query.me': reading, 'Query.users': anonymous });
    const plugin = apisec({ admission: table, fields: { 'User.email': base.use(pii) } });
    const { call, fetch } = await serve([plugin]);
    const query = '{ users { name email } }';
    const { body } = await call('ann:pii', query);
    expect(body.data.users[0].email).toBe('ann@example.com');
    expect((await call('ann:read:pii', '{ me { email } }')).body.errors).toBeUndefined();
    const both = await fetch('/', {
      method: 'POST',
      headers: headersOf('ann:read:pii'),
      body: JSON.stringify([
        { query: '{ me { email } }' },
        { query: '{ me { email } users { email } }' },
      ]),
    });
    expect(both.text).not.toContain('errors');
    const clerk = (await call('bob:read', query)).body;
    expect(clerk.data.users[0]).toEqual({ name: 'ann', email: null });
    expect(clerk.errors[0].extensions).toEqual(denied);
    const nobody = (await call(undefined, query)).body;
    expect(nobody.data.users[0]).toEqual({ name: 'ann', email: null });
    expect(nobody.errors[0].extensions.reason).toBe('token.missing');
  });

  test('are never those of an object of the root field', async () => {
    const loadOne = definePolicy({
      name: 'loadOne',
      role: 'check',
      adds: ['loaded'],
      check: (_request, facts) =>
        pass({ loaded: 'field' in facts ? 'the one of the field' : 'the one of the root field' }),
    });
    const table = coverage({ 'Query.me': base.use(loadOne).use(requireScopes('read')) });
    const fields = { 'User.email': base.use(loadOne).use(pii) };
    const { call } = await serve([apisec({ admission: table, fields })]);
    const { body } = await call('ann:read:pii', '{ me { email } }');
    expect(body.data.me.email).toBeNull();
    expect(body.errors[0].extensions.reason).toBe('policy.fact_conflict');
  });

  test('reach combined policies', async () => {
    const either = anyOf(requireRole('admin'), allOf(pii, requireScopes('read')));
    const { call } = await served({ 'User.email': either });
    expect((await call('ann:read:pii', '{ me { email } }')).body.errors).toBeUndefined();
    expect((await call('ann:read', '{ me { email } }')).body.errors).toHaveLength(1);
  });
});

describe('obligations of a field policy', () => {
  test('its headers are sent and its end is reported, denied or not', async () => {
    const endings: Completion[] = [];
    const duty = {
      headers: [{ op: 'set', name: 'x-seen', value: 'email' }],
      onComplete: (completion: Completion) => void endings.push(completion),
    } as const;
    const policy = definePolicy({
      name: 'duty',
      role: 'check',
      check: ({ headers }) =>
        headers.get('authorization') === 'Bearer ann:read'
          ? pass({}, duty)
          : deny('forbidden', 'x.no', { obligations: duty }),
    });
    const { call } = await served({ 'User.email': policy });
    expect((await call('ann:read', '{ me { email } }')).headers.get('x-seen')).toBe('email');
    expect((await call('bob:read', '{ me { email } }')).headers.get('x-seen')).toBe('email');
    expect((await call('ann:read', '{ me { name } }')).headers.get('x-seen')).toBeNull();
    expect(endings.map(({ outcome, denial }) => [outcome, denial?.code])).toEqual([
      ['succeeded', undefined],
      ['denied', 'x.no'],
    ]);
  });
});

describe('a gated schema', () => {
  const email: GraphQLFieldResolver<unknown, unknown> = () => 'resolved by default';

  test("keeps the server's own field resolver, where it is handed over", async () => {
    const plugin = apisec({
      admission: reading,
      fields: { 'Query.echo': pii },
      fieldResolver: email,
    });
    const { call } = await serve([plugin], { resolvers: {}, fieldResolver: email });
    expect((await call('ann:read:pii', '{ echo }')).body.data).toEqual({
      echo: 'resolved by default',
    });
    expect((await call('ann:read', '{ echo }')).body.data).toEqual({ echo: null });
  });

  test('serves two servers, each with its own policies', async () => {
    const schema = buildSchema('type Query { a: String b: String }');
    const rootValue = { a: 'a', b: 'b' };
    const one = await serve([apisec({ admission: reading, fields: { 'Query.a': pii } })], {
      schema,
      rootValue,
      typeDefs: undefined as any,
      resolvers: undefined as any,
    });
    const two = await serve([apisec({ admission: reading, fields: { 'Query.b': pii } })], {
      schema,
      rootValue,
      typeDefs: undefined as any,
      resolvers: undefined as any,
    });
    expect((await one.call('ann:read', '{ a b }')).body.data).toEqual({ a: null, b: 'b' });
    expect((await two.call('ann:read', '{ a b }')).body.data).toEqual({ a: 'a', b: null });
    const around = await graphql({ schema, source: '{ a }', rootValue, contextValue: {} });
    expect(around.data).toEqual({ a: null });
  });

  test('is guarded in each of the servers that share one plugin', async () => {
    const plugin = apisec({ admission: reading, fields: { 'Node.secret': pii } });
    const first = await serve([plugin]);
    const smaller =
      'interface Node { secret: String } type Query implements Node { secret: String }';
    const second = await serve([plugin], { typeDefs: smaller, resolvers: {} });
    const denials = async ({ call }: Running, query: string) =>
      (await call('ann:read', query)).body.errors?.length;
    expect(await denials(first, '{ me { secret } }')).toBe(1);
    expect(await denials(second, '{ secret }')).toBe(1);
  });

  test('asks the policies of both plugins of one server', async () => {
    const plugins = ['pii', 'extra'].map((scope) =>
      apisec({ admission: reading, fields: { 'User.email': requireScopes(scope) } }),
    );
    const { call } = await serve(plugins);
    const denials = await Promise.all(
      ['ann:read:pii', 'ann:read:extra', 'ann:read:pii:extra'].map(
        async (token) => (await call(token, '{ me { email } }')).body.errors?.length,
      ),
    );
    expect(denials).toEqual([1, 1, undefined]);
  });
});

describe('the log of denials', () => {
  const logged = async (fields: object, query: string) => {
    const lines: string[] = [];
    const write = (line: string) => void lines.push(line);
    const plugin = apisec({
      admission: reading,
      // The table is typed where it is the subject of the test.
      fields: fields as Record<string, never>,
      logDenials: logDenials({ format: 'text', write }),
    });
    await (await serve([plugin])).call('ann:read', query);
    return lines;
  };

  test('says why a field was denied', async () => {
    expect(await logged({ 'User.email': pii }, '{ me { name email } }')).toEqual([
      'denied User.email: scope.insufficient by requireScopes(pii)\n  cause: missing=[pii], given=[read]',
    ]);
  });

  test('sees no fields where it is a policy of the guard of their root field', async () => {
    const lines: string[] = [];
    const log = logDenials({ format: 'text', write: (line) => void lines.push(line) });
    const admission = guard().use(log).use(authenticate()).use(requireScopes('read'));
    const { call } = await serve([apisec({ admission, fields: { 'User.email': pii } })]);
    const { body } = await call('ann:read', '{ me { email } }');
    expect([body.errors[0].extensions, lines]).toEqual([denied, []]);
    await call('ann', '{ me { email } }');
    expect(lines.join()).toContain('scope.insufficient by requireScopes(read)');
  });

  test('says it once for a field that many objects have', async () => {
    const own = definePolicy({
      name: 'own',
      role: 'check',
      check: (_request, { field }: FieldFacts) =>
        field.source === undefined ? pass() : deny('forbidden', 'x.own'),
    });
    const lines = await logged({ 'User.email': own }, '{ me { friends { email } email } }');
    expect(lines).toEqual(['denied User.email: x.own by own']);
  });

  test('says that a document could not be read where a table therefore denies it', async () => {
    const lines: string[] = [];
    const write = (line: string) => void lines.push(line);
    const log = logDenials({ format: 'text', write });
    const api = coverage({ 'Query.me': reading });
    const { call } = await serve([apisec({ admission: api, logDenials: log })]);
    await call('ann:read', '{ me { nmae(of: "secret") } }');
    expect(lines).toEqual([
      expect.stringMatching(
        /^denied unresolved: operation\.unlisted by coverage\n {2}cause: unresolved=the document does not parse/,
      ),
    ]);
    expect(lines.join()).not.toContain('secret');
  });

  test('says nothing of fields that were resolved', async () => {
    expect(await logged({ 'User.email': requireScopes('read') }, '{ me { email } }')).toEqual([]);
  });
});

test('headers of the operation are set although a field is denied', async () => {
  const admission = guard()
    .use(oblige({ headers: [{ op: 'set', name: 'x-op', value: '1' }] }))
    .use(allowAnonymous());
  const no = definePolicy({
    name: 'no',
    role: 'check',
    check: () => deny('unauthenticated', 'x.no', { challenges: [{ scheme: 'Bearer' }] }),
  });
  const { call } = await serve([apisec({ admission, fields: { 'Query.echo': no } })]);
  const { status, headers, body } = await call(undefined, '{ echo }');
  expect([status, headers.get('x-op'), headers.get('www-authenticate')]).toEqual([200, '1', null]);
  expect(body.errors[0].extensions).toEqual({ code: 'UNAUTHENTICATED', reason: 'x.no' });
});
