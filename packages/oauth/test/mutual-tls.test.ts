import { createServer, type Server } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { altNames, createAuthority, type Identity } from '@apisec/conformance/certificates';
import { safeFetch } from '@apisec/egress';
import { oauthClient } from '@apisec/oauth';
import { decodeJwt, exportJWK, importX509 } from 'jose';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { API, listen, startProvider, type TestProvider } from './provider.ts';

let tls: Server;
let tlsPort: number;
let provider: TestProvider;
let authority: Identity;
let bank: Identity;
let selfSigned: Identity;

const pemOf = (der: Uint8Array): string =>
  `-----BEGIN CERTIFICATE-----\n${Buffer.from(der).toString('base64')}\n-----END CERTIFICATE-----\n`;
const socketOf = ({ socket }: { readonly socket: unknown }): TLSSocket => socket as TLSSocket;
const thumbprintOf = async ({ der }: Identity): Promise<string> => {
  const digest = await crypto.subtle.digest('SHA-256', new Uint8Array(der));
  return Buffer.from(digest).toString('base64url');
};

beforeAll(async () => {
  authority = await createAuthority('Authority');
  bank = await authority.issue('bank');
  selfSigned = await createAuthority('device');
  const { key, cert } = await authority.issue('issuer', [
    altNames({ type: 'ip', value: '127.0.0.1' }),
  ]);
  tls = createServer({
    key,
    cert,
    ca: authority.cert,
    requestCert: true,
    rejectUnauthorized: false,
  });
  tlsPort = await listen(tls);
  const machine = {
    redirect_uris: [],
    response_types: [],
    grant_types: ['client_credentials'],
    scope: 'orders:read',
    tls_client_certificate_bound_access_tokens: true,
  } as const;
  const publicKey = await exportJWK(await importX509(selfSigned.cert.toString(), 'ES256'));
  const registered = {
    ...publicKey,
    use: 'sig',
    x5c: [Buffer.from(selfSigned.der).toString('base64')],
    'x5t#S256': await thumbprintOf(selfSigned),
  };
  provider = await startProvider(
    [
      {
        ...machine,
        client_id: 'bank',
        token_endpoint_auth_method: 'tls_client_auth',
        tls_client_auth_subject_dn: 'CN=bank',
      },
      {
        ...machine,
        client_id: 'device',
        token_endpoint_auth_method: 'self_signed_tls_client_auth',
        jwks: { keys: [registered] },
      },
    ],
    {
      clientAuthMethods: ['tls_client_auth', 'self_signed_tls_client_auth'],
      discovery: {
        mtls_endpoint_aliases: { token_endpoint: `https://127.0.0.1:${tlsPort}/token` },
      },
      features: {
        mTLS: {
          enabled: true,
          certificateBoundAccessTokens: true,
          tlsClientAuth: true,
          selfSignedTlsClientAuth: true,
          getCertificate: (context) => {
            const raw: Buffer | undefined = socketOf(context).getPeerX509Certificate?.()?.raw;
            return raw && pemOf(raw);
          },
          certificateAuthorized: (context) => socketOf(context).authorized,
          certificateSubjectMatches: (context, _property, expected) =>
            socketOf(context).getPeerX509Certificate()?.subject === expected,
        },
      },
    },
  );
  const answer = provider.provider().callback();
  tls.on('request', (req, res) => void answer(req, res));
});
afterAll(async () => {
  tls?.closeAllConnections();
  tls?.close();
  await provider?.close();
});

/** The client as it is told to be, and the certificate that its `fetch` shows. */
async function tokenOf(
  clientId: 'bank' | 'device',
  identity: Identity | undefined,
  ca = authority,
): Promise<string> {
  const fetch = safeFetch({
    allowedHosts: ['127.0.0.1'],
    allowedNetworks: ['127.0.0.1/32'],
    ports: [tlsPort, Number(new URL(provider.issuer).port)],
    tls: {
      ca: ca.cert.toString(),
      cert: identity?.cert.toString(),
      key: identity?.key.toString(),
    },
  });
  onTestFinished(() => fetch.close());
  const client = oauthClient({
    issuer: provider.issuer,
    clientId,
    authentication: { method: 'tls_client_auth' },
    scope: ['orders:read'],
    resource: [API],
    insecureLoopback: true,
    fetch,
  });
  const tokens = await client.clientCredentials();
  return tokens.ok ? tokens.accessToken : tokens.denial.code;
}

describe('a client that shows a certificate', () => {
  test('gets a token that is bound to it, from the endpoint for mutual TLS', async () => {
    const token = await tokenOf('bank', bank);
    expect(decodeJwt(token)['cnf']).toEqual({ 'x5t#S256': await thumbprintOf(bank) });
    // The endpoint without TLS was not asked.
    expect(provider.requests).not.toContain('POST /token');
  });

  test('gets one with a certificate of its own making where that is registered', async () => {
    const token = await tokenOf('device', selfSigned);
    expect(decodeJwt(token)['cnf']).toEqual({ 'x5t#S256': await thumbprintOf(selfSigned) });
  });

  test('of another name, of another maker, or none is denied', async () => {
    const another = await authority.issue('shop');
    const forged = await (await createAuthority('Authority')).issue('bank');
    expect(await tokenOf('bank', another)).toBe('oauth.client_denied');
    expect(await tokenOf('bank', forged)).toBe('oauth.client_denied');
    expect(await tokenOf('bank', undefined)).toBe('oauth.client_denied');
    expect(await tokenOf('device', await createAuthority('device'))).toBe('oauth.client_denied');
    expect(await tokenOf('device', bank)).toBe('oauth.client_denied');
  });

  test('does not show it to a server that is not the issuer', async () => {
    expect(await tokenOf('bank', bank, await createAuthority('Authority'))).toBe(
      'oauth.unavailable',
    );
  });
});
