import { coverage, fetchBodies, pathOf, peerOf, protect, transportFromUrl } from '@apisec/core';
import { describeConformance, restNames, tableOf } from '../src/index.ts';

describeConformance({
  name: 'protect()',
  protocol: 'http',
  capabilities: [
    'preflight',
    'query',
    'raw-output',
    'headers',
    'repeated-fields',
    'bodies',
    'statuses',
    'departures',
  ],
  gaps: {
    streams: 'HTTP carries one message each way.',
    absences: 'That a caller has left is only known when nobody reads the answer.',
  },
  start: async (api) => {
    const table = coverage(tableOf(api, restNames));
    const handlers = new Map(
      api.operations.map((operation) => [
        `/${operation.name}`,
        protect(
          table,
          async (request, facts) => {
            const reply = await api.serve(operation, request.body && (await request.json()), facts);
            return operation.raw === undefined
              ? Response.json(reply, { status: reply.status })
              : new Response(operation.raw);
          },
          {
            bodies: fetchBodies({ maxBytes: api.largestBody }),
            peer: () => peerOf('127.0.0.1'),
            transport: transportFromUrl,
            onFault: () => undefined,
          },
        ),
      ]),
    );
    return {
      fetch: async (request) =>
        (await handlers.get(pathOf(request))?.(request)) ?? new Response(null, { status: 404 }),
      close: async () => undefined,
    };
  },
});
