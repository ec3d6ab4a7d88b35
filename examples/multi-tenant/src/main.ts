import { discoverIssuer } from '@apisec/core';
import { startStandaloneServer } from '@apollo/server/standalone';
import { ServerCredentials } from '@grpc/grpc-js';
import { AUDIENCE, startIssuer } from 'apisec-example-issuer';
import { graphqlApi, grpcApi, restApi } from './apis.ts';
import { openDatabase, tenantsOfNotes, walled } from './database.ts';
import { documents } from './documents.ts';
import { notesPolicy, tenantPolicies } from './policy.ts';

const { PORT = '3000', GRAPHQL_PORT = '4000', GRPC_PORT = '50051' } = process.env;

// Stands in for your identity provider, so that there are tokens to try it with.
const issuer = await startIssuer();
const keys = discoverIssuer(issuer.issuer, { insecureLoopback: true });
const policy = notesPolicy(
  { issuer: issuer.issuer, audience: AUDIENCE, keys },
  tenantsOfNotes(),
  tenantPolicies(),
);
const data = documents(walled(await openDatabase()));

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

As alice of acme, for five minutes:

  TOKEN=${await issuer.token({ sub: 'alice', org: 'acme' })}
  curl -H "Authorization: Bearer $TOKEN" ${url}/tenants/acme/documents/1
  curl -H "Authorization: Bearer $TOKEN" ${url}/tenants/globex/documents/1   # denied: another tenant
  curl -H "Authorization: Bearer $TOKEN" ${url}/tenants/acme/documents/3     # not found: it is Globex's
`);
