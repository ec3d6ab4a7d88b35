import { factsOf } from '@apisec/core';
import { secure } from '@apisec/fastify';
import Fastify from 'fastify';
import { type Api, shownInTheTable } from '../listen.ts';
import type { ShopPolicy } from '../policy.ts';
import { shop } from '../shop.ts';

export async function fastifyApi({ guards, rest }: ShopPolicy): Promise<Api> {
  const app = Fastify();
  await app.register(secure(rest, { onFault: shownInTheTable, logDenials: false }));
  app.get('/health', () => shop.health());
  app.get('/orders', (request) => shop.orders(factsOf(request, guards.orders).principal));
  app.post('/orders', (request) => shop.placeOrder(factsOf(request, guards.placeOrder).principal));
  app.post('/refunds', (request) => shop.refund(factsOf(request, guards.refund).principal));
  app.post('/payouts', (request) => shop.payout(factsOf(request, guards.payout).principal));
  app.get('/export', (request) => shop.exported(factsOf(request, guards.exported).principal));
  app.get('/forecast', () => shop.forecast());
  app.get('/stock', () => shop.stock());
  app.get('/debug', () => shop.debug());

  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  return { port: Number(new URL(url).port), close: () => app.close() };
}
