import { EventEmitter, on } from 'node:events';
import { factsOf, type TrustedIssuer } from '@apisec/core';
import { signalOf } from '@apisec/graphql';
import { buildSchema, type GraphQLObjectType, type GraphQLSchema } from 'graphql';
import { pricesPolicy } from './policy.ts';

const SYMBOLS = ['TEA', 'OAK'];

interface Alert {
  readonly id: string;
  readonly owner: string;
  readonly symbol: string;
  readonly below: number;
}

/** What is served, and who may have it. */
export function pricesApi(trusted: TrustedIssuer) {
  const { api, fields, setAlert, watchAlerts } = pricesPolicy(trusted);
  const schema = buildSchema(`
    directive @listSize(slicingArguments: [String!], requireOneSlicingArgument: Boolean = true) on FIELD_DEFINITION

    type Price { symbol: String!, cents: Int!, margin: Float }
    type Alert { id: ID!, symbol: String!, below: Int! }
    type Query {
      symbols: [String!]!
      history(symbol: String!, last: Int = 10): [Price!]! @listSize(slicingArguments: ["last"])
    }
    type Mutation { setAlert(symbol: String!, below: Int!): Alert! }
    type Subscription { price(symbol: String!): Price!, alerts: Alert! }
  `);
  const alerts = new EventEmitter();
  const price = (symbol: string, cents: number) => ({ symbol, cents, margin: 0.2 });

  resolve(schema, 'Query', 'symbols', () => SYMBOLS);
  resolve(schema, 'Query', 'history', (_root, { symbol, last }) => {
    return Array.from({ length: last }, (_, at) => price(symbol, 100 - at));
  });
  resolve(schema, 'Mutation', 'setAlert', (_root, { symbol, below }, context) => {
    const { principal } = factsOf(context, setAlert);
    const alert: Alert = { id: crypto.randomUUID(), owner: principal.id, symbol, below };
    alerts.emit('alert', alert);
    return alert;
  });
  subscribe(schema, 'price', async function* (_root, { symbol }) {
    for (let cents = 100; ; cents++) {
      yield { price: price(symbol, cents) };
      await new Promise((next) => setTimeout(next, 20));
    }
  });
  subscribe(schema, 'alerts', async function* (_root, _args, context) {
    const { principal } = factsOf(context, watchAlerts);
    // Aborted when the caller leaves or the token ends, though no further alert comes.
    const signal = signalOf(context);
    try {
      for await (const [alert] of on(alerts, 'alert', { signal }) as AsyncIterable<[Alert]>) {
        if (alert.owner === principal.id) yield { alerts: alert };
      }
    } catch (cause) {
      if (!signal.aborted) throw cause;
    }
  });
  return { admission: api, fields, schema };
}

// What arguments there are, the schema says.
type Resolver = (root: unknown, args: any, context: object) => unknown;

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
