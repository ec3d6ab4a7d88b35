import { allowAnonymous, type GraphqlFacts, guard } from '@apisec/core';
import { apisec } from '@apisec/graphql/yoga';
import { createSchema, createYoga, type Plugin } from 'graphql-yoga';
import { expect, test, vi } from 'vitest';

const typeDefs = 'type Query { order: Order } type Order { lines: String }';
const sent = (signal: AbortSignal): Request =>
  new Request('http://localhost/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: '{ order { lines } }' }),
    signal,
  });

test('an operation of Yoga whose caller leaves while its context is made resolves nothing', async () => {
  const resolved: string[] = [];
  const order = (): object => {
    resolved.push('order');
    return {};
  };
  const leaving = new AbortController();
  const late: Plugin = {
    onContextBuilding: async () => {
      leaving.abort();
      await Promise.resolve();
    },
  };
  const yoga = createYoga({
    schema: createSchema({ typeDefs, resolvers: { Query: { order } } }),
    plugins: [apisec({ admission: guard<GraphqlFacts>().use(allowAnonymous()) }), late],
    logging: false,
  });
  await Promise.resolve(yoga.fetch(sent(leaving.signal))).catch(() => undefined);
  await new Promise(setImmediate);
  expect([leaving.signal.aborted, resolved]).toEqual([true, []]);
});

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
    typeDefs,
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
  const answer = Promise.resolve(yoga.fetch(sent(leaving.signal))).catch(() => undefined);
  await vi.waitFor(() => expect(resolved).toEqual(['order']), 20_000);
  if (leaves) leaving.abort();
  release();
  await answer;
  await new Promise(setImmediate);
  expect(resolved).toEqual(leaves ? ['order'] : ['order', 'lines']);
});
