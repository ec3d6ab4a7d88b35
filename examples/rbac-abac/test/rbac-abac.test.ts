import {
  allowAuthenticated,
  definePolicy,
  discoverIssuer,
  memoryRoleStore,
  pass,
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
import { graphqlApi, grpcApi, reportsService, restApi } from '../src/apis.ts';
import { reportsPolicy } from '../src/policy.ts';
import { type Report, type Reports, reports } from '../src/reports.ts';
import { type Rules, rules } from '../src/rules.ts';

/** The rules turned off: whoever has logged in gets what they ask for. */
const noRules = (data: Reports): Rules => ({
  load: (id) =>
    definePolicy({
      name: 'loads whatever is asked for',
      role: 'check',
      adds: ['report'],
      check: (request, facts) =>
        pass({ report: data.find([id(request, facts) as string])[0] as Report }),
    }),
  read: allowAuthenticated(),
  approve: allowAuthenticated(),
  write: allowAuthenticated(),
  create: allowAuthenticated(),
  list: allowAuthenticated(),
  input: definePolicy({ name: 'any input', role: 'check', check: () => pass() }),
  output: definePolicy({ name: 'any output', role: 'check', check: () => pass() }),
  auditNote: allowAuthenticated(),
});

interface Apis {
  readonly rest: FastifyInstance;
  readonly graphql: ApolloServer;
  readonly grpc: Server;
  readonly client: Client;
  readonly close: () => Promise<void>;
}

const MONDAY_NOON = Date.parse('2026-11-30T11:00:00Z');
const SUNDAY_NOON = Date.parse('2026-11-29T11:00:00Z');

/** Who has which role in which company. Mia is a manager in one, and an employee in the other. */
const ROLES = [
  ['ann', 'acme', 'employee'],
  ['bob', 'acme', 'employee'],
  ['mia', 'acme', 'manager'],
  ['mia', 'globex', 'employee'],
  ['ian', 'acme', 'importer'],
  ['ada', 'acme', 'auditor'],
] as const;

let issuer: TestIssuer;
let now = MONDAY_NOON;
let on: Apis;
let off: Apis;

async function start(rulesFor: (data: Reports) => Rules): Promise<Apis> {
  const store = memoryRoleStore();
  for (const [subject, tenant, role] of ROLES) {
    store.assign({ principal: JSON.stringify([issuer.issuer, subject]), tenant, role });
  }
  const data = reports();
  const keys = discoverIssuer(issuer.issuer, { insecureLoopback: true });
  const trusted = { issuer: issuer.issuer, audience: AUDIENCE, keys };
  const policy = reportsPolicy(trusted, store, rulesFor(data));
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
  on = await start((data) => rules(data, () => now));
  off = await start(noRules);
}, 120_000);
afterAll(async () => {
  await on?.close();
  await off?.close();
  await issuer?.close();
});

type Call = (apis: Apis, token: string) => Promise<string>;

const rest =
  (method: 'GET' | 'POST', url: string, body?: object): Call =>
  async ({ rest }, token) => {
    const headers = { authorization: `Bearer ${token}` };
    const response = await rest.inject({ method, url, headers, ...(body && { payload: body }) });
    return response.body;
  };

const graphql =
  (query: string): Call =>
  async ({ graphql }, token) => {
    const headers = new Map([
      ['authorization', `Bearer ${token}`],
      ['content-type', 'application/json'],
    ]);
    const response = await graphql.executeHTTPGraphQLRequest({
      // Apollo's map of headers is a map with a private mark, made so that nobody writes one by accident.
      httpGraphQLRequest: {
        method: 'POST',
        search: '',
        body: { query },
        headers: Object.assign(headers, { __identity: 'HeaderMap' }) as never,
      },
      context: async () => ({}),
    });
    return response.body.kind === 'complete' ? response.body.string : '';
  };

const grpc =
  (name: string, request: object): Call =>
  ({ client }, token) => {
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${token}`);
    // The file defines these methods.
    const method = reportsService[name] as MethodDefinition<object, object>;
    return new Promise((resolve) => {
      client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        metadata,
        (error: ServiceError | null, reply?: object) =>
          resolve(error ? `${status[error.code]} ${error.details}` : JSON.stringify(reply)),
      );
    });
  };

const who = (subject: string, org = 'acme', department = 'sales', scope = '') =>
  issuer.token({ sub: subject, org, department, scope });

/** What a denial looks like, whatever the protocol. */
const DENIED =
  /"code":"(?:object|rule|report|permission|input)\.|"reason":"|PERMISSION_DENIED|NOT_FOUND|INVALID_ARGUMENT/;

describe('ann, an employee, attacks', () => {
  const approvedByHerself = { title: 'mine', department: 'sales', status: 'approved' };
  test.each<[string, Call, RegExp]>([
    ['API1, REST: an id in the path', rest('GET', '/reports/2'), /Trip of bob/],
    ['API1, REST: an id of another company', rest('GET', '/reports/3'), /Trip of gina/],
    ['API1, GraphQL: an argument', graphql('{ report(id: "2") { title } }'), /Trip of bob/],
    [
      'API1, GraphQL: an alias beside her own',
      graphql('{ mine: report(id: "1") { title } theirs: report(id: "2") { title } }'),
      /Trip of bob/,
    ],
    [
      'API1, GraphQL: a field of her own report',
      graphql('{ report(id: "1") { previous { title } } }'),
      /Trip of bob/,
    ],
    ['API1, gRPC: an id in the message', grpc('Get', { id: '2' }), /Trip of bob/],
    ['API1, gRPC: an id of another company', grpc('Get', { id: '3' }), /Trip of gina/],
    ['API3, REST: a member that is not for her', rest('GET', '/reports/1'), /suspicious/],
    [
      'API3, GraphQL: a member that is not for her',
      graphql('{ report(id: "1") { title: auditNote } }'),
      /suspicious/,
    ],
    ['API3, gRPC: a member that is not for her', grpc('Get', { id: '1' }), /suspicious/],
    [
      'API3, REST: a member that is not hers to write',
      rest('POST', '/reports', approvedByHerself),
      /"approved"/,
    ],
    [
      'API3, GraphQL: a member that is not hers to write',
      graphql(
        'mutation { createReport(title: "mine", department: "sales", status: "approved") { status } }',
      ),
      /"approved"/,
    ],
    [
      'API3, gRPC: a member that is not hers to write',
      grpc('Create', approvedByHerself),
      /"approved"/,
    ],
    ['API5, REST: a list for auditors', rest('GET', '/reports'), /Trip of bob/],
    ['API5, GraphQL: a list for auditors', graphql('{ reports { title } }'), /Trip of bob/],
    ['API5, gRPC: a list for auditors', grpc('ListAll', {}), /Trip of bob/],
    ['API5, REST: approval', rest('POST', '/approvals', { reportId: '1' }), /"approved"/],
    [
      'API5, GraphQL: approval',
      graphql('mutation { approve(reportId: "1") { status } }'),
      /"approved"/,
    ],
    ['API5, gRPC: approval', grpc('Approve', { reportId: '1' }), /"approved"/],
  ])('%s', async (name, attack, loot) => {
    const token = await who('ann');
    const defended = await attack(on, token);
    expect(defended).not.toMatch(loot);
    // A member is taken out of an answer that she may have; everything else is denied.
    if (name.startsWith('API3, REST: a member that is not for'))
      expect(defended).toMatch(/Trip of ann/);
    else if (name.startsWith('API3, gRPC: a member that is not for'))
      expect(defended).toMatch(/Trip of ann/);
    else expect(defended).toMatch(DENIED);
    expect(await attack(off, token), 'without the rules the attack succeeds').toMatch(loot);
  });
});

describe('allowed callers', () => {
  test.each<[string, string, Call, RegExp]>([
    ['reads their own report on REST', 'ann', rest('GET', '/reports/1'), /Trip of ann/],
    [
      'reads their own report on GraphQL',
      'ann',
      graphql('{ report(id: "1") { title } }'),
      /Trip of ann/,
    ],
    ['reads their own report on gRPC', 'ann', grpc('Get', { id: '1' }), /Trip of ann/],
    [
      'writes a report on REST',
      'ann',
      rest('POST', '/reports', { title: 'mine', department: 'sales' }),
      /"submitted"/,
    ],
    [
      'writes a report on GraphQL',
      'ann',
      graphql('mutation { createReport(title: "mine", department: "sales") { status } }'),
      /"submitted"/,
    ],
    [
      'writes a report on gRPC',
      'ann',
      grpc('Create', { title: 'mine', department: 'sales' }),
      /"submitted"/,
    ],
    [
      'imports approved reports on REST',
      'ian',
      rest('POST', '/reports', { title: 'old', department: 'sales', status: 'approved' }),
      /"approved"/,
    ],
    [
      'imports approved reports on gRPC',
      'ian',
      grpc('Create', { title: 'old', department: 'sales', status: 'approved' }),
      /"approved"/,
    ],
    ['lists all reports on REST', 'ada', rest('GET', '/reports'), /Trip of bob.*suspicious/],
    [
      'lists all reports on GraphQL',
      'ada',
      graphql('{ reports { title auditNote } }'),
      /Trip of bob.*suspicious/,
    ],
    ['lists all reports on gRPC', 'ada', grpc('ListAll', {}), /Trip of bob.*suspicious/],
    ['approves on REST', 'mia', rest('POST', '/approvals', { reportId: '1' }), /"approved"/],
    [
      'approves on GraphQL',
      'mia',
      graphql('mutation { approve(reportId: "1") { status } }'),
      /"approved"/,
    ],
    ['approves on gRPC', 'mia', grpc('Approve', { reportId: '1' }), /"approved"/],
  ])('%s', async (_name, subject, call, expected) => {
    const scope = subject === 'ada' ? 'reports:audit' : '';
    expect(await call(on, await who(subject, 'acme', 'sales', scope))).toMatch(expected);
  });
});

describe('department, role, action and business hours', () => {
  const approve = {
    REST: rest('POST', '/approvals', { reportId: '1' }),
    GraphQL: graphql('mutation { approve(reportId: "1") { status } }'),
    gRPC: grpc('Approve', { reportId: '1' }),
  };
  test.each([
    ['of another department', 'mia', 'acme', 'research', MONDAY_NOON],
    ['of no department', 'mia', 'acme', undefined, MONDAY_NOON],
    ['on a Sunday', 'mia', 'acme', 'sales', SUNDAY_NOON],
    ['who is a manager in another company alone', 'mia', 'globex', 'sales', MONDAY_NOON],
    ['who is an employee', 'bob', 'acme', 'sales', MONDAY_NOON],
    ['without any role', 'eve', 'acme', 'sales', MONDAY_NOON],
  ])('nobody approves %s', async (_name, subject, org, department, moment) => {
    now = moment;
    const token = await issuer.token({ sub: subject, org, department });
    for (const [protocol, call] of Object.entries(approve)) {
      const answer = await call(on, token);
      expect(answer, protocol).toMatch(DENIED);
      expect(answer, protocol).not.toMatch(/"approved"/);
    }
    now = MONDAY_NOON;
  });
});
