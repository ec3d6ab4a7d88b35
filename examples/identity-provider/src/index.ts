import type { IncomingMessage, ServerResponse } from 'node:http';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import type { Configuration, Provider } from 'oidc-provider';
import { serve } from './serve.ts';

export { type Served, serve } from './serve.ts';

/** What an example needs of its provider. */
export interface IdentityProviderOptions extends Configuration {
  /** The APIs that it issues tokens for, as tokens call them, with their scopes. */
  readonly apis: Readonly<Record<string, string>>;
  /** Those of them that get opaque tokens, which they must ask about. Default: none, and all get JWTs. */
  readonly opaque?: readonly string[];
}

/** A provider that listens on loopback. */
export interface IdentityProvider {
  readonly issuer: string;
  readonly provider: Provider;
  /** What it signs with. */
  readonly keys: CryptoKeyPair;
  readonly close: () => void;
}

/** Starts an identity provider that signs everybody in as alice and agrees to everything: for examples alone. */
export async function startIdentityProvider(
  options: IdentityProviderOptions,
): Promise<IdentityProvider> {
  const { server, origin: issuer, close } = await serve();
  const keys = await generateKeyPair('ES256', { extractable: true });
  const jwk: JWK = { ...(await exportJWK(keys.privateKey)), kid: 'k1', alg: 'ES256', use: 'sig' };
  const { errors, Provider } = await quietly(() => import('oidc-provider'));
  const settings = configuration(options, () => new errors.InvalidTarget());
  const provider = await quietly(
    () => new Provider(issuer, { jwks: { keys: [jwk] }, ...settings }),
  );
  const answer = provider.callback();
  server.on('request', (req, res) => {
    if (req.url?.startsWith('/interaction/')) void signIn(provider, req, res);
    else void answer(req, res);
  });
  return { issuer, provider, keys, close };
}

async function signIn(provider: Provider, req: IncomingMessage, res: ServerResponse) {
  const { prompt } = await provider.interactionDetails(req, res);
  const result = prompt.name === 'login' ? { login: { accountId: 'alice' } } : { consent: {} };
  await provider.interactionFinished(req, res, result, { mergeWithLastSubmission: true });
}

function configuration(
  { apis, opaque = [], features, ttl, ...more }: IdentityProviderOptions,
  unknownApi: () => Error,
): Configuration {
  const scopes = ['openid', 'offline_access', ...Object.values(apis)];
  return {
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    scopes,
    cookies: { keys: ['for this example alone'] },
    // Its own one calls no address on loopback, and that is where examples live.
    fetch: (url, init) => fetch(url, { ...init, dispatcher: undefined } as RequestInit),
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
    loadExistingGrant: async ({ oidc: { client, session, provider } }) => {
      const grant = new provider.Grant({
        clientId: client?.clientId ?? '',
        accountId: session?.accountId ?? '',
      });
      grant.addOIDCScope(scopes.join(' '));
      for (const [api, scope] of Object.entries(apis)) grant.addResourceScope(api, scope);
      await grant.save();
      return grant;
    },
    // As functions, since a number would be taken for a wish that the API may change.
    ttl: {
      AccessToken: () => 300,
      ClientCredentials: () => 300,
      DeviceCode: () => 300,
      Grant: () => 3_600,
      IdToken: () => 300,
      Interaction: () => 300,
      RefreshToken: () => 3_600,
      Session: () => 3_600,
      ...ttl,
    },
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (context, form) => {
          context.body = `${form}<button form="op.logoutForm" name="logout" value="yes">Sign out</button>`;
        },
      },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: (_context, resource) => {
          const scope = apis[resource];
          if (scope === undefined) throw unknownApi();
          if (opaque.includes(resource)) {
            return { audience: resource, scope, accessTokenFormat: 'opaque' };
          }
          const jwt = { sign: { alg: 'ES256' } } as const;
          return { audience: resource, scope, accessTokenFormat: 'jwt', jwt };
        },
      },
      ...features,
    },
    ...more,
  };
}

/** The provider writes notes for production use to the console. */
async function quietly<T>(run: () => T | Promise<T>): Promise<T> {
  const { info, warn } = console;
  Object.assign(console, { info: () => undefined, warn: () => undefined });
  try {
    return await run();
  } finally {
    Object.assign(console, { info, warn });
  }
}
