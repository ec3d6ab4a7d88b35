import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import type { ClientMetadata, Configuration, Provider } from 'oidc-provider';

/** A real identity provider on loopback. */
export interface TestProvider {
  readonly issuer: string;
  readonly provider: () => Provider;
  /** Signs with new keys from now on; those of before are gone. */
  readonly rotateKeys: () => Promise<void>;
  /** Stands in front of the provider; true where it has answered itself. */
  intercept:
    | ((req: IncomingMessage, res: ServerResponse) => boolean | Promise<boolean>)
    | undefined;
  /** Requests so far, like `POST /token`. */
  readonly requests: string[];
  readonly close: () => Promise<void>;
}

export const API = 'https://api.example.com';

export async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // It listens on TCP, so its address is one.
  return (server.address() as AddressInfo).port;
}

export async function startProvider(
  clients: readonly ClientMetadata[],
  more: Configuration = {},
): Promise<TestProvider> {
  const server = createServer();
  const issuer = `http://127.0.0.1:${await listen(server)}`;
  const make = async (): Promise<Provider> => {
    const { Provider } = await quietly(() => import('oidc-provider'));
    const { privateKey } = await generateKeyPair('ES256', { extractable: true });
    const kid = crypto.randomUUID();
    const key: JWK = { ...(await exportJWK(privateKey)), kid, alg: 'ES256', use: 'sig' };
    const made = await quietly(() => new Provider(issuer, configuration(key, clients, more)));
    made.on('server_error', () => undefined);
    return made;
  };
  let provider = await make();
  let answer = provider.callback();
  const self: TestProvider = {
    issuer,
    provider: () => provider,
    requests: [],
    intercept: undefined,
    rotateKeys: async () => {
      provider = await make();
      answer = provider.callback();
    },
    close: async () => {
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
  server.on('request', (req: IncomingMessage, res: ServerResponse) => {
    void (async () => {
      self.requests.push(`${req.method} ${req.url?.split('?')[0]}`);
      if (await self.intercept?.(req, res)) return;
      if (req.url?.startsWith('/interaction/')) {
        await interact(provider, req, res);
        return;
      }
      await answer(req, res);
    })();
  });
  return self;
}

/** Signs in whoever `login_hint` names, and agrees to everything. */
async function interact(provider: Provider, req: IncomingMessage, res: ServerResponse) {
  const { prompt, params } = await provider.interactionDetails(req, res);
  const hint = params['login_hint'];
  await provider.interactionFinished(
    req,
    res,
    prompt.name === 'login'
      ? { login: { accountId: typeof hint === 'string' ? hint : 'alice' } }
      : { consent: {} },
    { mergeWithLastSubmission: true },
  );
}

function configuration(
  key: JWK,
  clients: readonly ClientMetadata[],
  more: Configuration,
): Configuration {
  const { features, ...rest } = more;
  return {
    jwks: { keys: [key] },
    clients: [...clients],
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    scopes: ['openid', 'offline_access', 'profile', 'orders:read'],
    claims: { openid: ['sub'], profile: ['name', 'roles'] },
    conformIdTokenClaims: false,
    cookies: { keys: ['a key for tests alone'] },
    // Its own one calls no loopback address, and that is where these tests live.
    fetch: (url, options) => fetch(url, { ...options, dispatcher: undefined } as RequestInit),
    findAccount: (_context, id) => ({
      accountId: id,
      claims: () => ({ sub: id, name: `Name of ${id}`, roles: ['clerk'] }),
    }),
    loadExistingGrant: async (context) => {
      const { client, session, provider, params } = context.oidc;
      const grant = new provider.Grant({
        clientId: client?.clientId ?? '',
        accountId: session?.accountId ?? '',
      });
      grant.addOIDCScope('openid profile offline_access');
      const resource = params?.['resource'];
      if (typeof resource === 'string') grant.addResourceScope(resource, 'orders:read');
      await grant.save();
      return grant;
    },
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
    issueRefreshToken: async (_context, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    ttl: {
      AccessToken: () => 300,
      ClientCredentials: () => 300,
      IdToken: 300,
      RefreshToken: 3_600,
      Session: 3_600,
      Grant: 3_600,
      Interaction: 600,
      DeviceCode: 600,
    },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      revocation: { enabled: true, allowedPolicy: () => true },
      deviceFlow: { enabled: true },
      dPoP: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (context, form) => {
          context.body = form;
        },
      },
      backchannelLogout: { enabled: true },
      pushedAuthorizationRequests: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => API,
        useGrantedResource: () => true,
        getResourceServerInfo: (_context, resource) => ({
          audience: resource,
          scope: 'orders:read',
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
      ...features,
    },
    ...rest,
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
