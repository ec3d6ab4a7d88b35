import { createServer } from 'node:http';
import { testSlowBodies } from '@apisec/conformance/slow-bodies';
import { secure } from '@apisec/hono';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';

testSlowBodies({
  name: 'Hono on Node',
  start: (admission) => {
    const app = new Hono();
    app.use(secure(admission));
    app.all('/orders', async (c) => c.text(await c.req.text()));
    const listener = getRequestListener(app.fetch);
    return createServer((request, response) => void listener(request, response));
  },
});
