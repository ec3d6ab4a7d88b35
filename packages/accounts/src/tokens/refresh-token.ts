import { decodeBase64url, encodeBase64url, randomText, sha256 } from '@apisec/core/host';

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

const IV_BYTES = 12;
const utf8 = new TextEncoder();

/** A token, encrypted with a key that only the one before it yields. */
export async function sealSuccessor(next: string, before: string): Promise<string> {
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const key = await successorKey(before);
  const sealed = await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, key, utf8.encode(next));
  return `${encodeBase64url(iv)}.${encodeBase64url(new Uint8Array(sealed))}`;
}

/** Undefined where the token before it is another one, or the text was changed. */
export async function openSuccessor(sealed: string, before: string): Promise<string | undefined> {
  const [iv, text] = sealed.split('.').map((part) => decodeBase64url(part));
  if (iv === undefined || text === undefined) return undefined;
  try {
    const key = await successorKey(before);
    const opened = await crypto.subtle.decrypt({ name: 'AES-GCM', iv }, key, text);
    const next = new TextDecoder().decode(opened);
    return isRefreshToken(next) ? next : undefined;
  } catch {
    return undefined;
  }
}

/** 264 random bits are in a token, so one step of HKDF makes a key (RFC 5869). */
async function successorKey(before: string): Promise<CryptoKey> {
  const token = utf8.encode(before);
  const key = await crypto.subtle.importKey('raw', token, 'HKDF', false, ['deriveKey']);
  const info = utf8.encode('apisec refresh token successor');
  const hkdf = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(0), info };
  const aes = { name: 'AES-GCM', length: 256 };
  return crypto.subtle.deriveKey(hkdf, key, aes, false, ['encrypt', 'decrypt']);
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
