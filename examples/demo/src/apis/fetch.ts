import { createServer } from 'node:http';
import { factsOf, pathOf, protect } from '@apisec/core';
import { getRequestListener } from '@hono/node-server';
import { type Api, listen, shownInTheTable } from '../listen.ts';
import type { ShopPolicy } from '../policy.ts';
import { type Reply, shop } from '../shop.ts';

/** `fetch` is what an edge runtime would be given; here Node serves it. */
export function fetchApi({ guards, rest }: ShopPolicy): Promise<Api> {
  const routes: Readonly<Record<string, (request: Request) => Reply>> = {
    'GET /health': () => shop.health(),
    'GET /orders': (request) => shop.orders(factsOf(request, guards.orders).principal),
    'POST /orders': (request) => shop.placeOrder(factsOf(request, guards.placeOrder).principal),
    'POST /refunds': (request) => shop.refund(factsOf(request, guards.refund).principal),
    'POST /payouts': (request) => shop.payout(factsOf(request, guards.payout).principal),
    'GET /export': (request) => shop.exported(factsOf(request, guards.exported).principal),
    'GET /forecast': () => shop.forecast(),
    'GET /stock': () => shop.stock(),
    'GET /debug': () => shop.debug(),
  };
  const serve = (request: Request): Response => {
    const handle = routes[`${request.method} ${pathOf(request)}`];
    return handle ? Response.json(handle(request)) : new Response(null, { status: 404 });
  };
  const fetch = protect(rest, serve, { onFault: shownInTheTable, logDenials: false });

  const answer = getRequestListener((request) => fetch(request));
  return listen(createServer((incoming, outgoing) => void answer(incoming, outgoing)));
}
