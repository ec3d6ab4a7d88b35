import { apisec } from '@apisec/apollo';
import { factsOf } from '@apisec/core';
import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import type { Api } from '../listen.ts';
import type { ShopPolicy } from '../policy.ts';
import { shop } from '../shop.ts';

const typeDefs = `
  type Reply { message: String! }
  type Query { health: Reply, orders: Reply, export: Reply, forecast: Reply, stock: Reply, debug: Reply }
  type Mutation { placeOrder: Reply, refund: Reply, payout: Reply }
`;

export async function apolloApi({ guards, graphql }: ShopPolicy): Promise<Api> {
  const server = new ApolloServer({
    typeDefs,
    resolvers: {
      Query: {
        health: () => shop.health(),
        orders: (_, __, context) => shop.orders(factsOf(context, guards.orders).principal),
        export: (_, __, context) => shop.exported(factsOf(context, guards.exported).principal),
        forecast: () => shop.forecast(),
        stock: () => shop.stock(),
        debug: () => shop.debug(),
      },
      Mutation: {
        placeOrder: (_, __, context) =>
          shop.placeOrder(factsOf(context, guards.placeOrder).principal),
        refund: (_, __, context) => shop.refund(factsOf(context, guards.refund).principal),
        payout: (_, __, context) => shop.payout(factsOf(context, guards.payout).principal),
      },
    },
    plugins: [apisec({ admission: graphql })],
    // The demo stops all of its servers itself.
    stopOnTerminationSignals: false,
  });
  const { url } = await startStandaloneServer(server, {
    context: async ({ req }) => ({ req }),
    listen: { port: 0, host: '127.0.0.1' },
  });
  return { port: Number(new URL(url).port), close: () => server.stop() };
}
