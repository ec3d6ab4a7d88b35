import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  authenticateJwt,
  discoverIssuer,
  factsOf,
  guard,
  type HttpFacts,
  requireScopes,
} from '@apisec/core';
import { secure } from '@apisec/express';
import express from 'express';
import { API } from './provider.ts';

/** The API behind: it takes access tokens, and knows of no browser. */
export async function startApi(issuer: string, onOrders?: (cookies: unknown, of: string) => void) {
  const orders = guard<HttpFacts>()
    .use(
      authenticateJwt({
        issuer,
        audience: API,
        keys: discoverIssuer(issuer, { insecureLoopback: true }),
      }),
    )
    .use(requireScopes('orders:read'));
  const app = express();
  app.get('/orders', secure(orders), (req, res) => {
    const { subject } = factsOf(req, orders).principal;
    onOrders?.(req.query['cookies'], subject);
    res.json({ orders: ['one', 'two'], of: subject });
  });
  const server = await new Promise<Server>((resolve) => {
    const listening = app.listen(0, '127.0.0.1', () => resolve(listening));
  });
  // It listens on TCP, so its address is one.
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    origin,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
