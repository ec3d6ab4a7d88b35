import { createServer } from 'node:http';
import {
  type AuthenticateIntrospectionOptions,
  allowAuthenticated,
  anyOf,
  authenticateIntrospection,
  authenticateJwt,
  type ClientAuthentication,
  discoverIssuer,
  guard,
  memoryRevocationStore,
  type PrivateJwk,
  requireNotRevoked,
  requireScopes,
  revocations,
} from '@apisec/core';
import { exportJWK, generateKeyPair } from 'jose';
import type { Configuration, Provider } from 'oidc-provider';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Api, listen } from '../src/listen.ts';
import { quietly } from '../src/quietly.ts';

const OPAQUE = 'https://orders.example.com';
const JWT = 'https://stock.example.com';
const OTHER = 'https://other.example.com';
/** With everything that has a meaning in a form or in Basic credentials. */
const SECRET = 'p:a ss/+%&=~';

async function privateKey(kid: string): Promise<PrivateJwk> {
  const pair = await generateKeyPair('ES256', { extractable: true });
  // The members of a private key are what exportJWK gives for one.
  return { ...(await exportJWK(pair.privateKey)), kid, alg: 'ES256' } as PrivateJwk;
}
const providerKey = await privateKey('provider');
const apiKey = await privateKey('api');
const { d: _secret, ...apiPublicKey } = apiKey;

const basic: ClientAuthentication = {
  method: 'client_secret_basic',
  clientId: 'orders-api',
  clientSecret: SECRET,
};

const nothing = { grant_types: [], redirect_uris: [], response_types: [] };

const configuration: Configuration = {
  jwks: { keys: [providerKey] },
  clients: [
    {
      client_id: 'storefront',
      client_secret: SECRET,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      token_endpoint_auth_method: 'client_secret_post',
    },
    { ...nothing, client_id: 'orders-api', client_secret: SECRET },
    {
      ...nothing,
      client_id: 'posting-api',
      client_secret: SECRET,
      token_endpoint_auth_method: 'client_secret_post',
    },
    {
      ...nothing,
      client_id: 'signing-api',
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'ES256',
      jwks: { keys: [apiPublicKey] },
    },
  ],
  clientDefaults: {
    id_token_signed_response_alg: 'ES256',
    introspection_signed_response_alg: 'ES256',
  },
  scopes: ['orders:read', 'offline_access'],
  ttl: { ClientCredentials: 600, RefreshToken: 600 },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true, allowedPolicy: () => true },
    jwtIntrospection: { enabled: true },
    revocation: { enabled: true, allowedPolicy: () => true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_context, resource) => ({
        audience: resource,
        scope: 'orders:read',
        accessTokenFormat: resource === JWT ? 'jwt' : 'opaque',
        ...(resource === JWT && { jwt: { sign: { alg: 'ES256' } } }),
      }),
    },
  },
};

async function startProvider(): Promise<{ issuer: string; provider: Provider; api: Api }> {
  const http = createServer();
  // The issuer must be known before the provider is made, so the port comes first.
  const api = await listen(http);
  const issuer = `http://127.0.0.1:${api.port}`;
  const provider = await quietly(async () => {
    const { Provider } = await import('oidc-provider');
    return new Provider(issuer, configuration);
  });
  const answer = provider.callback();
  http.on('request', (incoming, outgoing) => void answer(incoming, outgoing));
  return { issuer, provider, api };
}

let server: Api;
let issuer: string;
/** A refresh token of the provider's own making, for somebody who signed in. */
let refreshToken: string;

beforeAll(async () => {
  const started = await startProvider();
  ({ issuer, api: server } = started);
  const { Client, RefreshToken } = started.provider;
  const client = await Client.find('storefront');
  if (client === undefined) throw new Error('the client should be there');
  const granted = {
    client,
    accountId: 'alice',
    scope: 'offline_access',
    gty: 'authorization_code',
  };
  // The types ask for a grant, which a token that is only looked at can do without.
  refreshToken = await new RefreshToken(
    granted as ConstructorParameters<typeof RefreshToken>[0],
  ).save();
});
afterAll(() => server.close());

const post = async (
  path: string,
  form: Record<string, string>,
  to: string = issuer,
): Promise<Response> =>
  fetch(`${to}${path}`, {
    method: 'POST',
    body: new URLSearchParams({ client_id: 'storefront', client_secret: SECRET, ...form }),
  });

async function tokenFor(resource: string, from: string = issuer): Promise<string> {
  const form = { grant_type: 'client_credentials', scope: 'orders:read', resource };
  const response = await post('/token', form, from);
  const answer = (await response.json()) as { readonly access_token?: string };
  if (answer.access_token === undefined) throw new Error(JSON.stringify(answer));
  return answer.access_token;
}

function options(
  changes: Partial<AuthenticateIntrospectionOptions> = {},
): AuthenticateIntrospectionOptions {
  return {
    issuer,
    endpoint: `${issuer}/token/introspection`,
    client: basic,
    audience: OPAQUE,
    insecureLoopback: true,
    ...changes,
  };
}
const bearer = (token: string): Request =>
  new Request('https://orders.example.com/orders', {
    headers: { authorization: `Bearer ${token}` },
  });

/** A guarded API with a clock that tests can move. */
function orders(changes: Partial<AuthenticateIntrospectionOptions> = {}) {
  const clock = { ahead: 0 };
  const now = (): number => Date.now() + clock.ahead;
  const guarded = guard<object>()
    .use(authenticateIntrospection(options({ now, ...changes })))
    .use(requireScopes('orders:read'));
  const call = async (token: string): Promise<string> => {
    const decision = await guarded.check(bearer(token), {});
    return decision.allowed ? decision.facts.principal.subject : decision.denial.code;
  };
  return { clock, call };
}

describe('opaque tokens of a real provider', () => {
  const signing: ClientAuthentication = {
    method: 'private_key_jwt',
    clientId: 'signing-api',
    key: apiKey,
  };
  const posting: ClientAuthentication = {
    method: 'client_secret_post',
    clientId: 'posting-api',
    clientSecret: SECRET,
  };
  const ways: readonly Pick<AuthenticateIntrospectionOptions, 'accept' | 'client'>[] = [
    { accept: 'json', client: basic },
    { accept: 'json', client: posting },
    { accept: 'json', client: signing },
    { accept: 'jwt', client: basic },
    { accept: 'jwt', client: signing },
  ];
  test.each(ways)('pass, asked about as $accept by $client.method', async ({ accept, client }) => {
    const keys = discoverIssuer(issuer, { insecureLoopback: true });
    const { call } = orders({ accept, client, keys });
    expect(await call(await tokenFor(OPAQUE))).toBe('storefront');
    expect(await call('a-guess')).toBe('token.inactive');
    expect(await call(await tokenFor(OTHER))).toBe('token.audience_mismatch');
  });

  test('a refresh token, which the provider calls active, opens nothing', async () => {
    const response = await post('/token/introspection', { token: refreshToken });
    expect(await response.json()).toMatchObject({ active: true });
    expect(await orders().call(refreshToken)).toBe('token.type_refused');
    const lax = orders({ insecureMissingAudience: true });
    expect(await lax.call(refreshToken)).toBe('token.type_refused');
  });

  test('an API with the wrong password denies all as unavailable', async () => {
    const { call } = orders({ client: { ...basic, clientSecret: 'wrong' } });
    expect(await call(await tokenFor(OPAQUE))).toBe('introspection.unavailable');
  });

  test('a token that the provider revokes is denied within the bound', async () => {
    const { call, clock } = orders({ cache: { maxRevocationDelay: '10s' } });
    const token = await tokenFor(OPAQUE);
    expect(await call(token)).toBe('storefront');
    expect((await post('/token/revocation', { token })).status).toBe(200);
    expect(await call(token)).toBe('storefront');
    clock.ahead = 10_000;
    expect(await call(token)).toBe('token.inactive');
  });

  test('a token that was revoked here is denied at once', async () => {
    const store = memoryRevocationStore();
    const api = guard<object>()
      .use(authenticateIntrospection(options()))
      .use(requireNotRevoked({ store }))
      .use(allowAuthenticated());
    const token = await tokenFor(OPAQUE);
    expect(await api.check(bearer(token), {})).toMatchObject({ allowed: true });
    const target = { kind: 'client', issuer, id: 'storefront' } as const;
    await revocations({ store, maxTokenLifetime: '1h' }).revoke(target);
    expect(await api.check(bearer(token), {})).toMatchObject({ denial: { code: 'token.revoked' } });
  });

  test('go side by side with JWTs', async () => {
    const api = guard<object>()
      .use(
        anyOf(
          authenticateJwt({
            issuer,
            audience: JWT,
            keys: discoverIssuer(issuer, { insecureLoopback: true }),
            opaqueTokens: 'ignore',
          }),
          authenticateIntrospection(options()),
        ),
      )
      .use(requireScopes('orders:read'));
    for (const [resource, method] of [
      [OPAQUE, 'introspection'],
      [JWT, 'jwt'],
    ] as const) {
      expect(await api.check(bearer(await tokenFor(resource)), {})).toMatchObject({
        allowed: true,
        facts: { authentication: { method }, principal: { subject: 'storefront', issuer } },
      });
    }
    expect(await api.check(bearer('a-guess'), {})).toMatchObject({
      denial: { code: 'token.inactive' },
    });
    expect(await api.check(new Request('https://orders.example.com'), {})).toMatchObject({
      denial: { code: 'credentials.missing' },
    });
  });
});

test('when the provider is down, known tokens go on within the bound, then it is 503', async () => {
  const { issuer: another, api } = await startProvider();
  const { call, clock } = orders({ issuer: another, endpoint: `${another}/token/introspection` });
  const [known, unknown] = [await tokenFor(OPAQUE, another), await tokenFor(OPAQUE, another)];
  expect(await call(known)).toBe('storefront');
  await api.close();
  expect(await call(unknown)).toBe('introspection.unavailable');
  clock.ahead = 25_000;
  expect(await call(known)).toBe('storefront');
  clock.ahead = 31_000;
  expect(await call(known)).toBe('introspection.unavailable');
});
