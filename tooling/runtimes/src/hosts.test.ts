// The conformance cases on the hosts that speak fetch: called in process, and by the runtime's own server.
import { describeConformance, httpSubject, protectedApi } from '@apisec/conformance';
import { peerOf, transportFromUrl } from '@apisec/core';
import { conformanceApp } from '../../../packages/hono/test/conformance-app.ts';
import { type ExecutionContext, server } from './servers.ts';

const close = async (): Promise<void> => undefined;

describeConformance({
  ...httpSubject,
  name: 'protect()',
  start: async (api) => ({ fetch: protectedApi(api), close }),
});

describeConformance({
  ...httpSubject,
  name: 'Hono',
  start: async (api) => {
    const app = conformanceApp(api, ({ req }) => ({
      peer: peerOf('127.0.0.1'),
      transport: transportFromUrl(req.raw),
    }));
    return { fetch: async (request) => app.fetch(request), close };
  },
});

if (server !== undefined) {
  const { name, serve, peerOf: peer } = server;
  describeConformance({
    ...httpSubject,
    name: `protect() on ${name}`,
    start: async (api) => {
      const handler = protectedApi<readonly [object, ExecutionContext?]>(api, {
        peer: (request, env) => peer(env, request),
        waitUntil: (_request, _env, context) => context && ((work) => context.waitUntil(work)),
      });
      return serve(handler);
    },
  });
  describeConformance({
    ...httpSubject,
    name: `Hono on ${name}`,
    start: async (api) => {
      const app = conformanceApp(api, ({ env, req }) => ({
        peer: peer(env as object, req.raw),
        transport: transportFromUrl(req.raw),
      }));
      return serve((request, env, context) => app.fetch(request, env, context));
    },
  });
}
