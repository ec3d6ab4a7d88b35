import type { Authentication } from '../../facts.ts';
import type { HeadersView } from '../../request.ts';
import { sha256 } from '../sha256.ts';
import { readCredentials } from './bearer-credentials.ts';
import { presentedToken } from './presented-token.ts';

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
