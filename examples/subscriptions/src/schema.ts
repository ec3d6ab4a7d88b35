import { EventEmitter, on } from 'node:events';
import { factsOf, type TrustedIssuer } from '@apisec/core';
import { signalOf } from '@apisec/graphql';
import { buildSchema, type GraphQLObjectType, type GraphQLSchema } from 'graphql';
import { pricesPolicy } from './policy.ts';

const SYMBOLS = ['TEA', 'OAK'];

export interface Alert {
  readonly id: string;
  readonly ownerId: string;
  readonly symbol: string;
  readonly below: number;
}

/** What is served, and who may have it. */
export function pricesApi(trusted: TrustedIssuer) {
  const known: Alert[] = [];
  const { api, fields, setAlert, watchAlerts, buy, ownAlert } = pricesPolicy(trusted, (ids) =>
    known.filter(({ id }) => ids.includes(id)),
  );
  const schema = buildSchema(`
    directive @requiresScopes(scopes: [[String!]!]!) on FIELD_DEFINITION | OBJECT
    directive @listSize(slicingArguments: [String!], requireOneSlicingArgument: Boolean = true) on FIELD_DEFINITION

    type Price { symbol: String!, cents: Int!, margin: Float }
    type Alert { id: ID!, symbol: String!, below: Int! }
    "Guarded wherever it is reached, by a query and in each event."
    type Trade @requiresScopes(scopes: [["trades:read"], ["admin"]]) { symbol: String!, cents: Int!, buyer: String @requiresScopes(scopes: [["pii:read"]]) }
    type Query {
      symbols: [String!]!
      history(symbol: String!, last: Int = 10): [Price!]! @listSize(slicingArguments: ["last"])
      alert(id: ID!): Alert
      lastTrade(symbol: String!): Trade
    }
    type Mutation { setAlert(symbol: String!, below: Int!): Alert!, buy(symbol: String!): Trade }
    type Subscription { price(symbol: String!): Price!, alerts: Alert!, trades(symbol: String!): Trade }
  `);
  const alerts = new EventEmitter();
  const trades = new EventEmitter();
  const price = (symbol: string, cents: number) => ({ symbol, cents, margin: 0.2 });

  resolve(schema, 'Query', 'symbols', () => SYMBOLS);
  resolve(schema, 'Query', 'history', (_root, { symbol, last }) => {
    return Array.from({ length: last }, (_, at) => price(symbol, 100 - at));
  });
  resolve(schema, 'Mutation', 'setAlert', (_root, { symbol, below }, context) => {
    const { principal } = factsOf(context, setAlert);
    const alert: Alert = { id: crypto.randomUUID(), ownerId: principal.id, symbol, below };
    known.push(alert);
    alerts.emit('alert', alert);
    return alert;
  });
  resolve(
    schema,
    'Query',
    'alert',
    (_root, _args, _context, info) => factsOf(info, ownAlert).alert,
  );
  let last: object | undefined;
  resolve(schema, 'Query', 'lastTrade', () => last);
  resolve(schema, 'Mutation', 'buy', (_root, { symbol }, context) => {
    const { principal } = factsOf(context, buy);
    last = { symbol, cents: 100, buyer: principal.id };
    trades.emit(symbol, last);
    return last;
  });
  subscribe(schema, 'trades', async function* (_root, { symbol }, context) {
    for await (const [trade] of until(trades, symbol, signalOf(context))) yield { trades: trade };
  });
  subscribe(schema, 'price', async function* (_root, { symbol }) {
    for (let cents = 100; ; cents++) {
      yield { price: price(symbol, cents) };
      await new Promise((next) => setTimeout(next, 20));
    }
  });
  subscribe(schema, 'alerts', async function* (_root, _args, context) {
    const { principal } = factsOf(context, watchAlerts);
    for await (const [alert] of until<Alert>(alerts, 'alert', signalOf(context))) {
      if (alert.ownerId === principal.id) yield { alerts: alert };
    }
  });
  return { admission: api, fields, schema };
}

/** Events until the caller leaves or the token ends, though no further one comes. */
async function* until<Event>(from: EventEmitter, name: string, signal: AbortSignal) {
  try {
    yield* on(from, name, { signal }) as AsyncIterable<[Event]>;
  } catch (cause) {
    if (!signal.aborted) throw cause;
  }
}

// What arguments there are, the schema says.
type Resolver = (root: unknown, args: any, context: object, info: object) => unknown;

function resolve(schema: GraphQLSchema, type: string, field: string, resolver: Resolver): void {
  fieldOf(schema, type, field).resolve = resolver;
}

function subscribe(schema: GraphQLSchema, field: string, source: Resolver): void {
  fieldOf(schema, 'Subscription', field).subscribe = source;
}

function fieldOf(schema: GraphQLSchema, type: string, name: string) {
  const field = (schema.getType(type) as GraphQLObjectType).getFields()[name];
  if (!field) throw new Error(`The schema has no ${type}.${name}.`);
  return field;
}
