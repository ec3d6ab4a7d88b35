import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { type ApisecOptions, apisec } from '@apisec/apollo';
import { allowAnonymous, guard } from '@apisec/core';
import { ApolloServer, type ApolloServerPlugin, type BaseContext } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { expressMiddleware } from '@as-integrations/express5';
import express from 'express';
import { GraphQLError } from 'graphql';
import { describe, expect, onTestFinished, test } from 'vitest';

const api = guard().use(allowAnonymous());
const faults: unknown[] = [];
const seen: string[] = [];
const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const reporting: ApolloServerPlugin = {
  contextCreationDidFail: async ({ error }) => void seen.push(error.message),
};

function create(options: Partial<ApisecOptions<object, BaseContext>> = {}): ApolloServer {
  faults.length = 0;
  seen.length = 0;
  return new ApolloServer({
    typeDefs: 'type Query { a: Int }',
    plugins: [
      apisec({ admission: api, onFault: (cause) => void faults.push(cause), ...options }),
      reporting,
    ],
    logger: quiet,
    includeStacktraceInErrorResponses: true,
    stopOnTerminationSignals: false,
  });
}

type Context = () => Promise<never>;
type Serve = (server: ApolloServer, context: Context) => Promise<string>;

const standalone: Serve = async (server, context) => {
  const where = { listen: { port: 0, host: '127.0.0.1' }, context };
  const { url } = await startStandaloneServer(server, where);
  onTestFinished(() => server.stop());
  return url;
};
const onExpress: Serve = async (server, context) => {
  await server.start();
  const app = express().use(express.json(), expressMiddleware(server, { context }));
  const listening = app.listen(0, '127.0.0.1');
  onTestFinished(() => void listening.close());
  await once(listening, 'listening');
  return `http://127.0.0.1:${(listening.address() as AddressInfo).port}/`;
};
const ask = async (url: string): Promise<{ status: number; text: string; message: string }> => {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"query":"{ a }"}',
  });
  const text = await answer.text();
  return { status: answer.status, text, message: JSON.parse(text).errors[0].message };
};

describe.each([
  ["Apollo's own standalone server", standalone],
  ['expressMiddleware', onExpress],
])('an error that a context function throws, on %s,', (_, serve) => {
  const SECRET = 'connection to 10.0.0.7 lost';
  test.each<[string, unknown]>([
    ['an error', new TypeError(SECRET, { cause: new Error('inner') })],
    ['a value', SECRET],
    [
      'an error of GraphQL around another',
      new GraphQLError(SECRET, { originalError: new Error(SECRET) }),
    ],
  ])('does not reach the caller, and is there for operators: %s', async (__, thrown) => {
    const url = await serve(create(), () => Promise.reject(thrown));
    const { status, text } = await ask(url);
    expect(status).toBe(500);
    expect(text).not.toContain('10.0.0.7');
    expect(text).toContain('Internal server error');
    await ask(url);
    // Both times, though it may be one error.
    expect(faults.map((fault) => String((fault as Error).stack).includes(SECRET))).toEqual([
      true,
      true,
    ]);
    expect(seen[0]).toContain(SECRET);
  });

  test('reaches the caller where it was made for callers, or the server says so', async () => {
    const later = new GraphQLError('Come back later.', { extensions: { http: { status: 503 } } });
    const made = await ask(await serve(create(), () => Promise.reject(later)));
    expect([made.status, made.message, faults]).toEqual([503, 'Come back later.', []]);
    const server = create({ insecureErrorDetails: true });
    const { message } = await ask(await serve(server, () => Promise.reject(new Error(SECRET))));
    expect(message).toContain(SECRET);
  });
});
