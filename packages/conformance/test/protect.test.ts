import { coverage, pathOf, protect } from '@apisec/core';
import { describeConformance, restNames, tableOf } from '../src/index.ts';

describeConformance({
  name: 'protect()',
  protocol: 'http',
  capabilities: ['preflight', 'raw-output', 'headers', 'repeated-fields', 'bodies'],
  gaps: { streams: 'HTTP carries one message each way.' },
  start: async (api) => {
    const table = coverage(tableOf(api, restNames));
    const handlers = new Map(
      api.operations.map((operation) => [
        `/${operation.name}`,
        protect(
          table,
          async (request, facts) => {
            const reply = api.serve(operation, request.body && (await request.json()), facts);
            return operation.raw === undefined ? Response.json(reply) : new Response(operation.raw);
          },
          { maxBodyBytes: api.largestBody, onError: () => undefined },
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
