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
import { buildSchema, type GraphQLObjectType, type GraphQLSchema } from 'graphql';
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
      const ends = scopes.find((scope) => /^\d+$/.test(scope));
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
          expiresAt: ends === undefined ? undefined : Number(ends),
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
    type Query { me: User users: [User!] echo(text: String): String viewer: Query crash: String }
    type Mutation { rename(name: String): Query }
    type Subscription { ticks(count: Int): Int renamed: User }
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
  renamed.subscribe = async function* () {
    yield { renamed: ann };
    yield { renamed: ann };
  };
  return schema;
}

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
