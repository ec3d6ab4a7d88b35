import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { authenticateJwt, discoverIssuer, guard, protect, requireScopes } from '@apisec/core';
import type { secureClient } from '@apisec/grpc';
import { type OAuthClient, toNodeHandler } from '@apisec/oauth';
import { Client, Metadata, Server, ServerCredentials } from '@grpc/grpc-js';
import {
  type IdentityProviderOptions,
  serve,
  startIdentityProvider,
} from 'apisec-example-identity-provider';
import { afterEach, expect, test } from 'vitest';
import { altNames } from '../../../packages/conformance/src/certificates.ts';
import { runGuide } from '../src/run-guide.ts';
import {
  authority,
  bankIdentity,
  called,
  publicJwk,
  tokenOfTheUser,
} from '../src/running/guides-service-tokens.ts';

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

test('the guide to tokens for services calls APIs for itself, over gRPC, for its user, and with a certificate', async () => {
  const { server, origin, close } = await serve();
  ends.push(close);
  const mutual = await serveTls();
  const { issuer, provider, ...rest } = await startIdentityProvider({
    apis: { [origin]: 'orders:read' },
    clients: [
      {
        client_id: 'billing',
        token_endpoint_auth_method: 'private_key_jwt',
        token_endpoint_auth_signing_alg: 'ES256',
        jwks: { keys: [publicJwk] },
        redirect_uris: [],
        response_types: [],
        grant_types: ['client_credentials', EXCHANGE],
        scope: 'orders:read',
      },
      {
        client_id: 'bank',
        token_endpoint_auth_method: 'tls_client_auth',
        tls_client_auth_subject_dn: 'CN=bank',
        tls_client_certificate_bound_access_tokens: true,
        redirect_uris: [],
        response_types: [],
        grant_types: ['client_credentials'],
        scope: 'orders:read',
      },
    ],
    clientAuthMethods: ['private_key_jwt', 'tls_client_auth'],
    discovery: { mtls_endpoint_aliases: { token_endpoint: `${mutual.origin}/token` } },
    features: { clientCredentials: { enabled: true }, mTLS },
  });
  ends.push(rest.close);
  const answerIssuer = provider.callback();
  mutual.server.on('request', (req, res) => void answerIssuer(req, res));
  provider.registerGrantType<{ subject_token?: string; resource?: string }>(
    EXCHANGE,
    async (context) => {
      const { params } = context.oidc;
      const isIts = params.subject_token === tokenOfTheUser;
      context.status = isIts && params.resource === 'https://bills.example.com' ? 200 : 400;
      context.body = isIts
        ? { access_token: 'for bills', issued_token_type: ACCESS_TOKEN, token_type: 'Bearer' }
        : { error: 'invalid_grant' };
    },
    ['subject_token', 'subject_token_type', 'resource', 'scope'],
  );
  const keys = discoverIssuer(issuer, { insecureLoopback: true });
  const tokens = authenticateJwt({ issuer, audience: origin, keys });
  const orders = protect(
    guard().use(tokens).use(requireScopes('orders:read')),
    (_request, { principal }) => Response.json({ of: principal.subject }),
  );
  const answer = toNodeHandler({ base: '', origin, fetch: orders });
  server.on('request', (req, res) => void answer(req, res));

  const folder = mkdtempSync(join(tmpdir(), 'apisec-servers-'));
  ends.push(() => rmSync(folder, { recursive: true, force: true }));
  const servers = join(folder, 'servers.crt');
  writeFileSync(servers, authority.cert);
  const ports = [issuer, mutual.origin].map((each) => Number(new URL(each).port));
  const reachable = { allowedHosts: ['127.0.0.1'], allowedNetworks: ['127.0.0.1/32'], ports };
  const tls = `ca: ${JSON.stringify(authority.cert.toString())}, cert, key`;
  const [own, grpc, , certified] = await runGuide('service-tokens', [0, 1, 2, 3], {
    "issuer: 'https://id.example.com',": `issuer: '${issuer}', insecureLoopback: true,`,
    'https://orders.example.com': origin,
    'servers.crt': servers,
    '{ tls: { cert, key } }': `{ tls: { ${tls} }, ...${JSON.stringify(reachable)} }`,
  });

  const response = own?.['response'] as Response;
  expect([response.status, await response.json()]).toEqual([200, { of: 'billing' }]);
  const sent = await callGrpc(grpc as unknown as ReturnType<typeof secureClient>);
  const authorization = { headers: { authorization: sent } };
  expect(await tokens.check(new Request(origin, authorization), {})).toMatchObject({ ok: true });
  expect(called).toEqual(['for bills']);

  const bank = certified?.['bank'] as OAuthClient;
  const bound = await bank.clientCredentials({ scope: ['orders:read'], resource: [origin] });
  if (!bound.ok) throw new Error(bound.denial.code, { cause: bound.denial.cause });
  const [, payload = ''] = bound.accessToken.split('.');
  const digest = await crypto.subtle.digest('SHA-256', new Uint8Array(bankIdentity.der));
  expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject({
    cnf: { 'x5t#S256': Buffer.from(digest).toString('base64url') },
  });
});

const ofThisHost = () =>
  authority.issue('127.0.0.1', [altNames({ type: 'ip', value: '127.0.0.1' })]);

/** The endpoint of a provider that asks for certificates. */
async function serveTls() {
  const { key, cert } = await ofThisHost();
  const asks = { requestCert: true, rejectUnauthorized: false };
  const server = createServer({ key, cert, ca: authority.cert, ...asks });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  ends.push(() => {
    server.closeAllConnections();
    server.close();
  });
  // It listens on TCP, so its address is one.
  return { server, origin: `https://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const socketOf = ({ socket }: { readonly socket: unknown }): TLSSocket => socket as TLSSocket;
const mTLS: NonNullable<IdentityProviderOptions['features']>['mTLS'] = {
  enabled: true,
  certificateBoundAccessTokens: true,
  tlsClientAuth: true,
  getCertificate: (context) => socketOf(context).getPeerX509Certificate?.()?.toString(),
  certificateAuthorized: (context) => socketOf(context).authorized,
  certificateSubjectMatches: (context, _property, expected) =>
    socketOf(context).getPeerX509Certificate()?.subject === expected,
};

/** What a server sees whom the client of the guide calls. */
async function callGrpc(made: ReturnType<typeof secureClient>): Promise<string> {
  const bytes = { serialize: (value: Buffer) => value, deserialize: (value: Buffer) => value };
  const { serialize, deserialize } = bytes;
  const path = '/shop.v1.Orders/Get';
  let seen = '';
  const server = new Server();
  server.addService(
    {
      Get: {
        path,
        requestStream: false,
        responseStream: false,
        requestSerialize: serialize,
        requestDeserialize: deserialize,
        responseSerialize: serialize,
        responseDeserialize: deserialize,
      },
    },
    {
      Get: (
        { metadata }: { readonly metadata: Metadata },
        answer: (error: null, value: Buffer) => void,
      ) => {
        seen = String(metadata.get('authorization')[0]);
        answer(null, Buffer.from('ok'));
      },
    },
  );
  const { key, cert } = await ofThisHost();
  const secured = ServerCredentials.createSsl(null, [{ private_key: key, cert_chain: cert }]);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', secured, (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  ends.push(() => server.forceShutdown());
  const { credentials, interceptors } = made;
  const client = new Client(`127.0.0.1:${port}`, credentials, { interceptors });
  ends.push(() => client.close());
  await new Promise<void>((resolve, reject) => {
    client.makeUnaryRequest(
      path,
      serialize,
      deserialize,
      Buffer.from(''),
      new Metadata(),
      (error) => (error === null ? resolve() : reject(error)),
    );
  });
  return seen;
}
