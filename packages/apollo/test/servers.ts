import { apisec } from '@apisec/apollo';
import type { OperationOptions } from '@apisec/graphql';
import { apisec as apisecWs } from '@apisec/graphql/ws';
import { apisec as apisecYoga } from '@apisec/graphql/yoga';
import { ApolloServer, HeaderMap } from '@apollo/server';
import { buildSchema, type GraphQLSchema, isObjectType } from 'graphql';
import { makeServer } from 'graphql-ws';
import { createYoga } from 'graphql-yoga';

type Resolvers = Readonly<Record<string, (...args: any[]) => unknown>>;
type Options = OperationOptions<any>;

/** What a server answers to one operation; `status` where it has one. */
export interface Answer {
  readonly status: number | undefined;
  readonly body: any;
}

export interface Sent {
  readonly query?: string | undefined;
  readonly variables?: object;
  readonly extensions?: object;
  readonly operationName?: string;
  readonly [other: string]: unknown;
}

/** One guarded server. Throws what it does not start with. */
export interface Guarded {
  readonly send: (token: string | undefined, sent: Sent) => Promise<Answer>;
  readonly call: (token: string | undefined, query: string, variables?: object) => Promise<Answer>;
}

/** A schema with resolvers by coordinate, as `Query.me`; types of abstract ones by `__typename`. */
export function schemaOf(sdl: string, resolvers: Resolvers = {}): GraphQLSchema {
  const schema = buildSchema(sdl);
  for (const [coordinate, resolve] of Object.entries(resolvers)) {
    const [typeName = '', fieldName = ''] = coordinate.split('.');
    const type = schema.getType(typeName);
    const field = isObjectType(type) ? type.getFields()[fieldName] : undefined;
    if (!field) throw new Error(`the test's schema has no ${coordinate}`);
    field.resolve = resolve;
  }
  return schema;
}

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const headersOf = (token: string | undefined): Record<string, string> => ({
  'content-type': 'application/json',
  ...(token !== undefined && { authorization: `Bearer ${token}` }),
});

function guarded(send: Guarded['send']): Guarded {
  return { send, call: (token, query, variables = {}) => send(token, { query, variables }) };
}

async function apollo(options: Options, schema: GraphQLSchema): Promise<Guarded> {
  const server = new ApolloServer({
    schema,
    plugins: [apisec(options)],
    logger: quiet,
    introspection: true,
    includeStacktraceInErrorResponses: true,
    stopOnTerminationSignals: false,
  });
  await server.start();
  return guarded(async (token, body) => {
    const { status, body: sent } = await server.executeHTTPGraphQLRequest({
      httpGraphQLRequest: {
        method: 'POST',
        headers: new HeaderMap(Object.entries(headersOf(token))),
        search: '',
        body,
      },
      context: async () => ({}),
    });
    if (sent.kind !== 'complete') throw new Error('not a complete answer');
    return { status: status ?? 200, body: JSON.parse(sent.string) };
  });
}

async function yoga(options: Options, schema: GraphQLSchema): Promise<Guarded> {
  const server = createYoga({
    schema,
    plugins: [apisecYoga(options)],
    logging: false,
    maskedErrors: false,
  });
  return guarded(async (token, body) => {
    const response = await server.fetch('http://localhost/graphql', {
      method: 'POST',
      headers: headersOf(token),
      body: JSON.stringify(body),
    });
    const text = await response.text();
    // The first event of a subscription.
    const event = /^data: (\{.*)$/m.exec(text)?.[1];
    return { status: response.status, body: JSON.parse(event ?? text) };
  });
}

async function ws(options: Options, schema: GraphQLSchema): Promise<Guarded> {
  const server = makeServer(apisecWs({ ...options, schema }));
  return guarded(
    (token, { query = '', ...payload }) =>
      new Promise((resolve, reject) => {
        let receive: (message: string) => Promise<void> = async () => undefined;
        const close = server.opened(
          {
            protocol: 'graphql-transport-ws',
            send: (text) => {
              const { type, payload: sent } = JSON.parse(text) as { type: string; payload: any };
              if (type === 'connection_ack') {
                const message = { id: '1', type: 'subscribe', payload: { query, ...payload } };
                void receive(JSON.stringify(message)).catch(reject);
              } else if (type === 'next') finish(sent);
              else if (type === 'error') finish({ errors: sent });
            },
            close: () => finish({ errors: [{ extensions: { reason: 'closed' } }] }),
            onMessage: (callback) => {
              receive = callback;
            },
          },
          {},
        );
        const finish = (body: unknown): void => {
          void close(1000, 'done');
          resolve({ status: undefined, body });
        };
        const connectionParams = token === undefined ? {} : { authorization: `Bearer ${token}` };
        const init = { type: 'connection_init', payload: connectionParams };
        void receive(JSON.stringify(init)).catch(reject);
      }),
  );
}

/** Every server, for tests that hold on all of them. */
export const servers: readonly (readonly [
  string,
  (options: Options, schema: GraphQLSchema) => Promise<Guarded>,
])[] = [
  ['Apollo', apollo],
  ['Yoga', yoga],
  ['graphql-ws', ws],
];

export const reasonOf = ({ body }: Answer): unknown => body.errors?.[0]?.extensions?.reason;
