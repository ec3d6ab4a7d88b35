import { apisec } from '@apisec/apollo';
import { allowAuthenticated, definePolicy, deny, guard, pass, requireScopes } from '@apisec/core';
import { ApolloServer, type ApolloServerPlugin } from '@apollo/server';
import { Kind, parse, validate } from 'graphql';
import { bench, do_not_optimize, group } from 'mitata';
import { analyses, documentOf, schema } from '../graphql/documents.ts';

const sized = documentOf(1_000);

group(`graphql: analysis of ${sized.tokens} tokens`, () => {
  for (const [name, analyze] of Object.entries(analyses)) {
    bench(name, () => do_not_optimize(analyze(sized)));
  }
  bench('(parse and validate, of graphql itself)', () =>
    do_not_optimize(validate(schema, parse(sized.text))),
  );
});

const doubling = `{ me { ...F0 } } ${Array.from(
  { length: 20 },
  (_, at) =>
    `fragment F${at} on User { a: friends { ...F${at + 1} } b: friends { ...F${at + 1} } }`,
).join(' ')} fragment F20 on User { id }`;
const bomb = { ...sized, text: doubling, document: parse(doubling) };
const [first] = bomb.document.definitions;

group('graphql: fragments that double twenty times', () => {
  bench('here', () => {
    if (first?.kind !== Kind.OPERATION_DEFINITION)
      throw new Error('the operation is not the first');
    do_not_optimize(analyses.here({ ...bomb, operation: first }));
  });
});

const USERS = Array.from({ length: 10_000 }, (_, id) => ({ id, name: 'a', email: 'a@b' }));
const known = definePolicy({
  name: 'known',
  role: 'check',
  check: () =>
    pass({
      principal: {
        id: 'ann',
        subject: 'ann',
        issuer: 'bench',
        scopes: new Set(['read']),
        roles: new Set<string>(),
      },
      authentication: { method: 'bench', scheme: 'Bearer', claims: {} },
    }),
});

const admission = guard().use(known).use(allowAuthenticated());

/** One operation that asks a field of each of 10,000 objects. */
async function listOf(...plugins: ApolloServerPlugin[]): Promise<() => Promise<unknown>> {
  const server = new ApolloServer({
    typeDefs: 'type User { id: ID!, name: String, email: String } type Query { users: [User!] }',
    resolvers: { Query: { users: () => USERS } },
    plugins,
    stopOnTerminationSignals: false,
  });
  await server.start();
  return () => server.executeOperation({ query: '{ users { id email } }' }, { contextValue: {} });
}

const asksObject = (admits: boolean) => ({
  'User.email': definePolicy({
    name: 'own',
    role: 'check',
    check: (_request, { field }: { readonly field: { readonly source: unknown } }) =>
      (field.source as { readonly id: number }).id < 0 === admits
        ? deny('forbidden', 'x.no')
        : pass(),
  }),
});
const lists = {
  'without a guard': await listOf(),
  'a field that nobody guards': await listOf(
    apisec({ admission, fields: { 'User.name': requireScopes('pii') } }),
  ),
  'a field that is admitted': await listOf(
    apisec({ admission, fields: { 'User.email': requireScopes('read') } }),
  ),
  'a field that is denied': await listOf(
    apisec({ admission, fields: { 'User.email': requireScopes('pii') } }),
  ),
  'admitted, by a policy that looks at each object': await listOf(
    apisec({ admission, fields: asksObject(true) }),
  ),
  'denied, by a policy that looks at each object': await listOf(
    apisec({ admission, fields: asksObject(false) }),
  ),
};

group('graphql: a field in a list of 10,000, on Apollo', () => {
  for (const [name, run] of Object.entries(lists)) {
    bench(name, async () => do_not_optimize(await run()));
  }
});
