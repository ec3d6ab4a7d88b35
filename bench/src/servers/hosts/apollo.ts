import type { IncomingMessage } from 'node:http';
import { apisec } from '@apisec/apollo';
import { nodePeer, nodeRequest } from '@apisec/node';
import { ApolloServer, type ApolloServerOptions, type ApolloServerPlugin } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { ApolloArmor } from '@escape.tech/graphql-armor';
import { answer } from '../answer.ts';
import { policyOf } from '../policy.ts';
import type { World } from '../world.ts';

interface Context {
  readonly req: IncomingMessage;
}

type Protection = Pick<ApolloServerOptions<Context>, 'plugins' | 'validationRules'>;

export async function start(variant: string, world: World): Promise<number> {
  const server = new ApolloServer<Context>({
    typeDefs: `type Query { order(id: ID!): Order } type Order { id: ID! item: String! total: Int! }`,
    resolvers: { Query: { order: () => answer() } },
    ...protectionOf(variant, world),
  });
  const { url } = await startStandaloneServer(server, {
    context: async ({ req }) => ({ req }),
    listen: { port: 0, host: '127.0.0.1' },
  });
  return Number(new URL(url).port);
}

function protectionOf(variant: string, world: World): Protection {
  if (variant === 'bare') return {};
  if (variant === 'usual') {
    const { plugins, validationRules } = new ApolloArmor().protect();
    // Its plugins read nothing of the context value.
    return { plugins: plugins as unknown as ApolloServerPlugin<Context>[], validationRules };
  }
  const plugin = apisec<object, Context>({
    admission: policyOf(world, variant),
    request: ({ req }) => nodeRequest(req),
    peer: ({ req }) => nodePeer(req),
  });
  return { plugins: [plugin] };
}
