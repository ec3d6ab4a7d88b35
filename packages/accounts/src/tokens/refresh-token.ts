import { randomText, sha256 } from '@apisec/core/host';

/** What all tokens of a family begin with, in characters; in bytes 18, and 33 for the rest: 264 bits. */
const FAMILY_LENGTH = 24;
const FAMILY_BYTES = 18;
const REST_BYTES = 33;
const REFRESH_TOKEN = /^[\w-]{68}$/;

/** The first token of a new family. */
export function firstRefreshToken(): string {
  return randomText(FAMILY_BYTES) + randomText(REST_BYTES);
}

/** The token that comes after another one of its family. */
export function nextRefreshToken(before: string): string {
  return before.slice(0, FAMILY_LENGTH) + randomText(REST_BYTES);
}

/** True for text in the form of a refresh token, whether or not it was ever issued. */
export function isRefreshToken(value: unknown): value is string {
  return typeof value === 'string' && REFRESH_TOKEN.test(value);
}

/** The beginning is a secret as well, so only who had a token of the family can name the family. */
export function familyIdOf(token: string): Promise<string> {
  return sha256(token.slice(0, FAMILY_LENGTH));
}

/** Why there are no tokens. All but the first two and the last are `invalid_grant` to the caller. */
export type TokenDenialReason =
  | 'refresh.invalid'
  | 'refresh.scope_exceeded'
  | 'refresh.malformed'
  | 'refresh.unknown'
  | 'refresh.expired'
  | 'refresh.revoked'
  | 'refresh.reused'
  | 'refresh.superseded'
  | 'refresh.client_mismatch'
  | 'refresh.key_mismatch'
  | 'refresh.unavailable';

/** No tokens. */
export interface TokensDenied {
  readonly ok: false;
  readonly code: TokenDenialReason;
  /** For `refresh.invalid`: what is wrong with what was asked for. */
  readonly problem?: string | undefined;
  /** For logs only. */
  readonly cause?: unknown;
}

/** Gives no tokens, for this reason. */
export function denied(code: TokenDenialReason, cause?: unknown): TokensDenied {
  return { ok: false, code, cause };
}
