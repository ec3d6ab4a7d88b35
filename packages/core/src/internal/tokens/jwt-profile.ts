import { member } from '../text/strict-json.ts';
import { mayBeAccessToken } from './token-kind.ts';

/**
 * Which JWTs count as access tokens.
 *
 * - `at+jwt`: RFC 9068. The token must say that it is an access token (`typ` is `at+jwt`) and carry `iss`,
 *   `exp`, `aud`, `sub`, `client_id`, `iat`, `jti`.
 * - `jwt`: laxer, for issuers that do not type their tokens. `typ` is absent, `JWT` or `at+jwt`, and only
 *   `iss`, `exp`, `aud` and `sub` are required. Kept apart from identity and refresh tokens only by the
 *   audience, by the claims that those alone have, and by what the claims `token_use`, `token_type` and `typ`
 *   say where they are there, so it is the weaker choice (RFC 8725 §3.11).
 */
export type JwtProfile = 'at+jwt' | 'jwt';

/** What a profile asks of a token. */
export interface ProfileRules {
  readonly types: readonly (string | undefined)[];
  readonly required: readonly string[];
  /** True for the claims of another kind of token. */
  readonly isForeign: (claims: object) => boolean;
}

const ACCESS_TOKEN = ['at+jwt', 'application/at+jwt'];
/** OpenID Connect Core §2 and §3.3.2.11, RFC 8417 §2.2, RFC 9701 §5, RFC 9449 §4.2. */
const FOREIGN = ['nonce', 'at_hash', 'c_hash', 's_hash', 'events', 'token_introspection', 'htu'];

export const profiles: Readonly<Record<JwtProfile, ProfileRules>> = {
  'at+jwt': {
    types: ACCESS_TOKEN,
    required: ['iss', 'exp', 'aud', 'sub', 'client_id', 'iat', 'jti'],
    // The type says it all.
    isForeign: () => false,
  },
  jwt: {
    types: [undefined, 'jwt', 'application/jwt', ...ACCESS_TOKEN],
    required: ['iss', 'exp', 'aud', 'sub'],
    isForeign: (claims) =>
      FOREIGN.some((name) => member(claims, name) !== undefined) || !mayBeAccessToken(claims),
  },
};

/** True where the header's `typ` and the claims are those of an access token under the profile. */
export function fitsProfile(
  { types, isForeign }: ProfileRules,
  typ: string | undefined,
  claims: object,
): boolean {
  return types.includes(typ?.toLowerCase()) && !isForeign(claims);
}
