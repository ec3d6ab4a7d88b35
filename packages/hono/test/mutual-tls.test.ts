import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { describeMutualTls } from '@apisec/conformance/mutual-tls';
import { factsOf } from '@apisec/core';
import { secure } from '@apisec/hono';
// oxlint-disable-next-line no-restricted-imports -- on Node, users of Hono take their facts from there
import { nodeCertificate, nodePeer, nodeUnverifiedCertificate } from '@apisec/node';
import { getRequestListener, type HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';

describeMutualTls({
  name: 'Hono on Node',
  start: async (tls, routes) => {
    const app = new Hono<{ Bindings: HttpBindings }>();
    for (const { path, admission } of routes) {
      const guarded = secure(admission, {
        host: ({ env }) => {
          // The node server gives every request of Node along.
          const { incoming } = env as HttpBindings;
          return {
            peer: nodePeer(incoming),
            certificate: nodeCertificate(incoming),
            unverifiedCertificate: nodeUnverifiedCertificate(incoming),
          };
        },
      });
      app.get(path, guarded, (c) => c.json({ subject: factsOf(c, admission).principal.subject }));
    }
    const listener = getRequestListener((request, env) => app.fetch(request, env));
    const server = createServer(tls, (request, response) => void listener(request, response));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return {
      port: (server.address() as AddressInfo).port,
      close: () => new Promise((resolve) => server.close(() => resolve())),
    };
  },
});
