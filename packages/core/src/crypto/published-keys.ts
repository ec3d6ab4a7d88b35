import { decodeBase64url } from '../lib/base64url.ts';
import { publishedSecretProblem } from '../lib/secret-bytes.ts';

/** How the defining member of a key begins (`k`, `x`, `n`) whose private part anybody can look up. */
const PUBLISHED: ReadonlySet<string> = new Set([
  // RFC 7515 A.1 to A.4, RFC 7517 A.1, RFC 7520, RFC 8037 A.1, RFC 9421 B.1, RFC 9449.
  'AyM1SysPpbyDfgZld3umj1qz',
  'ofgWCuLjybRlzo0tZWJjNiuS',
  'f83OJ3D2xF1Bg8vub9tLe1gH',
  'MKBCTNIcKUSDii11ySs3526i',
  '0vx7agoebGcQSuuPiLJXZptN',
  'n4EPtAOCc9AlkeQHPzHStgAb',
  'AHKZLLOsCOzz5cY97ewNUajB',
  'hJtXIZ2uSN5kbQfbtTNWbpdm',
  '11qYAYKxCrfVS_7TyWQHOg7h',
  'JrQLj5P_89iXES9-vFgrIy29',
  'l8tFrhx-34tV3hRICRDY9zCk',
]);
const PREFIX = 24;

/** Random bytes have many different ones among 32; with fewer somebody has filled them in. */
const LEAST_VARIETY = 8;

/**
 * Why a key given by hand protects nothing: its private part is printed in a standard or in documentation, or it is a
 * secret that nobody drew. Undefined where nothing is known against it.
 */
export function publishedKeyProblem(jwk: Readonly<Record<string, unknown>>): string | undefined {
  const { k, x, n } = jwk;
  for (const member of [k, x, n]) {
    if (typeof member === 'string' && PUBLISHED.has(member.slice(0, PREFIX))) {
      return 'it is an example of a standard, whose private part everybody knows';
    }
  }
  if (typeof k !== 'string') return undefined;
  const bytes = decodeBase64url(k);
  if (bytes === undefined) return undefined;
  const problem = publishedSecretProblem(bytes);
  if (problem !== undefined) return problem;
  return new Set(bytes).size < LEAST_VARIETY
    ? 'it is not random; draw a secret with crypto.getRandomValues(new Uint8Array(32))'
    : undefined;
}
