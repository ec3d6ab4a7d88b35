import * as oauth from 'oauth4webapi';
import { type BoundedFetch, boundedFetch } from '../lib/bounded-fetch.ts';
import { type ClientKeyPair, clientKeyPair, freshKeyPair } from './client-keys.ts';
import type { TokenRequest, TokenSet } from './client-types.ts';
import { denied, failure, type OAuthDenied, type Step } from './failures.ts';
import { checkIdToken } from './id-token.ts';
import { type Issuer, issuerSource } from './issuer.ts';
import type { ClientSettings } from './options.ts';

/** No token counts as valid for longer, whatever the issuer says: dates do not reach as far as numbers. */
const LONGEST_SECONDS = 400 * 86_400;

/** What every question to the issuer needs. */
export interface IssuerRequest {
  readonly issuer: Issuer;
  readonly client: oauth.Client;
  readonly auth: oauth.ClientAuth;
  readonly request: {
    readonly [oauth.customFetch]: BoundedFetch;
    readonly [oauth.allowInsecureRequests]: boolean;
    readonly DPoP?: oauth.DPoPHandle;
  };
}

/** What the flows of a client have in common. */
export interface ClientContext {
  readonly settings: ClientSettings;
  readonly dpopKey: (() => Promise<ClientKeyPair>) | undefined;
  readonly issuerOf: () => Promise<Issuer | OAuthDenied>;
  /** Asks the issuer; again, once, where it wants a nonce in the proof (RFC 9449 §8). */
  readonly askIssuer: <T extends { readonly ok: true }>(
    step: Step,
    ask: (request: IssuerRequest) => Promise<T | OAuthDenied>,
  ) => Promise<T | OAuthDenied>;
  readonly parametersOf: (request: TokenRequest, withScope: boolean) => URLSearchParams;
  /** Tokens from a checked answer, with the rest of the checks. */
  readonly tokensOf: (
    answer: oauth.TokenEndpointResponse,
    issuer: Issuer,
    asked: readonly string[],
    checks?: {
      readonly subject?: string | undefined;
      readonly acrValues?: readonly string[] | undefined;
      readonly needsIdToken?: boolean;
      /** Epoch milliseconds; default: now. */
      readonly receivedAt?: number;
    },
  ) => Promise<TokenSet | OAuthDenied>;
}

/** How a client asks its issuer: how it authenticates, with which proof, and which answers it accepts. */
export function clientContext(settings: ClientSettings): ClientContext {
  const { clientId, authentication, insecureLoopback, now } = settings;
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

  const askIssuer: ClientContext['askIssuer'] = async (step, ask) => {
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
  const parametersOf: ClientContext['parametersOf'] = (request, withScope) => {
    const parameters = new URLSearchParams();
    const { scope = withScope ? settings.scope : [], resource = settings.resource } = request;
    if (scope.length > 0) parameters.set('scope', scope.join(' '));
    for (const each of resource) parameters.append('resource', each);
    return parameters;
  };
  const tokensOf: ClientContext['tokensOf'] = async (answer, { keys }, asked, checks = {}) => {
    const { access_token: accessToken, id_token: idToken, expires_in: seconds } = answer;
    // Without the binding that was asked for, whoever finds the token can use it (RFC 9449 §5).
    const wanted = dpopKey === undefined ? 'bearer' : 'dpop';
    if (answer.token_type !== wanted) {
      const cause = new Error(`The token is of type ${answer.token_type}, not ${wanted}.`);
      return denied('upstream', 'oauth.upstream', { cause });
    }
    const { receivedAt = now() } = checks;
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
      expiresAt:
        seconds === undefined ? undefined : receivedAt + Math.min(seconds, LONGEST_SECONDS) * 1_000,
      refreshToken: answer.refresh_token,
      idToken,
      claims,
      scope: Object.freeze(answer.scope?.split(' ').filter(Boolean) ?? asked),
    };
  };
  return { settings, dpopKey, issuerOf, askIssuer, parametersOf, tokensOf };
}
