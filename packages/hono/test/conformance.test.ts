import type { AddressInfo } from 'node:net';
import { describeConformance, httpSubject } from '@apisec/conformance';
import { peerOf, transportFromUrl } from '@apisec/core';
// oxlint-disable-next-line no-restricted-imports -- on Node, users of Hono take their facts from there
import { nodePeer, nodeTransport } from '@apisec/node';
import { type HttpBindings, serve } from '@hono/node-server';
import { conformanceApp } from './conformance-app.ts';

// As on hosts without a response of their own: Workers, Deno, Bun.
describeConformance({
  ...httpSubject,
  name: 'Hono',
  start: async (api) => {
    const app = conformanceApp(api, ({ req }) => ({
      peer: peerOf('127.0.0.1'),
      transport: transportFromUrl(req.raw),
    }));
    return { fetch: async (request) => app.fetch(request), close: async () => undefined };
  },
});

describeConformance({
  ...httpSubject,
  name: 'Hono on Node',
  start: async (api) => {
    const app = conformanceApp(api, ({ env }) => {
      // The node server gives every request of Node along.
      const { incoming } = env as HttpBindings;
      return { peer: nodePeer(incoming), transport: nodeTransport(incoming) };
    });
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
