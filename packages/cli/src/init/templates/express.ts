import { type Dialect, type Template, trustedIssuer } from '../template.ts';
import { nodeListen, restTemplate } from './rest.ts';

const app = ({
  ext,
  ts,
}: Dialect): string => `import { factsOf${ts(', type TrustedIssuer')} } from '@apisec/core';
import { secure } from '@apisec/express';
import express from 'express';
import { ordersPolicy } from './policy.${ext}';

export function createApp(trusted${ts(': TrustedIssuer')}) {
  const { api, readOrders } = ordersPolicy(trusted);
  const app = express();
  app.disable('x-powered-by');

  // In front of every route behind it.
  app.use(secure(api));

  app.get('/health', (_req, res) => {
    res.json({ status: 'ok' });
  });

  app.get('/orders', (req, res) => {
    const { principal } = factsOf(req, readOrders);
    res.json({ for: principal.subject, orders: [] });
  });

  return app;
}
`;

const server = ({
  ext,
  ts,
}: Dialect): string => `${trustedIssuer(ts)}import { createApp } from './app.${ext}';
import { ${ts('type Address, ')}listen } from './listen.${ext}';

export function start(trusted${ts(': TrustedIssuer')}, address${ts(': Address')}) {
  return listen(createApp(trusted), address);
}
`;

export const express: Template = restTemplate({
  title: 'Express',
  dependencies: ['@apisec/core', '@apisec/express', '@apisec/node', 'express'],
  types: ['@types/express'],
  app,
  listen: nodeListen,
  server,
});
