import { discoverIssuer, memoryRoleStore } from '@apisec/core';
import { startStandaloneServer } from '@apollo/server/standalone';
import { ServerCredentials } from '@grpc/grpc-js';
import { AUDIENCE, startIssuer } from 'apisec-example-issuer';
import { graphqlApi, grpcApi, restApi } from './apis.ts';
import { reportsPolicy } from './policy.ts';
import { reports } from './reports.ts';
import { rules } from './rules.ts';

const { PORT = '3000', GRAPHQL_PORT = '4000', GRPC_PORT = '50051' } = process.env;

// Stands in for your identity provider, so that there are tokens to try it with.
const issuer = await startIssuer();
const store = memoryRoleStore();
for (const [subject, role] of [
  ['ann', 'employee'],
  ['mia', 'manager'],
] as const) {
  // As `principal.id` says it: unique over all issuers.
  store.assign({ principal: JSON.stringify([issuer.issuer, subject]), tenant: 'acme', role });
}
const data = reports();
const policy = reportsPolicy(
  {
    issuer: issuer.issuer,
    audience: AUDIENCE,
    keys: discoverIssuer(issuer.issuer, { insecureLoopback: true }),
  },
  store,
  rules(data),
);

const url = await (await restApi(policy, data)).listen({ port: Number(PORT) });
const graphql = await startStandaloneServer(graphqlApi(policy, data), {
  context: async ({ req }) => ({ req }),
  listen: { port: Number(GRAPHQL_PORT) },
});
await new Promise<void>((resolve, reject) => {
  grpcApi(policy, data).bindAsync(
    `127.0.0.1:${GRPC_PORT}`,
    ServerCredentials.createInsecure(),
    (error) => (error ? reject(error) : resolve()),
  );
});

console.log(`REST on ${url}, GraphQL on ${graphql.url}, gRPC on 127.0.0.1:${GRPC_PORT}

As ann of acme, for five minutes:

  TOKEN=${await issuer.token({ sub: 'ann', org: 'acme', department: 'sales' })}
  curl -H "Authorization: Bearer $TOKEN" ${url}/reports/1
  curl -H "Authorization: Bearer $TOKEN" ${url}/reports/2   # denied: it is bob's
  curl -H "Authorization: Bearer $TOKEN" ${url}/reports/3   # not found: it is another company's
  curl -H "Authorization: Bearer $TOKEN" ${url}/reports     # denied: she is not an auditor
`);
