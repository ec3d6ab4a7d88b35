import { createServer } from 'node:http';
import { factsOf } from '@apisec/core';
import { secure } from '@apisec/hono';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import { type Api, listen, shownInTheTable } from '../listen.ts';
import type { ShopPolicy } from '../policy.ts';
import { shop } from '../shop.ts';

export function honoApi({ guards, rest }: ShopPolicy): Promise<Api> {
  const app = new Hono();
  app.use(secure(rest, { onFault: shownInTheTable, logDenials: false }));
  app.get('/health', (c) => c.json(shop.health()));
  app.get('/orders', (c) => c.json(shop.orders(factsOf(c, guards.orders).principal)));
  app.post('/orders', (c) => c.json(shop.placeOrder(factsOf(c, guards.placeOrder).principal)));
  app.post('/refunds', (c) => c.json(shop.refund(factsOf(c, guards.refund).principal)));
  app.post('/payouts', (c) => c.json(shop.payout(factsOf(c, guards.payout).principal)));
  app.get('/export', (c) => c.json(shop.exported(factsOf(c, guards.exported).principal)));
  app.get('/forecast', (c) => c.json(shop.forecast()));
  app.get('/stock', (c) => c.json(shop.stock()));
  app.get('/debug', (c) => c.json(shop.debug()));

  const answer = getRequestListener(app.fetch);
  return listen(createServer((incoming, outgoing) => void answer(incoming, outgoing)));
}
