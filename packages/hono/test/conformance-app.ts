import {
  type ConformanceApi,
  restNames,
  type Subject,
  streamOf,
  tableOf,
} from '@apisec/conformance';
import { coverage, factsOf } from '@apisec/core';
import { problems, type SecureOptions, secure } from '@apisec/hono';
import { Hono } from 'hono';

/** What Hono can do on every host; what a host adds is its own. */
export const honoSubject = {
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
    'absences',
  ],
  gaps: { streams: 'HTTP carries one message each way.' },
} as const satisfies Omit<Subject, 'name' | 'start'>;

/** The API of the suite as an app of Hono. */
export function conformanceApp(api: ConformanceApi, host: SecureOptions['host']): Hono {
  const app = new Hono();
  const { problemTypeBase } = api;
  const guarded = secure(coverage(tableOf(api, restNames)), {
    maxBodyBytes: api.largestBody,
    problemTypeBase,
    host,
  });
  for (const operation of api.operations) {
    app[operation.readOnly ? 'get' : 'all'](`/${operation.name}`, guarded, async (c) => {
      const message: unknown = c.req.raw.body ? await c.req.json() : undefined;
      const reply = await api.serve(operation, message, factsOf(c, operation.admission));
      if (operation.records !== undefined) return streamOf(operation.records);
      return operation.raw === undefined
        ? c.json({ ...reply }, reply.status)
        : c.text(operation.raw);
    });
  }
  const { notFound, onError } = problems({ problemTypeBase, onFault: () => undefined });
  app.notFound(notFound).onError(onError);
  return app;
}
