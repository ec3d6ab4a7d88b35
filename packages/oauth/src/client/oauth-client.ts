import * as oauth from 'oauth4webapi';
import { clientContext } from './client-context.ts';
import type { EndSessionOptions, OAuthClient } from './client-types.ts';
import { codeFlow } from './code-flow.ts';
import { grants } from './grants.ts';
import { checkLogoutToken } from './logout-token.ts';
import { clientSettings, type OAuthClientOptions } from './options.ts';

/**
 * The client of an OAuth 2.1 or OpenID Connect issuer. Code flow with PKCE (S256), `state`, `nonce` and `iss` always
 * (RFC 7636, RFC 9207); pushed requests (RFC 9126), resource indicators (RFC 8707) and DPoP (RFC 9449) where asked
 * for. It proves who it is on every grant, follows no redirect, and takes ID tokens only after their signature,
 * `aud`, `azp`, `nonce`, `at_hash` and times were checked.
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
  const settings = Object.freeze(clientSettings(options));
  const { issuer, clientId, redirectUri, now } = settings;
  const context = clientContext(settings);
  const { askIssuer, dpopKey, issuerOf } = context;

  return Object.freeze({
    issuer,
    clientId,
    redirectUri,
    settings,
    ...codeFlow(context),
    ...grants(context),
    userInfo: (accessToken: string, subject: string) =>
      askIssuer('resource', async ({ issuer: found, client, request }) => {
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
      askIssuer('token', async ({ issuer: found, client, auth, request }) => {
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
