import type { KeySource } from '@apisec/core';
import { encodeBase64url, member, verifyJws } from '@apisec/core/host';
import { denied, type OAuthDenied, unavailable } from './failures.ts';

/** What an ID token must contain beyond what every ID token must. */
export interface IdTokenChecks {
  readonly clientId: string;
  readonly accessToken: string;
  /** Epoch milliseconds. */
  readonly now: number;
  readonly toleranceMs: number;
  /** The user that the tokens before it were for. */
  readonly subject?: string | undefined;
  readonly acrValues?: readonly string[] | undefined;
}

/** The claims of a verified ID token, or why it is denied. */
export type IdTokenResult =
  | { readonly ok: true; readonly claims: Readonly<Record<string, unknown>> }
  | OAuthDenied;

/**
 * Checks what the protocol library leaves open: the signature (OpenID Connect Core §3.1.3.7), in canonical form only,
 * `at_hash` (§3.1.3.8), `azp`, an `iat` that lies ahead, `acr` where one was asked for, and the subject after a refresh
 * (§12.2). Issuer, audience, the other times and nonce were checked before.
 */
export async function checkIdToken(
  token: string,
  keys: KeySource | undefined,
  { clientId, accessToken, now, toleranceMs, subject, acrValues }: IdTokenChecks,
): Promise<IdTokenResult> {
  if (keys === undefined) return invalid('the issuer publishes no keys');
  const verified = await verifyJws(token, keys);
  if (!verified.ok) {
    return verified.reason === 'unavailable'
      ? unavailable(verified.cause, verified.retryAfterMs)
      : invalid('the signature was not made by the issuer');
  }
  const { claims, typ, alg } = verified;
  if (typ !== undefined && typ.toLowerCase() !== 'jwt') return invalid(`typ is ${typ}`);
  // A logout token is signed by the same keys for the same audience.
  if (member(claims, 'events') !== undefined) return invalid('it has events');
  const issuedAt = member(claims, 'iat');
  if (typeof issuedAt !== 'number' || issuedAt * 1_000 > now + toleranceMs) {
    return invalid('iat is in the future');
  }
  const party = member(claims, 'azp');
  if (party !== undefined && party !== clientId) return invalid('azp is another client');
  const hash = member(claims, 'at_hash');
  if (hash !== undefined && hash !== (await halfHash(alg, accessToken))) {
    return invalid('at_hash belongs to another access token');
  }
  if (subject !== undefined && member(claims, 'sub') !== subject) {
    return invalid('the tokens are for another user than those before');
  }
  const acr = member(claims, 'acr');
  if (acrValues !== undefined && !(typeof acr === 'string' && acrValues.includes(acr))) {
    return invalid('acr is not one of those that were asked for');
  }
  return { ok: true, claims };
}

function invalid(why: string): OAuthDenied {
  return denied('forbidden', 'oauth.id_token_invalid', {
    detail: 'The identity provider did not confirm this login.',
    cause: new Error(`The ID token is not valid: ${why}.`),
  });
}

/** The left half of the hash that goes with the signature's algorithm; EdDSA with Ed25519 hashes with SHA-512. */
async function halfHash(alg: string, text: string): Promise<string> {
  const bits = /\d{3}$/.exec(alg)?.[0] ?? '512';
  const digest = await crypto.subtle.digest(`SHA-${bits}`, new TextEncoder().encode(text));
  return encodeBase64url(new Uint8Array(digest, 0, digest.byteLength / 2));
}
