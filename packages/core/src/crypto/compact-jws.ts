import { decodeBase64url } from '../lib/base64url.ts';
import { member, parseStrictObject } from '../lib/strict-json.ts';

/** A JWS in compact form, taken apart but not verified. */
export interface CompactJws {
  readonly header: Readonly<Record<string, unknown>>;
  readonly alg: string;
  readonly kid: string | undefined;
  readonly typ: string | undefined;
  readonly payload: Uint8Array<ArrayBuffer>;
  /** What was signed. */
  readonly data: Uint8Array<ArrayBuffer>;
  readonly signature: Uint8Array<ArrayBuffer>;
}

const DOT = '.';
const ascii = new TextEncoder();

/**
 * Takes a compact JWS (RFC 7515 §7.1) apart; undefined unless it is in its one canonical form: three
 * base64url parts, a header that is a JSON object without duplicate members, nothing in it that asks
 * for processing we do not do (`crit`, RFC 7515 §4.1.11; `b64`, RFC 7797; `zip`). Members that point at keys
 * (`jku`, `x5u`, `jwk`, `x5c`) are never followed nor used.
 */
export function parseCompactJws(token: string): CompactJws | undefined {
  const first = token.indexOf(DOT);
  const second = token.indexOf(DOT, first + 1);
  if (first < 1 || second < 0) return undefined;
  // A third dot is no base64url character, so the signature's decoding denies it.
  const signature = decodeBase64url(token, second + 1);
  const headerBytes = signature && decodeBase64url(token, 0, first);
  const payload = headerBytes && decodeBase64url(token, first + 1, second);
  const header = payload && parseStrictObject(headerBytes);
  if (!header) return undefined;
  const alg = member(header, 'alg');
  const kid = member(header, 'kid');
  const typ = member(header, 'typ');
  if (typeof alg !== 'string' || !isTextOrAbsent(kid) || !isTextOrAbsent(typ)) return undefined;
  if (UNSUPPORTED.some((name) => Object.hasOwn(header, name))) return undefined;
  const data = ascii.encode(token.slice(0, second));
  return { header, alg, kid, typ, payload, data, signature };
}

const UNSUPPORTED = ['crit', 'b64', 'zip'];

function isTextOrAbsent(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string';
}
