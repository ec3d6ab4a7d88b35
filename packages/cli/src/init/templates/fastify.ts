import { type Dialect, type Template, trustedIssuer } from '../template.ts';
import { restTemplate } from './rest.ts';

const app = ({
  ext,
  ts,
}: Dialect): string => `import { factsOf${ts(', type TrustedIssuer')} } from '@apisec/core';
import { secure } from '@apisec/fastify';
import Fastify from 'fastify';
import { ordersPolicy } from './policy.${ext}';

export async function createApp(trusted${ts(': TrustedIssuer')}) {
  const { api, readOrders } = ordersPolicy(trusted);
  // Fastify sets no bound on how long a request may take unless it is told.
  const app = Fastify({ requestTimeout: 60_000, keepAliveTimeout: 5_000 });

  // In front of every route; it does not start where one of them is not listed.
  await app.register(secure(api, { assertCovered: true }));

  app.get('/health', () => ({ status: 'ok' }));

  app.get('/orders', (request) => {
    const { principal } = factsOf(request, readOrders);
    return { for: principal.subject, orders: [] };
  });

  return app;
}
`;

const server = ({
  ext,
  ts,
}: Dialect): string => `${trustedIssuer(ts)}import { createApp } from './app.${ext}';

export async function start(
  trusted${ts(': TrustedIssuer')},
  address${ts(': { readonly host: string; readonly port: number }')},
) {
  const app = await createApp(trusted);
  return { url: await app.listen(address), stop: () => app.close() };
}
`;

export const fastify: Template = restTemplate({
  title: 'Fastify',
  dependencies: ['@apisec/core', '@apisec/fastify', 'fastify'],
  types: [],
  app,
  server,
});
