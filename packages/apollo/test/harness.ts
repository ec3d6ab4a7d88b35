import { connect } from 'node:net';
import {
  type AuthenticatedFacts,
  type CallFacts,
  definePolicy,
  deny,
  guard,
  type NoFacts,
  type Obligations,
  type Policy,
  pass,
  requireScopes,
} from '@apisec/core';
import {
  ApolloServer,
  type ApolloServerOptions,
  type ApolloServerPlugin,
  type BaseContext,
} from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { onTestFinished } from 'vitest';

/** Bearer tokens of the form `subject:scope:scope`, so that each test says in the call who calls. */
export function authenticate(): Policy<NoFacts, AuthenticatedFacts, 'check'> {
  return definePolicy<NoFacts, AuthenticatedFacts, 'check'>({
    name: 'authenticate',
    role: 'check',
    check: ({ headers }) => {
      const value = headers.get('authorization');
      if (!value) return deny('unauthenticated', 'token.missing');
      const match = /^Bearer ([\w:]+)$/.exec(value);
      if (!match) return deny('malformed', 'token.malformed');
      const [subject = '', ...scopes] = (match[1] as string).split(':');
      return pass({
        principal: {
          id: subject,
          subject,
          issuer: 'test',
          scopes: new Set(scopes),
          roles: new Set<string>(),
        },
        authentication: { method: 'test', scheme: 'Bearer', claims: {} },
      });
    },
  });
}

export const base = guard().use(authenticate());
export const reading = base.use(requireScopes('read'));
export const writing = base.use(requireScopes('write'));

/** A check that takes each proof (`DPoP`) once, as one that must not be used twice. */
export function provedOnce(): Policy<NoFacts, NoFacts, 'check'> {
  const used = new Set<string>();
  return definePolicy({
    name: 'once',
    role: 'check',
    check: async ({ headers }) => {
      const proof = headers.get('dpop') ?? '';
      if (proof === '' || used.has(proof)) return deny('unauthenticated', 'dpop.replayed');
      used.add(proof);
      return pass();
    },
  });
}

/** A check that only obliges. */
export function oblige(obligations: Obligations): Policy<CallFacts, NoFacts, 'check'> {
  return definePolicy({ name: 'oblige', role: 'check', check: () => pass({}, obligations) });
}

export const typeDefs = `
  interface Node { id: ID!, secret: String }
  type User implements Node { id: ID!, secret: String, email: String, name: String!, friends: [User!] }
  type Order implements Node { id: ID!, secret: String, total: Int! }
  union Thing = User | Order
  type Query {
    me: User
    users: [User!]
    node(id: ID!): Node
    things: [Thing!]
    orders(limit: Int): [Order!]
    echo(text: String): String
    crash: String
  }
  type Mutation { createOrder(total: Int!): Order!, deleteOrder(id: ID!): Boolean }
`;

/** Every resolver that ran, in order: what a denial must keep from running. */
export interface Shop {
  readonly ran: string[];
  readonly resolvers: NonNullable<ApolloServerOptions<BaseContext>['resolvers']>;
}

export function shop(me: (contextValue: object) => string = () => 'ann'): Shop {
  const ran: string[] = [];
  const user = (name: string) => ({ __typename: 'User', id: name, name });
  const order = (id: string) => ({ __typename: 'Order', id, total: 7 });
  const ran$ = <T>(name: string, value: T): T => {
    ran.push(name);
    return value;
  };
  return {
    ran,
    resolvers: {
      Query: {
        me: (_source, _args, contextValue: object) => ran$('me', user(me(contextValue))),
        users: () => ran$('users', [user('ann'), user('bob')]),
        node: (_source, { id }: { id: string }) => (id === 'order' ? order(id) : user(id)),
        things: () => [user('ann'), order('o1')],
        orders: (_source, { limit = 1 }: { limit?: number }) =>
          ran$(
            'orders',
            Array.from({ length: limit }, (_, index) => order(`o${index}`)),
          ),
        echo: (_source, { text }: { text?: string }) => ran$('echo', text),
        crash: () => {
          throw new Error('connection to 10.0.0.7 lost');
        },
      },
      Mutation: {
        createOrder: () => ran$('createOrder', order('new')),
        deleteOrder: () => ran$('deleteOrder', true),
      },
      User: {
        email: ({ name }: { name: string }) => ran$('email', `${name}@example.com`),
        secret: () => ran$('User.secret', 's'),
        friends: () => [user('cat'), user('dan')],
      },
      Order: { secret: () => ran$('Order.secret', 's') },
    },
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: any;
}

export interface Running {
  readonly url: string;
  /** Posts one operation as `token`. */
  readonly call: (
    token: string | undefined,
    query: string,
    more?: Record<string, unknown>,
  ) => Promise<Answer>;
  readonly fetch: (path: string, init?: RequestInit) => Promise<Answer>;
}

/** A server on a real socket for the length of one test, with everything on that could leak. */
export async function serve(
  plugins: readonly ApolloServerPlugin<any>[],
  options: Partial<ApolloServerOptions<any>> & { context?: (args: any) => Promise<object> } = {},
): Promise<Running> {
  const { context = async ({ req }: { req: unknown }) => ({ req }), ...rest } = options;
  const server = new ApolloServer<object>({
    typeDefs,
    resolvers: shop().resolvers,
    nodeEnv: 'development',
    includeStacktraceInErrorResponses: true,
    stopOnTerminationSignals: false,
    allowBatchedHttpRequests: true,
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    ...rest,
    plugins: [...plugins],
  } as ApolloServerOptions<object>);
  const { url } = await startStandaloneServer(server, {
    context,
    listen: { port: 0, host: '127.0.0.1' },
  });
  onTestFinished(() => server.stop());
  const request = async (path: string, init?: RequestInit): Promise<Answer> => {
    const response = await fetch(new URL(path, url), init);
    const text = await response.text();
    const body = response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : text;
    return { status: response.status, headers: response.headers, text, body };
  };
  return {
    url,
    fetch: request,
    call: (token, query, more) =>
      request('/', {
        method: 'POST',
        headers: headersOf(token),
        body: JSON.stringify({ query, ...more }),
      }),
  };
}

export function headersOf(token: string | undefined): Record<string, string> {
  const json = { 'content-type': 'application/json' };
  return token === undefined ? json : { ...json, authorization: `Bearer ${token}` };
}

/** Sends bytes as they are, which no HTTP client would, and answers the status line and the rest. */
export function raw(url: string, head: readonly string[], body: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    let text = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      text += chunk;
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(text));
    const length = `content-length: ${Buffer.byteLength(body)}`;
    const lines = ['POST / HTTP/1.1', 'host: x', 'connection: close', length, ...head];
    socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`);
  });
}
