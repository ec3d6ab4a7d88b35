import {
  type CallFacts,
  definePolicy,
  discoverIssuer,
  type Page,
  pass,
  pathOf,
} from '@apisec/core';
import type { ApolloServer } from '@apollo/server';
import {
  Client,
  credentials,
  Metadata,
  type MethodDefinition,
  type Server,
  ServerCredentials,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { AUDIENCE, startIssuer, type TestIssuer } from 'apisec-example-issuer';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { documentsService, graphqlApi, grpcApi, restApi } from '../src/apis.ts';
import { type InTenant, openDatabase, tenantsOfNotes, walled } from '../src/database.ts';
import { documents } from '../src/documents.ts';
import { notesPolicy, type TenantPolicies, tenantPolicies } from '../src/policy.ts';

/** The policies turned off: whatever the caller says is taken, and the database has no wall. */
const trusting = (): TenantPolicies => ({
  tenant: definePolicy({
    name: 'trusts the caller',
    role: 'check',
    adds: ['tenant'],
    check: (
      request,
      { call, principal }: CallFacts & { principal: { tenant?: string | undefined } },
    ) => {
      const inPath = call.protocol === 'http' ? pathOf(request).split('/')[2] : undefined;
      return pass({ tenant: request.headers.get('x-tenant') ?? inPath ?? principal.tenant ?? '' });
    },
  }),
  page: definePolicy({
    name: 'any page',
    role: 'check',
    adds: ['page'],
    check: ({ url }) => {
      const query = new URL(url, 'http://localhost').searchParams;
      const { cursor, sort, ...filters } = Object.fromEntries(query);
      const page: Page = {
        size: 100,
        offset: 0,
        sort: sort === undefined ? [] : [{ field: sort, descending: false }],
        filters,
        after: cursor === undefined ? undefined : JSON.parse(atob(cursor)),
        next: async (position) => btoa(JSON.stringify(position)),
      };
      return pass({ page });
    },
  }),
  title: definePolicy({ name: 'any title', role: 'check', check: () => pass() }),
  newDocument: definePolicy({ name: 'any document', role: 'check', check: () => pass() }),
  output: definePolicy({ name: 'any output', role: 'check', check: () => pass() }),
});

interface Apis {
  readonly rest: FastifyInstance;
  readonly graphql: ApolloServer;
  readonly grpc: Server;
  readonly client: Client;
  readonly close: () => Promise<void>;
}

let issuer: TestIssuer;
let db: Awaited<ReturnType<typeof openDatabase>>;
let on: Apis;
let off: Apis;

async function start(policies: TenantPolicies, inTenant: InTenant): Promise<Apis> {
  const keys = discoverIssuer(issuer.issuer, { insecureLoopback: true });
  const policy = notesPolicy(
    { issuer: issuer.issuer, audience: AUDIENCE, keys },
    tenantsOfNotes(),
    policies,
  );
  const data = documents(inTenant);
  const rest = await restApi(policy, data);
  const graphql = graphqlApi(policy, data);
  await graphql.start();
  const grpc = grpcApi(policy, data);
  const port = await new Promise<number>((resolve, reject) => {
    grpc.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  return {
    rest,
    graphql,
    grpc,
    client,
    close: async () => {
      client.close();
      grpc.forceShutdown();
      await Promise.all([rest.close(), graphql.stop()]);
    },
  };
}

beforeAll(async () => {
  issuer = await startIssuer();
  db = await openDatabase();
  on = await start(tenantPolicies(), walled(db));
  off = await start(trusting(), (_tenant, work) => work(db));
}, 120_000);
afterAll(async () => {
  await on?.close();
  await off?.close();
  await issuer?.close();
  await db?.close();
});

interface Answer {
  /** The code of the denial, or how the call ended. */
  readonly code: string;
  /** Everything that came back. */
  readonly text: string;
}

type Attack = (apis: Apis, token: string) => Promise<Answer>;

const rest =
  (
    method: 'GET' | 'POST' | 'PATCH',
    url: string,
    body?: object,
    headers: Record<string, string> = {},
  ): Attack =>
  async ({ rest }, token) => {
    const response = await rest.inject({
      method,
      url,
      headers: { authorization: `Bearer ${token}`, ...headers },
      ...(body && { payload: body }),
    });
    return {
      code: String(response.headers['content-type']).includes('problem')
        ? response.json().code
        : String(response.statusCode),
      text: response.body,
    };
  };

const graphql =
  (query: string, headers: readonly (readonly [string, string])[] = []): Attack =>
  async ({ graphql }, token) => {
    const sent = new Map<string, string>([
      ['authorization', `Bearer ${token}`],
      ['content-type', 'application/json'],
      ...headers,
    ]);
    const response = await graphql.executeHTTPGraphQLRequest({
      // Apollo's map of headers is a map with a private mark, made so that nobody writes one by accident.
      httpGraphQLRequest: {
        method: 'POST',
        search: '',
        body: { query },
        headers: Object.assign(sent, { __identity: 'HeaderMap' }) as never,
      },
      context: async () => ({}),
    });
    const text = response.body.kind === 'complete' ? response.body.string : '';
    const { errors } = JSON.parse(text) as {
      errors?: readonly { extensions?: { apisec?: { code?: string }; code?: string } }[];
    };
    return { code: errors === undefined ? 'OK' : JSON.stringify(errors), text };
  };

const grpc =
  (name: string, request: object, headers: Record<string, string> = {}): Attack =>
  async ({ client }, token) => {
    const metadata = new Metadata();
    for (const [key, value] of Object.entries({ authorization: `Bearer ${token}`, ...headers }))
      metadata.set(key, value);
    // The file defines these methods.
    const method = documentsService[name] as MethodDefinition<object, object>;
    return new Promise((resolve) => {
      client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        metadata,
        (error: ServiceError | null, reply?: object) =>
          resolve(
            error === null
              ? { code: 'OK', text: JSON.stringify(reply) }
              : { code: `${status[error.code]} ${error.message}`, text: error.details },
          ),
      );
    });
  };

/** A cursor of globex' list, as it was found in a log. */
const foreignCursor: Attack = async (apis, token) => {
  const theirs = await issuer.token({ sub: 'gina', org: 'globex' });
  const { text } = await rest('GET', '/tenants/globex/documents?limit=1')(apis, theirs).then(
    (first) =>
      first.code === '200' ? first : rest('GET', '/tenants/globex/documents')(apis, theirs),
  );
  const { next } = JSON.parse(text) as { next: string };
  return rest('GET', `/tenants/acme/documents?cursor=${encodeURIComponent(next)}`)(apis, token);
};

/** What only globex may see; `globex` alone may stand in what the attacker sent. */
const THEIRS = /Globex (?:secrets|payroll)|top secret|pwned/;

// Covers: API1:2023
describe('acme attacks globex', () => {
  test.each<[string, Attack, RegExp]>([
    [
      'REST: the tenant in the path',
      rest('GET', '/tenants/globex/documents/3'),
      /tenant\.conflict/,
    ],
    ['REST: an id in the path', rest('GET', '/tenants/acme/documents/3'), /404/],
    ['REST: an id that both have', rest('GET', '/tenants/acme/documents/1'), /200/],
    ['REST: a list', rest('GET', '/tenants/acme/documents'), /200/],
    [
      'REST: a header',
      rest('GET', '/tenants/acme/documents', undefined, { 'x-tenant': 'globex' }),
      /tenant\.conflict/,
    ],
    ['REST: a filter', rest('GET', '/tenants/acme/documents?tenant=globex'), /page\.field_unknown/],
    ['REST: a sort key', rest('GET', '/tenants/acme/documents?sort=tenant'), /page\.field_unknown/],
    [
      'REST: a sort key that is a query',
      rest(
        'GET',
        `/tenants/acme/documents?sort=${encodeURIComponent('(SELECT min(title) FROM documents)')}`,
      ),
      /page\.field_unknown/,
    ],
    [
      'REST: a body that names the tenant',
      rest('POST', '/tenants/acme/documents', { id: '9', tenant: 'globex', title: 'pwned' }),
      /input\.unknown_member/,
    ],
    ['REST: a change', rest('PATCH', '/tenants/acme/documents/3', { title: 'pwned' }), /404/],
    ['GraphQL: an argument', graphql('{ document(id: "3") { title } }'), /OK/],
    ['GraphQL: a list', graphql('{ documents { title } }'), /OK/],
    ['GraphQL: nested fields', graphql('{ document(id: "1") { comments { text } } }'), /OK/],
    [
      'GraphQL: an alias and a fragment',
      graphql(
        '{ mine: document(id: "2") { ...d } theirs: document(id: "3") { ...d } } fragment d on Document { title comments { text } }',
      ),
      /OK/,
    ],
    [
      'GraphQL: a mutation',
      graphql('mutation { rename(id: "3", title: "pwned") { title } }'),
      /OK/,
    ],
    [
      'GraphQL: a header',
      graphql('{ documents { title } }', [['x-tenant', 'globex']]),
      /tenant\.conflict/,
    ],
    ['gRPC: a message', grpc('Get', { id: '3' }), /NOT_FOUND/],
    ['gRPC: a list', grpc('List', {}), /OK/],
    ['gRPC: a change', grpc('Rename', { id: '3', title: 'pwned' }), /NOT_FOUND/],
    ['gRPC: metadata', grpc('List', {}, { 'x-tenant': 'globex' }), /PERMISSION_DENIED/],
  ])('%s', async (_name, attack, code) => {
    const token = await issuer.token({ sub: 'alice', org: 'acme' });
    const defended = await attack(on, token);
    expect(defended.text).not.toMatch(THEIRS);
    expect(defended.code).toMatch(code);

    const open = await attack(off, token);
    expect(open.text, 'without the policies the attack succeeds').toMatch(THEIRS);
    await db.exec(`DELETE FROM documents WHERE id = '9';
      UPDATE documents SET title = 'Globex payroll' WHERE id = '3'`);
  });

  test('REST: a cursor of globex', async () => {
    const token = await issuer.token({ sub: 'alice', org: 'acme' });
    expect(await foreignCursor(on, token)).toMatchObject({ code: 'page.cursor_invalid' });
    expect((await foreignCursor(off, token)).code).toBe('200');
  });

  test('no data of globex was changed', async () => {
    const { rows } = await db.query(
      "SELECT id, title FROM documents WHERE tenant = 'globex' ORDER BY id",
    );
    expect(rows).toEqual([
      { id: '1', title: 'Globex secrets' },
      { id: '3', title: 'Globex payroll' },
    ]);
  });
});

describe('each tenant gets its own data', () => {
  test('on every protocol', async () => {
    const token = await issuer.token({ sub: 'gina', org: 'globex' });
    expect((await rest('GET', '/tenants/globex/documents/1')(on, token)).text).toContain(
      'Globex secrets',
    );
    expect(
      (await rest('PATCH', '/tenants/globex/documents/1', { title: 'Globex secrets' })(on, token))
        .code,
    ).toBe('200');
    expect(
      (await graphql('{ document(id: "1") { title comments { text } } }')(on, token)).text,
    ).toContain('top secret');
    expect((await grpc('Get', { id: '1' })(on, token)).text).toContain('Globex secrets');
  });

  test('not while it is suspended, and not without a tenant', async () => {
    const suspended = await issuer.token({ org: 'initech' });
    expect(await rest('GET', '/tenants/initech/documents')(on, suspended)).toMatchObject({
      code: 'tenant.suspended',
    });
    expect((await graphql('{ documents { title } }')(on, suspended)).code).toContain(
      'tenant.suspended',
    );
    expect((await grpc('List', {})(on, suspended)).code).toContain('PERMISSION_DENIED');
    expect(await rest('GET', '/tenants/acme/documents')(on, await issuer.token())).toMatchObject({
      code: 'tenant.unproven',
    });
    expect(
      (await rest('GET', '/tenants/hooli/documents')(on, await issuer.token({ org: 'hooli' })))
        .code,
    ).toBe('tenant.unknown');
  });
});
