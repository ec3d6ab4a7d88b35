import { readFileSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { apisec } from '@apisec/apollo';
import { definePolicy, deny } from '@apisec/core';
import { ApolloServer, type ApolloServerPlugin } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { buildSchema, type GraphQLSchema } from 'graphql';
import { createClient } from 'graphql-ws';
import { afterEach, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { runGuide } from '../src/run-guide.ts';
import { orders, users, usersSchema } from '../src/running/graphql.ts';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

interface Answer {
  readonly data?: Readonly<Record<string, unknown>>;
  readonly errors?: readonly {
    readonly path?: readonly string[];
    readonly extensions: Readonly<Record<string, unknown>>;
  }[];
}

/** Starts Apollo Server with a plugin of a guide, and answers how a user with these scopes calls it. */
async function started(plugin: unknown, schema: GraphQLSchema = usersSchema()) {
  const server = new ApolloServer({ schema, plugins: [plugin as ApolloServerPlugin] });
  const { url } = await startStandaloneServer(server, {
    context: async ({ req }) => ({ req }),
    listen: { port: 0, host: '127.0.0.1' },
  });
  ends.push(() => server.stop());
  return async (query: string, scope = 'orders:read', more: object = {}): Promise<Answer> => {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${await users.token({ scope })}`,
      },
      body: JSON.stringify({ query, ...more }),
    });
    return (await response.json()) as Answer;
  };
}

const reasonsOf = ({ errors = [] }: Answer) =>
  errors.map(({ extensions }) => String(extensions['reason']));

test('the guide to fields denies those that its table guards, and answers the others', async () => {
  const [shown] = await runGuide('field-authorization', [0]);
  const ask = await started(shown?.['plugin']);
  const all = '{ viewer { name email account { balance } salary { amount } } }';
  const denied = await ask(all);
  expect(denied.data).toEqual({
    viewer: { name: 'Alice', email: null, account: { balance: null }, salary: null },
  });
  expect(reasonsOf(denied).toSorted()).toEqual([
    'role.insufficient',
    'role.insufficient',
    'scope.insufficient',
  ]);
  const admitted = await ask('{ viewer { name email } }', 'orders:read pii:read');
  expect(admitted).toEqual({ data: { viewer: { name: 'Alice', email: 'alice@example.com' } } });
});

test('the schema of the guide to fields guards by its directives, with nothing but their meaning', async () => {
  const guide = join(import.meta.dirname, '../../../docs/guides/field-authorization.md');
  const [, shown = ''] = /^```graphql\n([^]*?)^```$/m.exec(readFileSync(guide, 'utf8')) ?? [];
  const schema = buildSchema(`
    directive @authenticated on FIELD_DEFINITION
    directive @requiresScopes(scopes: [[String!]!]!) on OBJECT
    directive @policy(policies: [[String!]!]!) on FIELD_DEFINITION
    directive @auth(requires: Role!) on FIELD_DEFINITION
    enum Role { EDITOR }
    ${shown}
    type Query { viewer: User, salary: Salary }
  `);
  const { viewer, salary } = schema.getQueryType()?.getFields() ?? {};
  if (!viewer || !salary) throw new Error('The schema lacks a field.');
  viewer.resolve = () => ({ email: 'alice@example.com', notes: 'none', file: 'hers' });
  salary.resolve = () => ({ amount: 7 });
  const ownFile = definePolicy({
    name: 'ownFile',
    role: 'check',
    check: () => deny('forbidden', 'file.other'),
  });
  const directives = { policies: { 'own-file': ownFile }, roles: { EDITOR: 'editor' } };
  const ask = await started(apisec({ admission: orders, directives }), schema);
  const answer = await ask('{ viewer { email notes file } salary { amount } }');
  expect(answer.data).toEqual({
    viewer: { email: 'alice@example.com', notes: null, file: null },
    salary: null,
  });
  expect(reasonsOf(answer).toSorted()).toEqual([
    'file.other',
    'role.insufficient',
    'scope.insufficient',
  ]);
  const paid = await ask('{ salary { amount } }', 'orders:read admin');
  expect(paid).toEqual({ data: { salary: { amount: 7 } } });
});

test('the guide to limits denies documents that are too long or too deep, and lists that are too long', async () => {
  vi.stubGlobal('fetch', withIssuer(globalThis.fetch));
  ends.push(() => vi.unstubAllGlobals());
  const [before, , running] = await runGuide('graphql-limits', [0, 1, 2]);
  const bounded = await started(before?.['bounded']);
  expect(reasonsOf(await bounded(`{ viewer { name } } # ${'-'.repeat(50_000)}`))).toEqual([
    'document.too_large',
  ]);
  const ask = await started(running?.['plugin']);
  expect(await ask('{ viewer { name } }')).toEqual({ data: { viewer: { name: 'Alice' } } });
  expect(
    reasonsOf(await ask(`{ viewer ${'{ self '.repeat(8)} { name } ${'}'.repeat(8)} }`)),
  ).toEqual(['operation.over_limit']);
  expect(reasonsOf(await ask('{ numbers }'))).toEqual(['operation.over_budget']);
});

test('the guide to subscriptions guards sockets and streams, and the fields of their events', async () => {
  const [sockets, streams] = await runGuide('subscriptions', [0, 1]);
  expect(sockets).toBeDefined();
  const { server } = await import('../src/running/guides-subscriptions.ts');
  const port = await listening(server);
  const client = (authorization?: string) =>
    createClient({
      url: `ws://127.0.0.1:${port}/graphql`,
      webSocketImpl: WebSocket,
      retryAttempts: 0,
      ...(authorization !== undefined && { connectionParams: { authorization } }),
    });
  const query = 'subscription { viewer { name email } }';
  const authorization = `Bearer ${await users.token({ scope: 'orders:read' })}`;
  await expect(client().iterate({ query }).next()).rejects.toMatchObject({ code: 4403 });
  const ann = client(authorization);
  ends.push(() => ann.dispose());
  const event = { data: { viewer: { name: 'Alice', email: null } } };
  expect((await ann.iterate({ query }).next()).value).toMatchObject(event);

  const url = `http://127.0.0.1:${await listening(streams?.['streams'] as Server)}/`;
  const post = (more: Readonly<Record<string, string>>) =>
    fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream', ...more },
      body: JSON.stringify({ query }),
    });
  expect((await post({})).status).toBe(401);
  expect(await (await post({ authorization })).text()).toContain('"name":"Alice","email":null');
});

test('the guide to trusted documents runs what its client was built with, and nothing else', async () => {
  const { folder } = await import('../src/running/guides-trusted-documents.ts');
  ends.push(() => rmSync(folder, { recursive: true, force: true }));
  const manifest = join(folder, 'trusted.json');
  const [, shown] = await runGuide('trusted-documents', [0, 1], { 'trusted.json': manifest });
  const ask = await started(shown?.['plugin']);
  const [id] = Object.keys(JSON.parse(readFileSync(manifest, 'utf8')));
  const page = { data: { viewer: { name: 'Alice' } } };
  expect(await ask('', 'orders:read', { query: undefined, documentId: id })).toEqual(page);
  expect(reasonsOf(await ask('{ viewer { email } }'))).toEqual(['operation.untrusted']);
});

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** The keys of the issuer come from memory, everything else from where it is. */
function withIssuer(from: typeof fetch): typeof fetch {
  return (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    return url.startsWith(users.issuer) ? users.fetch(input) : from(input, init);
  };
}
