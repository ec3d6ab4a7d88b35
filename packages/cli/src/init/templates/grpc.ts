import { type Dialect, READ_ORDERS, type Template, trustedIssuer } from '../template.ts';

const proto = `syntax = "proto3";

package shop.v1;

service Orders {
  rpc List(ListRequest) returns (ListReply);
}

message ListRequest {}

message ListReply {
  string owner = 1;
}
`;

const policy = ({ ts }: Dialect): string => `import {
  authenticateJwt,
  guard,
  logDenials,
  rateLimit,
  requireScopes,
  tokenBucket,${ts('\n  type TrustedIssuer,')}
} from '@apisec/core';

/** Who may do what. */
export function ordersPolicy(trusted${ts(': TrustedIssuer')}) {
  const readOrders = guard()
    .use(logDenials())
${READ_ORDERS}  return { readOrders };
}
`;

const app = ({ ext, ts }: Dialect): string => `import { join } from 'node:path';
import { factsOf${ts(', type TrustedIssuer')} } from '@apisec/core';
import { guardService, secure } from '@apisec/grpc';
import { Server${ts(', type handleUnaryCall, type ServiceDefinition')} } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { ordersPolicy } from './policy.${ext}';

${ts("// The file defines this service; the loader's type cannot tell.\n")}export const ordersService = loadSync(
  join(import.meta.dirname, '../proto/orders.proto'),
)['shop.v1.Orders']${ts(' as ServiceDefinition')};

export function createApp(trusted${ts(': TrustedIssuer')}) {
  const { readOrders } = ordersPolicy(trusted);

  const list${ts(': handleUnaryCall<object, { owner: string }>')} = (call, callback) => {
    const { principal } = factsOf(call, readOrders);
    callback(null, { owner: principal.subject });
  };

  const server = new Server();
  server.addService(ordersService, { List: list });
  // Does not start where a method is served and not listed, or listed and not served.
  secure(server, { methods: guardService(ordersService, { List: readOrders }) });
  return server;
}
`;

const server = ({
  ext,
  ts,
}: Dialect): string => `${trustedIssuer(ts)}import { ServerCredentials } from '@grpc/grpc-js';
import { createApp } from './app.${ext}';

/** Without TLS: for a proxy on this machine that terminates it. See \`serverTls\` of @apisec/grpc. */
export async function start(
  trusted${ts(': TrustedIssuer')},
  { host, port }${ts(': { readonly host: string; readonly port: number }')},
) {
  const app = createApp(trusted);
  const bound = await new Promise${ts('<number>')}((resolve, reject) => {
    app.bindAsync(\`\${host}:\${port}\`, ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return { url: \`\${host}:\${bound}\`, stop: () => app.forceShutdown() };
}
`;

const tests = ({ ext, ts }: Dialect): string => `import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testIssuer } from '@apisec/core/testing';
import { Client, credentials, Metadata, status } from '@grpc/grpc-js';
import { ordersService } from '../src/app.${ext}';
import { start } from '../src/server.${ext}';

const issuer = testIssuer();
const running = await start(issuer.trust, { host: '127.0.0.1', port: 0 });
const client = new Client(running.url, credentials.createInsecure());
after(() => {
  client.close();
  running.stop();
});

async function list(scope${ts('?: string')})${ts(': Promise<unknown>')} {
  const metadata = new Metadata();
  if (scope !== undefined) {
    metadata.set('authorization', \`Bearer \${await issuer.token({ scope })}\`);
  }
  const method = ordersService['List'];
  assert.ok(method);
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      {},
      metadata,
      (error, reply) => resolve(error ? status[error.code] : reply),
    );
  });
}

test('a caller who may read orders gets them', async () => {
  assert.deepEqual(await list('orders:read'), { owner: 'alice' });
});

test('without a token nobody gets them', async () => {
  assert.equal(await list(), 'UNAUTHENTICATED');
});

test('a token without the scope is not enough', async () => {
  assert.equal(await list('orders:write'), 'PERMISSION_DENIED');
});
`;

export const grpc: Template = {
  title: 'gRPC',
  dependencies: ['@apisec/core', '@apisec/grpc', '@grpc/grpc-js', '@grpc/proto-loader'],
  types: [],
  call: `grpcurl -plaintext -proto proto/orders.proto -H "authorization: Bearer $TOKEN" $URL shop.v1.Orders/List`,
  files: (dialect) => ({
    'proto/orders.proto': proto,
    'src/policy': policy(dialect),
    'src/app': app(dialect),
    'src/server': server(dialect),
    'test/server.test': tests(dialect),
  }),
};
