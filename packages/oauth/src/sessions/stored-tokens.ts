import type { TokenSet } from '../client/client-types.ts';
import type { OAuthDenied } from '../client/failures.ts';
import { openWithToken, sealWithToken } from '../lib/sealing.ts';

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

/** A token is renewed so long before its end, but never in the first four fifths of its life. */
const RENEW_BEFORE_MS = 30_000;

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

export function usable({ accessToken, tokenType, expiresAt }: StoredTokens): AccessTokenResult {
  return { ok: true, accessToken, tokenType, expiresAt };
}

/** The token of before, for as long as it can be used. */
export function stillLives(
  tokens: StoredTokens | undefined,
  now: () => number,
): AccessTokenResult | undefined {
  if (tokens === undefined) return undefined;
  return now() < (tokens.expiresAt ?? Number.POSITIVE_INFINITY) ? usable(tokens) : undefined;
}
