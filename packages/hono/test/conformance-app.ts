import { type ConformanceApi, restNames, streamOf, tableOf } from '@apisec/conformance';
import { coverage, factsOf } from '@apisec/core';
import { problems, type SecureOptions, secure } from '@apisec/hono';
import { Hono } from 'hono';

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
