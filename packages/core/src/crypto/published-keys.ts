import { decodeBase64url } from '../lib/base64url.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { NOT_RANDOM, ownSecretProblem } from '../lib/published-secrets.ts';

/** How the defining member of a key begins (`x`, `n`) whose private part anybody can look up. */
const PUBLISHED: ReadonlySet<string> = new Set([
  // RFC 7515 A.2 to A.4, RFC 7516 A.1 and A.2, RFC 7517 A.1 and C.1.
  'ofgWCuLjybRlzo0tZWJjNiuS',
  'f83OJ3D2xF1Bg8vub9tLe1gH',
  'AekpBQ8ST8a8VcfVOTNl353v',
  'MKBCTNIcKUSDii11ySs3526i',
  '0vx7agoebGcQSuuPiLJXZptN',
  'oahUIoWw0K0usKNuOR6H4wkf',
  'sXchDaQebHnPiGvyDOAT4saG',
  't6Q8PWSi1dkJj9hTP8hNYFlv',
  // RFC 7518 C, RFC 7520.
  'gI0GAILBdu7T53akrFmMyGcs',
  'weNJy2HscCSM6AEDTDg04biO',
  'n4EPtAOCc9AlkeQHPzHStgAb',
  'AHKZLLOsCOzz5cY97ewNUajB',
  'kNrPIBDXMU6fcyv5i-QHQAQ-',
  'wbdxI55VaanZXPY29Lg5hdmv',
  'maxhbsmBtdQ3CNrKvprUE6n9',
  'YU4rRUzdmVqmRtWOs2OpDE_T',
  'Ze2loSV3wrroKUN_4zhwGhCq',
  // RFC 6979 A.2.5, RFC 8032 7.1, RFC 8037 A.
  'YP7UuiVanTHJYet0xjVtaMBJ',
  '11qYAYKxCrfVS_7TyWQHOg7h',
  'PUAXw-hDiVqStwqnTRt-vJyY',
  '_FHNjmIYoaONpH7QAjDwWAgW',
  '3p7bfXt9wbTTW2HC7OQ1Nz-D',
  'hSDwCYkwp1R0i33ctD73Wg2_',
  // RFC 9421 B.1, RFC 9449.
  'hAKYdtoeoy8zcAcR874L8cnZ',
  'r4tmm3r20Wd_PbqvP1s2-QEt',
  'qIVYZVLCrPZHGHjP17CTW0_-',
  'JrQLj5P_89iXES9-vFgrIy29',
  'l8tFrhx-34tV3hRICRDY9zCk',
  // jwt.io: RS256 and PS256, ES256, ES384, ES512.
  'u1SU1LfVLPHCozMxH2Mo4lgO',
  'EVs_o5-uQbTjL3chynL4wXgU',
  'C1uWSXj2czCDwMTLWV5BFmwx',
  'AYHOB2c_v3wWwu5ZhMMNADtz',
]);
const PREFIX = 24;
/** Random bytes have many different ones among 32; with fewer somebody has filled them in. */
const LEAST_VARIETY = 8;

/** The members of a JWK by which it is known. */
type KeyMembers = Readonly<Partial<Record<'k' | 'x' | 'n', unknown>>>;

/**
 * Why a key given by hand protects nothing: its private part is printed in a standard or in documentation, or it is a
 * secret that nobody drew. Undefined where nothing is known against it.
 */
function publishedKeyProblem(jwk: KeyMembers): string | undefined {
  const { k, x, n } = jwk;
  for (const member of [x, n]) {
    if (typeof member === 'string' && PUBLISHED.has(member.slice(0, PREFIX))) {
      return 'it is an example of a standard or of documentation, whose private part everybody knows';
    }
  }
  const bytes = typeof k === 'string' ? decodeBase64url(k) : undefined;
  if (bytes === undefined) return undefined;
  return new Set(bytes).size < LEAST_VARIETY ? NOT_RANDOM : ownSecretProblem(bytes);
}

/** @throws ConfigurationError for a key whose private part is published. `where` names it. */
export function assertUnpublishedKey(where: string, jwk: KeyMembers): void {
  const problem = publishedKeyProblem(jwk);
  assertConfiguration(problem === undefined, `${where} protects nothing: ${problem}.`);
}
