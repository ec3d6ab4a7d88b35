import { apisec } from '@apisec/apollo';
import { type StandaloneOptions, startStandalone } from '@apisec/apollo/standalone';
import { factsOf, type TrustedIssuer } from '@apisec/core';
import { signalOf } from '@apisec/graphql';
import { ApolloServer } from '@apollo/server';
import responseCache from '@apollo/server-plugin-response-cache';
import DataLoader from 'dataloader';
import { ordersPolicy } from './policy.ts';
import { typeDefs } from './schema.ts';
import { createShop, type Order, type Product } from './shop.ts';

interface Context {
  readonly req: object;
  /** Made before anybody is known; asks who the caller is once the guard has said so. */
  readonly products: DataLoader<string, Product>;
}

/** Starts the server; `stop` ends it. */
export async function start(
  trusted: TrustedIssuer,
  listen: StandaloneOptions<Context>['listen'],
  shop = createShop(),
) {
  const { api, fields, caller, ownOrder, ownPayment } = ordersPolicy(trusted, shop);

  /** One query for each level of an answer. Members of the club pay less. */
  const loadProducts = async (
    req: object,
    ids: readonly string[],
  ): Promise<(Product | Error)[]> => {
    const discount = factsOf(req, caller).principal.roles.has('club') ? 50 : 0;
    const found = new Map(shop.productsById(ids).map((product) => [product.id, product]));
    return ids.map((id) => {
      const product = found.get(id);
      return product
        ? { ...product, price: product.price - discount }
        : new Error(`there is no product ${id}`);
    });
  };

  const server = new ApolloServer<Context>({
    typeDefs,
    resolvers: {
      Node: { __resolveType: ({ id }: { id: string }) => typeOf(id) },
      Query: {
        products: (_root, { first }: { first: number }, context) => {
          // A database would be given the signal, to stop when nobody waits any more.
          signalOf(context).throwIfAborted();
          return shop.products(Math.min(first, 40));
        },
        orders: (_root, { first }: { first: number }, context) =>
          shop.ordersOf(factsOf(context, caller).principal.id, first),
        order: (_root, _args, _context, info) => factsOf(info, ownOrder).order,
        // What it finds is guarded by its type, whatever this returns.
        node: (_root, { id }: { id: string }, context) => {
          const { principal } = factsOf(context, caller);
          return shop.nodeOf(id, principal.id);
        },
      },
      Mutation: {
        placeOrder: (_root, { productId }: { productId: string }, context) =>
          shop.place(factsOf(context, caller).principal.id, productId),
      },
      Order: {
        product: ({ productId }: Order, _args, context) => context.products.load(productId),
        customer: (_order, _args, context) => {
          const { subject: name } = factsOf(context, caller).principal;
          return { name, email: `${name}@example.com` };
        },
        payment: (_order, _args, _context, info) => factsOf(info, ownPayment).payment,
      },
    },
    plugins: [
      apisec({
        admission: api,
        fields,
        execution: { deadline: '5s', nodes: 1_000, resolverCalls: 2_000, responseBytes: 200_000 },
        maxBatch: 5,
        maxBatchCost: 600,
      }),
      // Answers for one caller are PRIVATE, whatever the schema hints: they are kept for that caller alone.
      responseCache({
        sessionId: async ({ request }) => request.http?.headers.get('authorization') ?? null,
      }),
    ],
    allowBatchedHttpRequests: true,
    stopOnTerminationSignals: false,
  });
  const { url } = await startStandalone(server, {
    admission: api,
    listen,
    maxBodyBytes: 200_000,
    maxBatch: 5,
    context: async ({ req }) => ({
      req,
      products: new DataLoader((ids: readonly string[]) => loadProducts(req, ids)),
    }),
  });
  return { url, stop: () => server.stop() };
}

function typeOf(id: string): string {
  if (id.startsWith('product-')) return 'Product';
  return id.startsWith('payment-') ? 'Payment' : 'Order';
}
