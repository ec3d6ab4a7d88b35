import { apisec } from '@apisec/apollo';
import {
  type AuthenticatedFacts,
  allowAnonymous,
  coverage,
  definePolicy,
  factsOf,
  type GraphqlFacts,
  guard,
  type HttpFacts,
  type NoFacts,
  type Policy,
  type Principal,
  pass,
  type RawBodyFacts,
  requireScopes,
} from '@apisec/core';
import type { FieldFacts } from '@apisec/graphql';
import { ApolloServer } from '@apollo/server';
import { expectTypeOf, test } from 'vitest';

declare function authenticate(): Policy<NoFacts, AuthenticatedFacts, 'check'>;
const api = guard().use(authenticate()).use(requireScopes('read'));
const open = guard().use(allowAnonymous());
const pii = requireScopes('pii');

test('the plugin mounts on any server, and reads its context', () => {
  const server = new ApolloServer({
    typeDefs: '',
    plugins: [apisec({ admission: api, fields: { 'User.email': pii } })],
  });
  const other = new ApolloServer<{ ip: string }>({
    typeDefs: '',
    plugins: [
      apisec({ admission: api, peer: ({ ip }) => ({ address: ip, id: ip }) }),
      apisec({ admission: guard<GraphqlFacts>().use(allowAnonymous()) }),
    ],
  });
});

test('a guard of checks alone cannot be mounted', () => {
  // @ts-expect-error Type '"check"' is not assignable to type '"grant"'
  apisec({ admission: guard().use(authenticate()) });
});

test('a guard on facts that this adapter cannot supply cannot be mounted', () => {
  // @ts-expect-error Property 'rawBody' is missing
  apisec({ admission: guard<GraphqlFacts & RawBodyFacts>().use(allowAnonymous()) });
  // @ts-expect-error this is no HTTP call
  apisec({ admission: guard<HttpFacts>().use(allowAnonymous()) });
});

test('an async policy can guard a field', () => {
  const slow = definePolicy({ name: 'slow', role: 'check', check: async () => pass() });
  apisec({ admission: api, fields: { 'User.email': slow } });
});

test('a field policy has the facts of the guard, and of its field', () => {
  const own = definePolicy<FieldFacts & { principal: Principal }>({
    name: 'own',
    role: 'grant',
    check: (_request, { field, principal }) => {
      expectTypeOf(field.source).toEqualTypeOf<unknown>();
      expectTypeOf(principal).toEqualTypeOf<Principal>();
      return pass();
    },
  });
  apisec({ admission: api, fields: { 'User.email': own } });
  // @ts-expect-error Property 'principal' is missing
  apisec({ admission: open, fields: { 'User.email': own } });
});

test('a guard may stand in the place of a field policy, and its facts are those of the field', () => {
  const load = definePolicy({
    name: 'load',
    role: 'check',
    check: () => pass({ user: { id: 7 } }),
  });
  const owned = guard<GraphqlFacts & AuthenticatedFacts & FieldFacts>().use(load).use(pii);
  apisec({ admission: api, fields: { 'User.email': owned } });
  expectTypeOf(factsOf({}, owned).user.id).toEqualTypeOf<number>();
  // @ts-expect-error Property 'principal' is missing
  apisec({ admission: open, fields: { 'User.email': owned } });
  // @ts-expect-error a guard of checks alone admits nobody
  apisec({ admission: api, fields: { 'User.email': guard<GraphqlFacts>().use(load) } });
});

test('a coverage table fits, and its field policies have what all its guards know', () => {
  const fields = { 'User.email': pii };
  apisec({
    admission: coverage({ 'Query.me': api, 'Query.users': api.use(requireScopes('x')) }),
    fields,
  });
  // @ts-expect-error one of the guards knows no principal
  apisec({ admission: coverage({ 'Query.me': api, 'Query.status': open }), fields });
});

test('resolvers read facts through the guard', () => {
  expectTypeOf(factsOf({}, api).principal).toEqualTypeOf<Principal>();
});
