import type { PrivateJwk } from '@apisec/core';
import {
  assertConfiguration,
  assertKnownOptions,
  assertUnpublished,
  type Duration,
  durationMs,
  urlProblem,
} from '@apisec/core/host';

/**
 * How the client proves to the issuer who it is, on every grant.
 *
 * - `client_secret_basic`, `client_secret_post`: RFC 6749 §2.3.1.
 * - `private_key_jwt`: RFC 7523 §2.2, for the issuer alone.
 * - `tls_client_auth`: RFC 8705 §2, for certificates of an authority and for self-signed ones; the certificate is
 *   that of the `fetch` that is handed in.
 * - `none`: a public client, as a device or a command line is.
 */
export type OAuthAuthentication =
  | {
      readonly method: 'client_secret_basic' | 'client_secret_post';
      readonly clientSecret: string;
    }
  | { readonly method: 'private_key_jwt'; readonly key: PrivateJwk }
  | { readonly method: 'tls_client_auth' }
  | { readonly method: 'none' };

/** Options of `oauthClient`. */
export interface OAuthClientOptions {
  /** The issuer identifier, https, exactly as its metadata says it. */
  readonly issuer: string;
  readonly clientId: string;
  readonly authentication: OAuthAuthentication;
  /** Where the issuer sends the browser back to, as registered there. Never made from the request. */
  readonly redirectUri?: string | undefined;
  /** Where the issuer sends the browser to after a logout, as registered there. */
  readonly postLogoutRedirectUri?: string | undefined;
  /** Default: `['openid']`. */
  readonly scope?: readonly string[] | undefined;
  /** The APIs that tokens are asked for (RFC 8707). */
  readonly resource?: readonly string[] | undefined;
  /**
   * Pushes the parameters of a login to the issuer (RFC 9126). Default: `auto`, where the issuer requires it;
   * `require` always.
   */
  readonly pushedAuthorization?: 'auto' | 'require' | undefined;
  /**
   * Binds tokens to a key (RFC 9449). `{ key }` where several processes use the same tokens, as sessions do; `true`
   * makes a key for this process. Default: false.
   */
  readonly dpop?: boolean | { readonly key: PrivateJwk } | undefined;
  /** For one answer of the issuer. Default: `'5s'`. */
  readonly timeout?: Duration | undefined;
  /** By how much the clock of the issuer may differ. Default: `'30s'`. */
  readonly clockTolerance?: Duration | undefined;
  /** Takes `http:` where the host is this machine: for tests. */
  readonly insecureLoopback?: boolean | undefined;
  /** Default: that of the runtime. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** The same, checked, with defaults. */
export interface ClientSettings {
  readonly issuer: string;
  readonly clientId: string;
  readonly authentication: OAuthAuthentication;
  readonly redirectUri: string | undefined;
  readonly postLogoutRedirectUri: string | undefined;
  readonly scope: readonly string[];
  readonly resource: readonly string[];
  readonly pushed: boolean;
  readonly dpop: boolean | { readonly key: PrivateJwk };
  readonly timeoutMs: number;
  readonly toleranceMs: number;
  readonly insecureLoopback: boolean;
  readonly fetch: typeof globalThis.fetch;
  readonly now: () => number;
}

const NAME = 'oauthClient';
const KNOWN = [
  'issuer',
  'clientId',
  'authentication',
  'redirectUri',
  'postLogoutRedirectUri',
  'scope',
  'resource',
  'pushedAuthorization',
  'dpop',
  'timeout',
  'clockTolerance',
  'insecureLoopback',
  'fetch',
  'now',
];

/** @throws ConfigurationError */
export function clientSettings(options: OAuthClientOptions): ClientSettings {
  assertKnownOptions(NAME, options, KNOWN);
  const {
    issuer,
    clientId,
    authentication,
    redirectUri,
    postLogoutRedirectUri,
    scope = ['openid'],
    resource = [],
    pushedAuthorization = 'auto',
    dpop = false,
    insecureLoopback = false,
    now = () => Date.now(),
  } = options;
  const problem =
    urlProblem(issuer, insecureLoopback) ?? (issuer.includes('?') && 'it has a query');
  assertConfiguration(
    !problem,
    `${NAME}: issuer ${JSON.stringify(issuer)} cannot be used: ${problem}.`,
  );
  assertConfiguration(
    typeof clientId === 'string' && clientId !== '',
    `${NAME}: clientId must be the id of the client at the issuer.`,
  );
  assertAuthentication(authentication);
  for (const [name, uri] of Object.entries({ redirectUri, postLogoutRedirectUri })) {
    const wrong = uri === undefined ? undefined : urlProblem(uri, insecureLoopback);
    assertConfiguration(
      wrong === undefined,
      `${NAME}: ${name} ${JSON.stringify(uri)} cannot be used: ${wrong}. Write the whole URL as it is registered.`,
    );
  }
  for (const [name, list] of Object.entries({ scope, resource })) {
    assertConfiguration(
      Array.isArray(list) && list.every((each) => typeof each === 'string' && /^\S+$/.test(each)),
      `${NAME}: ${name} must be a list of words, like ['openid', 'profile'].`,
    );
  }
  assertConfiguration(
    pushedAuthorization === 'auto' || pushedAuthorization === 'require',
    `${NAME}: pushedAuthorization must be 'auto' or 'require'.`,
  );
  assertConfiguration(
    typeof dpop === 'boolean' || (typeof dpop === 'object' && dpop !== null),
    `${NAME}: dpop must be true, false or { key }.`,
  );
  return {
    issuer,
    clientId,
    authentication,
    redirectUri,
    postLogoutRedirectUri,
    scope,
    resource,
    pushed: pushedAuthorization === 'require',
    dpop,
    timeoutMs: durationMs(NAME, 'timeout', options.timeout ?? '5s', { min: '10ms', max: '1m' }),
    toleranceMs: durationMs(NAME, 'clockTolerance', options.clockTolerance ?? '30s', {
      min: '0s',
      max: '5m',
    }),
    insecureLoopback: insecureLoopback === true,
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    now,
  };
}

function assertAuthentication(authentication: OAuthAuthentication): void {
  const { method } = (authentication ?? {}) as Partial<OAuthAuthentication>;
  assertConfiguration(
    typeof method === 'string' &&
      [
        'client_secret_basic',
        'client_secret_post',
        'private_key_jwt',
        'tls_client_auth',
        'none',
      ].includes(method),
    `${NAME}: authentication must say how the client proves who it is, like ` +
      "{ method: 'client_secret_basic', clientSecret }; a public client says { method: 'none' }.",
  );
  if (
    authentication.method === 'client_secret_basic' ||
    authentication.method === 'client_secret_post'
  ) {
    assertKnownOptions(`${NAME}: authentication`, authentication, ['method', 'clientSecret']);
    assertConfiguration(
      typeof authentication.clientSecret === 'string' && authentication.clientSecret !== '',
      `${NAME}: authentication.clientSecret must not be empty.`,
    );
    assertUnpublished(`${NAME}: authentication.clientSecret`, authentication.clientSecret);
  } else if (authentication.method === 'private_key_jwt') {
    assertKnownOptions(`${NAME}: authentication`, authentication, ['method', 'key']);
  } else assertKnownOptions(`${NAME}: authentication`, authentication, ['method']);
}
