import type { Authentication } from '../engine/facts.ts';
import type { HeadersView } from '../engine/request.ts';
import { sha256 } from '../lib/hash.ts';
import { readCredentials } from './bearer-credentials.ts';

const presented = new WeakMap<Authentication, string>();

/** Notes which access token an authentication came from, where no log that prints facts can see it. */
export function rememberToken(authentication: Authentication, token: string): void {
  presented.set(authentication, token);
}

/** The access token of an authentication, for proofs over it (`ath`, RFC 9449 §4.2). */
export function presentedToken(authentication: Authentication): string | undefined {
  return presented.get(authentication);
}

const known = new WeakMap<Authentication, string>();

/**
 * `ath` (RFC 9449 §4.2) as it must be for the token of this call; undefined where nobody knows the token. The
 * hash of a token that was verified before is known at once.
 */
export async function tokenHash(
  authentication: Authentication,
  headers: HeadersView,
): Promise<string | undefined> {
  const found = known.get(authentication);
  if (found !== undefined) return found;
  const token = presentedToken(authentication);
  if (token !== undefined) {
    const hash = await sha256(token);
    known.set(authentication, hash);
    return hash;
  }
  // An authentication that is not ours cannot say which token it read, and may stand for several.
  const credentials = readCredentials(headers.get('authorization'), ['DPoP']);
  return credentials.kind === 'token' ? sha256(credentials.token) : undefined;
}
