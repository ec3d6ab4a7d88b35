import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  type AuthenticatedFacts,
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
  buildSchema,
  GraphQLError,
  type GraphQLInterfaceType,
  type GraphQLObjectType,
  type GraphQLScalarType,
  type GraphQLSchema,
} from 'graphql';
import { onTestFinished } from 'vitest';

/** Bearer tokens of the form `subject:scope:scope`; a scope that is a number is when the token ends. */
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
      // `ann:read:300ms` ends so long after it was shown.
      const lasts = scopes.find((scope) => /^\d+ms$/.test(scope));
      return pass({
        principal: {
          id: subject,
          subject,
          issuer: 'test',
          scopes: new Set(scopes),
          roles: new Set<string>(),
        },
        authentication: {
          method: 'test',
          scheme: 'Bearer',
          claims: {},
          expiresAt: lasts === undefined ? undefined : Date.now() + Number.parseInt(lasts, 10),
        },
      });
    },
  });
}

export const base = guard().use(authenticate());
export const reading = base.use(requireScopes('read'));

export function oblige(obligations: Obligations) {
  return definePolicy({ name: 'oblige', role: 'check', check: () => pass({}, obligations) });
}

/** A small shop, and every resolver that ran. */
export function shop(ran: string[] = []): GraphQLSchema {
  const schema = buildSchema(`
    type User { name: String email: String }
    type Query { me: User users: [User!] echo(text: String): String viewer: Query crash: String odd: Odd }
    type Mutation { rename(name: String): Query }
    type Subscription { ticks(count: Int): Int renamed(count: Int): User odd: Odd nothing: Int failing: Int }
    enum Size { S }
    scalar Stamp
    interface Thing { id: ID }
    type Box implements Thing { id: ID }
    type Odd {
      int: Int float: Float text: String flag: Boolean id: ID size: Size stamp: Stamp
      box: Box thing: Thing other: Thing list: [Int] items: [Int] named: String
    }
  `);
  const fieldsOf = (name: string) => (schema.getType(name) as GraphQLObjectType).getFields();
  const note = <T>(name: string, value: T): T => {
    ran.push(name);
    return value;
  };
  const ann = { name: 'ann', email: 'ann@example.com' };
  const set = (type: string, resolvers: Record<string, (...args: any[]) => unknown>) => {
    for (const [name, resolve] of Object.entries(resolvers)) {
      const field = fieldsOf(type)[name];
      if (field) field.resolve = resolve;
    }
  };
  set('Query', {
    me: () => note('me', ann),
    users: () => [ann, { name: 'bob', email: 'bob@example.com' }],
    echo: (_source, { text }) => note('echo', text),
    viewer: () => ({}),
    crash: () => {
      throw new Error('connection to 10.0.0.7 lost');
    },
  });
  set('Mutation', { rename: () => note('rename', {}) });
  const { ticks, renamed } = fieldsOf('Subscription');
  if (!ticks || !renamed) throw new Error('the schema has no subscriptions');
  ticks.subscribe = async function* (_source: unknown, { count = 2 }: { count?: number }) {
    ran.push('ticks');
    try {
      for (let at = 1; at <= count; at++) yield { ticks: at };
      // A negative count never ends.
      if (count < 0) await new Promise(() => undefined);
    } finally {
      ran.push('ticks stopped');
    }
  };
  renamed.subscribe = async function* (_source: unknown, { count = 2 }: { count?: number }) {
    for (let at = 0; at < count; at++) yield { renamed: ann };
  };
  const { odd, nothing, failing } = fieldsOf('Subscription');
  if (!odd || !nothing || !failing) throw new Error('the schema has no subscriptions');
  odd.subscribe = async function* () {
    yield { odd: ODD };
  };
  nothing.subscribe = () => ODD['int'];
  failing.subscribe = async function* () {
    yield { failing: 1 };
    throw new Error(`connection to ${KEY} lost`);
  };
  set('Query', { odd: () => ODD });
  set('Odd', {
    named: () => {
      throw new GraphQLError('No such order.', { extensions: { code: 'NOT_FOUND' } });
    },
  });
  const stamp = schema.getType('Stamp') as GraphQLScalarType;
  const write = (value: unknown) => {
    throw new GraphQLError(`${String(value)} is no stamp.`, { extensions: { value } });
  };
  Object.assign(stamp, { serialize: write, coerceOutputValue: write });
  (schema.getType('Box') as GraphQLObjectType).isTypeOf = () => false;
  (schema.getType('Thing') as GraphQLInterfaceType).resolveType = (value) => value.type;
  return schema;
}

const KEY = 'k9-secret';
/** Values that are not of their types, as a field of a database that has another type than the schema says. */
const ODD: Readonly<Record<string, unknown>> = {
  ...Object.fromEntries(['float', 'flag', 'size', 'stamp', 'list'].map((name) => [name, KEY])),
  ...Object.fromEntries(['int', 'text', 'id', 'box'].map((name) => [name, { key: KEY }])),
  thing: { type: 7, key: KEY },
  other: { type: KEY },
  items: [1, KEY],
};
export const ODD_FIELDS =
  '{ odd { int float text flag id size stamp box { id } thing { id } other { id } list items } }';

/** What is said of a value that is not of its type, in every message of an operation that asks for all of them. */
export const MASKED = Array.from({ length: 12 }, () => ({
  message: 'Internal server error',
  extensions: { code: 'INTERNAL_SERVER_ERROR' },
}));

/** Errors as far as tests look at them. */
export const shownErrors = (errors: any[]): unknown[] =>
  errors.map(({ message, extensions }) => ({ message, extensions }));

/** Listens on a free port for the length of one test. */
export async function listen(
  listener?: RequestListener,
): Promise<{ server: Server; port: number }> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { server, port: (server.address() as AddressInfo).port };
}
