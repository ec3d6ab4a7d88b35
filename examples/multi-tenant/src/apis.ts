import { join } from 'node:path';
import { apisec } from '@apisec/apollo';
import { type FactsOf, factsOf } from '@apisec/core';
import { secure as secureFastify } from '@apisec/fastify';
import { guardService, secure as secureGrpc } from '@apisec/grpc';
import { ApolloServer } from '@apollo/server';
import { type handleUnaryCall, Server, type ServiceDefinition, status } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import Fastify, { type FastifyInstance } from 'fastify';
import type { Document } from './database.ts';
import type { Documents } from './documents.ts';
import type { NotesPolicy } from './policy.ts';

interface Path {
  readonly Params: { readonly id: string };
}

export async function restApi(policy: NotesPolicy, documents: Documents): Promise<FastifyInstance> {
  const app = Fastify();
  await app.register(secureFastify(policy.rest, { assertCovered: true }));
  const answer = (document: Document | undefined) => document && { document };

  const listed = async ({ tenant, page }: FactsOf<NotesPolicy['list']>) => {
    const found = await documents.list(tenant, page);
    const last = found.at(-1);
    return { documents: found, next: last && (await page.next([last.id])) };
  };

  app.get('/tenants/:tenant/documents', (request) => listed(factsOf(request, policy.list)));
  app.get<Path>('/tenants/:tenant/documents/:id', async (request, reply) => {
    const { tenant } = factsOf(request, policy.read);
    return answer(await documents.find(tenant, request.params.id)) ?? reply.code(404).send();
  });
  app.post<{ Body: Omit<Document, 'tenant'> }>('/tenants/:tenant/documents', (request) => {
    const { tenant } = factsOf(request, policy.create);
    return documents.create(tenant, { tenant, ...request.body }).then(answer);
  });
  app.patch<Path & { Body: { readonly title: string } }>(
    '/tenants/:tenant/documents/:id',
    async (request, reply) => {
      const { tenant } = factsOf(request, policy.rename);
      const { id } = request.params;
      return (
        answer(await documents.rename(tenant, id, request.body.title)) ?? reply.code(404).send()
      );
    },
  );
  return app;
}

const typeDefs = `
  type Comment { text: String! }
  type Document { id: ID!, title: String!, comments: [Comment!]! }
  type Query { document(id: ID!): Document, documents: [Document!]! }
  type Mutation { rename(id: ID!, title: String!): Document }
`;

export function graphqlApi({ graphql, member }: NotesPolicy, documents: Documents): ApolloServer {
  const tenantOf = (context: object): string => factsOf(context, member).tenant;
  return new ApolloServer({
    typeDefs,
    resolvers: {
      Query: {
        document: (_, { id }: { readonly id: string }, context) =>
          documents.find(tenantOf(context), id),
        documents: (_, __, context) => documents.list(tenantOf(context)),
      },
      Mutation: {
        rename: (_, { id, title }: { readonly id: string; readonly title: string }, context) =>
          documents.rename(tenantOf(context), id, title),
      },
      Document: {
        comments: ({ id }: Document, _: object, context: object) =>
          documents.comments(tenantOf(context), id),
      },
    },
    plugins: [apisec({ admission: graphql })],
    stopOnTerminationSignals: false,
  });
}

const proto = loadSync(join(import.meta.dirname, '../proto/documents.proto'));
// The file defines this service; the loader's type cannot tell.
export const documentsService = proto['notes.v1.Documents'] as ServiceDefinition;

export function grpcApi({ member }: NotesPolicy, documents: Documents): Server {
  const unary =
    <Request>(
      handle: (tenant: string, request: Request) => Promise<object | undefined>,
    ): handleUnaryCall<Request, object> =>
    (call, callback) => {
      handle(factsOf(call, member).tenant, call.request).then(
        (reply) =>
          reply === undefined ? callback({ code: status.NOT_FOUND }) : callback(null, reply),
        () => callback({ code: status.INTERNAL }),
      );
    };
  const server = new Server();
  server.addService(documentsService, {
    Get: unary<{ readonly id: string }>((tenant, { id }) => documents.find(tenant, id)),
    List: unary(async (tenant) => ({ documents: await documents.list(tenant) })),
    Rename: unary<{ readonly id: string; readonly title: string }>((tenant, { id, title }) =>
      documents.rename(tenant, id, title),
    ),
  });
  secureGrpc(server, { methods: guardService(documentsService, member) });
  return server;
}
