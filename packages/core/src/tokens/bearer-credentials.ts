/** The schemes in which an access token is presented (RFC 6750 §2.1, RFC 9449 §7.1). */
export type TokenScheme = 'Bearer' | 'DPoP';

/** What the `Authorization` header holds, seen by a policy for access tokens. */
export type Credentials =
  | { readonly kind: 'token'; readonly scheme: TokenScheme; readonly token: string }
  /** `missing`: none, or of another scheme. `repeated`: more than one. */
  | { readonly kind: 'missing' | 'malformed' | 'repeated' };

const MISSING: Credentials = Object.freeze({ kind: 'missing' });
const MALFORMED: Credentials = Object.freeze({ kind: 'malformed' });
const REPEATED: Credentials = Object.freeze({ kind: 'repeated' });

/** `auth-scheme [ 1*SP the rest ]`, RFC 9110 §11.4. */
const AUTHORIZATION = /^([!#$%&'*+.^_`|~\w-]+)(?:$| +)/;
/** `b64token` of RFC 6750 §2.1, which is `token68`. */
const TOKEN68 = /^[\w.~+/-]+=*$/;
/** A repeated header arrives as one value, joined with commas; these schemes have no comma of their own. */
const JOINED = /(?:^|,)[ \t]*(?:bearer|dpop|basic)[ \t]/i;

/** Reads the value of an `Authorization` header. */
export function readCredentials(
  value: string | null | undefined,
  schemes: readonly TokenScheme[],
): Credentials {
  if (value === null || value === undefined) return MISSING;
  const found = AUTHORIZATION.exec(value);
  if (found === null) return MALFORMED;
  const [head, name = ''] = found;
  const scheme = schemes.find((each) => each.toLowerCase() === name.toLowerCase());
  if (value.includes(',') && (scheme !== undefined || JOINED.test(value))) return REPEATED;
  if (scheme === undefined) return MISSING;
  const token = value.slice(head.length);
  return TOKEN68.test(token) ? { kind: 'token', scheme, token } : MALFORMED;
}
