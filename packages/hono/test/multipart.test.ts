import { createServer } from 'node:http';
import { describeMultipartAttacks } from '@apisec/conformance/multipart-attacks';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import { secure } from '../src/secure.ts';

describeMultipartAttacks({
  name: 'Hono on Node',
  start: (admission, seen) => {
    const app = new Hono();
    app.use(secure(admission));
    app.post('/', async (c) => {
      const form = await c.req.parseBody({ all: true });
      for (const value of Object.values(form).flat()) {
        if (typeof value === 'string') seen.fields += 1;
        else seen.files += 1;
      }
      return c.json(seen);
    });
    app.onError((_, c) => c.text('', 400));
    const listener = getRequestListener(app.fetch);
    return createServer((request, response) => void listener(request, response));
  },
});
