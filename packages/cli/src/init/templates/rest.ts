import { type Dialect, READ_ORDERS, type Template } from '../template.ts';

const policy = ({ ts }: Dialect): string => `import {
  allowAnonymous,
  authenticateJwt,
  coverage,
  guard,
  logDenials,
  rateLimit,
  requireScopes,
  securityHeaders,
  tokenBucket,${ts('\n  type TrustedIssuer,')}
} from '@apisec/core';

/** Who may do what. An operation that is not listed here is denied. */
export function ordersPolicy(trusted${ts(': TrustedIssuer')}) {
  const anyone = guard().use(logDenials()).use(securityHeaders());
  const readOrders = anyone
${READ_ORDERS}  return {
    readOrders,
    api: coverage(
      {
        'GET /health': anyone.use(allowAnonymous()),
        'GET /orders': readOrders,
      },
      { unlisted: anyone },
    ),
  };
}
`;

const tests = ({ ext }: Dialect): string => `import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testIssuer } from '@apisec/core/testing';
import { start } from '../src/server.${ext}';

const issuer = testIssuer();
const running = await start(issuer.trust, { host: '127.0.0.1', port: 0 });
after(() => running.stop());

test('a caller who may read orders gets them', async () => {
  const token = await issuer.token({ scope: 'orders:read' });
  const headers = { authorization: \`Bearer \${token}\` };
  const answer = await fetch(\`\${running.url}/orders\`, { headers });
  assert.equal(answer.status, 200);
  assert.deepEqual(await answer.json(), { for: 'alice', orders: [] });
});

test('without a token nobody gets them', async () => {
  const answer = await fetch(\`\${running.url}/orders\`);
  assert.equal(answer.status, 401);
});

test('a token without the scope is not enough', async () => {
  const headers = { authorization: \`Bearer \${await issuer.token({ scope: 'orders:write' })}\` };
  const answer = await fetch(\`\${running.url}/orders\`, { headers });
  assert.equal(answer.status, 403);
});

test('what is not listed is denied', async () => {
  const headers = { authorization: \`Bearer \${await issuer.token({ scope: 'orders:read' })}\` };
  const answer = await fetch(\`\${running.url}/secrets\`, { headers });
  assert.notEqual(answer.status, 200);
});

test('anybody may ask whether it is up', async () => {
  const answer = await fetch(\`\${running.url}/health\`);
  assert.equal(answer.status, 200);
});
`;

/** Listens by \`node:http\`, for whatever answers requests of Node. */
export const nodeListen = ({ ts }: Dialect): string => `import { once } from 'node:events';
import { createServer${ts(', type RequestListener')} } from 'node:http';
${ts("import type { AddressInfo } from 'node:net';\n")}import { limitServer, secureServerOptions } from '@apisec/node';
${ts(`
export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface Running {
  readonly url: string;
  readonly stop: () => void;
}
`)}
/** A server with bounds on how long a request may take and how large its head may be. */
export async function listen(
  answer${ts(': RequestListener')},
  { host, port }${ts(': Address')},
)${ts(': Promise<Running>')} {
  const server = limitServer(createServer(secureServerOptions(), answer));
  server.listen(port, host);
  await once(server, 'listening');
  ${ts('// A server that listens has a port.\n  ')}const { port: bound } = server.address()${ts(' as AddressInfo')};
  return {
    url: \`http://\${host}:\${bound}\`,
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
`;

/** The text of one file. */
type Text = (dialect: Dialect) => string;

/** A template of a REST server. What is its framework's are the application, and how it listens. */
export function restTemplate(
  own: Pick<Template, 'title' | 'dependencies' | 'types'> & {
    readonly app: Text;
    readonly server: Text;
    readonly listen?: Text;
  },
): Template {
  const { app, server, listen, ...told } = own;
  return {
    ...told,
    call: 'curl -i $URL/orders -H "authorization: Bearer $TOKEN"',
    files: (dialect) => ({
      'src/policy': policy(dialect),
      'src/app': app(dialect),
      ...(listen && { 'src/listen': listen(dialect) }),
      'src/server': server(dialect),
      'test/server.test': tests(dialect),
    }),
  };
}
