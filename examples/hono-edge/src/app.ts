import { factsOf, type TrustedIssuer } from '@apisec/core';
import { secure } from '@apisec/hono';
import { Hono } from 'hono';
import { ordersPolicy } from './policy.ts';

export function createApp(trusted: TrustedIssuer): Hono {
  const { api, readOrder, putOrder } = ordersPolicy(trusted);
  // In place of a database.
  const orders = new Map<string, { readonly owner: string; readonly item: unknown }>();
  const app = new Hono();

  app.use(secure(api));

  app.get('/health', (c) => c.json({ status: 'ok' }));

  app.get('/orders/:id', (c) => {
    const { principal } = factsOf(c, readOrder);
    const order = orders.get(c.req.param('id'));
    return order?.owner === principal.id ? c.json({ item: order.item }) : c.notFound();
  });

  app.put('/orders/:id', async (c) => {
    const { principal } = factsOf(c, putOrder);
    const { item } = await c.req.json<{ readonly item: unknown }>();
    const owner = orders.get(c.req.param('id'))?.owner ?? principal.id;
    if (owner !== principal.id) return c.notFound();
    orders.set(c.req.param('id'), { owner, item });
    return c.json({ item });
  });

  return app;
}
