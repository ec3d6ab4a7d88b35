import type { SessionRecord, SessionStore } from '@apisec/core';
import { type Flight, joinFlight } from '@apisec/core/host';
import type { OAuthClient, TokenSet } from '../client/client-types.ts';
import { denied, type OAuthDenied } from '../client/failures.ts';
import { randomFraction } from '../lib/random.ts';
import { openWithToken, sealWithToken } from '../lib/sealing.ts';
import { sleep } from '../lib/sleep.ts';
import { takeLease } from './renewal-lease.ts';
import { sessionGone, storeDown, tokenMissing } from './session-denials.ts';

/** The tokens of a session, as they are kept. */
export interface StoredTokens {
  readonly accessToken: string;
  readonly tokenType: 'Bearer' | 'DPoP';
  /** Epoch milliseconds. */
  readonly expiresAt?: number | undefined;
  /** From here on it is renewed when it is asked for. */
  readonly renewAt?: number | undefined;
  readonly refreshToken?: string | undefined;
  readonly idToken?: string | undefined;
}

/** An access token that can be used, or why there is none. */
export type AccessTokenResult =
  | {
      readonly ok: true;
      readonly accessToken: string;
      readonly tokenType: 'Bearer' | 'DPoP';
      readonly expiresAt?: number | undefined;
    }
  | OAuthDenied;

/** What renewing needs. */
export interface RenewalRules {
  readonly store: SessionStore;
  readonly clientOf: (session: SessionRecord) => OAuthClient | undefined;
  /** For how long others wait for a process that was killed while it renewed. */
  readonly leaseMs: number;
  /** For how long the others wait for it. */
  readonly waitMs: number;
  readonly now: () => number;
}

/** A token is renewed so long before its end, but never in the first four fifths of its life. */
const RENEW_BEFORE_MS = 30_000;
const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 200;
const MOST_WRITES = 20;
/** Answers of the issuer that a refresh may wait for: metadata at two places, the token twice, keys twice. */
const MOST_ANSWERS = 6;
/** The same where each answer for the token comes so late that nobody but the store waits for it. */
const MOST_LATE_ANSWERS = 16;
/** Beside the wait for a lease. */
const STALLED_AFTER_MS = 120_000;

export async function sealTokens(token: string, tokens: StoredTokens): Promise<string> {
  return sealWithToken(token, JSON.stringify(tokens));
}

/** Undefined where there are none, or they were sealed for another cookie. */
export async function openTokens(
  token: string,
  sealed: string | undefined,
): Promise<StoredTokens | undefined> {
  const text = sealed === undefined ? undefined : await openWithToken(token, sealed);
  // Only this file seals with a key that the token yields.
  return text === undefined ? undefined : (JSON.parse(text) as StoredTokens);
}

/** What of a token set is kept. */
export function storedTokens(tokens: TokenSet, time: number, before?: StoredTokens): StoredTokens {
  const { accessToken, tokenType, expiresAt } = tokens;
  // An issuer that does not rotate sends no new refresh token (RFC 6749 §6), and often no ID token.
  const refreshToken = tokens.refreshToken ?? before?.refreshToken;
  const idToken = tokens.idToken ?? before?.idToken;
  const renewAt =
    expiresAt === undefined
      ? undefined
      : expiresAt - Math.min(RENEW_BEFORE_MS, (expiresAt - time) / 5);
  return { accessToken, tokenType, expiresAt, renewAt, refreshToken, idToken };
}

/**
 * Access tokens of sessions. At its end a token is renewed once for all calls of all processes: one of them has the
 * lease, the others wait for what it writes, for a bounded time. Whoever lost the lease writes only where nothing was
 * written since, and ends nothing. While the issuer is down, a token that still lives goes on; and it does while
 * somebody else renews it.
 *
 * An issuer that rotates refresh tokens may have used one whose answer comes too late for the call. So the lease is
 * kept, and what comes is written: to ask again with the old one would end the grant.
 */
export function sessionTokens(
  rules: RenewalRules,
): (token: string, session: SessionRecord) => Promise<AccessTokenResult> {
  const { now } = rules;
  const flights = new Map<string, Flight<AccessTokenResult>>();
  const begin = (token: string, id: string): Promise<AccessTokenResult> => {
    const flight = { landing: renew(rules, token, id, isFresh), startedAt: now() };
    const land = (): void => {
      if (flights.get(id) === flight) flights.delete(id);
    };
    flights.set(id, flight);
    flight.landing.then(land, land);
    return flight.landing;
  };
  /** For what another call of this process has begun. */
  const join = (session: SessionRecord): Promise<AccessTokenResult> | undefined => {
    const { timeoutMs = 0 } = rules.clientOf(session)?.settings ?? {};
    const patienceMs = rules.waitMs + timeoutMs * MOST_ANSWERS;
    const flight = flights.get(session.id);
    return joinFlight(flight, patienceMs, now(), rules.waitMs + STALLED_AFTER_MS);
  };
  const isFresh = ({ renewAt }: StoredTokens): boolean => renewAt === undefined || now() < renewAt;

  return async (token, session) => {
    let tokens: StoredTokens | undefined;
    try {
      tokens = await openTokens(token, session.tokens);
      if (tokens === undefined) return tokenMissing();
      if (isFresh(tokens)) return usable(tokens);
      return await (join(session) ?? begin(token, session.id));
    } catch (cause) {
      return stillLives(tokens, now) ?? storeDown(cause);
    }
  };
}

async function renew(
  rules: RenewalRules,
  token: string,
  id: string,
  isFresh: (tokens: StoredTokens) => boolean,
): Promise<AccessTokenResult> {
  const { store, clientOf, leaseMs, waitMs, now } = rules;
  // Counted, not read from a clock: one that stands still must not keep calls waiting.
  let waited = 0;
  let pause = FIRST_PAUSE_MS;
  for (;;) {
    const session = await store.read(id);
    if (session === undefined) return sessionGone();
    const tokens = await openTokens(token, session.tokens);
    if (tokens === undefined) return tokenMissing();
    if (isFresh(tokens)) return usable(tokens);
    const client = clientOf(session);
    const { refreshToken } = tokens;
    if (client === undefined || refreshToken === undefined) {
      return stillLives(tokens, now) ?? tokenMissing();
    }
    const longestMs = leaseMs + client.settings.timeoutMs * MOST_LATE_ANSWERS;
    const lease = await takeLease({ store, leaseMs, longestMs, now }, id);
    if (lease !== undefined) {
      let late: Promise<unknown> | undefined;
      try {
        // Somebody may have written between the reading and the lease.
        const again = await store.read(id);
        if (again?.tokens !== session.tokens) continue;
        if (lease.isHeld()) {
          const onAnswer = (result: TokenSet | OAuthDenied) =>
            keep(rules, client, token, session, tokens, result);
          const result = await client.refresh(refreshToken, {
            subject: session.subject,
            onLate: (answer) => {
              late = answer.then(onAnswer);
            },
          });
          if (late === undefined) return await onAnswer(result);
          return stillLives(tokens, now) ?? result;
        }
      } finally {
        // Where that fails, it ends by itself.
        const giveBack = () => lease.giveBack().catch(() => undefined);
        if (late === undefined) await giveBack();
        else void late.then(giveBack, giveBack);
      }
    }
    const alive = stillLives(tokens, now);
    if (alive !== undefined) return alive;
    if (waited >= waitMs) return busy();
    await sleep(pause * (0.5 + randomFraction() / 2));
    waited += pause;
    pause = Math.min(pause * 1.5, LONGEST_PAUSE_MS);
  }
}

/** Writes down what the issuer has answered, and answers what can be used. */
async function keep(
  { store, now }: RenewalRules,
  client: OAuthClient,
  token: string,
  session: SessionRecord,
  tokens: StoredTokens,
  result: TokenSet | OAuthDenied,
): Promise<AccessTokenResult> {
  const { id } = session;
  if (result.ok) {
    const next = storedTokens(result, now(), tokens);
    const sealed = await sealTokens(token, next);
    const written = await writeWhile(store, session, (current) =>
      store.replace(current.version, {
        ...current,
        version: current.version + 1,
        tokens: sealed,
      }),
    );
    if (written === 'done') return usable(next);
    // The session has ended meanwhile: what was fetched for it must not live on.
    if (written === 'gone') {
      const { refreshToken: unused } = next;
      if (unused !== undefined) void client.revoke(unused, 'refresh_token');
      return sessionGone();
    }
    return usable(next);
  }
  const alive = stillLives(tokens, now);
  if (alive !== undefined) return alive;
  if (result.denial.code !== 'oauth.grant_denied') return result;
  const ended = await writeWhile(store, session, (current) => store.delete(id, current.version));
  if (ended === 'renewed') {
    const successor = await store.read(id);
    const renewed = await openTokens(token, successor?.tokens);
    if (renewed !== undefined) return stillLives(renewed, now) ?? busy();
  }
  return denied('unauthenticated', 'session.refresh_denied', {
    detail: 'The session has ended. Sign in again.',
    cause: result.denial.cause,
  });
}

/** Writes to a session for as long as nobody else has renewed its tokens; touches by others are let by. */
async function writeWhile(
  store: SessionStore,
  { id, tokens }: SessionRecord,
  write: (current: SessionRecord) => boolean | Promise<boolean>,
): Promise<'done' | 'gone' | 'renewed'> {
  for (let attempt = 0; attempt < MOST_WRITES; attempt++) {
    const current = await store.read(id);
    if (current === undefined) return 'gone';
    if (current.tokens !== tokens) return 'renewed';
    if (await write(current)) return 'done';
  }
  throw new Error('The session was written to too often.');
}

function usable({ accessToken, tokenType, expiresAt }: StoredTokens): AccessTokenResult {
  return { ok: true, accessToken, tokenType, expiresAt };
}

function stillLives(
  tokens: StoredTokens | undefined,
  now: () => number,
): AccessTokenResult | undefined {
  if (tokens === undefined) return undefined;
  return now() < (tokens.expiresAt ?? Number.POSITIVE_INFINITY) ? usable(tokens) : undefined;
}

function busy(): OAuthDenied {
  return denied('unavailable', 'oauth.unavailable', {
    detail: 'The identity provider cannot be reached at the moment.',
    retryAfterMs: 1_000,
  });
}
