import type { AddressInfo } from 'node:net';
import { describeConformance, restNames, tableOf } from '@apisec/conformance';
import { coverage, factsOf } from '@apisec/core';
import { problems, secure } from '@apisec/hono';
// oxlint-disable-next-line no-restricted-imports -- on Node, users of Hono take their facts from there
import { nodePeer, nodeTransport } from '@apisec/node';
import { type HttpBindings, serve } from '@hono/node-server';
import { Hono } from 'hono';

describeConformance({
  name: 'Hono on Node',
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
  start: async (api) => {
    const app = new Hono();
    const { problemTypeBase } = api;
    const guarded = secure(coverage(tableOf(api, restNames)), {
      maxBodyBytes: api.largestBody,
      problemTypeBase,
      // The node server gives every request of Node along.
      host: ({ env }) => {
        const { incoming } = env as HttpBindings;
        return { peer: nodePeer(incoming), transport: nodeTransport(incoming) };
      },
    });
    for (const operation of api.operations) {
      app[operation.readOnly ? 'get' : 'all'](`/${operation.name}`, guarded, async (c) => {
        const message: unknown = c.req.raw.body ? await c.req.json() : undefined;
        const reply = await api.serve(operation, message, factsOf(c, operation.admission));
        return operation.raw === undefined
          ? c.json({ ...reply }, reply.status)
          : c.text(operation.raw);
      });
    }
    const { notFound, onError } = problems({ problemTypeBase, onFault: () => undefined });
    app.notFound(notFound).onError(onError);
    return new Promise((resolve) => {
      const server = serve(
        { fetch: app.fetch, port: 0, hostname: '127.0.0.1' },
        ({ port }: AddressInfo) =>
          resolve({
            port,
            close: () => new Promise((closed) => void server.close(() => closed())),
          }),
      );
    });
  },
});
