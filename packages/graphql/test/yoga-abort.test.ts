import { allowAnonymous, type GraphqlFacts, guard } from '@apisec/core';
import { apisec } from '@apisec/graphql/yoga';
import { createSchema, createYoga } from 'graphql-yoga';
import { expect, test, vi } from 'vitest';

test.each([
  ['whose caller leaves', true],
  ['whose caller stays', false],
])('an operation of Yoga %s resolves further fields only for who waits', async (_, leaves) => {
  const resolved: string[] = [];
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const schema = createSchema({
    typeDefs: 'type Query { order: Order } type Order { lines: String }',
    resolvers: {
      Query: {
        order: async () => {
          resolved.push('order');
          await held;
          return {};
        },
      },
      Order: { lines: () => void resolved.push('lines') },
    },
  });
  const admission = guard<GraphqlFacts>().use(allowAnonymous());
  const yoga = createYoga({ schema, plugins: [apisec({ admission })], logging: false });
  const leaving = new AbortController();
  const request = new Request('http://localhost/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: '{ order { lines } }' }),
    signal: leaving.signal,
  });
  const answer = Promise.resolve(yoga.fetch(request)).catch(() => undefined);
  await vi.waitFor(() => expect(resolved).toEqual(['order']));
  if (leaves) leaving.abort();
  release();
  await answer;
  await new Promise(setImmediate);
  expect(resolved).toEqual(leaves ? ['order'] : ['order', 'lines']);
});
