import { crossOrigin, type ReplayStore } from '@apisec/core';
import { report, sha256 } from '@apisec/core/host';
import type { OAuthClient } from '../client/client-types.ts';
import { denied } from '../client/failures.ts';
import type { Sessions } from '../sessions/session.ts';
import { type Answers, formOf, privately } from './answers.ts';

/** Whose sessions a logout at the issuer has ended. */
export interface LogoutAtIssuer {
  readonly issuer: string;
  readonly subject: string | undefined;
  readonly sid: string | undefined;
}

/** Ends a refresh token at its issuer; a failure is for operators alone. */
export type RevokeQuietly = (owner: OAuthClient, refreshToken: string) => Promise<void>;

export function quietRevocation(onFault: ((cause: unknown) => void) | undefined): RevokeQuietly {
  return async (owner, refreshToken) => {
    const revoked = await owner.revoke(refreshToken, 'refresh_token');
    if (!revoked.ok) report(onFault, revoked.denial.cause ?? revoked.denial);
  };
}

/** What logouts need of the routes beside them. */
export interface LogoutParts {
  readonly client: OAuthClient;
  readonly sessions: Sessions;
  readonly origin: string;
  /** Where a browser goes whose issuer has no page for logouts. */
  readonly home: string;
  readonly replay: ReplayStore;
  readonly onLogout: ((logout: LogoutAtIssuer) => void | Promise<void>) | undefined;
  readonly failed: Answers['failed'];
  readonly revokeQuietly: RevokeQuietly;
}

type Route = (request: Request) => Promise<Response>;

/** How a session ends: by its user, with a POST from this site, and by its issuer. */
export function logoutRoutes({
  client,
  sessions,
  origin,
  home,
  replay,
  onLogout,
  failed,
  revokeQuietly,
}: LogoutParts): { readonly logout: Route; readonly backchannelLogout: Route } {
  const fromHere = crossOrigin({ self: origin });
  const { now } = sessions;

  const logout = async (request: Request): Promise<Response> => {
    const checked = fromHere.check(request, {});
    if (!checked.ok) return failed(checked);
    const ended = await sessions.end(request);
    if (!ended.ok) return failed(ended);
    const { idToken, refreshToken } = ended.tokens ?? {};
    // A session may be that of another client of the same application: its tokens go to its own issuer alone.
    const { client: owner } = ended;
    if (owner !== undefined && refreshToken !== undefined) {
      // The session is over in any case; a token that could not be ended is of no use without it.
      void revokeQuietly(owner, refreshToken);
    }
    const next = await (owner?.endSession({ idToken }) ?? client.endSession());
    const location = (next.ok ? next.url : undefined) ?? home;
    const headers = privately({});
    headers.append('set-cookie', sessions.cookie.clear());
    if (request.headers.get('sec-fetch-mode') === 'navigate') {
      headers.set('location', location);
      return new Response(null, { status: 303, headers });
    }
    return Response.json({ location }, { headers });
  };

  const backchannelLogout = async (request: Request): Promise<Response> => {
    const form = await formOf(request);
    const [token, ...more] = form?.getAll('logout_token') ?? [];
    if (token === undefined || more.length > 0) {
      return failed(denied('malformed', 'logout.token_invalid'));
    }
    const verified = await client.verifyLogoutToken(token);
    if (!verified.ok) return failed(verified);
    const { issuer, subject, sid, issuedAt, jti, expiresAt } = verified;
    try {
      // First, and again where it failed before. Sessions of later logins stay, also where it is sent again.
      const before = issuedAt + client.settings.toleranceMs;
      await sessions.endByLogout({ issuer, subject, sid, before });
      const key = `logout ${await sha256(JSON.stringify([issuer, client.clientId, jti]))}`;
      if (!(await replay.putIfAbsent(key, Math.max(1, expiresAt - now())))) {
        return failed(denied('malformed', 'logout.token_used'));
      }
      await onLogout?.({ issuer, subject, sid });
    } catch (cause) {
      return failed(denied('unavailable', 'session.unavailable', { cause }));
    }
    return new Response(null, { status: 200, headers: privately({}) });
  };

  return { logout, backchannelLogout };
}
