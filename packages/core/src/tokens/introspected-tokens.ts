import { boundedCache } from '../lib/bounded-cache.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { type Duration, durationMs } from '../lib/duration.ts';
import { fairAllowance } from '../lib/fair-allowance.ts';
import { type Flight, isStalled, joinFlight } from '../lib/flight.ts';
import { keepAlive } from '../lib/keep-alive.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import { assertKnownOptions } from '../lib/options.ts';

/** How long and how many answers are remembered. */
export interface IntrospectionCacheOptions {
  /** Active tokens that are remembered, and as many inactive ones beside them. Default: 10,000. */
  readonly maxEntries?: number | undefined;
  /** Estimated memory of active tokens, in bytes; inactive ones may take a quarter of it. Default: 32 MiB. */
  readonly maxBytes?: number | undefined;
  /**
   * The longest time for which an active answer is relied on: so late a revocation at the issuer is seen, and
   * so long known tokens go on while it fails. Never beyond the token's own end. Default: `30s`.
   */
  readonly maxRevocationDelay?: Duration | undefined;
  /** The longest time for which an inactive answer is relied on. Default: `5s`. */
  readonly maxInactiveAge?: Duration | undefined;
}

const CACHE_OPTIONS = ['maxEntries', 'maxBytes', 'maxRevocationDelay', 'maxInactiveAge'] as const;

/** How much the issuer is asked by one process. */
export interface IntrospectionLoadOptions {
  /** Tokens that are asked about at the same time. Default: 50. */
  readonly maxConcurrent?: number | undefined;
  /**
   * Questions in a second about tokens that are not known to be good, before unknown tokens are denied for a moment;
   * whoever turns out good is not counted. Guessing tokens then costs the issuer no more than this, and one address
   * (a /64 prefix of IPv6) may use up a fifth of it, so that it does not keep out the others. Default: 50.
   */
  readonly maxInactivePerSecond?: number | undefined;
}

/** What came of asking about one token. All times in epoch milliseconds. */
export type LookUp<T> =
  | {
      readonly kind: 'good';
      readonly answer: T;
      readonly endsAt: number;
      readonly bytes: number;
    }
  | { readonly kind: 'bad'; readonly answer: T }
  | {
      readonly kind: 'failed';
      readonly unreachable: boolean;
      /** The connection broke before anything came back: worth one more question. */
      readonly isBroken?: boolean;
      readonly cause: unknown;
    };

/** What is answered where nobody was asked, or nobody answered. */
export interface LookUpDenials<T> {
  readonly unavailable: (retryAfterMs: number, cause: unknown) => T;
  readonly overloaded: T;
}

/**
 * Answers what is known of a token, or asks. `peer`: who calls, where the host knows. `call`: the request, whose
 * host is kept alive while a token is asked about beside it.
 */
export type AskIntrospected<T> = (
  credentials: string,
  at: number,
  look: () => Promise<LookUp<T>>,
  peer?: string,
  call?: object,
) => MaybePromise<T>;

interface Known<T> {
  readonly answer: T;
  readonly from: number;
  readonly until: number;
  refreshAt: number;
}

const BYTES_PER_CHARACTER = 5;
const BYTES_PER_ENTRY = 1500;
const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 30_000;
/** How much longer than its fetches a question may take, for the keys of signed answers. */
const LANDING = 1_000;

/**
 * Remembers what an issuer said of tokens, asks once for all who ask at the same time, and spares an issuer
 * that does not answer. Entries are keyed by the scheme and the whole token.
 *
 * @throws ConfigurationError when a bound is out of range.
 */
export function introspectedTokens<T>(
  policy: string,
  cache: false | IntrospectionCacheOptions = {},
  { maxConcurrent = 50, maxInactivePerSecond = 50 }: IntrospectionLoadOptions,
  denials: LookUpDenials<T>,
  { timeoutMs, now }: { readonly timeoutMs: number; readonly now: () => number },
): AskIntrospected<T> {
  const { maxEntries = 10_000, maxBytes = 33_554_432 } = cache || {};
  const where = `${policy}: cache`;
  assertKnownOptions(where, cache || {}, CACHE_OPTIONS);
  const lifetimeOf = (option: 'maxRevocationDelay' | 'maxInactiveAge', usual: Duration): number =>
    cache === false ? 0 : durationMs(where, option, cache[option] ?? usual);
  const lifetime = lifetimeOf('maxRevocationDelay', '30s');
  const badLifetime = Math.min(lifetimeOf('maxInactiveAge', '5s'), lifetime);
  assertConfiguration(
    maxEntries >= 2 && maxBytes > 0,
    `${where}: its bounds must be positive; to do without it say cache: false.`,
  );
  assertConfiguration(
    maxConcurrent >= 1 && maxInactivePerSecond >= 1,
    `${policy}: maxConcurrent and maxInactivePerSecond must be at least 1.`,
  );
  const good = boundedCache<Known<T>>({ maxEntries, maxBytes });
  const bad = boundedCache<Known<T>>({ maxEntries, maxBytes: maxBytes / 4 });
  const flights = new Map<string, Flight<T>>();
  /** Questions without any answer since the last one with an answer. */
  let failures = 0;
  let pausedUntil = 0;
  let lastCause: unknown;
  const allow = fairAllowance(maxInactivePerSecond);
  // One may ask twice.
  const patience = timeoutMs * 2 + LANDING;

  const isPaused = (at: number): boolean =>
    failures > 0 && at < pausedUntil && at >= pausedUntil - LONGEST_PAUSE;
  const unavailable = (at: number, cause: unknown): T =>
    denials.unavailable(Math.max(FIRST_PAUSE, pausedUntil - at), cause);

  /** After a failure one question at a time finds out whether the issuer is back. */
  const hasRoom = (at: number): boolean => {
    const most = failures > 0 ? 1 : maxConcurrent;
    if (flights.size < most) return true;
    for (const [key, flight] of flights) if (isStalled(flight, patience, at)) flights.delete(key);
    return flights.size < most;
  };

  const failed = (unreachable: boolean, cause: unknown): T => {
    const at = now();
    lastCause = cause;
    // What failed together counts once; and what a token alone can cause must not shut out the others.
    if (unreachable && !isPaused(at)) {
      pausedUntil = at + Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** failures);
      failures++;
    }
    return unavailable(at, cause);
  };
  const conclude = (credentials: string, startedAt: number, found: LookUp<T>): T => {
    if (found.kind === 'failed') return failed(found.unreachable, found.cause);
    failures = 0;
    const { answer } = found;
    if (found.kind === 'bad') {
      good.delete(credentials);
      const until = startedAt + badLifetime;
      const entry = { answer, from: startedAt, until, refreshAt: until };
      if (badLifetime > 0) bad.set(credentials, entry, credentials.length * 2 + 200);
      return answer;
    }
    bad.delete(credentials);
    // As of when it was asked: what was revoked in between is found out by the next question.
    const until = Math.min(found.endsAt, startedAt + lifetime);
    if (until <= startedAt) return answer;
    const bytes = (credentials.length + found.bytes) * BYTES_PER_CHARACTER + BYTES_PER_ENTRY;
    const refreshAt = startedAt + (until - startedAt) / 2;
    good.set(credentials, { answer, from: startedAt, until, refreshAt }, bytes);
    return answer;
  };
  const once = (look: () => Promise<LookUp<T>>): Promise<LookUp<T>> =>
    look().catch((cause: unknown): LookUp<T> => ({ kind: 'failed', unreachable: false, cause }));
  const ask = (
    credentials: string,
    at: number,
    look: () => Promise<LookUp<T>>,
    giveBack: () => void,
  ): Promise<T> => {
    const landing = once(look)
      // One broken connection says nothing of the issuer; while it is known to fail, one question is enough.
      .then((found) =>
        found.kind === 'failed' && found.isBroken && failures === 0 ? once(look) : found,
      )
      .then((found) => {
        if (found.kind === 'good') giveBack();
        return conclude(credentials, at, found);
      })
      .finally(() => {
        if (flights.get(credentials)?.landing === landing) flights.delete(credentials);
      });
    flights.set(credentials, { landing, startedAt: at });
    return landing;
  };
  const recall = (from: typeof good, credentials: string, at: number): Known<T> | undefined => {
    const entry = from.get(credentials);
    if (entry === undefined || (at >= entry.from && at < entry.until)) return entry;
    from.delete(credentials);
    return undefined;
  };

  /** Asks about a token that is not known yet, as long as not too many callers bring one. */
  const askUnknown: AskIntrospected<T> = (credentials, at, look, peer) => {
    if (isPaused(at)) return unavailable(at, lastCause);
    // Taken when asking: what is in flight may all turn out bad.
    const giveBack = hasRoom(at) ? allow(peer, at) : undefined;
    if (giveBack === undefined) {
      return failures > 0 ? unavailable(at, lastCause) : denials.overloaded;
    }
    return ask(credentials, at, look, giveBack);
  };

  const answer = (
    credentials: string,
    at: number,
    look: () => Promise<LookUp<T>>,
    peer: string | undefined,
    call: object | undefined,
    isLast: boolean,
  ): MaybePromise<T> => {
    const known = recall(good, credentials, at);
    const flight = flights.get(credentials);
    if (known !== undefined) {
      const isUnderWay = flight !== undefined && !isStalled(flight, patience, at);
      // Asked again ahead of time, so that nobody waits and an outage finds the answer young.
      if (at >= known.refreshAt && !isUnderWay && !isPaused(at) && hasRoom(at)) {
        // Should it fail, there is time to try again.
        known.refreshAt = at + (known.until - known.from) / 8;
        keepAlive(
          call,
          ask(credentials, at, look, () => undefined),
        );
      }
      return known.answer;
    }
    const denied = recall(bad, credentials, at);
    if (denied !== undefined) return denied.answer;
    const joined = joinFlight(flight, patience, at);
    if (joined === undefined) return askUnknown(credentials, at, look, peer);
    return joined.catch((cause: unknown) => {
      if (flights.get(credentials) === flight) flights.delete(credentials);
      // Perhaps somebody who waited beside has asked already.
      return isLast
        ? unavailable(now(), cause)
        : answer(credentials, now(), look, peer, call, true);
    });
  };
  return (credentials, at, look, peer, call) => answer(credentials, at, look, peer, call, false);
}
