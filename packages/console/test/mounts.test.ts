import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { allowAnonymous, audit, guard, protect } from '@apisec/core';
import { fastifyRoutes, toNodeHandler } from '@apisec/oauth';
import { getRequestListener } from '@hono/node-server';
import express from 'express';
import { fastify } from 'fastify';
import { Hono } from 'hono';
import { expect, test } from 'vitest';
import { type ConsoleRoutes, consoleFeed, consoleRoutes } from '../src/index.ts';

type Serve = (server: Server, routes: ConsoleRoutes) => void | Promise<void>;

const hosts: Readonly<Record<string, Serve>> = {
  Express: (server, routes) => {
    const app = express();
    app.use(toNodeHandler(routes));
    app.use((_req, res) => void res.status(418).end());
    server.on('request', app);
  },
  Fastify: async (server, routes) => {
    const app = fastify({
      serverFactory: (handler) => server.on('request', (req, res) => handler(req, res)),
    });
    await app.register(fastifyRoutes(routes));
    await app.ready();
  },
  Hono: (server, routes) => {
    const app = new Hono();
    app.all('/console/*', (context) => routes.fetch(context.req.raw));
    const listener = getRequestListener((incoming) => app.fetch(incoming));
    server.on('request', (req, res) => void listener(req, res));
  },
  protect: (server, routes) => {
    const outer = protect(guard().use(allowAnonymous()), (incoming) => routes.fetch(incoming));
    const listener = getRequestListener((incoming) => outer(incoming));
    server.on('request', (req, res) => void listener(req, res));
  },
};

/** The status, and the first piece of the body. */
function get(port: number, path: string, host?: string): Promise<readonly [number, string]> {
  return new Promise((resolve, reject) => {
    const call = request({ port, path, ...(host && { headers: { host } }) }, (response) => {
      response.once('data', (text: Buffer) => {
        resolve([response.statusCode ?? 0, String(text)]);
        call.destroy();
      });
    });
    call.on('error', reject);
    call.end();
  });
}

test.each(Object.entries(hosts))(
  'on %s the page, its stream and its own host are served, another host is not',
  async (_name, serve) => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    // A TCP server that listens has an address with a port.
    const { port } = server.address() as AddressInfo;
    const feed = consoleFeed();
    const log = audit({ sinks: [feed] });
    const admission = guard().use(log).use(allowAnonymous());
    const origin = `http://localhost:${port}`;
    await serve(server, consoleRoutes({ origin, admission, feed, audit: log }));
    const own = `localhost:${port}`;
    try {
      expect(await get(port, '/console/', own)).toMatchObject([
        200,
        expect.stringMatching(/^<!doctype html>/),
      ]);
      expect(await get(port, '/console/events', own)).toMatchObject([
        200,
        expect.stringMatching(/^event: snapshot\n/),
      ]);
      const rebound = await get(port, '/console/events', `evil.example:${port}`);
      expect(rebound).toMatchObject([403, expect.stringContaining('host.not_allowed')]);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  },
);
