import {
  coverage,
  fetchBodies,
  fetchProblems,
  pathOf,
  peerOf,
  protect,
  transportFromUrl,
} from '@apisec/core';
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
    const problems = fetchProblems({ problemTypeBase: api.problemTypeBase });
    const table = coverage(tableOf(api, restNames));
    const answer = (status: number, headers = {}) =>
      problems.failed({ status, headers }, crypto.randomUUID());
    const readOnly = new Set(
      api.operations.filter((each) => each.readOnly).map(({ name }) => `/${name}`),
    );
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
            operation: ({ method }) => `${method} /${operation.name}`,
            bodies: fetchBodies({ maxBytes: api.largestBody }),
            peer: () => peerOf('127.0.0.1'),
            transport: transportFromUrl,
            onFault: () => undefined,
            problems,
          },
        ),
      ]),
    );
    return {
      fetch: async (request) => {
        const path = pathOf(request);
        if (readOnly.has(path) && request.method !== 'GET') return answer(405, { allow: 'GET' });
        const route = path.replace(/^\/canonical\/.*/, '/canonical/:id');
        return (await handlers.get(route)?.(request)) ?? answer(404);
      },
      close: async () => undefined,
    };
  },
});
