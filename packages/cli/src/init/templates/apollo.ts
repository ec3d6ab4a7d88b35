import { type Dialect, READ_ORDERS, type Template, trustedIssuer } from '../template.ts';

const policy = ({ ts }: Dialect): string => `import {
  authenticateJwt,
  coverage,
  guard,
  logDenials,
  rateLimit,
  requireScopes,
  securityHeaders,
  tokenBucket,${ts('\n  type TrustedIssuer,')}
} from '@apisec/core';

/** Who may ask what. A root field that is not listed here is denied, introspection too. */
export function ordersPolicy(trusted${ts(': TrustedIssuer')}) {
  const anyone = guard().use(logDenials()).use(securityHeaders());
  const readOrders = anyone
${READ_ORDERS}  return {
    readOrders,
    api: coverage({ 'Query.orders': readOrders }, { unlisted: anyone }),
    // Asked before the field is resolved: where it denies, the field is null and the rest stands.
    fields: { 'Order.email': requireScopes('pii:read') },
  };
}
`;

const app = ({ ext, ts }: Dialect): string => `import { apisec } from '@apisec/apollo';
import { factsOf${ts(', type TrustedIssuer')} } from '@apisec/core';
import { ApolloServer } from '@apollo/server';
import { ordersPolicy } from './policy.${ext}';

const typeDefs = \`
  type Order { id: ID!, owner: String!, email: String }
  type Query { orders: [Order!]! }
\`;

export function createApp(trusted${ts(': TrustedIssuer')}) {
  const { api, fields, readOrders } = ordersPolicy(trusted);
  return new ApolloServer({
    typeDefs,
    resolvers: {
      Query: {
        orders: (_root${ts(': unknown')}, _args${ts(': unknown')}, context${ts(': object')}) => {
          const { subject } = factsOf(context, readOrders).principal;
          return [{ id: '1', owner: subject, email: \`\${subject}@example.com\` }];
        },
      },
    },
    plugins: [apisec({ admission: api, fields })],
  });
}
`;

const server = ({
  ext,
  ts,
}: Dialect): string => `${trustedIssuer(ts)}import { startStandaloneServer } from '@apollo/server/standalone';
import { createApp } from './app.${ext}';

export async function start(
  trusted${ts(': TrustedIssuer')},
  address${ts(': { readonly host: string; readonly port: number }')},
) {
  const app = createApp(trusted);
  const { url } = await startStandaloneServer(app, {
    // With Node's request in the context, policies see headers as they were sent.
    context: async ({ req }) => ({ req }),
    listen: address,
  });
  return { url, stop: () => app.stop() };
}
`;

const tests = ({ ext, ts }: Dialect): string => `import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testIssuer } from '@apisec/core/testing';
import { start } from '../src/server.${ext}';

const issuer = testIssuer();
const running = await start(issuer.trust, { host: '127.0.0.1', port: 0 });
after(() => running.stop());

async function ask(query${ts(': string')}, scope${ts('?: string')}) {
  const token = scope === undefined ? undefined : await issuer.token({ scope });
  const answer = await fetch(running.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token !== undefined && { authorization: \`Bearer \${token}\` }),
    },
    body: JSON.stringify({ query }),
  });
  return { status: answer.status, body: await answer.json()${ts(' as { data?: unknown }')} };
}

test('a caller who may read orders gets them, and their private fields with a scope of their own', async () => {
  const query = '{ orders { owner email } }';
  const { status, body } = await ask(query, 'orders:read');
  assert.equal(status, 200);
  assert.deepEqual(body.data, { orders: [{ owner: 'alice', email: null }] });
  const more = await ask(query, 'orders:read pii:read');
  assert.deepEqual(more.body.data, { orders: [{ owner: 'alice', email: 'alice@example.com' }] });
});

test('without a token nobody gets them', async () => {
  assert.equal((await ask('{ orders { id } }')).status, 401);
});

test('a token without the scope is not enough', async () => {
  assert.equal((await ask('{ orders { id } }', 'orders:write')).status, 403);
});

test('nobody may ask for the schema', async () => {
  assert.equal((await ask('{ __schema { types { name } } }', 'orders:read')).status, 403);
});
`;

export const apollo: Template = {
  title: 'Apollo Server',
  dependencies: ['@apisec/apollo', '@apisec/core', '@apollo/server', 'graphql'],
  types: [],
  call:
    `curl -i $URL -H 'content-type: application/json' -H "authorization: Bearer $TOKEN" ` +
    `-d '{"query":"{ orders { id } }"}'`,
  files: (dialect) => ({
    'src/policy': policy(dialect),
    'src/app': app(dialect),
    'src/server': server(dialect),
    'test/server.test': tests(dialect),
  }),
};
