import {
  memorySessionStore,
  type OAuthClientOptions,
  type OAuthRoutesOptions,
  oauthClient,
  oauthRoutes,
  type SealedSessionsOptions,
  type SessionsOptions,
  sealedSessions,
  sessions,
} from '@apisec/oauth';
import { Browser, NAVIGATION } from './browser.ts';
import { API, startProvider, type TestProvider } from './provider.ts';
import { KEYS, SECRET } from './secrets.ts';

export const ORIGIN = 'https://shop.example.com';
export const REDIRECT = `${ORIGIN}/auth/callback`;

/** A provider that knows every client of the tests. */
export function startTestProvider(): Promise<TestProvider> {
  const web = {
    client_secret: SECRET,
    redirect_uris: [REDIRECT],
    post_logout_redirect_uris: [`${ORIGIN}/`],
    grant_types: ['authorization_code', 'refresh_token'],
  };
  return startProvider([
    { client_id: 'shop', ...web },
    { client_id: 'other', ...web },
    { client_id: 'dpop', ...web, dpop_bound_access_tokens: true },
    { client_id: 'par', ...web, require_pushed_authorization_requests: true },
    {
      client_id: 'service',
      client_secret: SECRET,
      redirect_uris: [],
      response_types: [],
      grant_types: ['client_credentials'],
      scope: 'orders:read',
    },
    {
      client_id: 'device',
      token_endpoint_auth_method: 'none',
      redirect_uris: [],
      response_types: [],
      grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
    },
  ]);
}

/** One application in this process, which is called without a server. */
export function testShop(
  issuer: string,
  more: {
    readonly client?: Partial<OAuthClientOptions>;
    readonly sessions?: Partial<SessionsOptions>;
    readonly routes?: OAuthRoutesOptions;
    /** Keeps sessions in their cookies, and not in the store. */
    readonly sealed?: Partial<SealedSessionsOptions>;
  } = {},
) {
  const client = oauthClient({
    issuer,
    clientId: 'shop',
    authentication: { method: 'client_secret_basic', clientSecret: SECRET },
    redirectUri: REDIRECT,
    postLogoutRedirectUri: `${ORIGIN}/`,
    scope: ['openid', 'profile', 'offline_access'],
    resource: [API],
    insecureLoopback: true,
    ...more.client,
  });
  const store = memorySessionStore();
  const browser =
    more.sealed === undefined
      ? sessions({ store, keys: KEYS, clients: [client], ...more.sessions })
      : sealedSessions({ keys: KEYS, revocations: 'none', clients: [client], ...more.sealed });
  const routes = oauthRoutes(client, browser, more.routes);
  const call = (path: string, headers: Record<string, string> = {}, init: RequestInit = {}) =>
    routes.fetch(new Request(ORIGIN + path, { ...init, headers: { ...NAVIGATION, ...headers } }));
  /** The first half: what the login sets and where it leads. */
  const begin = async (path = '/auth/login', cookie = '') => {
    const response = await call(path, cookie === '' ? {} : { cookie });
    const location = response.headers.get('location') ?? '';
    return { response, location, cookie: cookiesOf(response) };
  };
  /** What the issuer sends the browser back with. */
  const agree = async (location: string, user = new Browser()): Promise<string> => {
    const { url } = await user.open(location, (at) => at.startsWith(ORIGIN));
    return url.slice(ORIGIN.length);
  };
  const signIn = async (cookie = '') => {
    const { location, cookie: transaction } = await begin();
    const back = await agree(location);
    const response = await call(back, { cookie: [transaction, cookie].filter(Boolean).join('; ') });
    return { response, back, transaction, cookie: cookiesOf(response) };
  };
  return { client, store, browser, routes, call, begin, agree, signIn };
}

/** The cookies that an answer sets, as a browser would send them. */
export function cookiesOf(response: Response): string {
  return response.headers
    .getSetCookie()
    .filter((each) => !each.endsWith('Max-Age=0'))
    .map((each) => each.slice(0, each.indexOf(';')))
    .join('; ');
}

export async function codeOf(response: Response): Promise<string> {
  const body = (await response.json()) as { readonly code?: string };
  return body.code ?? '';
}
