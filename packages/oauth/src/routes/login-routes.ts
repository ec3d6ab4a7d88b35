import { freezeDeep, sha256 } from '@apisec/core/host';
import type { OAuthClient, TokenSet } from '../client/client-types.ts';
import { denied, type OAuthDenied } from '../client/failures.ts';
import { isNavigation } from '../sessions/authenticate-session.ts';
import type { NewSession, Sessions } from '../sessions/session.ts';
import { storedTokens } from '../sessions/stored-tokens.ts';
import { type Answers, pageTo, privately } from './answers.ts';
import { recordFailedLogins } from './login-acts.ts';
import type { RevokeQuietly } from './logout-routes.ts';
import { pendingLogins, type ReplacedSession } from './pending-logins.ts';
import { returnTarget } from './return-to.ts';
import { NAME, type RoutesSettings } from './routes-settings.ts';

/** What logins need of the routes beside them. */
export interface LoginParts extends Answers {
  readonly client: OAuthClient;
  readonly sessions: Sessions;
  readonly settings: RoutesSettings;
  readonly revokeQuietly: RevokeQuietly;
}

type Route = (request: Request) => Promise<Response>;

/** Claims of the protocol, which are useless after it. */
const PROTOCOL = new Set(['iss', 'aud', 'exp', 'iat', 'nbf', 'nonce', 'at_hash', 'c_hash', 'azp']);

/** How a login begins, and how the browser comes back from the issuer. */
export function loginRoutes({
  client,
  sessions,
  settings,
  failed,
  page,
  revokeQuietly,
}: LoginParts): { readonly login: Route; readonly callback: Route } {
  const { home, returnRules, replay, acrValues, onLogin, record } = settings;
  const { now } = sessions;
  const logins = pendingLogins(sessions, client);
  const recorded = recordFailedLogins(NAME, record, client);

  // Found out when a login begins: coming back from the issuer, a browser sends no `Strict` cookie.
  const sessionOf = async (request: Request): Promise<ReplacedSession | undefined> => {
    const reading = sessions.endsByLogout ? await sessions.read(request) : undefined;
    if (reading?.kind !== 'session') return undefined;
    const { issuer, subject, handle } = reading.session;
    return { issuer, subject, handle };
  };
  const login = async (request: Request): Promise<Response> => {
    // A script or a frame of another page could begin logins without end.
    const site = request.headers.get('sec-fetch-mode');
    if (site !== null && !isNavigation(request)) {
      return failed(denied('forbidden', 'login.not_a_navigation'));
    }
    const { searchParams } = new URL(request.url);
    const [wanted = home, ...more] = searchParams.getAll('returnTo');
    const returnTo = returnTarget(wanted, returnRules);
    if (returnTo === undefined || more.length > 0) {
      return failed(denied('malformed', 'login.return_denied'));
    }
    const acr = searchParams.getAll('acr');
    if (acr.some((each) => !acrValues.includes(each))) {
      return failed(denied('malformed', 'oauth.response_invalid'));
    }
    const begun = await client.authorize(acr.length > 0 ? { acrValues: acr } : {});
    if (!begun.ok) return page(begun, request);
    const { transaction, url } = begun;
    const headers = privately({ location: url });
    const replaced = await sessionOf(request);
    const cookies = await logins.keep(request, transaction, { returnTo, replaced });
    for (const cookie of cookies) headers.append('set-cookie', cookie);
    return new Response(null, { status: 303, headers });
  };

  const callback = async (request: Request): Promise<Response> => {
    const url = new URL(request.url);
    const state = url.searchParams.get('state') ?? '';
    const found = await logins.find(request, state);
    if (!found.ok) return page(await recorded(found, request), request);
    const { pending, clear } = found;
    const fail = async (failed: OAuthDenied, subject?: string): Promise<Response> =>
      page(await recorded(failed, request, subject), request, clear);
    let first: boolean;
    try {
      const left = Math.max(1, pending.expiresAt - now());
      first = await replay.putIfAbsent(`login ${await sha256(logins.contextOf(state))}`, left);
    } catch (cause) {
      return page(denied('unavailable', 'login.unavailable', { cause }), request);
    }
    if (!first) return fail(denied('forbidden', 'login.transaction_used'));
    // From here on a logout keeps the session from beginning.
    const provenAt = now();
    const tokens = await client.callback(url, pending.transaction, {
      onUnused: (refreshToken) => void revokeQuietly(client, refreshToken),
    });
    if (!tokens.ok) return fail(tokens);
    const { refreshToken } = tokens;
    // Where no session begins nobody holds its tokens, so they are revoked here.
    const giveBack = (): void => {
      if (refreshToken !== undefined) void revokeQuietly(client, refreshToken);
    };
    const user = userOf(client, tokens, provenAt, now());
    const start = async () => {
      await onLogin?.(tokens, request);
      return sessions.start(request, user);
    };
    const started = await start().catch((cause: unknown) => {
      giveBack();
      throw cause;
    });
    if (!started.ok) {
      giveBack();
      return fail(started, user.subject);
    }
    const { replaced } = pending;
    if (replaced !== undefined) {
      try {
        // Not recorded: the user is redirected and continues.
        await sessions.endOne(replaced, replaced.handle, { record: () => undefined });
      } catch (cause) {
        giveBack();
        return page(denied('unavailable', 'session.unavailable', { cause }), request, clear);
      }
    }
    return pageTo(pending.returnTo, [clear, started.setCookie]);
  };

  return { login, callback };
}

/** Who signs in, as the tokens of a checked login say. */
function userOf(
  { issuer, clientId }: OAuthClient,
  tokens: TokenSet,
  provenAt: number,
  time: number,
): NewSession {
  const { claims = {} } = tokens;
  const { sub, sid } = claims;
  const user = Object.entries(claims).filter(([name]) => !PROTOCOL.has(name));
  return {
    issuer,
    // The ID token was checked: it has a subject.
    subject: sub as string,
    clientId,
    sid: typeof sid === 'string' && sid !== '' ? sid : undefined,
    claims: freezeDeep({ scope: tokens.scope.join(' '), ...Object.fromEntries(user) }),
    tokens: storedTokens(tokens, time),
    provenAt,
  };
}
