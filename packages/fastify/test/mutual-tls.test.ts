import type { AddressInfo } from 'node:net';
import { describeMutualTls } from '@apisec/conformance/mutual-tls';
import { factsOf } from '@apisec/core';
import { secure } from '@apisec/fastify';
import fastify from 'fastify';

describeMutualTls({
  name: 'Fastify',
  start: async (tls, routes) => {
    const app = fastify({ https: { ...tls } });
    for (const { path, admission } of routes) {
      app.get(path, secure(admission).route, (request) => ({
        subject: factsOf(request, admission).principal.subject,
      }));
    }
    await app.listen({ port: 0, host: '127.0.0.1' });
    return {
      port: (app.server.address() as AddressInfo).port,
      close: () => app.close(),
    };
  },
});
