import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { bytesOf, describeConformance, httpSubject, restNames, tableOf } from '@apisec/conformance';
import { coverage, factsOf } from '@apisec/core';
import { problems, secure } from '@apisec/fastify';
import fastify from 'fastify';

describeConformance({
  name: 'Fastify',
  ...httpSubject,
  capabilities: httpSubject.capabilities.filter((each) => each !== 'bodies'),
  gaps: {
    ...httpSubject.gaps,
    bodies: 'Fastify parses between the hooks and answers broken bodies itself.',
  },
  start: async (api) => {
    const { problemTypeBase } = api;
    const answers = problems({ problemTypeBase, onFault: () => undefined });
    const app = fastify({
      bodyLimit: api.largestBody,
      frameworkErrors: answers.frameworkErrors,
    });
    await app.register(secure(coverage(tableOf(api, restNames)), { problemTypeBase }));
    await app.register(answers);
    for (const operation of api.operations) {
      app.route({
        method: operation.readOnly ? 'GET' : ['GET', 'POST', 'QUERY', 'OPTIONS'],
        url: `/${operation.name}`,
        handler: async (request, reply) => {
          const facts = factsOf(request, operation.admission);
          const answer = await api.serve(operation, request.body ?? undefined, facts);
          if (operation.records !== undefined) {
            const { type, chunks } = operation.records;
            return reply.type(type).send(Readable.from(chunks.map(bytesOf), { objectMode: false }));
          }
          return operation.raw === undefined
            ? reply.code(answer.status).send(answer)
            : reply.type('text/plain').send(operation.raw);
        },
      });
    }
    await app.listen({ port: 0, host: '127.0.0.1' });
    // It listens on TCP, so its address is one.
    return { port: (app.server.address() as AddressInfo).port, close: () => app.close() };
  },
});
