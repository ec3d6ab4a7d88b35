import { apisec } from '@apisec/apollo';
import { startStandalone } from '@apisec/apollo/standalone';
import { allowAnonymous, guard } from '@apisec/core';
import { ApolloServer, type ApolloServerPlugin } from '@apollo/server';
import { ApolloServerPluginLandingPageDisabled } from '@apollo/server/plugin/disabled';
import { ApolloServerPluginLandingPageProductionDefault } from '@apollo/server/plugin/landingPage/default';
import { startStandaloneServer } from '@apollo/server/standalone';
import { expressMiddleware } from '@as-integrations/express5';
import express from 'express';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';

const admission = guard().use(allowAnonymous());
const listen = { port: 0, host: '127.0.0.1' };

const hosts: readonly (readonly [string, (server: ApolloServer) => Promise<string>])[] = [
  [
    'its own standalone server',
    async (server) => (await startStandaloneServer(server, { listen })).url,
  ],
  ['startStandalone', async (server) => (await startStandalone(server, { admission, listen })).url],
  [
    'Express',
    async (server) => {
      await server.start();
      const listening = express().use(express.json(), expressMiddleware(server)).listen(0);
      onTestFinished(() => void listening.close());
      const address = listening.address();
      return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/`;
    },
  ],
];

interface Case {
  readonly mode: string;
  readonly documentationPages?: boolean;
  readonly plugins?: readonly ApolloServerPlugin[];
}

describe.each(hosts)('The landing page of Apollo on %s', (_, start) => {
  afterEach(() => vi.unstubAllEnvs());

  const page = async ({ mode, plugins = [], ...options }: Case) => {
    vi.stubEnv('NODE_ENV', mode);
    const server = new ApolloServer({
      typeDefs: 'type Query { echo: String }',
      resolvers: { Query: { echo: () => 'hello' } },
      logger: { debug() {}, info() {}, warn() {}, error() {} },
      stopOnTerminationSignals: false,
      plugins: [apisec({ admission, ...options }), ...plugins],
    });
    const url = await start(server);
    onTestFinished(() => server.stop());
    const answer = await fetch(url, { headers: { accept: 'text/html,*/*;q=0.8' } });
    const isPage = answer.headers.get('content-type')?.startsWith('text/html') ?? false;
    return { isPage, text: await answer.text(), url };
  };

  test('is closed where nobody develops', async () => {
    for (const mode of ['production', 'test', '']) {
      const { isPage, text, url } = await page({ mode });
      expect([isPage, /apollographql|<html/i.test(text)]).toEqual([false, false]);
      const headers = { 'content-type': 'application/json' };
      const body = JSON.stringify({ query: '{ echo }' });
      const answer = await fetch(url, { method: 'POST', headers, body });
      expect(await answer.json()).toEqual({ data: { echo: 'hello' } });
    }
  });

  test.each<[string, Case]>([
    ['while somebody develops', { mode: 'development' }],
    ['where the option says so', { mode: 'production', documentationPages: true }],
    [
      'where the user lists a page',
      { mode: 'production', plugins: [ApolloServerPluginLandingPageProductionDefault()] },
    ],
  ])('is there %s', async (__, served) => {
    expect((await page(served)).isPage).toBe(true);
  });

  test.each<[string, Case]>([
    ['by the option while somebody develops', { mode: 'development', documentationPages: false }],
    [
      "by Apollo's own plugin too",
      { mode: 'production', plugins: [ApolloServerPluginLandingPageDisabled()] },
    ],
  ])('is closed %s', async (__, served) => {
    expect((await page(served)).isPage).toBe(false);
  });
});
