import { type Dialect, type Template, trustedIssuer } from '../template.ts';
import { nodeListen, restTemplate } from './rest.ts';

const app = ({
  ext,
  ts,
}: Dialect): string => `import { factsOf${ts(', type TrustedIssuer')} } from '@apisec/core';
import { secure } from '@apisec/hono';
import { nodePeer } from '@apisec/node';
import { Hono } from 'hono';
import { ordersPolicy } from './policy.${ext}';

export function createApp(trusted${ts(': TrustedIssuer')}) {
  const { api, readOrders } = ordersPolicy(trusted);
  const app = new Hono();

  // In front of every route behind it.
  app.use(secure(api, { peer: ({ env }) => nodePeer(env.incoming) }));

  app.get('/health', (c) => c.json({ status: 'ok' }));

  app.get('/orders', (c) => {
    const { principal } = factsOf(c, readOrders);
    return c.json({ for: principal.subject, orders: [] });
  });

  return app;
}
`;

const server = ({
  ext,
  ts,
}: Dialect): string => `${trustedIssuer(ts)}import { getRequestListener } from '@hono/node-server';
import { createApp } from './app.${ext}';
import { ${ts('type Address, ')}listen } from './listen.${ext}';

export function start(trusted${ts(': TrustedIssuer')}, address${ts(': Address')}) {
  return listen(getRequestListener(createApp(trusted).fetch), address);
}
`;

export const hono: Template = restTemplate({
  title: 'Hono',
  dependencies: ['@apisec/core', '@apisec/hono', '@apisec/node', '@hono/node-server', 'hono'],
  types: [],
  app,
  listen: nodeListen,
  server,
});
