import { once } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import { secure } from '@apisec/hono';
import { nodePeer, nodeRequest } from '@apisec/node';
import { serve } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import { answer } from '../answer.ts';
import { policyOf } from '../policy.ts';
import { useUsual } from '../usual-hono.ts';
import type { World } from '../world.ts';
import { portOf } from './listen.ts';

export async function start(variant: string, world: World): Promise<number> {
  const app = new Hono();
  if (variant === 'usual') useUsual(app, world);
  else if (variant !== 'bare') app.use(secure(policyOf(world, variant), { host: nodeHost }));
  app.get('/orders/:id', (c) => c.json(answer()));
  // Without options it makes an HTTP/1 server.
  const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as Server;
  if (!server.listening) await once(server, 'listening');
  return portOf(server);
}

function nodeHost(c: Context) {
  const { incoming } = c.env as { readonly incoming: IncomingMessage };
  return { peer: nodePeer(incoming), request: nodeRequest(incoming) };
}
