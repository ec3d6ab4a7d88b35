import { weakMapsOfCall } from '@apisec/conformance';
import { factsOf } from '@apisec/core';
import { secure } from '@apisec/hono';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { expect, onTestFinished, test } from 'vitest';

test('a call on Hono keeps its state in no WeakMap', async () => {
  const places = await weakMapsOfCall((orders) => {
    const app = new Hono();
    app.use(secure(orders));
    app.get('/orders', (c) => c.text(factsOf(c, orders).principal.subject));
    return new Promise((resolve) => {
      const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) =>
        resolve(port),
      );
      onTestFinished(() => void server.close());
    });
  });
  expect(places).toEqual([]);
});
