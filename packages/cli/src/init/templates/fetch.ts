import { type Dialect, type Template, trustedIssuer } from '../template.ts';
import { nodeListen, restTemplate } from './rest.ts';

const app = ({
  ext,
  ts,
}: Dialect): string => `import { factsOf, pathOf, peerOf, protect${ts(', type TrustedIssuer')} } from '@apisec/core';
import { ordersPolicy } from './policy.${ext}';
${ts(`
/** What the runtime says of the connection. */
export interface Connection {
  readonly address: string | undefined;
}
`)}
/** A handler for whatever serves \`(request) => Response\`. */
export function createApp(trusted${ts(': TrustedIssuer')}) {
  const { api, readOrders } = ordersPolicy(trusted);
  return protect(
    api,
    (request${ts(': Request')}, _facts, _connection${ts(': Connection')}) => {
      switch (\`\${request.method} \${pathOf(request)}\`) {
        case 'GET /health':
          return Response.json({ status: 'ok' });
        case 'GET /orders': {
          const { principal } = factsOf(request, readOrders);
          return Response.json({ for: principal.subject, orders: [] });
        }
        default:
          return new Response(null, { status: 404 });
      }
    },
    { peer: (_request, { address }) => peerOf(address) },
  );
}
`;

const server = ({
  ext,
  ts,
}: Dialect): string => `${trustedIssuer(ts)}import {${ts('\n  type HttpBindings,')}
  getRequestListener,
} from '@hono/node-server';
import { createApp } from './app.${ext}';
import { ${ts('type Address, ')}listen } from './listen.${ext}';

// Only to serve it by Node: an edge runtime, Deno or Bun calls the handler itself.
export function start(trusted${ts(': TrustedIssuer')}, address${ts(': Address')}) {
  const app = createApp(trusted);
  return listen(
    getRequestListener((request, env) => {
      ${ts('// There is no HTTP/2 here.\n      ')}const { incoming } = env${ts(' as HttpBindings')};
      return app(request, { address: incoming.socket.remoteAddress });
    }),
    address,
  );
}
`;

export const fetch: Template = restTemplate({
  title: 'fetch (Workers, Deno, Bun, Node)',
  dependencies: ['@apisec/core', '@apisec/node', '@hono/node-server', 'hono'],
  types: [],
  app,
  listen: nodeListen,
  server,
});
