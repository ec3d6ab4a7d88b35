import { join } from 'node:path';
import { apisec } from '@apisec/apollo';
import { factsOf } from '@apisec/core';
import { secure as secureFastify } from '@apisec/fastify';
import { secure as secureGrpc } from '@apisec/grpc';
import { ApolloServer } from '@apollo/server';
import { type handleUnaryCall, Server, type ServiceDefinition, status } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import Fastify, { type FastifyInstance } from 'fastify';
import type { GraphQLResolveInfo } from 'graphql';
import type { ReportsPolicy } from './policy.ts';
import type { NewReport, Report, Reports } from './reports.ts';

type Draft = Omit<NewReport, 'tenantId' | 'ownerId'>;

/** What a caller has written, as it was written. */
const written = (
  draft: Draft,
  {
    principal,
  }: { readonly principal: { readonly subject: string; readonly tenant?: string | undefined } },
): NewReport => ({ ...draft, tenantId: principal.tenant ?? '', ownerId: principal.subject });

export async function restApi(policy: ReportsPolicy, data: Reports): Promise<FastifyInstance> {
  const app = Fastify();
  await app.register(secureFastify(policy.rest, { assertCovered: true }));
  app.get('/reports/:id', (request) => ({ report: factsOf(request, policy.readByPath).report }));
  app.get('/reports', (request) => {
    const { principal } = factsOf(request, policy.list);
    return { reports: data.ofTenant(principal.tenant ?? '') };
  });
  app.post<{ Body: Draft }>('/reports', (request) => ({
    report: data.create(written(request.body, factsOf(request, policy.create))),
  }));
  app.post('/approvals', (request) => {
    const { report } = factsOf(request, policy.approve).messages.only();
    return { report: data.approve(report) };
  });
  return app;
}

const typeDefs = `
  type Report {
    id: ID! title: String! department: String! status: String! auditNote: String previous: Report
  }
  type Query { report(id: ID!): Report, reports: [Report!] }
  type Mutation {
    createReport(title: String!, department: String!, status: String): Report
    approve(reportId: ID!): Report
  }
`;

export function graphqlApi(policy: ReportsPolicy, data: Reports): ApolloServer {
  type Resolve<Args> = (
    source: Report,
    args: Args,
    context: object,
    info: GraphQLResolveInfo,
  ) => unknown;
  const report: Resolve<object> = (_source, _args, _context, info) =>
    factsOf(info, policy.readField).report;
  const previous: Resolve<object> = ({ previousId }, _args, _context, info) =>
    previousId && factsOf(info, policy.previousField).report;
  const all: Resolve<object> = (_source, _args, context) =>
    data.ofTenant(factsOf(context, policy.listField).principal.tenant ?? '');
  const createReport: Resolve<Draft> = (_source, args, context) =>
    data.create(written(args, factsOf(context, policy.createField)));
  const approve: Resolve<object> = (_source, _args, context) =>
    data.approve(factsOf(context, policy.approveField).messages.only().report);
  return new ApolloServer({
    typeDefs,
    resolvers: {
      Query: { report, reports: all },
      Mutation: { createReport, approve },
      Report: { previous },
    },
    plugins: [apisec(policy.graphql)],
    stopOnTerminationSignals: false,
  });
}

const proto = loadSync(join(import.meta.dirname, '../proto/reports.proto'));
// The file defines this service; the loader's type cannot tell.
export const reportsService = proto['expenses.v1.Reports'] as ServiceDefinition;

export function grpcApi(policy: ReportsPolicy, data: Reports): Server {
  const unary =
    <Request>(
      handle: (call: { readonly metadata: object; readonly request: Request }) => object,
    ): handleUnaryCall<Request, object> =>
    (call, callback) => {
      try {
        callback(null, handle(call));
      } catch {
        callback({ code: status.INTERNAL });
      }
    };
  const server = new Server();
  server.addService(reportsService, {
    Get: unary((call) => ({ report: factsOf(call, policy.readByMessage).messages.only().report })),
    ListAll: unary((call) => {
      const { principal } = factsOf(call, policy.list);
      return { reports: data.ofTenant(principal.tenant ?? '') };
    }),
    Create: unary<Draft>((call) => ({
      report: data.create(written(call.request, factsOf(call, policy.create))),
    })),
    Approve: unary((call) => ({
      report: data.approve(factsOf(call, policy.approve).messages.only().report),
    })),
  });
  secureGrpc(server, {
    methods: {
      '/expenses.v1.Reports/Get': policy.readByMessage,
      '/expenses.v1.Reports/ListAll': policy.list,
      '/expenses.v1.Reports/Create': policy.create,
      '/expenses.v1.Reports/Approve': policy.approve,
    },
  });
  return server;
}
