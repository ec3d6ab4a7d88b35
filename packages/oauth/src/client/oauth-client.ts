import type { Duration } from '@apisec/core';
import { durationMs } from '@apisec/core/host';
import * as oauth from 'oauth4webapi';
import { boundedFetch } from '../lib/bounded-fetch.ts';
import { randomToken } from '../lib/random.ts';
import { type ClientKeyPair, clientKeyPair, freshKeyPair } from './client-keys.ts';
import { devicePolling, type PollOptions, type Wait } from './device-flow.ts';
import { denied, failure, type OAuthDenied, type Step } from './failures.ts';
import { checkIdToken } from './id-token.ts';
import { type Issuer, issuerSource } from './issuer.ts';
import { checkLogoutToken, type LogoutToken } from './logout-token.ts';
import { type ClientSettings, clientSettings, type OAuthClientOptions } from './options.ts';

/** What is asked for, where it differs from what the client asks for by default. */
export interface TokenRequest {
  readonly scope?: readonly string[] | undefined;
  readonly resource?: readonly string[] | undefined;
}

/** What a login is begun with. */
export interface AuthorizeOptions extends TokenRequest {
  /** Asks for a login of these classes, and takes no other (step-up). */
  readonly acrValues?: readonly string[] | undefined;
  /** How long ago the user may have signed in, in whole seconds; `0s` asks for a new login. */
  readonly maxAge?: Duration | undefined;
  readonly prompt?: 'login' | 'consent' | 'select_account' | 'none' | undefined;
  readonly loginHint?: string | undefined;
}

/** What must be kept, in secret and for this browser, between both halves of a login. */
export interface LoginTransaction {
  readonly issuer: string;
  readonly clientId: string;
  readonly redirectUri: string;
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  readonly acrValues?: readonly string[] | undefined;
  /** The `max_age` that was asked for. */
  readonly maxAgeSeconds?: number | undefined;
}

/** Tokens as the issuer gave them, checked. */
export interface TokenSet {
  readonly ok: true;
  readonly accessToken: string;
  readonly tokenType: 'Bearer' | 'DPoP';
  /** Epoch milliseconds; undefined where the issuer does not say. */
  readonly expiresAt: number | undefined;
  readonly refreshToken: string | undefined;
  readonly idToken: string | undefined;
  /** The claims of the ID token. */
  readonly claims: Readonly<Record<string, unknown>> | undefined;
  readonly scope: readonly string[];
}

/** A token exchange (RFC 8693): on whose behalf, and for whom. */
export interface ExchangeRequest extends TokenRequest {
  readonly subjectToken: string;
  /** Default: `urn:ietf:params:oauth:token-type:access_token`. */
  readonly subjectTokenType?: string | undefined;
  readonly actorToken?: string | undefined;
  readonly actorTokenType?: string | undefined;
  readonly audience?: readonly string[] | undefined;
  readonly requestedTokenType?: string | undefined;
}

/** What a device shows, and how it waits. */
export interface DeviceAuthorization {
  readonly ok: true;
  readonly userCode: string;
  readonly verificationUri: string;
  readonly verificationUriComplete: string | undefined;
  readonly expiresAt: number;
  /** Waits until the user has decided. */
  readonly poll: (options?: PollOptions) => Promise<TokenSet | OAuthDenied>;
}

/** What tells the issuer whose session to end. */
export interface EndSessionOptions {
  readonly idToken?: string | undefined;
  readonly state?: string | undefined;
}

/** The client of one issuer. Nothing in it throws or rejects; all of it can be shared. */
export interface OAuthClient {
  readonly issuer: string;
  readonly clientId: string;
  readonly redirectUri: string | undefined;
  readonly settings: ClientSettings;
  /** Where to send the browser, and what to keep for its return. */
  readonly authorize: (
    options?: AuthorizeOptions,
  ) => Promise<
    | { readonly ok: true; readonly url: string; readonly transaction: LoginTransaction }
    | OAuthDenied
  >;
  /** What the browser came back with, for tokens. */
  readonly callback: (
    answer: URL | URLSearchParams,
    transaction: LoginTransaction,
  ) => Promise<TokenSet | OAuthDenied>;
  readonly refresh: (
    refreshToken: string,
    request?: TokenRequest & { readonly subject?: string | undefined },
  ) => Promise<TokenSet | OAuthDenied>;
  readonly clientCredentials: (request?: TokenRequest) => Promise<TokenSet | OAuthDenied>;
  readonly exchangeToken: (request: ExchangeRequest) => Promise<TokenSet | OAuthDenied>;
  readonly deviceAuthorization: (
    request?: TokenRequest & { readonly wait?: Wait | undefined },
  ) => Promise<DeviceAuthorization | OAuthDenied>;
  /** Claims about the user whom the ID token named. */
  readonly userInfo: (
    accessToken: string,
    subject: string,
  ) => Promise<
    { readonly ok: true; readonly claims: Readonly<Record<string, unknown>> } | OAuthDenied
  >;
  /** Where to send the browser to sign out at the issuer too; `url` is undefined where it has no such page. */
  readonly endSession: (
    options?: EndSessionOptions,
  ) => Promise<{ readonly ok: true; readonly url: string | undefined } | OAuthDenied>;
  /** Ends a token at the issuer (RFC 7009). Where that cannot be done, the token must be taken for alive. */
  readonly revoke: (
    token: string,
    hint?: 'access_token' | 'refresh_token',
  ) => Promise<{ readonly ok: true } | OAuthDenied>;
  readonly verifyLogoutToken: (token: unknown) => Promise<LogoutToken | OAuthDenied>;
  /** The key that tokens are bound to; undefined without `dpop`. */
  readonly dpopKey: (() => Promise<ClientKeyPair>) | undefined;
}

const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

/**
 * The client of an OAuth 2.1 or OpenID Connect issuer. Code flow with PKCE (S256), `state`, `nonce` and `iss` always
 * (RFC 7636, RFC 9207); pushed requests (RFC 9126), resource indicators (RFC 8707) and DPoP (RFC 9449) where asked for. It
 * proves who it is on every grant, follows no redirect, and takes ID tokens only after their signature, `aud`, `azp`,
 * `nonce`, `at_hash` and times were checked.
 *
 * The issuer is found when it is first needed: one that is down does not stop a process. Denials: `oauth.*`, among them
 * `oauth.unavailable` (503) where the issuer does not answer; nothing of what it answered reaches the caller.
 *
 * @throws ConfigurationError for an option that is unknown, missing or cannot work.
 * @example
 * const client = oauthClient({
 *   issuer: 'https://id.example.com',
 *   clientId: 'shop',
 *   authentication: { method: 'client_secret_basic', clientSecret },
 *   redirectUri: 'https://shop.example.com/auth/callback',
 *   scope: ['openid', 'profile', 'offline_access'],
 * });
 */
export function oauthClient(options: OAuthClientOptions): OAuthClient {
  const settings = clientSettings(options);
  const { issuer, clientId, redirectUri, authentication, insecureLoopback, now } = settings;
  const fetch = boundedFetch(settings.fetch, settings.timeoutMs);
  const issuerOf = issuerSource(settings, fetch);
  const signingPair =
    authentication.method === 'private_key_jwt'
      ? clientKeyPair('oauthClient: authentication.key', authentication.key)
      : undefined;
  const signingKid =
    authentication.method === 'private_key_jwt' ? authentication.key.kid : undefined;
  const { dpop } = settings;
  const dpopKey =
    dpop === false
      ? undefined
      : dpop === true
        ? freshKeyPair()
        : clientKeyPair('oauthClient: dpop.key', dpop.key);

  const identity = (): oauth.Client => ({
    client_id: clientId,
    [oauth.clockTolerance]: Math.ceil(settings.toleranceMs / 1_000),
    // The library reads the clock of the system; what it must see is ours.
    [oauth.clockSkew]: Math.floor((now() - Date.now()) / 1_000),
    ...(authentication.method === 'tls_client_auth' && { use_mtls_endpoint_aliases: true }),
  });
  const authenticate = async (): Promise<oauth.ClientAuth> => {
    switch (authentication.method) {
      case 'client_secret_basic':
        return oauth.ClientSecretBasic(authentication.clientSecret);
      case 'client_secret_post':
        return oauth.ClientSecretPost(authentication.clientSecret);
      case 'private_key_jwt': {
        // Made above for this method.
        const { privateKey } = await (signingPair as () => Promise<ClientKeyPair>)();
        return oauth.PrivateKeyJwt({ key: privateKey, kid: signingKid as string });
      }
      case 'tls_client_auth':
        return oauth.TlsClientAuth();
      case 'none':
        return oauth.None();
    }
  };
  let handle: Promise<oauth.DPoPHandle> | undefined;
  const dpopHandle = async (): Promise<oauth.DPoPHandle | undefined> => {
    if (dpopKey === undefined) return undefined;
    handle ??= dpopKey().then((pair) => oauth.DPoP(identity(), pair));
    return handle;
  };
  const http = { [oauth.customFetch]: fetch, [oauth.allowInsecureRequests]: insecureLoopback };

  /** What every question to the issuer needs. */
  interface Asking {
    readonly issuer: Issuer;
    readonly client: oauth.Client;
    readonly auth: oauth.ClientAuth;
    readonly request: typeof http & { readonly DPoP?: oauth.DPoPHandle };
  }
  /** Asks the issuer; again, once, where it wants a nonce in the proof (RFC 9449 §8). */
  const asking = async <T extends { readonly ok: true }>(
    step: Step,
    ask: (asking: Asking) => Promise<T | OAuthDenied>,
  ): Promise<T | OAuthDenied> => {
    const found = await issuerOf();
    if (!found.ok) return found;
    try {
      const DPoP = await dpopHandle();
      const request = DPoP === undefined ? http : { ...http, DPoP };
      const attempt = async () =>
        ask({ issuer: found, client: identity(), auth: await authenticate(), request });
      try {
        return await attempt();
      } catch (cause) {
        if (DPoP === undefined || !oauth.isDPoPNonceError(cause)) throw cause;
        return await attempt();
      }
    } catch (cause) {
      return failure(cause, step);
    }
  };
  const parametersOf = (request: TokenRequest, withScope: boolean): URLSearchParams => {
    const parameters = new URLSearchParams();
    const { scope = withScope ? settings.scope : [], resource = settings.resource } = request;
    if (scope.length > 0) parameters.set('scope', scope.join(' '));
    for (const each of resource) parameters.append('resource', each);
    return parameters;
  };
  /** Tokens from a checked answer, with the rest of the checks. */
  const tokensOf = async (
    answer: oauth.TokenEndpointResponse,
    { keys }: Issuer,
    asked: readonly string[],
    checks: {
      readonly subject?: string | undefined;
      readonly acrValues?: readonly string[] | undefined;
      readonly needsIdToken?: boolean;
    } = {},
  ): Promise<TokenSet | OAuthDenied> => {
    const { access_token: accessToken, id_token: idToken, expires_in: seconds } = answer;
    // Without the binding that was asked for, whoever finds the token can use it (RFC 9449 §5).
    const wanted = dpopKey === undefined ? 'bearer' : 'dpop';
    if (answer.token_type !== wanted) {
      const cause = new Error(`The token is of type ${answer.token_type}, not ${wanted}.`);
      return denied('upstream', 'oauth.upstream', { cause });
    }
    let claims: Readonly<Record<string, unknown>> | undefined;
    if (idToken !== undefined) {
      const { toleranceMs } = settings;
      const known = { clientId, accessToken, now: now(), toleranceMs };
      const checked = await checkIdToken(idToken, keys, { ...known, ...checks });
      if (!checked.ok) return checked;
      claims = checked.claims;
    } else if (checks.needsIdToken) {
      return denied('forbidden', 'oauth.id_token_invalid', {
        cause: new Error('The issuer sent no ID token; ask for the scope "openid".'),
      });
    }
    return {
      ok: true,
      accessToken,
      tokenType: wanted === 'dpop' ? 'DPoP' : 'Bearer',
      expiresAt: seconds === undefined ? undefined : now() + seconds * 1_000,
      refreshToken: answer.refresh_token,
      idToken,
      claims,
      scope: Object.freeze(answer.scope?.split(' ').filter(Boolean) ?? asked),
    };
  };

  const authorize: OAuthClient['authorize'] = (login = {}) => {
    const maxAgeSeconds =
      login.maxAge === undefined
        ? undefined
        : Math.floor(durationMs('oauthClient', 'maxAge', login.maxAge, { min: '0s' }) / 1_000);
    return asking('authorization', async ({ issuer: found, client, auth, request }) => {
      const { metadata } = found;
      if (redirectUri === undefined || metadata.authorization_endpoint === undefined) {
        const missing = redirectUri === undefined ? 'redirectUri' : 'authorization_endpoint';
        const cause = new Error(`oauthClient: a login needs ${missing}.`);
        return denied('internal', 'oauth.client_denied', { cause });
      }
      const codeVerifier = randomToken();
      const { acrValues, prompt, loginHint } = login;
      const transaction: LoginTransaction = {
        issuer,
        clientId,
        redirectUri,
        state: randomToken(),
        nonce: randomToken(),
        codeVerifier,
        ...(acrValues && { acrValues }),
        ...(maxAgeSeconds !== undefined && { maxAgeSeconds }),
      };
      let parameters = parametersOf(login, true);
      const set = (name: string, value: string | undefined): void => {
        if (value !== undefined) parameters.set(name, value);
      };
      set('client_id', clientId);
      set('redirect_uri', redirectUri);
      set('response_type', 'code');
      set('code_challenge', await oauth.calculatePKCECodeChallenge(codeVerifier));
      set('code_challenge_method', 'S256');
      set('state', transaction.state);
      set('nonce', transaction.nonce);
      set('acr_values', acrValues?.join(' '));
      set('max_age', maxAgeSeconds === undefined ? undefined : String(maxAgeSeconds));
      set('prompt', prompt);
      set('login_hint', loginHint);
      set('dpop_jkt', await request.DPoP?.calculateThumbprint());
      if (settings.pushed || metadata.require_pushed_authorization_requests === true) {
        const response = await oauth.pushedAuthorizationRequest(
          metadata,
          client,
          auth,
          parameters,
          request,
        );
        const pushed = await oauth.processPushedAuthorizationResponse(metadata, client, response);
        parameters = new URLSearchParams({
          client_id: clientId,
          request_uri: pushed.request_uri,
        });
      }
      const url = new URL(metadata.authorization_endpoint);
      for (const [name, value] of parameters) url.searchParams.append(name, value);
      return { ok: true, url: url.href, transaction };
    });
  };

  const callback: OAuthClient['callback'] = (answer, transaction) => {
    // A transaction of another provider of the same application must not be finished here.
    const isOurs =
      transaction.issuer === issuer &&
      transaction.clientId === clientId &&
      transaction.redirectUri === redirectUri;
    if (!isOurs) {
      return Promise.resolve(denied('forbidden', 'login.transaction_invalid'));
    }
    const parameters = answer instanceof URL ? answer.searchParams : answer;
    return asking('code', async ({ issuer: found, client, auth, request }) => {
      const { metadata, keys } = found;
      const problem = answerProblem(parameters, transaction, metadata);
      if (problem !== undefined) return problem;
      const validated = oauth.validateAuthResponse(metadata, client, parameters, transaction.state);
      const response = await oauth.authorizationCodeGrantRequest(
        metadata,
        client,
        auth,
        validated,
        transaction.redirectUri,
        transaction.codeVerifier,
        request,
      );
      const tokens = await oauth.processAuthorizationCodeResponse(metadata, client, response, {
        expectedNonce: transaction.nonce,
        requireIdToken: true,
        ...(transaction.maxAgeSeconds !== undefined && { maxAge: transaction.maxAgeSeconds }),
      });
      const { acrValues } = transaction;
      return tokensOf(tokens, { ok: true, metadata, keys }, settings.scope, {
        acrValues,
        needsIdToken: true,
      });
    });
  };

  const refresh: OAuthClient['refresh'] = (refreshToken, request = {}) =>
    asking('token', async ({ issuer: found, client, auth, request: options }) => {
      const response = await oauth.refreshTokenGrantRequest(
        found.metadata,
        client,
        auth,
        refreshToken,
        { ...options, additionalParameters: parametersOf(request, false) },
      );
      const tokens = await oauth.processRefreshTokenResponse(found.metadata, client, response);
      return tokensOf(tokens, found, request.scope ?? settings.scope, { subject: request.subject });
    });

  const clientCredentials: OAuthClient['clientCredentials'] = (request = {}) =>
    asking('token', async ({ issuer: found, client, auth, request: options }) => {
      const scope = request.scope ?? settings.scope.filter((each) => each !== 'openid');
      const parameters = parametersOf({ ...request, scope }, true);
      const response = await oauth.clientCredentialsGrantRequest(
        found.metadata,
        client,
        auth,
        parameters,
        options,
      );
      const tokens = await oauth.processClientCredentialsResponse(found.metadata, client, response);
      return tokensOf(tokens, found, scope);
    });

  const exchangeToken: OAuthClient['exchangeToken'] = (request) =>
    asking('token', async ({ issuer: found, client, auth, request: options }) => {
      const parameters = parametersOf(request, false);
      const { subjectToken, subjectTokenType = ACCESS_TOKEN, actorToken } = request;
      parameters.set('subject_token', subjectToken);
      parameters.set('subject_token_type', subjectTokenType);
      if (actorToken !== undefined) {
        parameters.set('actor_token', actorToken);
        parameters.set('actor_token_type', request.actorTokenType ?? ACCESS_TOKEN);
      }
      for (const audience of request.audience ?? []) parameters.append('audience', audience);
      if (request.requestedTokenType !== undefined) {
        parameters.set('requested_token_type', request.requestedTokenType);
      }
      const response = await oauth.genericTokenEndpointRequest(
        found.metadata,
        client,
        auth,
        'urn:ietf:params:oauth:grant-type:token-exchange',
        parameters,
        options,
      );
      const tokens = await oauth.processGenericTokenEndpointResponse(
        found.metadata,
        client,
        response,
      );
      return tokensOf(tokens, found, request.scope ?? []);
    });

  const deviceAuthorization: OAuthClient['deviceAuthorization'] = (request = {}) =>
    asking('token', async ({ issuer: found, client, auth, request: options }) => {
      const response = await oauth.deviceAuthorizationRequest(
        found.metadata,
        client,
        auth,
        parametersOf(request, true),
        options,
      );
      const device = await oauth.processDeviceAuthorizationResponse(
        found.metadata,
        client,
        response,
      );
      const expiresAt = now() + device.expires_in * 1_000;
      const ask = () =>
        asking('token', async (again) => {
          const answer = await oauth.deviceCodeGrantRequest(
            again.issuer.metadata,
            again.client,
            again.auth,
            device.device_code,
            again.request,
          );
          const tokens = await oauth.processDeviceCodeResponse(
            again.issuer.metadata,
            again.client,
            answer,
          );
          return tokensOf(tokens, again.issuer, request.scope ?? settings.scope);
        });
      const intervalMs = Math.max(1, device.interval ?? 5) * 1_000;
      const { wait = sleep } = request;
      return {
        ok: true,
        userCode: device.user_code,
        verificationUri: device.verification_uri,
        verificationUriComplete: device.verification_uri_complete,
        expiresAt,
        poll: devicePolling(ask, { intervalMs, expiresAt }, now, wait),
      };
    });

  return Object.freeze({
    issuer,
    clientId,
    redirectUri,
    settings: Object.freeze(settings),
    authorize,
    callback,
    refresh,
    clientCredentials,
    exchangeToken,
    deviceAuthorization,
    userInfo: (accessToken: string, subject: string) =>
      asking('resource', async ({ issuer: found, client, request }) => {
        const response = await oauth.userInfoRequest(found.metadata, client, accessToken, request);
        const claims = await oauth.processUserInfoResponse(
          found.metadata,
          client,
          subject,
          response,
        );
        return { ok: true, claims };
      }),
    endSession: async ({ idToken, state }: EndSessionOptions = {}) => {
      const found = await issuerOf();
      if (!found.ok) return found;
      const page = found.metadata.end_session_endpoint;
      if (page === undefined) return { ok: true, url: undefined };
      const url = new URL(page);
      url.searchParams.set('client_id', clientId);
      if (idToken !== undefined) url.searchParams.set('id_token_hint', idToken);
      const { postLogoutRedirectUri: back } = settings;
      if (back !== undefined) url.searchParams.set('post_logout_redirect_uri', back);
      if (state !== undefined) url.searchParams.set('state', state);
      return { ok: true, url: url.href };
    },
    revoke: (token: string, hint?: string) =>
      asking('token', async ({ issuer: found, client, auth, request }) => {
        const response = await oauth.revocationRequest(found.metadata, client, auth, token, {
          ...request,
          ...(hint !== undefined && { additionalParameters: { token_type_hint: hint } }),
        });
        await oauth.processRevocationResponse(response);
        return { ok: true };
      }),
    verifyLogoutToken: async (token: unknown) => {
      const found = await issuerOf();
      if (!found.ok) return found;
      const { toleranceMs } = settings;
      return checkLogoutToken(token, found.keys, { issuer, clientId, toleranceMs, now: now() });
    },
    dpopKey,
  } satisfies OAuthClient);
}

/** What is wrong with what the browser came back with. Everything is looked at before the code is used (RFC 9207 §2.4). */
function answerProblem(
  parameters: URLSearchParams,
  { state }: LoginTransaction,
  metadata: oauth.AuthorizationServer,
): OAuthDenied | undefined {
  const names = ['state', 'iss', 'code', 'error'];
  if (names.some((name) => parameters.getAll(name).length > 1)) {
    return denied('malformed', 'oauth.response_invalid', {
      detail: 'A parameter was sent more than once.',
    });
  }
  if (parameters.get('state') !== state) return denied('forbidden', 'oauth.state_mismatch');
  const issuer = parameters.get('iss');
  const isPromised = metadata.authorization_response_iss_parameter_supported === true;
  if (issuer === null ? isPromised : issuer !== metadata.issuer) {
    return denied('forbidden', 'oauth.issuer_mismatch');
  }
  const known = parameters.has('code') !== parameters.has('error');
  const isHybrid = ['id_token', 'access_token', 'token', 'response'].some((name) =>
    parameters.has(name),
  );
  if (!known || isHybrid) return denied('malformed', 'oauth.response_invalid');
  return undefined;
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}
