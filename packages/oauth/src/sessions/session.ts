import type { RecordOption, RequestLike } from '@apisec/core';
import { type CookieJar, REPEATED_COOKIE, type readCookie } from '@apisec/core/host';
import type { OAuthClient } from '../client/client-types.ts';
import type { OAuthDenied } from '../client/failures.ts';
import type { Sealing } from '../lib/sealing.ts';
import type { AccessTokenResult, StoredTokens } from './stored-tokens.ts';

/** A session, as handlers see it. */
export interface Session {
  /** Names it in lists; cannot be presented as a cookie. */
  readonly handle: string;
  readonly issuer: string;
  readonly subject: string;
  readonly clientId: string;
  readonly sid: string | undefined;
  /** What the ID token said of the user. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** When it was proven who signs in. */
  readonly createdAt: number;
  readonly idleUntil: number;
  readonly expiresAt: number;
  /** The access token, renewed where it has ended. Hand it to your own APIs, never to the browser. */
  readonly accessToken: () => Promise<AccessTokenResult>;
}

/** A session as its user may see it in a list. */
export type SessionInfo = Omit<Session, 'accessToken'> & { readonly seenAt: number };

/** Who signs in. */
export interface NewSession {
  readonly issuer: string;
  readonly subject: string;
  readonly clientId: string;
  readonly sid?: string | undefined;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly tokens?: StoredTokens | undefined;
  /**
   * When it was proven who signs in, as epoch milliseconds: before the exchange of a code. A logout of this user since
   * then keeps the session from beginning (`session.ended`, 401). Default: now.
   */
  readonly provenAt?: number | undefined;
  /**
   * The handle of the session that is stepped up. Where the request comes with another one or with none, or it has
   * ended meanwhile, nothing begins (`session.unknown`, 401). Default: what the request has is replaced, whatever it
   * is.
   */
  readonly replaces?: string | undefined;
}

/** What the cookie of a request says. */
export type SessionReading =
  | { readonly kind: 'none' }
  | { readonly kind: 'bad'; readonly problem: 'malformed' | 'repeated' | 'unknown' }
  | { readonly kind: 'unavailable'; readonly cause: unknown }
  | { readonly kind: 'session'; readonly session: Session };

/** What a logout at the issuer is about. */
export interface EndedByLogout {
  readonly issuer: string;
  readonly subject: string | undefined;
  readonly sid: string | undefined;
  /** Sessions that began later are of a later login. Epoch milliseconds. */
  readonly before: number;
}

/** Whose sessions. */
export interface SessionOwner {
  readonly issuer: string;
  readonly subject: string;
}

/** Sessions of browsers, as `sessions` and `sealedSessions` make them. */
export interface Sessions {
  readonly cookie: CookieJar;
  /** False for sealed cookies: a client that asks for `offline_access` gets no routes with them. */
  readonly keepsRefreshTokens: boolean;
  /** False where a logout at the issuer cannot end sessions: `backchannel-logout` is not served then. */
  readonly endsByLogout: boolean;
  readonly clients: readonly OAuthClient[];
  readonly sealing: Sealing;
  readonly insecureCookies: boolean;
  readonly now: () => number;
  /**
   * Begins a session under a new id, and ends the one that the request had: an id from before a login is worth nothing
   * after it. Answers the cookie; send `Cache-Control: no-store` with it. Recorded as `session.created`, or as
   * `session.renewed` where it `replaces` one; a session that could not be recorded is nobody's
   * (`session.unavailable`).
   */
  readonly start: (
    request: RequestLike,
    user: NewSession,
    options?: RecordOption,
  ) => Promise<{ readonly ok: true; readonly setCookie: string } | OAuthDenied>;
  readonly read: (request: RequestLike) => SessionReading | Promise<SessionReading>;
  /** Ends the session of a request; answers what its tokens were, so that they can be ended too. */
  readonly end: (
    request: RequestLike,
    options?: RecordOption,
  ) => Promise<
    | {
        readonly ok: true;
        readonly tokens: StoredTokens | undefined;
        /** The client that the tokens were issued to: no other issuer may see them. */
        readonly client: OAuthClient | undefined;
      }
    | OAuthDenied
  >;
  /** Ends the session with this handle, if it is one of this user; false where there is none that goes on. */
  readonly endOne: (
    owner: SessionOwner,
    handle: string,
    options?: RecordOption,
  ) => Promise<boolean>;
  /**
   * Ends all sessions of a user, or all but one; tells how many, where that is known. Logins that are about to begin a
   * session begin none.
   */
  readonly endAll: (
    owner: SessionOwner,
    exceptHandle?: string,
    options?: RecordOption,
  ) => Promise<number | undefined>;
  /**
   * Ends what a logout at the issuer is about, also where it is about to begin; tells how many, where that is known.
   */
  readonly endByLogout: (logout: EndedByLogout) => Promise<number | undefined>;
  readonly list: (owner: SessionOwner) => Promise<readonly SessionInfo[]>;
}

/** The client whose login began a session. */
export function clientOfSession(
  clients: readonly OAuthClient[],
  { issuer, clientId }: Pick<Session, 'issuer' | 'clientId'>,
): OAuthClient | undefined {
  return clients.find((client) => client.issuer === issuer && client.clientId === clientId);
}

/** What a cookie holds, where it is one that could be good; otherwise what a reading of it comes to. */
export function cookieValue(
  value: ReturnType<typeof readCookie>,
  couldBeGood: (value: string) => boolean,
): string | SessionReading {
  if (value === undefined || value === '') return NONE;
  if (value === REPEATED_COOKIE) return REPEATED;
  return couldBeGood(value) ? value : MALFORMED;
}

const NONE: SessionReading = Object.freeze({ kind: 'none' });
export const UNKNOWN: SessionReading = Object.freeze({ kind: 'bad', problem: 'unknown' });
const MALFORMED: SessionReading = Object.freeze({ kind: 'bad', problem: 'malformed' });
const REPEATED: SessionReading = Object.freeze({ kind: 'bad', problem: 'repeated' });
