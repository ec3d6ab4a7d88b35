import { apisec } from '@apisec/apollo';
import { factsOf, type TrustedIssuer } from '@apisec/core';
import { ApolloServer } from '@apollo/server';
import { ordersPolicy } from './policy.ts';

const typeDefs = `
  type Customer { name: String!, email: String }
  type Order { id: ID!, item: String!, customer: Customer! }
  type Query { orders: [Order!]! }
  type Mutation { placeOrder(item: String!): Order! }
`;

interface Order {
  readonly id: string;
  readonly item: string;
  readonly customer: { readonly name: string; readonly email: string };
}

export function createServer(trusted: TrustedIssuer): ApolloServer {
  const { api, fields, readOrders, placeOrder } = ordersPolicy(trusted);
  const orders: Order[] = [];
  return new ApolloServer({
    typeDefs,
    resolvers: {
      Query: {
        orders: (_root, _args, context) => {
          const { principal } = factsOf(context, readOrders);
          return orders.filter(({ customer }) => customer.name === principal.subject);
        },
      },
      Mutation: {
        placeOrder: (_root, { item }: { readonly item: string }, context) => {
          const { subject: name } = factsOf(context, placeOrder).principal;
          const customer = { name, email: `${name}@example.com` };
          const order = { id: crypto.randomUUID(), item, customer };
          orders.push(order);
          return order;
        },
      },
    },
    // Introspection is off: `Query.__schema` is a root field like others, and nobody lists it.
    plugins: [apisec({ admission: api, fields })],
  });
}
