import { factsOf, type TrustedIssuer } from '@apisec/core';
import { secure } from '@apisec/fastify';
import Fastify, { type FastifyInstance } from 'fastify';
import { ordersPolicy } from './policy.ts';

export async function createApp(trusted: TrustedIssuer): Promise<FastifyInstance> {
  const { api, readOrders, cancelOrder } = ordersPolicy(trusted);
  const orders = new Map([
    ['1', { id: '1', item: 'tea' }],
    ['2', { id: '2', item: 'milk' }],
  ]);
  const app = Fastify();

  // Registered first, so that it stands in front of every route behind it.
  await app.register(secure(api, { assertCovered: true }));

  app.get('/health', () => ({ status: 'ok' }));

  app.get('/orders', (request) => ({
    for: factsOf(request, readOrders).principal.subject,
    orders: [...orders.values()],
  }));

  app.delete<{ Params: { id: string } }>('/orders/:id', async (request, reply) => {
    const { principal } = factsOf(request, cancelOrder);
    request.log.info({ by: principal.id }, 'order cancelled');
    return reply.code(orders.delete(request.params.id) ? 204 : 404).send();
  });

  return app;
}
