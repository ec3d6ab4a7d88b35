import { withinTime } from '@apisec/core/host';
import * as oauth from 'oauth4webapi';
import { boundedFetch } from '../lib/bounded-fetch.ts';
import type { ClientContext, IssuerRequest } from './client-context.ts';
import type { OAuthClient, RefreshRequest, TokenSet } from './client-types.ts';
import { type OAuthDenied, unavailable } from './failures.ts';
import { unusedRefreshToken } from './unused-refresh-token.ts';

/** How many times the timeout a late answer is still waited for. */
const LATE = 6;

/**
 * New tokens for a refresh token. An issuer that rotates them has used the one before when it answers. So an answer is
 * waited for that comes late, and its refresh token is handed on though the rest cannot be taken.
 */
export function refreshGrant({
  settings,
  askIssuer,
  parametersOf,
  tokensOf,
}: ClientContext): OAuthClient['refresh'] {
  const patientFetch = boundedFetch(settings.fetch, settings.timeoutMs * LATE);

  const ask = async (
    { issuer, client, auth, request: options }: IssuerRequest,
    refreshToken: string,
    request: RefreshRequest,
  ): Promise<TokenSet | OAuthDenied> => {
    const response = await oauth.refreshTokenGrantRequest(
      issuer.metadata,
      client,
      auth,
      refreshToken,
      {
        ...options,
        ...(request.onLate && { [oauth.customFetch]: patientFetch }),
        additionalParameters: parametersOf(request, false),
      },
    );
    const copy = response.clone();
    let isAccepted = false;
    try {
      const answer = await oauth.processRefreshTokenResponse(issuer.metadata, client, response);
      const { subject, scope = settings.scope } = request;
      const tokens = await tokensOf(answer, issuer, scope, { subject });
      isAccepted = tokens.ok;
      return tokens;
    } finally {
      const successor = isAccepted ? undefined : await unusedRefreshToken(copy, request.subject);
      if (successor !== undefined) request.onSuccessor?.(successor);
    }
  };

  return async (refreshToken, request = {}) => {
    const { onLate } = request;
    let send: (() => void) | undefined;
    const sent = new Promise<void>((resolve) => {
      send = resolve;
    });
    const answer = askIssuer('token', (one) => {
      send?.();
      return ask(one, refreshToken, request);
    });
    if (onLate === undefined) return answer;
    await Promise.race([answer, sent]);
    return withinTime(answer, settings.timeoutMs).catch((cause: unknown) => {
      onLate(answer);
      return unavailable(cause);
    });
  };
}
