import type { IncomingMessage } from 'node:http';
import { apisec } from '@apisec/apollo';
import { describeConformance, tableOf } from '@apisec/conformance';
import { coverage, factsOf, peerOf } from '@apisec/core';
import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';

interface Context {
  readonly req: IncomingMessage;
}

describeConformance({
  name: 'Apollo Server',
  protocol: 'graphql',
  capabilities: ['headers', 'repeated-fields', 'departures', 'absences'],
  gaps: {
    query: 'GraphQL over HTTP knows GET and POST.',
    preflight: 'Apollo takes GET and POST; its host answers preflights.',
    'raw-output': 'Every answer is data.',
    streams: 'An operation carries one message each way.',
    bodies: 'The host of Apollo parses bodies before there is an operation.',
    statuses: 'Whatever a resolver answers has the status 200.',
  },
  start: async (api) => {
    const fields = api.operations.map(({ name }) => `${name}(amount: Float): Reply`);
    const server = new ApolloServer<Context>({
      typeDefs: `
        type Reply { id: String amount: Float secret: String poison: Boolean }
        type Query { ${fields.join('\n')} }
      `,
      resolvers: {
        Query: Object.fromEntries(
          api.operations.map((operation) => [
            operation.name,
            (_source: unknown, args: object, contextValue: object) =>
              api.serve(operation, args, factsOf(contextValue, operation.admission)),
          ]),
        ),
      },
      plugins: [
        apisec({
          admission: coverage(tableOf(api, (name) => [`Query.${name}`])),
          peer: ({ req }: Context) => peerOf(req.socket.remoteAddress),
          onFault: () => undefined,
        }),
      ],
    });
    const { url } = await startStandaloneServer(server, {
      context: async ({ req }) => ({ req }),
      listen: { port: 0, host: '127.0.0.1' },
    });
    return { port: Number(new URL(url).port), close: () => server.stop() };
  },
});
