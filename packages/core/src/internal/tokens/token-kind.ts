import { member } from '../text/strict-json.ts';

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
