import { parseStrictObject } from '@apisec/core/host';
import { base64url } from 'jose';

/** What the holder of a token can read in it. */
export interface ReadToken {
  readonly kind: 'jws' | 'jwe' | 'unreadable';
  readonly header?: Readonly<Record<string, unknown>> | undefined;
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
  /** What verifiers stumble over. */
  readonly remarks: readonly string[];
}

/** Longer than any token that is accepted anywhere. */
const MAX_LENGTH = 64 * 1024;

/** Reads header and claims, and verifies nothing. `now` in epoch milliseconds. */
export function readToken(token: string, now: number): ReadToken {
  const parts = token.length > MAX_LENGTH ? [] : token.split('.');
  const header = parts.length === 3 || parts.length === 5 ? objectIn(parts[0]) : undefined;
  if (header === undefined) return { kind: 'unreadable', remarks: [] };
  if (parts.length === 5) return { kind: 'jwe', header, remarks: [] };
  const claims = objectIn(parts[1]);
  const remarks = [...remarksOnHeader(header, parts[2] ?? '')];
  if (claims === undefined) remarks.push('The claims are not a JSON object.');
  else remarks.push(...remarksOnClaims(claims, now / 1000));
  return { kind: 'jws', header, claims, remarks };
}

function objectIn(part: string | undefined): Readonly<Record<string, unknown>> | undefined {
  try {
    return parseStrictObject(base64url.decode(part ?? ''));
  } catch {
    return undefined;
  }
}

function remarksOnHeader(header: Readonly<Record<string, unknown>>, signature: string): string[] {
  const remarks: string[] = [];
  const { alg } = header;
  if (typeof alg !== 'string' || alg.toLowerCase() === 'none') remarks.push('It is not signed.');
  else if (alg.startsWith('HS')) remarks.push('It is signed with a shared secret.');
  if (signature === '') remarks.push('Its signature is empty.');
  for (const name of ['jku', 'x5u', 'jwk', 'x5c']) {
    if (Object.hasOwn(header, name))
      remarks.push(`It brings its own key (${name}), which nobody should believe.`);
  }
  if (Object.hasOwn(header, 'crit')) remarks.push('It demands extensions (crit) of the verifier.');
  if (!Object.hasOwn(header, 'kid')) remarks.push('It does not name its key (kid).');
  return remarks;
}

function remarksOnClaims(claims: Readonly<Record<string, unknown>>, now: number): string[] {
  const remarks: string[] = [];
  const { exp, nbf, iss, aud } = claims;
  if (typeof exp !== 'number') remarks.push('It does not say when it expires (exp).');
  else if (exp <= now) remarks.push(`It has expired ${ago(now - exp)} ago.`);
  if (typeof nbf === 'number' && nbf > now)
    remarks.push(`It is not valid yet, for ${ago(nbf - now)}.`);
  if (typeof iss !== 'string') remarks.push('It does not name its issuer (iss).');
  if (typeof aud !== 'string' && !Array.isArray(aud))
    remarks.push('It does not name its audience (aud).');
  return remarks;
}

function ago(seconds: number): string {
  if (seconds < 120) return `${Math.ceil(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800
    ? `${Math.round(seconds / 3600)} h`
    : `${Math.round(seconds / 86_400)} days`;
}
