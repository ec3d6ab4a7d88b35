import { allowAnonymous, coverage, guard, requireScopes } from '@apisec/core';
import { getIntrospectionQuery, graphql } from 'graphql';
import { describe, expect, test } from 'vitest';
import { authenticate } from './harness.ts';
import { reasonOf, schemaOf, servers } from './servers.ts';

const open = guard().use(allowAnonymous());
const known = guard().use(authenticate()).use(allowAnonymous());
const schema = () =>
  schemaOf(
    `
    type _Service { sdl: String }
    type User { email: String boss: User }
    type Query { me: User, schema: String, _service: _Service, crash: String, missing: User! viewer: Query }
    `,
    {
      'Query.me': () => ({ email: 'a@b' }),
      'Query.schema': () => 'mine',
      'Query._service': () => ({ sdl: 'type Query' }),
      'Query.viewer': () => ({}),
      'Query.crash': () => {
        throw new Error('connection to 10.0.0.7 lost');
      },
    },
  );

const asked: readonly (readonly [string, string])[] = [
  ['the whole schema', getIntrospectionQuery()],
  ['a type by name', '{ __type(name: "User") { name fields { name } } }'],
  ['under an alias', '{ schema: __schema { queryType { name } } }'],
  [
    'in an inline fragment',
    '{ me { email } ... { ... on Query { __schema { types { name } } } } }',
  ],
  [
    'in named fragments',
    '{ ...A } fragment A on Query { ...B } fragment B on Query { x: __type(name: "User") { name } }',
  ],
  ['below the root', '{ viewer { viewer { __schema { types { name } } } } }'],
  ['under a directive', '{ me { email } __schema @skip(if: true) { types { name } } }'],
  ['the SDL of a subgraph', '{ _service { sdl } }'],
];

describe.each(servers)('introspection on %s', (_, serve) => {
  // Covers: V4.3.2
  test.each(asked)('is off by default: %s', async (__, query) => {
    const { call } = await serve({ admission: open }, schema());
    const answer = await call(undefined, query);
    expect([reasonOf(answer), answer.body.data]).toEqual(['introspection.disabled', undefined]);
    expect(answer.status ?? 403).toBe(403);
  });

  test.each([
    ['a field aliased to its name', '{ __schema: schema __type: me { email } }'],
    ['a field of almost its name', '{ schema }'],
    ['the name of a type', '{ __typename me { __typename } }'],
  ])('is not by name: %s', async (__, query) => {
    const { call } = await serve({ admission: open }, schema());
    expect((await call(undefined, query)).body.errors).toBeUndefined();
  });

  test('asks strangers to authenticate before anything else', async () => {
    const { call } = await serve({ admission: known }, schema());
    const reason = reasonOf(await call(undefined, '{ __schema { types { name } } }'));
    // A socket is closed before anything is asked on it.
    expect(['token.missing', 'closed']).toContain(reason);
  });

  test('is on where the option says so, and for whom its policy passes', async () => {
    const query = '{ schema: __schema { queryType { name } } service: _service { sdl } }';
    const on = await serve({ admission: open, introspection: true }, schema());
    expect((await on.call(undefined, query)).body.data.schema.queryType.name).toBe('Query');
    const some = await serve(
      { admission: known, introspection: requireScopes('introspect') as never },
      schema(),
    );
    expect((await some.call('ann:introspect', query)).body.data.service).toEqual({
      sdl: 'type Query',
    });
    const denied = await some.call('ann', query);
    expect([reasonOf(denied), denied.body.data]).toEqual(['scope.insufficient', null]);
  });

  test('is what a table lists, and no more', async () => {
    const table = coverage({ 'Query.__schema': open, 'Query.me': open });
    const { call } = await serve({ admission: table }, schema());
    expect(
      (await call(undefined, '{ __schema { queryType { name } } }')).body.errors,
    ).toBeUndefined();
    expect(reasonOf(await call(undefined, '{ __type(name: "User") { name } }'))).toBe(
      'operation.unlisted',
    );
  });

  test('is closed to another executor of the schema', async () => {
    const made = schema();
    const { call } = await serve({ admission: open, introspection: true }, made);
    await call(undefined, '{ schema }');
    const { data } = await graphql({
      schema: made,
      source: '{ _service { sdl } }',
      contextValue: {},
    });
    expect(data).toEqual({ _service: null });
  });
});

describe.each(servers)('errors on %s', (_, serve) => {
  test.each([
    ['a field', '{ me { emial } }'],
    ['a type', '{ me { ... on Uzer { email } } }'],
    ['an argument', '{ me(x: 1) { email } }'],
    ['missing selections', '{ me }'],
    ['a fragment', '{ me { ...F } } fragment F on Usr { email }'],
    ['a directive', '{ me @skp(if: true) { email } }'],
  ])('make no suggestions for %s', async (__, query) => {
    const { call } = await serve({ admission: open }, schema());
    const { body } = await call(undefined, query);
    expect(body.errors.length).toBeGreaterThan(0);
    expect(JSON.stringify(body)).not.toMatch(/Did you mean/);
  });

  // Covers: API8:2023, V16.5.1
  test('that nobody wrote for callers are masked, with their stacks', async () => {
    const { call } = await serve({ admission: open }, schema());
    const { body } = await call(undefined, '{ crash schema }');
    expect(JSON.stringify(body)).not.toMatch(/10\.0\.0\.7|stack|node_modules/);
    expect(body.errors).toMatchObject([
      { path: ['crash'], extensions: { code: 'INTERNAL_SERVER_ERROR' } },
    ]);
    expect(body.data).toEqual({ crash: null, schema: 'mine' });
  });

  test('go out as they are only where that is asked for', async () => {
    const { call } = await serve({ admission: open, insecureErrorDetails: true }, schema());
    expect(JSON.stringify((await call(undefined, '{ crash }')).body)).toContain('10.0.0.7');
  });
});
