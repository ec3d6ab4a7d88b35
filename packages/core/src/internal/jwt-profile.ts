import { member } from './strict-json.ts';

/**
 * Which JWTs count as access tokens.
 *
 * - `at+jwt`: RFC 9068. The token must say that it is an access token (`typ` is `at+jwt`) and carry `iss`,
 *   `exp`, `aud`, `sub`, `client_id`, `iat`, `jti`.
 * - `jwt`: laxer, for issuers that do not type their tokens. `typ` is absent, `JWT` or `at+jwt`, and only
 *   `iss`, `exp`, `aud` and `sub` are required. Kept apart from identity tokens only by the audience and
 *   by the claims that identity tokens alone have, so it is the weaker choice (RFC 8725 §3.11).
 */
export type JwtProfile = 'at+jwt' | 'jwt';

/** What a profile asks of a token. */
export interface ProfileRules {
  readonly types: readonly (string | undefined)[];
  readonly required: readonly string[];
  /** Claims of other kinds of token. */
  readonly foreign: readonly string[];
}

const ACCESS_TOKEN = ['at+jwt', 'application/at+jwt'];

export const profiles: Readonly<Record<JwtProfile, ProfileRules>> = {
  'at+jwt': {
    types: ACCESS_TOKEN,
    required: ['iss', 'exp', 'aud', 'sub', 'client_id', 'iat', 'jti'],
    foreign: [],
  },
  jwt: {
    types: [undefined, 'jwt', 'application/jwt', ...ACCESS_TOKEN],
    required: ['iss', 'exp', 'aud', 'sub'],
    // OpenID Connect Core §2 and §3.3.2.11, RFC 8417 §2.2, RFC 9701 §5, RFC 9449 §4.2.
    foreign: ['nonce', 'at_hash', 'c_hash', 's_hash', 'events', 'token_introspection', 'htu'],
  },
};

/** True where the header's `typ` and the claims are those of an access token under the profile. */
export function fitsProfile(
  { types, foreign }: ProfileRules,
  typ: string | undefined,
  claims: object,
): boolean {
  return (
    types.includes(typ?.toLowerCase()) &&
    foreign.every((name) => member(claims, name) === undefined)
  );
}
