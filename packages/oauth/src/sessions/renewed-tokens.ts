import type { SessionRecord, SessionStore } from '@apisec/core';
import type { OAuthClient, TokenSet } from '../client/client-types.ts';
import { denied, type OAuthDenied } from '../client/failures.ts';
import { sleep } from '../lib/sleep.ts';
import { sessionGone, tokensBusy } from './session-denials.ts';
import {
  type AccessTokenResult,
  openTokens,
  type StoredTokens,
  sealTokens,
  stillLives,
  storedTokens,
  usable,
} from './stored-tokens.ts';

/** Where sessions lie. */
export interface RenewalStore {
  readonly store: SessionStore;
  readonly now: () => number;
}

/** Whose tokens were to be renewed. */
export interface Renewed {
  readonly client: OAuthClient;
  /** What the cookie holds. */
  readonly token: string;
  /** As it was read before the refresh. */
  readonly session: SessionRecord;
  readonly tokens: StoredTokens;
  /** The refresh token of an answer that was denied for the rest of it. */
  readonly successor: string | undefined;
}

/** What became of an answer of the issuer. */
export interface Kept {
  /** What can be used. Rejects as soon as the store does not answer. */
  readonly answer: Promise<AccessTokenResult>;
  /** Done when it is written, also where the store answers late. */
  readonly written: Promise<unknown>;
}

const MOST_WRITES = 20;
const RETRY_AFTER_MS = 250;
/** As long as stores take to fail over. */
const LONGEST_OUTAGE_MS = 60_000;

/**
 * Writes down what the issuer has answered. Its refresh token may be the only one that is still good: while the store
 * does not answer, writing it is tried again, and calls are told at once that it does not.
 */
export function keepAnswer(
  rules: RenewalStore,
  renewed: Renewed,
  result: TokenSet | OAuthDenied,
): Kept {
  const { tokens, successor } = renewed;
  if (!result.ok && successor === undefined) {
    const answer = conclude(rules, renewed, result);
    return { answer, written: answer };
  }
  const next = result.ok
    ? storedTokens(result, rules.now(), tokens)
    : { ...tokens, refreshToken: successor };
  let fail: ((cause: unknown) => void) | undefined;
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  const written = persistently(
    () => write(rules, renewed, next),
    (cause) => fail?.(cause),
  ).then((outcome) => {
    if (outcome === 'gone') return sessionGone();
    return result.ok ? usable(next) : (stillLives(tokens, rules.now) ?? result);
  });
  return { answer: Promise.race([written, failed]), written };
}

async function persistently<T>(
  task: () => Promise<T>,
  onFailure: (cause: unknown) => void,
): Promise<T> {
  for (let waited = 0; ; waited += RETRY_AFTER_MS) {
    try {
      return await task();
    } catch (cause) {
      onFailure(cause);
      if (waited >= LONGEST_OUTAGE_MS) throw cause;
      await sleep(RETRY_AFTER_MS);
    }
  }
}

async function write(
  { store }: RenewalStore,
  { client, token, session }: Renewed,
  next: StoredTokens,
): Promise<'done' | 'gone' | 'renewed'> {
  const sealed = await sealTokens(token, next);
  const written = await writeWhile(store, session, (current) =>
    store.replace(current.version, { ...current, version: current.version + 1, tokens: sealed }),
  );
  // The session has ended meanwhile: what was fetched for it must not live on.
  if (written === 'gone' && next.refreshToken !== undefined) {
    void client.revoke(next.refreshToken, 'refresh_token');
  }
  return written;
}

/** What follows where the issuer has sent nothing that is to be kept. */
async function conclude(
  { store, now }: RenewalStore,
  { token, session, tokens }: Renewed,
  result: OAuthDenied,
): Promise<AccessTokenResult> {
  const alive = stillLives(tokens, now);
  if (alive !== undefined) return alive;
  if (result.denial.code !== 'oauth.grant_denied') return result;
  const { id } = session;
  const ended = await writeWhile(store, session, (current) => store.delete(id, current.version));
  if (ended === 'renewed') {
    const successor = await store.read(id);
    const renewed = await openTokens(token, successor?.tokens);
    if (renewed !== undefined) return stillLives(renewed, now) ?? tokensBusy();
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
  throw new Error('The session was changed too often at the same time.');
}
