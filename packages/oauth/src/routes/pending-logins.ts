import type { RequestLike } from '@apisec/core';
import { cookieJar, parseStrictObject, readCookies, sha256 } from '@apisec/core/host';
import type { LoginTransaction, OAuthClient } from '../client/client-types.ts';
import { denied, type OAuthDenied } from '../client/failures.ts';
import type { Session, Sessions } from '../sessions/session.ts';

const TRANSACTION_MS = 600_000;
/** The most logins under way in one browser; the oldest are dropped, so that no page can fill its header. */
const MOST_TRANSACTIONS = 5;

/** Whose session, and which. */
export type ReplacedSession = Pick<Session, 'issuer' | 'subject' | 'handle'>;

/** What the cookie of a login that is under way holds. */
export interface PendingLogin {
  readonly transaction: LoginTransaction;
  readonly returnTo: string;
  /** The session that the browser had, which ends with the login. */
  readonly replaced?: ReplacedSession | undefined;
  readonly expiresAt: number;
}

/** Logins that are under way, each in a cookie of its own. */
export interface PendingLogins {
  /** The cookies to set: that of the login, and those of old ones that give way. */
  readonly keep: (
    request: RequestLike,
    transaction: LoginTransaction,
    rest: Pick<PendingLogin, 'returnTo' | 'replaced'>,
  ) => Promise<readonly string[]>;
  /** The login that this browser has begun with that state, and the cookie that clears it. */
  readonly find: (
    request: RequestLike,
    state: string,
  ) => Promise<
    { readonly ok: true; readonly pending: PendingLogin; readonly clear: string } | OAuthDenied
  >;
  /** The sealing context of a login; its cookie opens for nothing else. */
  readonly contextOf: (state: string) => string;
}

/** Binds logins to the browser: an encrypted cookie for each `state`, which lives for ten minutes. */
export function pendingLogins(
  { now, insecureCookies, sealing }: Sessions,
  { issuer, clientId }: OAuthClient,
): PendingLogins {
  const jarOf = (id: string) => cookieJar('oauthRoutes', `login.${id}`, 'Lax', insecureCookies);
  const prefix = jarOf('x').name.slice(0, -1);
  const contextOf = (state: string): string => JSON.stringify(['login', issuer, clientId, state]);

  return {
    contextOf,
    keep: async (request, transaction, { returnTo, replaced }) => {
      const time = now();
      const expiresAt = time + TRANSACTION_MS;
      const pending: PendingLogin = { transaction, returnTo, replaced, expiresAt };
      const sealed = await sealing.seal(JSON.stringify(pending), contextOf(transaction.state));
      const jar = jarOf(`${time.toString(36)}.${await idOf(transaction.state)}`);
      const known = [...readCookies(request.headers.get('cookie'), prefix).keys()].toSorted(
        (one, other) => (one < other ? -1 : 1),
      );
      const old = known
        .slice(0, Math.max(0, known.length - MOST_TRANSACTIONS + 1))
        .map((name) => name.slice(prefix.length))
        .filter((id) => /^[\w.-]{1,60}$/.test(id));
      return [jar.set(sealed, TRANSACTION_MS / 1_000), ...old.map((id) => jarOf(id).clear())];
    },
    find: async (request, state) => {
      const cookies = readCookies(request.headers.get('cookie'), prefix);
      const suffix = `.${await idOf(state)}`;
      const name = [...cookies.keys()].find((each) => each.endsWith(suffix));
      const [sealed, ...more] = (name !== undefined && cookies.get(name)) || [];
      if (name === undefined || sealed === undefined || more.length > 0) {
        return denied('malformed', 'login.transaction_missing', {
          detail:
            'This login was not started in this browser, or it has been completed. Start again.',
        });
      }
      const text = await sealing.open(sealed, contextOf(state));
      // Only `keep` seals in this context, so the shape is known.
      const pending =
        text === undefined ? undefined : (parseStrictObject(text) as unknown as PendingLogin);
      if (pending?.transaction?.state !== state) {
        return denied('forbidden', 'login.transaction_invalid');
      }
      if (!(now() < pending.expiresAt)) return denied('gone', 'login.transaction_expired');
      return { ok: true, pending, clear: jarOf(name.slice(prefix.length)).clear() };
    },
  };
}

async function idOf(state: string): Promise<string> {
  return (await sha256(state)).slice(0, 22);
}
