import { Agent, createServer, type Server, request as send } from 'node:https';
import type { AddressInfo } from 'node:net';
import { apisec } from '@apisec/apollo';
import { altNames, createAuthority, type Identity } from '@apisec/conformance/certificates';
import {
  allowAuthenticated,
  authenticateSignature,
  type CertificateFacts,
  definePolicy,
  deny,
  fetchBodies,
  type GraphqlFacts,
  guard,
  type HttpFacts,
  pass,
  protect,
  type RawBodyFacts,
  signRequest,
} from '@apisec/core';
import { apisec as apisecYoga } from '@apisec/graphql/yoga';
import { ApolloServer } from '@apollo/server';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { expressMiddleware } from '@as-integrations/express5';
import { getStitchedSchemaFromSupergraphSdl } from '@graphql-tools/federation';
import { composeServices } from '@theguild/federation-composition';
import express from 'express';
import { execute, type GraphQLSchema, parse } from 'graphql';
import { createYoga } from 'graphql-yoga';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { authenticate, base } from './harness.ts';

const LINK = `extend schema @link(
  url: "https://specs.apollo.dev/federation/v2.5", import: ["@key", "@requiresScopes"]
)`;
const STAFF = parse(`${LINK}
  type User @key(fields: "id") { id: ID!, name: String, pay: Salary }
  type Salary @key(fields: "id") @requiresScopes(scopes: [["pay"]]) { id: ID!, amount: Int }
  type Query { me: User }
`);
const REVIEWS = parse(`${LINK}
  type User @key(fields: "id") { id: ID!, salary: Salary, reviews: [Review!] }
  type Salary @key(fields: "id", resolvable: false) { id: ID! }
  type Review { text: String, note: String @requiresScopes(scopes: [["notes"]]) }
  type Query { latest: Review }
`);

interface Caller {
  readonly token: string;
}

const ran: string[] = [];
const note = <T>(name: string, value: T): T => {
  ran.push(name);
  return value;
};
const review = { text: 'fine', note: 'for us alone' };
const staff = {
  Query: { me: () => note('me', { id: 'ann', name: 'Ann' }) },
  User: {
    __resolveReference: ({ id }: { id: string }) => note('user', { id, name: id }),
    pay: ({ id }: { id: string }) => note('salary', { id, amount: 7 }),
  },
  Salary: { __resolveReference: ({ id }: { id: string }) => note('salary', { id, amount: 7 }) },
};
const reviews = {
  Query: { latest: () => note('latest', review) },
  User: {
    __resolveReference: ({ id }: { id: string }) => note('reviewer', { id }),
    salary: ({ id }: { id: string }) => ({ id }),
    reviews: () => [review],
  },
};

/** Only the router may call; the principal is whoever it calls for. */
const fromRouter = definePolicy<CertificateFacts, object, 'check'>({
  name: 'fromRouter',
  role: 'check',
  check: (_request, { certificate }) =>
    certificate?.content?.dns.includes('router.internal')
      ? pass({})
      : deny('unauthenticated', 'router.unknown'),
});

const ORIGIN = 'https://reviews.internal';
const key = crypto.getRandomValues(new Uint8Array(32));
const signed = guard<HttpFacts & RawBodyFacts>()
  .use(
    authenticateSignature({
      publicOrigin: ORIGIN,
      keys: { router: { algorithm: 'hmac-sha256', key, subject: 'router' } },
    }),
  )
  .use(allowAuthenticated());

const authority = await createAuthority('authority');
const named = (name: string): Promise<Identity> =>
  authority.issue(name, [altNames({ type: 'dns', value: name })]);
const [own, router, neighbour] = await Promise.all(
  ['localhost', 'router.internal', 'neighbour.internal'].map(named),
);
const stranger = await (await createAuthority('stranger')).issue('router.internal', [
  altNames({ type: 'dns', value: 'router.internal' }),
]);

/** Calls as `client`, over mutual TLS. */
function callOver(client: Identity | undefined, url: string, init: RequestInit): Promise<Response> {
  return new Promise((resolve, reject) => {
    const agent = new Agent({ ca: authority.cert, key: client?.key, cert: client?.cert });
    const headers = Object.fromEntries(new Headers(init.headers).entries());
    const out = send(url, { method: 'POST', agent, headers }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () =>
        resolve(
          new Response(Buffer.concat(chunks), {
            status: answer.statusCode ?? 0,
            headers: { 'content-type': answer.headers['content-type'] ?? '' },
          }),
        ),
      );
    });
    out.on('error', reject).end(init.body);
  });
}

let apollo: ApolloServer;
let server: Server;
let staffUrl = '';
let reviewsHandler: (request: Request) => Response | Promise<Response>;
let gateway: GraphQLSchema;

/** Signs as the router does. */
async function callSigned(init: RequestInit, secret = key): Promise<Response> {
  const request = new Request(`${ORIGIN}/`, { ...init, method: 'POST' });
  const made = await signRequest(request, {
    keyid: 'router',
    algorithm: 'hmac-sha256',
    key: secret,
  });
  return reviewsHandler(made);
}

beforeAll(async () => {
  const admission = guard<GraphqlFacts & CertificateFacts>()
    .use(fromRouter)
    .use(authenticate())
    .use(allowAuthenticated());
  apollo = new ApolloServer({
    schema: buildSubgraphSchema({ typeDefs: STAFF, resolvers: staff }),
    plugins: [apisec({ admission, introspection: true })],
    logger: { debug() {}, info() {}, warn() {}, error() {} },
  });
  await apollo.start();
  const app = express();
  app.use(express.json(), expressMiddleware(apollo, { context: async ({ req }) => ({ req }) }));
  const { key: ownKey, cert } = own as Identity;
  const tls = { key: ownKey, cert, ca: authority.cert };
  server = createServer({ ...tls, requestCert: true, rejectUnauthorized: false }, app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  staffUrl = `https://localhost:${(server.address() as AddressInfo).port}/`;

  const yoga = createYoga({
    schema: buildSubgraphSchema({ typeDefs: REVIEWS, resolvers: reviews }),
    plugins: [apisecYoga({ admission: base.use(allowAuthenticated()) })],
    graphqlEndpoint: '/',
    logging: false,
  });
  reviewsHandler = protect(signed, (request) => yoga.fetch(request), {
    bodies: fetchBodies({ raw: true }),
  });

  const { supergraphSdl, errors } = composeServices([
    { name: 'staff', typeDefs: STAFF, url: staffUrl },
    { name: 'reviews', typeDefs: REVIEWS, url: `${ORIGIN}/` },
  ]);
  if (supergraphSdl === undefined) throw new Error(JSON.stringify(errors));
  gateway = getStitchedSchemaFromSupergraphSdl({
    supergraphSdl,
    httpExecutorOpts: {
      fetch: async (url: unknown, init: unknown) =>
        String(url) === staffUrl
          ? callOver(router, staffUrl, init as RequestInit)
          : callSigned(init as RequestInit),
      headers: (request) => ({
        authorization: String((request?.context as Partial<Caller> | undefined)?.token),
      }),
    },
  });
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await apollo.stop();
});
beforeEach(() => {
  ran.length = 0;
});

const ask = async (token: string, query: string): Promise<any> =>
  execute({ schema: gateway, document: parse(query), contextValue: { token: `Bearer ${token}` } });
const post = (query: string, more: object = {}): RequestInit => ({
  headers: { 'content-type': 'application/json', authorization: 'Bearer ann' },
  body: JSON.stringify({ query, ...more }),
});

test('a gateway gets from its subgraphs what the caller may see', async () => {
  const query = '{ me { name reviews { text } salary { id } } latest { text note } }';
  const { data, errors } = await ask('ann:notes:pay', query);
  expect(errors).toBeUndefined();
  expect(data).toEqual({
    me: { name: 'Ann', reviews: [{ text: 'fine' }], salary: { id: 'ann' } },
    latest: review,
  });
  expect(ran.toSorted()).toEqual(['latest', 'me', 'reviewer']);
});

test('subgraphs decide fields by who the router calls for', async () => {
  const { data, errors } = await ask('ann', '{ me { name } latest { text note } }');
  expect(data).toEqual({ me: { name: 'Ann' }, latest: { text: 'fine', note: null } });
  expect(errors.map(({ extensions }: any) => extensions.reason)).toEqual(['scope.insufficient']);
});

test('an entity is loaded by its key only for who may have its type', async () => {
  const query = '{ me { salary { amount } } }';
  const denied = await ask('ann', query);
  expect(denied.data.me.salary).toEqual({ amount: null });
  expect(denied.errors.map(({ extensions }: any) => extensions.reason)).toEqual([
    'scope.insufficient',
  ]);
  expect(ran).not.toContain('salary');
  expect((await ask('ann:pay', query)).data.me.salary).toEqual({ amount: 7 });
  expect(ran).toContain('salary');
});

test.each<[string, unknown]>([
  ['its name', 'Salary'],
  ['a list of its name', ['Salary']],
  ['lists of its name', [['Salary']]],
  ['nothing', undefined],
])('an entity whose type is said by %s is not loaded for who may not have it', async (_, type) => {
  const query =
    'query ($r: [_Any!]!) { _entities(representations: $r) { ... on Salary { amount } } }';
  const variables = { r: [{ __typename: type, id: 'ann' }] };
  const text = await (await callOver(router, staffUrl, post(query, { variables }))).text();
  expect([JSON.parse(text).data, ran]).toEqual([{ _entities: [null] }, []]);
  expect(text).not.toContain('amount: 7');
});

const SALARY = '{ ... on Salary { amount } }';
const A_SALARY = { __typename: 'Salary', id: 'ann' };
const A_USER = { __typename: 'User', id: 'ann' };
const USERS_AND_SALARIES = Array.from({ length: 50 }, () => [A_USER, A_SALARY]).flat();

test.each<[string, string, object?, string[]?]>([
  [
    'an alias',
    `query ($r: [_Any!]!) { a: _entities(representations: $r) ${SALARY} }`,
    { r: [A_SALARY] },
  ],
  [
    'aliases of which one is open',
    `query ($u: [_Any!]!, $s: [_Any!]!) {
      u: _entities(representations: $u) { __typename } s: _entities(representations: $s) ${SALARY}
    }`,
    { u: [A_USER], s: [A_SALARY] },
    ['user'],
  ],
  ['a literal', `{ _entities(representations: [{ __typename: "Salary", id: "ann" }]) ${SALARY} }`],
  [
    'a literal with an escape',
    `{ _entities(representations: [{ __typename: "\\u0053alary", id: "ann" }]) ${SALARY} }`,
  ],
  [
    'a literal that is not a list',
    `{ _entities(representations: { __typename: "Salary", id: "ann" }) ${SALARY} }`,
  ],
  [
    'a variable within a literal',
    `query ($t: String) { _entities(representations: [{ __typename: $t, id: "ann" }]) ${SALARY} }`,
    { t: 'Salary' },
  ],
  [
    'a default of a variable',
    `query ($r: [_Any!]! = [{ __typename: "Salary", id: "ann" }]) { _entities(representations: $r) ${SALARY} }`,
  ],
  [
    'a fragment',
    `query ($r: [_Any!]!) { ...Q }
    fragment Q on Query { _entities(representations: $r) { ...E } }
    fragment E on _Entity { ... on Salary { amount } }`,
    { r: [A_SALARY] },
  ],
  [
    'a reference among others',
    `query ($r: [_Any!]!) { _entities(representations: $r) { __typename ... on Salary { amount } } }`,
    { r: [A_USER, A_SALARY, A_USER] },
    ['user', 'user'],
  ],
  [
    'one of a hundred references',
    `query ($r: [_Any!]!) { _entities(representations: $r) ${SALARY} }`,
    { r: USERS_AND_SALARIES },
    Array.from({ length: 50 }, () => 'user'),
  ],
  [
    'a field below another entity',
    `query ($r: [_Any!]!) { _entities(representations: $r) { ... on User { pay { amount } } } }`,
    { r: [A_USER] },
    ['user'],
  ],
  [
    'an alias below another entity',
    `query ($r: [_Any!]!) { _entities(representations: $r) { ... on User { a: pay { b: amount } } } }`,
    { r: [A_USER] },
    ['user'],
  ],
])(
  'an entity is loaded by %s only for who may have its type',
  async (_, query, variables, open = []) => {
    const as = async (token: string): Promise<any> => {
      const init = post(query, { variables });
      const headers = new Headers(init.headers);
      headers.set('authorization', `Bearer ${token}`);
      return (await callOver(router, staffUrl, { ...init, headers })).json();
    };
    const denied = await as('ann');
    expect(JSON.stringify(denied.data)).not.toMatch(/7/);
    expect(denied.errors.length).toBeLessThanOrEqual(10);
    for (const { extensions } of denied.errors)
      expect(extensions.reason).toBe('scope.insufficient');
    expect(ran).toEqual(open);
    const admitted = await as('ann:pay');
    expect([admitted.errors, JSON.stringify(admitted.data).includes('7')]).toEqual([
      undefined,
      true,
    ]);
  },
);

test.each<[string, Identity | undefined]>([
  ['nobody', undefined],
  ['another service', neighbour],
  ["somebody with the router's name and an authority of their own", stranger],
])('a subgraph behind mutual TLS is closed to %s', async (_, client) => {
  const entities = 'query ($r: [_Any!]!) { _entities(representations: $r) { __typename } }';
  const variables = { r: [{ __typename: 'User', id: 'ann' }] };
  for (const query of ['{ me { name } }', '{ _service { sdl } }', entities]) {
    const answer = await callOver(client, staffUrl, post(query, { variables }));
    const { errors } = await answer.json();
    expect([answer.status, errors[0].extensions.reason]).toEqual([401, 'router.unknown']);
  }
  expect(ran).toEqual([]);
  expect((await callOver(router, staffUrl, post('{ me { name } }'))).status).toBe(200);
});

test('a subgraph behind signatures takes what its router has signed, once, and nothing else', async () => {
  const query = '{ latest { text } }';
  const url = `${ORIGIN}/`;
  const plain = await reviewsHandler(new Request(url, { ...post(query), method: 'POST' }));
  expect(plain.status).toBe(401);
  expect((await callSigned(post(query), crypto.getRandomValues(new Uint8Array(32)))).status).toBe(
    401,
  );
  const made = await signRequest(new Request(url, { ...post(query), method: 'POST' }), {
    keyid: 'router',
    algorithm: 'hmac-sha256',
    key,
  });
  const { headers } = made;
  const body = JSON.stringify({ query: '{ latest { note } }' });
  const changed = await reviewsHandler(new Request(url, { method: 'POST', headers, body }));
  expect([changed.status, ran]).toEqual([401, []]);
  expect((await reviewsHandler(made.clone())).status).toBe(200);
  expect((await reviewsHandler(made)).status).toBe(401);
  expect(ran).toEqual(['latest']);
});
