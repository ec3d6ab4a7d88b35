import { apisec } from '@apisec/apollo';
import { allowAnonymous, guard } from '@apisec/core';
import { apisec as apisecYoga } from '@apisec/graphql/yoga';
import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { serverAudits } from 'graphql-http';
import { createYoga } from 'graphql-yoga';
import { describe, expect, onTestFinished, test } from 'vitest';
import { schemaOf } from './servers.ts';

const open = guard().use(allowAnonymous());
const schema = () => schemaOf('type Query { a: String } type Mutation { b: String }', {});

async function apollo(guarded: boolean): Promise<typeof fetch> {
  const server = new ApolloServer({
    schema: schema(),
    plugins: guarded ? [apisec({ admission: open, introspection: true })] : [],
    stopOnTerminationSignals: false,
  });
  const { url } = await startStandaloneServer(server, { listen: { port: 0, host: '127.0.0.1' } });
  onTestFinished(() => server.stop());
  return (input, init) =>
    fetch(new Request(input).url.replace('http://audited/graphql', url), init);
}

async function yoga(guarded: boolean): Promise<typeof fetch> {
  const server = createYoga({
    schema: schema(),
    plugins: guarded ? [apisecYoga({ admission: open, introspection: true })] : [],
    logging: false,
  });
  return async (input, init) => server.fetch(new Request(input).url, init as RequestInit);
}

async function audited(fetchFn: typeof fetch): Promise<readonly string[]> {
  const audits = serverAudits({ url: 'http://audited/graphql', fetchFn });
  const results = await Promise.all(audits.map(({ fn }) => fn()));
  return results.map((result) => {
    const response = result.status === 'ok' ? undefined : result.response;
    return `${result.id} ${result.name}: ${result.status} ${response?.status ?? ''}`;
  });
}

describe.each([
  ['Apollo', apollo],
  ['Yoga', yoga],
] as const)('GraphQL over HTTP on %s', (_, serve) => {
  test('is the same guarded as bare, by the audit of graphql-http', async () => {
    const bare = await audited(await serve(false));
    expect(bare.length).toBeGreaterThan(50);
    expect(await audited(await serve(true))).toEqual(bare);
  });

  test('takes no mutation by GET', async () => {
    const call = await serve(true);
    const query = encodeURIComponent('mutation { b }');
    const headers = { 'apollo-require-preflight': '1', accept: 'application/json' };
    const response = await call(`http://audited/graphql?query=${query}`, { headers });
    expect(response.status).toBe(405);
  });
});

describe('a batch', () => {
  test('is bounded by the cost of all of it: Yoga', async () => {
    const server = createYoga({
      schema: schemaOf('type A { a: String } type Query { all(first: Int): [A] }'),
      plugins: [apisecYoga({ admission: open, maxBatchCost: 100 })],
      batching: true,
      logging: false,
    });
    const post = async (sizes: readonly number[]) => {
      const response = await server.fetch('http://audited/graphql', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(sizes.map((first) => ({ query: `{ all(first: ${first}) { a } }` }))),
      });
      const body = (await response.json()) as { errors?: { extensions: { reason: string } }[] }[];
      return body.map(({ errors }) => errors?.[0]?.extensions.reason);
    };
    expect(await post([50, 50])).toEqual([undefined, undefined]);
    const reasons = await post([60, 60, 60]);
    expect(reasons.filter((reason) => reason === 'batch.too_costly')).toHaveLength(2);
  });
});
