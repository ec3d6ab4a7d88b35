import type { IncomingMessage, ServerResponse } from 'node:http';
import { exportJWK, generateKeyPair } from 'jose';
import type { Configuration, Provider } from 'oidc-provider';
import { serve } from './serve.ts';

/** The API in tokens. */
export const ORDERS = 'https://orders.example.com';

/** An identity provider that signs everybody in as alice, for this example alone. */
export async function startProvider() {
  const { server, origin: issuer, close } = await serve();
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const key = { ...(await exportJWK(privateKey)), kid: 'k1', alg: 'ES256', use: 'sig' };
  const { Provider } = await import('oidc-provider');
  const provider = new Provider(issuer, { jwks: { keys: [key] }, ...configuration });
  const answer = provider.callback();
  server.on('request', (req: IncomingMessage, res: ServerResponse) => {
    if (req.url?.startsWith('/interaction/')) void signIn(provider, req, res);
    else void answer(req, res);
  });
  return { issuer, close };
}

async function signIn(provider: Provider, req: IncomingMessage, res: ServerResponse) {
  const { prompt } = await provider.interactionDetails(req, res);
  const result = prompt.name === 'login' ? { login: { accountId: 'alice' } } : { consent: {} };
  await provider.interactionFinished(req, res, result, { mergeWithLastSubmission: true });
}

const configuration: Configuration = {
  clients: [
    {
      client_id: 'command-line',
      token_endpoint_auth_method: 'none',
      redirect_uris: [],
      response_types: [],
      grant_types: ['urn:ietf:params:oauth:grant-type:device_code'],
    },
  ],
  clientDefaults: { id_token_signed_response_alg: 'ES256' },
  scopes: ['openid', 'orders:read'],
  cookies: { keys: ['for this example alone'] },
  findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
  ttl: {
    AccessToken: () => 300,
    DeviceCode: () => 300,
    Grant: () => 300,
    IdToken: () => 300,
    Interaction: () => 300,
    Session: () => 300,
  },
  loadExistingGrant: async (context) => {
    const { client, session, provider } = context.oidc;
    const grant = new provider.Grant({
      clientId: client?.clientId ?? '',
      accountId: session?.accountId ?? '',
    });
    grant.addOIDCScope('openid orders:read');
    grant.addResourceScope(ORDERS, 'orders:read');
    await grant.save();
    return grant;
  },
  features: {
    devInteractions: { enabled: false },
    deviceFlow: { enabled: true },
    resourceIndicators: {
      enabled: true,
      useGrantedResource: () => true,
      getResourceServerInfo: (_context, resource) => ({
        audience: resource,
        scope: 'orders:read',
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
};
