import { durationMs } from '@apisec/core/host';
import * as oauth from 'oauth4webapi';
import { randomToken } from '../lib/random.ts';
import type { ClientContext } from './client-context.ts';
import type { LoginTransaction, OAuthClient } from './client-types.ts';
import { denied, type OAuthDenied } from './failures.ts';
import { unusedRefreshToken } from './unused-refresh-token.ts';

/** Both halves of a login: code flow with PKCE, `state`, `nonce` and `iss`, pushed where asked for. */
export function codeFlow({
  settings,
  askIssuer,
  parametersOf,
  tokensOf,
}: ClientContext): Pick<OAuthClient, 'authorize' | 'callback'> {
  const { issuer, clientId, redirectUri } = settings;

  const authorize: OAuthClient['authorize'] = (login = {}) => {
    const maxAgeSeconds =
      login.maxAge === undefined
        ? undefined
        : Math.floor(durationMs('oauthClient', 'maxAge', login.maxAge, { min: '0s' }) / 1_000);
    return askIssuer('authorization', async ({ issuer: found, client, auth, request }) => {
      const { metadata } = found;
      if (redirectUri === undefined || metadata.authorization_endpoint === undefined) {
        const missing = redirectUri === undefined ? 'redirectUri' : 'authorization_endpoint';
        const cause = new Error(`oauthClient: a login needs ${missing}.`);
        return denied('internal', 'oauth.client_denied', { cause });
      }
      const codeVerifier = randomToken();
      const { scope, acrValues, prompt, loginHint } = login;
      const transaction: LoginTransaction = {
        issuer,
        clientId,
        redirectUri,
        state: randomToken(),
        nonce: randomToken(),
        codeVerifier,
        ...(scope && { scope }),
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

  const callback: OAuthClient['callback'] = (answer, transaction, { onUnused } = {}) => {
    // A transaction of another provider of the same application must not be finished here.
    const isOurs =
      transaction.issuer === issuer &&
      transaction.clientId === clientId &&
      transaction.redirectUri === redirectUri;
    if (!isOurs) {
      return Promise.resolve(denied('forbidden', 'login.transaction_invalid'));
    }
    const parameters = answer instanceof URL ? answer.searchParams : answer;
    return askIssuer('code', async ({ issuer: found, client, auth, request }) => {
      const { metadata } = found;
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
      const copy = response.clone();
      let isAccepted = false;
      try {
        const tokens = await oauth.processAuthorizationCodeResponse(metadata, client, response, {
          expectedNonce: transaction.nonce,
          requireIdToken: true,
          ...(transaction.maxAgeSeconds !== undefined && { maxAge: transaction.maxAgeSeconds }),
        });
        // An issuer that names no scopes has granted those that were asked for (RFC 6749 §5.1).
        const { acrValues, scope = settings.scope } = transaction;
        const checked = await tokensOf(tokens, found, scope, { acrValues, needsIdToken: true });
        isAccepted = checked.ok;
        return checked;
      } finally {
        const unused = isAccepted ? undefined : await unusedRefreshToken(copy);
        if (unused !== undefined) onUnused?.(unused);
      }
    });
  };

  return { authorize, callback };
}

/**
 * What is wrong with what the browser came back with. Everything is looked at before the code is used (RFC 9207
 * §2.4).
 */
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
  // One of both, and not an empty one.
  const isOne = parameters.has('code') !== parameters.has('error');
  const known = isOne && (parameters.get('code') ?? parameters.get('error')) !== '';
  const isHybrid = ['id_token', 'access_token', 'token', 'response'].some((name) =>
    parameters.has(name),
  );
  if (!known || isHybrid) return denied('malformed', 'oauth.response_invalid');
  return undefined;
}
