import { apisec } from '@apisec/apollo';
import {
  allowAnonymous,
  type CallFacts,
  coverage,
  definePolicy,
  guard,
  pass,
  requireHuman,
  throttleFailures,
} from '@apisec/core';
import { describe, expect, test } from 'vitest';
import { headersOf, serve } from './harness.ts';

const typeDefs = `
  type Query { hello: String }
  type Mutation { login(email: String!, password: String): Boolean, logout: Boolean }
`;

/** A login by GraphQL, and what it was asked. */
async function logins(
  check = throttleFailures({
    accountInBody: (args) => (args as { readonly email: string }).email,
    peer: () => 'somebody',
    // It stands, so that no pause ends in a test that takes its time.
    now: () => 1_800_000_000_000,
  }),
) {
  const tried: string[] = [];
  const open = guard<CallFacts>().use(allowAnonymous());
  const admission = coverage({
    'Mutation.login': guard<CallFacts>().use(check).use(allowAnonymous()),
    'Mutation.logout': open,
    'Query.hello': open,
    unresolved: open,
  });
  const login = (_source: unknown, { email }: { readonly email: string }): boolean => {
    tried.push(email);
    return false;
  };
  const resolvers = { Mutation: { login, logout: () => true }, Query: { hello: () => 'hello' } };
  const server = await serve([apisec({ admission })], { typeDefs, resolvers });
  return { tried, ...server };
}
const reason = (body: any) => body.errors?.[0]?.extensions.reason;

describe('guesses in one operation', () => {
  const many = (field: (at: number) => string) => Array.from({ length: 500 }, (_, at) => field(at));

  test.each([
    ['under aliases', `mutation { ${many((at) => `g${at}: login(email: "v")`).join(' ')} }`],
    [
      'in fragments',
      `mutation { ...A ...B } fragment A on Mutation { a: login(email: "v") }
       fragment B on Mutation { ... { b: login(email: "v") } }`,
    ],
    [
      'of which some are skipped, or are said to be',
      'mutation ($no: Boolean = false) { a: login(email: "v") b: login(email: "v") @include(if: $no) }',
    ],
  ])('%s are denied, and none is made', async (_, query) => {
    const { call, tried } = await logins();
    expect(reason((await call(undefined, query)).body)).toBe('failures.repeated');
    expect(tried).toEqual([]);
  });

  test('that are one field, selected twice, are one attempt', async () => {
    const { call, tried } = await logins();
    const query =
      'mutation { login(email: "v") ...A logout } fragment A on Mutation { login(email: "v") }';
    expect((await call(undefined, query)).body.data).toEqual({ login: false, logout: true });
    expect(tried).toEqual(['v']);
  });

  test('by one solved challenge are denied as well', async () => {
    const verifier = { verify: () => ({ human: true }) } as const;
    const { call, tried } = await logins(
      requireHuman({ verifier, token: () => 'solved' }) as never,
    );
    const two = 'mutation { a: login(email: "v") b: login(email: "v") }';
    expect(reason((await call(undefined, two)).body)).toBe('human.repeated');
    const one = await call(undefined, 'mutation { login(email: "v") logout }');
    expect(one.body.data).toEqual({ login: false, logout: true });
    expect(tried).toEqual(['v']);
  });

  test('of a batch are one attempt each', async () => {
    const { fetch, tried } = await logins();
    // As many as may come together: of more none would run.
    const batch = many((at) => `mutation { g${at}: login(email: "v") }`)
      .slice(0, 10)
      .map((query) => ({ query }));
    const init = { method: 'POST', headers: headersOf(undefined), body: JSON.stringify(batch) };
    await fetch('/', init);
    expect(tried).toHaveLength(4);
  });
});

describe('the account of a guess', () => {
  const declared = 'mutation ($mine: String!) { login(email: $mine) }';
  const literal = 'mutation { login(email: "victim") }';

  test.each([
    ['in a literal, beside a variable of its name', literal, (at: number) => ({ email: `j${at}` })],
    [
      'in a variable of another name',
      declared,
      (at: number) => ({ mine: 'victim', email: `j${at}` }),
    ],
  ])('is the one that the resolver gets: %s', async (_, query, variables) => {
    const { call, tried } = await logins();
    for (let at = 0; at < 10; at++) await call(undefined, query, { variables: variables(at) });
    expect(tried).toEqual(Array.from({ length: 4 }, () => 'victim'));
  });

  test('stays out of facts that are written down', async () => {
    const told: string[] = [];
    const audit = definePolicy({
      name: 'audit',
      role: 'check',
      check: () =>
        pass({}, { onComplete: ({ facts }) => void told.push(JSON.stringify(facts['call'])) }),
    });
    const { call } = await logins(audit as never);
    await call(undefined, 'mutation { login(email: "v", password: "secret") }');
    expect(told).toEqual([
      '{"protocol":"graphql","operation":"mutation","fields":[{"coordinate":"Mutation.login"}]}',
    ]);
  });
});
