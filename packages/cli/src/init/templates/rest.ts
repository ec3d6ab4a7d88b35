import type { Dialect } from '../template.ts';

/** What REST servers have in common: the policy, and the test that holds them to it. */
export const restPolicy = ({ ts }: Dialect): string => `import {
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
    .use(authenticateJwt(trusted))
    .use(
      rateLimit({
        // Counted in this process alone; give it a shared store to count for all of them.
        limit: tokenBucket({ capacity: 20, refillPerSecond: 2 }),
        by: ({ principal }) => principal.id,
      }),
    )
    .use(requireScopes('orders:read'));
  return {
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

export const restTest = ({ ext }: Dialect): string => `import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testIssuer } from '@apisec/core/testing';
import { start } from '../src/server.${ext}';

const issuer = testIssuer();
const running = await start(issuer.trust, { host: '127.0.0.1', port: 0 });
after(() => running.stop());

test('whoever may read orders gets them', async () => {
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
export async function listen(answer${ts(': RequestListener')}, { host, port }${ts(': Address')})${ts(': Promise<Running>')} {
  const server = limitServer(createServer(secureServerOptions(), answer));
  server.listen(port, host);
  await once(server, 'listening');
  ${ts('// A server that listens to a port has an address with one.\n  ')}const { port: bound } = server.address()${ts(' as AddressInfo')};
  return {
    url: \`http://\${host}:\${bound}\`,
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
`;

/** The call that an allowed caller makes. */
export const REST_CALL = 'curl -i $URL/orders -H "authorization: Bearer $TOKEN"';
