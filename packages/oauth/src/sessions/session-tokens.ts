import type { SessionRecord } from '@apisec/core';
import { type Flight, joinFlight } from '@apisec/core/host';
import type { OAuthClient, TokenSet } from '../client/client-types.ts';
import type { OAuthDenied } from '../client/failures.ts';
import { randomFraction } from '../lib/random.ts';
import { sleep } from '../lib/sleep.ts';
import { takeLease } from './renewal-lease.ts';
import { keepAnswer, type RenewalStore } from './renewed-tokens.ts';
import { sessionGone, storeDown, tokenMissing, tokensBusy } from './session-denials.ts';
import {
  type AccessTokenResult,
  openTokens,
  type StoredTokens,
  stillLives,
  usable,
} from './stored-tokens.ts';

/** What renewing needs. */
export interface RenewalRules extends RenewalStore {
  readonly clientOf: (session: SessionRecord) => OAuthClient | undefined;
  /** For how long others wait for a process that was killed while it renewed. */
  readonly leaseMs: number;
  /** For how long the others wait for it. */
  readonly waitMs: number;
}

const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 200;
/** Answers of the issuer that a refresh may wait for: metadata at two places, the token twice, keys twice. */
const MOST_ANSWERS = 6;
/** The same where each answer for the token comes so late that nobody but the store waits for it. */
const MOST_LATE_ANSWERS = 16;
/** Beside the wait for a lease. */
const STALLED_AFTER_MS = 120_000;

/**
 * Access tokens of sessions. At its end a token is renewed once for all calls of all processes: one of them has the
 * lease, the others wait for what it writes, for a bounded time. Whoever lost the lease writes only where nothing was
 * written since, and ends nothing. While the issuer is down, a token that still lives goes on; and it does while
 * somebody else renews it.
 *
 * An issuer that rotates refresh tokens may have used one whose answer comes too late for the call, or cannot be
 * written at once. So the lease is kept until it is: to ask again with the old one would end the grant.
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
      let unfinished: Promise<unknown> | undefined;
      try {
        // Somebody may have written between the reading and the lease.
        const again = await store.read(id);
        if (again?.tokens !== session.tokens) continue;
        if (lease.isHeld()) {
          let successor: string | undefined;
          const keep = (result: TokenSet | OAuthDenied) =>
            keepAnswer(rules, { client, token, session, tokens, successor }, result);
          const result = await client.refresh(refreshToken, {
            subject: session.subject,
            onSuccessor: (next) => {
              successor = next;
            },
            onLate: (answer) => {
              unfinished = answer.then((late) => keep(late).written);
            },
          });
          if (unfinished !== undefined) return stillLives(tokens, now) ?? result;
          const kept = keep(result);
          unfinished = kept.written;
          const answer = await kept.answer;
          unfinished = undefined;
          return answer;
        }
      } finally {
        // Where that fails, it ends by itself.
        const giveBack = () => lease.giveBack().catch(() => undefined);
        if (unfinished === undefined) await giveBack();
        else void unfinished.then(giveBack, giveBack);
      }
    }
    const alive = stillLives(tokens, now);
    if (alive !== undefined) return alive;
    if (waited >= waitMs) return tokensBusy();
    await sleep(pause * (0.5 + randomFraction() / 2));
    waited += pause;
    pause = Math.min(pause * 1.5, LONGEST_PAUSE_MS);
  }
}
