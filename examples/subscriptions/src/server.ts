import { createServer as createHttpServer, type Server } from 'node:http';
import type { TrustedIssuer } from '@apisec/core';
import { apisec } from '@apisec/graphql/ws';
import { buildSchema, type GraphQLObjectType } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import { pricesPolicy } from './policy.ts';

const SYMBOLS = ['TEA', 'OAK'];

function pricesSchema() {
  const schema = buildSchema(`
    type Price { symbol: String!, cents: Int!, margin: Float }
    type Query { symbols: [String!]! }
    type Subscription { price(symbol: String!): Price! }
  `);
  const fields = (name: string) => (schema.getType(name) as GraphQLObjectType).getFields();
  const { symbols } = fields('Query');
  const { price } = fields('Subscription');
  if (!symbols || !price) throw new Error('The schema lacks a field.');
  symbols.resolve = () => SYMBOLS;
  price.subscribe = async function* (_root: unknown, { symbol }: { symbol: string }) {
    for (let cents = 100; ; cents++) {
      yield { price: { symbol, cents, margin: 0.2 } };
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  return schema;
}

/** An HTTP server whose WebSockets at `/graphql` are guarded, from connecting to the last event. */
export function createServer(trusted: TrustedIssuer): Server {
  const { api, fields } = pricesPolicy(trusted);
  const server = createHttpServer((_request, response) => response.writeHead(404).end());
  const sockets = new WebSocketServer({ server, path: '/graphql' });
  useServer(apisec({ admission: api, schema: pricesSchema(), fields, maxOperations: 10 }), sockets);
  return server;
}
