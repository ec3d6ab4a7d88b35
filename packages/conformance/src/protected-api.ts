import {
  coverage,
  fetchBodies,
  fetchProblems,
  type ProtectOptions,
  pathOf,
  peerOf,
  protect,
  transportFromUrl,
} from '@apisec/core';
import { streamOf } from './stream-records.ts';
import type { ConformanceApi } from './subject.ts';
import { restNames, tableOf } from './table.ts';

/** The API of the suite behind `protect()`. */
export function protectedApi<Rest extends readonly unknown[] = readonly []>(
  api: ConformanceApi,
  host: Pick<ProtectOptions<Rest>, 'peer' | 'waitUntil'> = { peer: () => peerOf('127.0.0.1') },
): (request: Request, ...rest: Rest) => Promise<Response> {
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
        async (request: Request, facts: object, ..._rest: Rest) => {
          const reply = await api.serve(operation, request.body && (await request.json()), facts);
          if (operation.records !== undefined) return streamOf(operation.records);
          return operation.raw === undefined
            ? Response.json(reply, { status: reply.status })
            : new Response(operation.raw);
        },
        {
          operation: ({ method }) => `${method} /${operation.name}`,
          bodies: fetchBodies({ maxBytes: api.largestBody }),
          ...host,
          transport: transportFromUrl,
          onFault: () => undefined,
          problems,
        },
      ),
    ]),
  );
  return async (request, ...rest) => {
    const path = pathOf(request);
    if (readOnly.has(path) && request.method !== 'GET') return answer(405, { allow: 'GET' });
    const route = path
      .replace(/^\/canonical\/.*/, '/canonical/:id')
      .replace(/^\/shop\/.*/, '/shop/:version');
    return (await handlers.get(route)?.(request, ...rest)) ?? answer(404);
  };
}
