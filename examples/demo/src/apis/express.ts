import { createServer } from 'node:http';
import { factsOf } from '@apisec/core';
import { secure } from '@apisec/express';
import express from 'express';
import { type Api, listen, shownInTheTable } from '../listen.ts';
import type { ShopPolicy } from '../policy.ts';
import { shop } from '../shop.ts';

export function expressApi({ guards, rest }: ShopPolicy): Promise<Api> {
  const app = express();
  app.use(secure(rest, { onFault: shownInTheTable, logDenials: false }));
  app.get('/health', (_req, res) => res.json(shop.health()));
  app.get('/orders', (req, res) => res.json(shop.orders(factsOf(req, guards.orders).principal)));
  app.post('/orders', (req, res) =>
    res.json(shop.placeOrder(factsOf(req, guards.placeOrder).principal)),
  );
  app.post('/refunds', (req, res) => res.json(shop.refund(factsOf(req, guards.refund).principal)));
  app.post('/payouts', (req, res) => res.json(shop.payout(factsOf(req, guards.payout).principal)));
  app.get('/export', (req, res) =>
    res.json(shop.exported(factsOf(req, guards.exported).principal)),
  );
  app.get('/forecast', (_req, res) => res.json(shop.forecast()));
  app.get('/stock', (_req, res) => res.json(shop.stock()));
  app.get('/debug', (_req, res) => res.json(shop.debug()));

  return listen(createServer(app));
}
