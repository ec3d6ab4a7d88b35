import { member } from '../lib/strict-json.ts';

/**
 * Which JWTs count as access tokens.
 *
 * - `at+jwt`: RFC 9068. The token must say that it is an access token (`typ` is `at+jwt`) and carry `iss`,
 *   `exp`, `aud`, `sub`, `client_id`, `iat`, `jti`. A token that a client got for itself may have no `sub`.
 * - `jwt`: laxer, for issuers that do not type their tokens. `typ` is absent, `JWT` or `at+jwt`, and only
 *   `iss`, `exp`, `aud` and `sub` are required, or a client in place of the subject. Kept apart from identity and
 * refresh tokens only by the
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
/** OpenID Connect Core §3.3.2.11, RFC 8417 §2.2, RFC 9701 §5, RFC 9449 §4.2. */
const FOREIGN = ['at_hash', 'c_hash', 's_hash', 'events', 'token_introspection', 'htu'];

export const profiles: Readonly<Record<JwtProfile, ProfileRules>> = {
  'at+jwt': {
    types: ACCESS_TOKEN,
    required: ['iss', 'exp', 'client_id', 'iat', 'jti'],
    // The type says it all.
    isForeign: () => false,
  },
  jwt: {
    types: [undefined, 'jwt', 'application/jwt', ...ACCESS_TOKEN],
    required: ['iss', 'exp'],
    isForeign: (claims) =>
      FOREIGN.some((name) => member(claims, name) !== undefined) ||
      !mayBeAccessToken(claims) ||
      // Of ID tokens (OpenID Connect Core §2); some issuers copy it into access tokens.
      (member(claims, 'nonce') !== undefined && !saysAccessToken(claims)),
  },
};

/** What no ID token has: a kind that says access token, or scopes. */
function saysAccessToken(claims: object): boolean {
  return ['token_use', 'token_type', 'typ', 'scope', 'scp'].some(
    (name) => member(claims, name) !== undefined,
  );
}

/** True where the header's `typ` and the claims are those of an access token under the profile. */
export function fitsProfile(
  { types, isForeign }: ProfileRules,
  typ: string | undefined,
  claims: object,
): boolean {
  return types.includes(typ?.toLowerCase()) && !isForeign(claims);
}

/** `token_type` as RFC 7662 §2.2 has it; the other two are how several issuers tell their tokens apart. */
const ACCESS_TOKEN_KINDS = {
  token_type: ['bearer', 'dpop', 'access', 'access_token'],
  token_use: ['access', 'access_token'],
  typ: ['bearer', 'dpop', 'jwt', 'at+jwt', 'application/at+jwt', 'access_token'],
} as const;

/** False where a claim says that the token is of another kind: an identity token, a refresh token. */
export function mayBeAccessToken(claims: object): boolean {
  return Object.entries(ACCESS_TOKEN_KINDS).every(([name, kinds]) => {
    const value = member(claims, name);
    if (value === undefined) return true;
    return typeof value === 'string' && (kinds as readonly string[]).includes(value.toLowerCase());
  });
}
