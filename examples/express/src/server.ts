import { factsOf, type TrustedIssuer } from '@apisec/core';
import { secure } from '@apisec/express';
import express, { type Express } from 'express';
import { ordersPolicy } from './policy.ts';

interface Order {
  readonly id: string;
  readonly owner: string;
  readonly item: string;
}

export function createApp(trusted: TrustedIssuer): Express {
  const { readOrders, writeOrders } = ordersPolicy(trusted);
  const orders = new Map<string, Order>();
  const app = express();

  app.get('/orders', secure(readOrders), (req, res) => {
    const { principal } = factsOf(req, readOrders);
    res.json([...orders.values()].filter(({ owner }) => owner === principal.id));
  });

  app.get('/orders/:id', secure(readOrders), (req, res) => {
    const { principal } = factsOf(req, readOrders);
    const order = orders.get(String(req.params['id']));
    // Somebody else's order is as good as none.
    if (order?.owner === principal.id) res.json(order);
    else res.sendStatus(404);
  });

  // The body is parsed after the decision, so strangers make the server parse nothing.
  app.post('/orders', secure(writeOrders), express.json(), (req, res) => {
    const { item } = (req.body ?? {}) as { readonly item?: unknown };
    if (typeof item !== 'string') return void res.sendStatus(400);
    const { principal } = factsOf(req, writeOrders);
    const order = { id: crypto.randomUUID(), owner: principal.id, item };
    orders.set(order.id, order);
    res.status(201).json(order);
  });

  return app;
}
