import { apisec } from '@apisec/apollo';
import { allowAnonymous, coverage, guard, requireScopes } from '@apisec/core';
import { ApolloServer } from '@apollo/server';
import { buildSchema, type GraphQLSchema, graphql, parse, subscribe } from 'graphql';
import { describe, expect, test } from 'vitest';
import { base, serve } from './harness.ts';

const open = guard().use(allowAnonymous());
const reading = base.use(requireScopes('payroll'));

const typeDefs = `
  interface Directory { salaries: [Int!] }
  type Query implements Directory { viewer: Query directory: Directory salaries: [Int!] name: String }
  type Created { query: Query }
  type Mutation { create: Created }
  type Subscription { salaryChanged: Int }
`;
const ran: string[] = [];
const resolvers = {
  Directory: { __resolveType: () => 'Query' },
  Query: {
    viewer: () => ({}),
    directory: () => ({}),
    salaries: () => {
      ran.push('salaries');
      return [1];
    },
    name: () => 'shop',
  },
  Mutation: { create: () => ({ query: {} }) },
  Subscription: {
    salaryChanged: {
      subscribe: async function* () {
        ran.push('subscribe');
        yield { salaryChanged: 1 };
      },
    },
  },
};
const table = {
  'Query.viewer': open,
  'Query.directory': open,
  'Query.name': open,
  'Query.salaries': reading,
  'Mutation.create': open,
};

/** A server, and the schema that other executors could be given as well. */
async function served(admission: object = coverage(table)) {
  let schema: GraphQLSchema | undefined;
  const keep = {
    serverWillStart: async (service: { readonly schema: GraphQLSchema }) => {
      schema = service.schema;
    },
  };
  const server = await serve([keep, apisec({ admission: admission as typeof open })], {
    typeDefs,
    resolvers,
  });
  ran.length = 0;
  return { ...server, schema: schema as unknown as GraphQLSchema };
}

describe('a guarded root field that is reached below the root', () => {
  test.each([
    ['through a field that leads back', '{ viewer { salaries } }'],
    ['through several of them', '{ viewer { viewer { a: salaries } } }'],
    ['after a mutation', 'mutation { create { query { salaries } } }'],
    ['through an interface', '{ directory { salaries } }'],
    ['through a fragment', '{ viewer { ...F } } fragment F on Query { salaries }'],
    ['through a fragment on an interface', '{ viewer { ... on Directory { salaries } } }'],
    ['through a fragment that is used at the root as well', QUERY_WITH_BOTH()],
    ['under a directive', '{ viewer { salaries @include(if: true) } }'],
  ])('is denied to strangers: %s', async (_, query) => {
    const { call } = await served();
    const { status, body } = await call(undefined, query);
    expect([status, body.errors[0].extensions.reason, ran]).toEqual([401, 'token.missing', []]);
    expect((await call('ann:payroll', query)).body.errors).toBeUndefined();
  });

  test('leaves what is beside it as it is', async () => {
    const { call } = await served();
    const { body } = await call(undefined, '{ viewer { name viewer { name } } name }');
    expect(body.data).toEqual({ viewer: { name: 'shop', viewer: { name: 'shop' } }, name: 'shop' });
  });

  test.each([
    '{ viewer { __schema { types { name } } } }',
    '{ viewer { __type(name: "Query") { name } } }',
  ])('is denied where it is introspection that nobody listed: %s', async (query) => {
    const { call } = await served();
    const { status, body } = await call('ann:payroll', query);
    expect([status, body.errors[0].extensions.reason]).toEqual([403, 'operation.unlisted']);
  });
});

function QUERY_WITH_BOTH(): string {
  return '{ ...F viewer { ...G } } fragment F on Query { name } fragment G on Query { ...F salaries }';
}

describe('another executor of a guarded schema', () => {
  test.each([
    ['a listed field', '{ salaries }'],
    ['a field that is open to all callers', '{ name }'],
    ['introspection', '{ __schema { types { name } } }'],
    ['a type by name', '{ __type(name: "Query") { name } }'],
  ])('finds %s closed', async (_, source) => {
    const { schema } = await served();
    for (const contextValue of [undefined, {}, Object.freeze({})]) {
      const { data, errors } = await graphql({ schema, source, contextValue });
      expect(Object.values(data ?? {}).every((value) => value === null)).toBe(true);
      expect(errors?.[0]?.extensions['reason']).toBe('policy.no_grant');
    }
    expect(ran).toEqual([]);
  });

  test('finds sources of events closed', async () => {
    const { schema } = await served();
    const document = parse('subscription { salaryChanged }');
    const answer = await subscribe({ schema, document, contextValue: {} });
    expect(answer).toMatchObject({ errors: [{ extensions: { reason: 'policy.no_grant' } }] });
    expect(ran).toEqual([]);
  });

  test('finds them closed as well where one guard decides every operation', async () => {
    const { schema } = await served(open);
    const { data } = await graphql({ schema, source: '{ name salaries }', contextValue: {} });
    expect(data).toEqual({ name: null, salaries: null });
  });

  test('may introspect a schema that nobody guards', async () => {
    await served();
    const bare = buildSchema('type Query { a: Int }');
    const { data } = await graphql({ schema: bare, source: '{ __type(name: "Query") { name } }' });
    expect(data).toEqual({ __type: { name: 'Query' } });
  });

  test('is held to what was decided where a resolver runs it in an admitted operation', async () => {
    const inner = {
      ...resolvers,
      Query: {
        ...resolvers.Query,
        name: async (
          _: unknown,
          __: unknown,
          contextValue: object,
          info: { schema: GraphQLSchema },
        ) => {
          const { data } = await graphql({
            schema: info.schema,
            source: '{ salaries }',
            contextValue,
          });
          return JSON.stringify(data);
        },
      },
    };
    const { call } = await serve([apisec({ admission: coverage(table) })], {
      typeDefs,
      resolvers: inner,
    });
    expect((await call(undefined, '{ name }')).body.data).toEqual({ name: '{"salaries":null}' });
  });

  test('does not get a guarded field by the operation of another guarded schema', async () => {
    const { schema: payroll } = await served();
    const delegate = async (_: unknown, __: unknown, contextValue: object) => {
      const { data } = await graphql({ schema: payroll, source: '{ salaries }', contextValue });
      return JSON.stringify(data);
    };
    const { call } = await serve([apisec({ admission: open })], {
      typeDefs: 'type Query { salaries: String }',
      resolvers: { Query: { salaries: delegate } },
    });
    expect((await call(undefined, '{ salaries }')).body.data).toEqual({
      salaries: '{"salaries":null}',
    });
    expect(ran).toEqual([]);
  });
});

describe('a table that does not fit its schema', () => {
  test.each([
    ['a field that is not there', 'Query.ordres'],
    ['a type that is not a root type', 'Created.query'],
    ['an operation of another transport', 'GET /orders'],
  ])('does not start: %s', async (_, operation) => {
    const server = new ApolloServer({
      typeDefs,
      plugins: [apisec({ admission: coverage({ ...table, [operation]: open }) })],
      logger: { debug() {}, info() {}, warn() {}, error() {} },
    });
    const failure: unknown = await server.start().catch((error: unknown) => error);
    expect(failure).toMatchObject({
      name: 'ConfigurationError',
      message: expect.stringContaining(operation),
    });
  });

  test.each(['unresolved', 'Query.__schema', 'Query.__type', 'Query.__typename'])(
    'is not one that lists %s',
    async (operation) => {
      await served(coverage({ ...table, [operation]: open }));
    },
  );
});
