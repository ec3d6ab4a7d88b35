import type { SigningKey } from '../crypto/signing-key.ts';
import { encodeBase64url } from '../lib/base64url.ts';

/** What an access token says, beside what every one says. */
export interface AccessTokenContent {
  readonly subject: string;
  readonly clientId: string;
  readonly audience: readonly string[];
  readonly scopes: readonly string[];
  readonly tenant?: string | undefined;
  readonly session?: string | undefined;
  readonly jkt?: string | undefined;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** A signed access token, and what it is known by. */
export interface AccessToken {
  readonly accessToken: string;
  readonly tokenId: string;
  readonly tokenType: 'Bearer' | 'DPoP';
}

/** What only the issuer itself may say (RFC 9068 §2.2, RFC 7800, RFC 9701 §5). */
const RESERVED = new Set([
  'iss',
  'sub',
  'aud',
  'exp',
  'nbf',
  'iat',
  'jti',
  'client_id',
  'scope',
  'sid',
  'cnf',
  'tenant',
  'token_introspection',
]);
/** RFC 6749 §3.3. */
const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/;
/** SHA-256 in base64url (RFC 7638). */
const THUMBPRINT = /^[\w-]{43}$/;
const MOST_SCOPES = 100;
const MOST_AUDIENCES = 20;
const LONGEST_NAME = 1_024;
const LONGEST_CLAIMS = 4_096;

/** Signs an access token in the form of RFC 9068. */
export async function signAccessToken(
  key: SigningKey,
  issuer: string,
  { subject, clientId, audience, scopes, tenant, session, jkt, claims }: AccessTokenContent,
  lifetime: number,
  at: number,
): Promise<AccessToken> {
  const iat = Math.floor(at / 1000);
  const tokenId = randomText(16);
  const content = {
    ...claims,
    iss: issuer,
    sub: subject,
    aud: audience.length === 1 ? audience[0] : audience,
    client_id: clientId,
    iat,
    exp: iat + lifetime,
    jti: tokenId,
    scope: scopes.join(' '),
    ...(session !== undefined && { sid: session }),
    ...(tenant !== undefined && { tenant }),
    ...(jkt !== undefined && { cnf: { jkt } }),
  };
  const accessToken = await key.sign(content, 'at+jwt');
  return { accessToken, tokenId, tokenType: jkt === undefined ? 'Bearer' : 'DPoP' };
}

/** In words, why no token can say this; undefined where one can. */
export function contentProblem(content: AccessTokenContent): string | undefined {
  const { subject, clientId, audience, scopes, tenant, jkt, claims } = content;
  if (!isName(subject)) return 'subject must be text of 1 to 1,024 characters';
  if (!isName(clientId)) return 'clientId must be text of 1 to 1,024 characters';
  if (tenant !== undefined && !isName(tenant)) return 'tenant must be text';
  if (jkt !== undefined && !(typeof jkt === 'string' && THUMBPRINT.test(jkt))) {
    return 'jkt must be the SHA-256 thumbprint of a key';
  }
  const areAudiences = Array.isArray(audience) && audience.every(isName);
  if (!areAudiences || audience.length === 0 || audience.length > MOST_AUDIENCES) {
    return 'audience must name 1 to 20 APIs';
  }
  const areScopes = Array.isArray(scopes) && scopes.every(isScope);
  if (!areScopes || scopes.length > MOST_SCOPES) return 'scopes must be at most 100 scope tokens';
  if (typeof claims !== 'object' || claims === null || Array.isArray(claims)) {
    return 'claims must be an object';
  }
  const reserved = Object.keys(claims).find((name) => RESERVED.has(name));
  if (reserved !== undefined) return `claims must not say ${reserved}`;
  return isSmallJson(claims) ? undefined : 'claims must be at most 4,096 characters of JSON';
}

/** So many random bytes, as base64url. */
export function randomText(bytes: number): string {
  return encodeBase64url(crypto.getRandomValues(new Uint8Array(bytes)));
}

function isName(value: unknown): boolean {
  return typeof value === 'string' && value !== '' && value.length <= LONGEST_NAME;
}

function isScope(value: unknown): boolean {
  return typeof value === 'string' && SCOPE_TOKEN.test(value);
}

function isSmallJson(value: object): boolean {
  try {
    return JSON.stringify(value).length <= LONGEST_CLAIMS;
  } catch {
    return false;
  }
}
