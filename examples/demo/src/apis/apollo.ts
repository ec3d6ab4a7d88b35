import { createServer } from 'node:http';
import { apisec } from '@apisec/apollo';
import { factsOf } from '@apisec/core';
import { problems, secure } from '@apisec/express';
import { ApolloServer } from '@apollo/server';
import { expressMiddleware } from '@as-integrations/express5';
import express from 'express';
import { type Api, listen, shownInTheTable } from '../listen.ts';
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
    plugins: [apisec({ admission: graphql, onFault: shownInTheTable, logDenials: false })],
    // The demo stops all of its servers itself.
    stopOnTerminationSignals: false,
  });
  await server.start();
  const app = express().disable('x-powered-by');
  // Preflights carry no operation, so they never reach Apollo's plugin. Its standalone server would
  // answer them itself and let every web page in; here the policy of the open operation answers.
  app.options('/', secure(guards.health, { onFault: shownInTheTable, logDenials: false }));
  app.use(
    express.json(),
    expressMiddleware(server, {
      context: async ({ req }) => ({ req }),
    }),
    // A body that express.json() cannot read would be answered with a stack trace.
    problems({ onFault: shownInTheTable }).onError,
  );
  const { port, close } = await listen(createServer(app));
  return { port, close: () => close().then(() => server.stop()) };
}
