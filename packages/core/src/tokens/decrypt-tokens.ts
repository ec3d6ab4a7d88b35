import { compactDecrypt, importJWK } from 'jose';
import type { Jwk } from '../crypto/key-source.ts';
import { assertUnpublishedKey } from '../crypto/published-keys.ts';
import { COORDINATE_BYTES } from '../crypto/verification-key.ts';
import { decodeBase64url } from '../lib/base64url.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { assertKnownOptions, assertOneOf } from '../lib/options.ts';
import { isObject, member, parseStrictObject } from '../lib/strict-json.ts';

/** How the key of a token is encrypted (RFC 7518 §4). Passwords, shared keys and RSA PKCS#1 v1.5 are not among them. */
export type KeyEncryption =
  | 'RSA-OAEP'
  | 'RSA-OAEP-256'
  | 'RSA-OAEP-384'
  | 'RSA-OAEP-512'
  | 'ECDH-ES'
  | 'ECDH-ES+A128KW'
  | 'ECDH-ES+A256KW';

/** How a token itself is encrypted (RFC 7518 §5). */
export type ContentEncryption = 'A128GCM' | 'A256GCM' | 'A128CBC-HS256' | 'A256CBC-HS512';

/** A private key that decrypts tokens; from a secret manager. */
export interface DecryptionJwk extends Jwk {
  /** The one algorithm that it is used with. */
  readonly alg: KeyEncryption;
  readonly d: string;
}

/** Options of {@link decryptTokens}. */
export interface DecryptTokensOptions {
  /** Yours: the issuer encrypts to their public halves. Several while one replaces another. */
  readonly keys: readonly DecryptionJwk[];
  /** Default: `A128GCM`, `A256GCM`, `A128CBC-HS256` and `A256CBC-HS512`. */
  readonly encryptions?: readonly ContentEncryption[] | undefined;
}

/** What is inside of an encrypted token, or why nobody can tell. */
export type DecryptedToken =
  | { readonly ok: true; readonly token: string }
  | {
      readonly ok: false;
      readonly code: 'token.malformed' | 'token.algorithm_refused' | 'token.decryption_failed';
      readonly cause: Readonly<Record<string, unknown>>;
    };

/** Decrypts tokens, for `authenticateJwt`. */
export interface TokenDecryption {
  /** Never rejects. What comes out is not verified. */
  readonly open: (token: string) => Promise<DecryptedToken>;
}

const NAME = 'decryptTokens';
const ALGORITHMS: readonly KeyEncryption[] = [
  'RSA-OAEP',
  'RSA-OAEP-256',
  'RSA-OAEP-384',
  'RSA-OAEP-512',
  'ECDH-ES',
  'ECDH-ES+A128KW',
  'ECDH-ES+A256KW',
];
const ENCRYPTIONS: readonly ContentEncryption[] = [
  'A128GCM',
  'A256GCM',
  'A128CBC-HS256',
  'A256CBC-HS512',
];
const LEAST_RSA_BYTES = 256;
/** Those that all runtimes agree on. */
const CURVES = ['P-256', 'P-384', 'P-521'];
/**
 * What asks for processing that is not done here: a compressed token may be far larger than it looks (RFC 8725 §3.6).
 */
const UNSUPPORTED = ['zip', 'crit', 'p2c', 'p2s'];

/**
 * Takes access tokens that are encrypted (JWE in compact form, RFC 7516), by keys of this API; decrypts with jose. What
 * is inside must be a signed token (`cty: "JWT"`, RFC 7519 §5.2), and is held to every rule of `authenticateJwt`:
 * whoever knows the public key can encrypt, so encryption says nothing of who issued a token. Signed tokens that are
 * not encrypted are taken as before.
 *
 * Each key is used with the one algorithm that it names. Compressed tokens, several recipients, passwords (`PBES2`),
 * shared keys (`dir`) and `RSA1_5` are not taken. Denies with `token.malformed`, `token.algorithm_refused` and
 * `token.decryption_failed` (401).
 *
 * Decrypting costs as much as signing, and anybody can ask for it: put a limit by address in front.
 *
 * @throws ConfigurationError when a key cannot decrypt: without `alg` or private part, too short, an example of a
 * standard.
 * @example
 * const policy = authenticateJwt({
 *   issuer: 'https://id.example.com',
 *   audience: 'https://api.example.com',
 *   decryption: decryptTokens({ keys: [JSON.parse(process.env.TOKEN_KEY)] }),
 * });
 */
export function decryptTokens(options: DecryptTokensOptions): TokenDecryption {
  assertKnownOptions(NAME, options, ['keys', 'encryptions']);
  const { keys: given, encryptions = ENCRYPTIONS } = options;
  assertConfiguration(
    Array.isArray(given) && given.length > 0,
    `${NAME}: give the private keys: ${NAME}({ keys: [jwk] }).`,
  );
  assertConfiguration(
    Array.isArray(encryptions) && encryptions.length > 0,
    `${NAME}: encryptions must not be empty.`,
  );
  for (const each of encryptions) assertOneOf(NAME, 'encryptions', each, ENCRYPTIONS);
  const keys = given.map((jwk: unknown, index) => decryptionKey(jwk, `${NAME}: key ${index}`));
  const named = keys.map(({ kid, alg }) => `${kid} ${alg}`);
  assertConfiguration(
    new Set(named).size === keys.length,
    `${NAME}: two keys have the same "kid" and "alg", so nobody knows which decrypts.`,
  );
  const known = keys.map(({ kid, alg }) => ({ kid, alg }));

  return Object.freeze({
    open: async (token: string): Promise<DecryptedToken> => {
      const header = headerOf(token);
      if (header === undefined) {
        return failure('token.malformed', { reason: 'not a compact JWE around a JWT' });
      }
      const { alg, enc, kid } = header;
      const fitting = keys.filter((key) => key.alg === alg);
      if (fitting.length === 0 || !encryptions.includes(enc)) {
        const expected = { alg: keys.map((key) => key.alg), enc: encryptions };
        return failure('token.algorithm_refused', { expected, given: { alg, enc } });
      }
      const named = kid === undefined ? fitting : fitting.filter((key) => key.kid === kid);
      const [key] = named;
      // One try for one token: without a name it must be clear which key is meant.
      if (key === undefined || named.length > 1) {
        return failure('token.decryption_failed', { expected: known, given: { alg, kid } });
      }
      try {
        const { plaintext } = await compactDecrypt(token, await key.secret(), {
          keyManagementAlgorithms: [key.alg],
          contentEncryptionAlgorithms: [...encryptions],
          maxDecompressedLength: 0,
        });
        return { ok: true, token: ascii.decode(plaintext) };
      } catch {
        // Nothing of what failed is said: it would help those who try.
        return failure('token.decryption_failed', { given: { alg, enc, kid } });
      }
    },
  });
}

const ascii = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function failure(
  code: (DecryptedToken & { ok: false })['code'],
  cause: Readonly<Record<string, unknown>>,
): DecryptedToken {
  return { ok: false, code, cause };
}

interface JweHeader {
  readonly alg: string;
  readonly enc: string;
  readonly kid: string | undefined;
}

/** The header of a JWE in its one canonical form that holds a JWT; `epk`, `apu` and `apv` are for jose to read. */
function headerOf(token: string): JweHeader | undefined {
  const parts = token.split('.', 6);
  if (parts.length !== 5) return undefined;
  const decoded = parts.map((part) => decodeBase64url(part));
  const [bytes] = decoded;
  if (bytes === undefined || decoded.includes(undefined)) return undefined;
  const header = parseStrictObject(bytes);
  if (header === undefined || UNSUPPORTED.some((name) => Object.hasOwn(header, name))) {
    return undefined;
  }
  const alg = member(header, 'alg');
  const enc = member(header, 'enc');
  const kid = member(header, 'kid');
  const cty = member(header, 'cty');
  if (typeof alg !== 'string' || typeof enc !== 'string') return undefined;
  if (kid !== undefined && typeof kid !== 'string') return undefined;
  if (typeof cty !== 'string' || cty.toLowerCase() !== 'jwt') return undefined;
  return { alg, enc, kid };
}

interface DecryptionKey {
  readonly kid: string | undefined;
  readonly alg: KeyEncryption;
  /** Imported once. */
  readonly secret: () => ReturnType<typeof importJWK>;
}

function decryptionKey(jwk: unknown, where: string): DecryptionKey {
  assertConfiguration(isObject(jwk), `${where} must be a private JWK.`);
  const alg = member(jwk, 'alg');
  const kid = member(jwk, 'kid');
  assertConfiguration(
    typeof alg === 'string' && (ALGORITHMS as readonly string[]).includes(alg),
    `${where} must name in "alg" what it is used with: ${ALGORITHMS.join(', ')}.`,
  );
  assertConfiguration(
    kid === undefined || typeof kid === 'string',
    `${where}: "kid" must be text.`,
  );
  assertConfiguration(
    typeof member(jwk, 'd') === 'string',
    `${where} has no private part ("d"), so it cannot decrypt.`,
  );
  const use = member(jwk, 'use');
  assertConfiguration(use === undefined || use === 'enc', `${where}: its "use" is not "enc".`);
  assertConfiguration(
    isFit(jwk, alg),
    `${where} does not fit ${alg}, has coordinates of another curve, or fewer than 2048 bits.`,
  );
  assertUnpublishedKey(where, jwk);
  const { key_ops: _operations, ...members } = jwk;
  let imported: ReturnType<typeof importJWK> | undefined;
  return {
    kid,
    // It is one of the list.
    alg: alg as KeyEncryption,
    secret: () => (imported ??= importJWK(members, alg)),
  };
}

/** Bytes of a member, where it is one in base64url; 0 where it is not. */
function lengthOf(jwk: object, name: string): number {
  const text = member(jwk, name);
  return (typeof text === 'string' ? decodeBase64url(text)?.length : undefined) ?? 0;
}

function isFit(jwk: object, alg: string): boolean {
  const kty = member(jwk, 'kty');
  if (!alg.startsWith('ECDH')) return kty === 'RSA' && lengthOf(jwk, 'n') >= LEAST_RSA_BYTES;
  const crv = String(member(jwk, 'crv'));
  // Of another curve, each token to this key would fail, and nobody would know why.
  const bytes = CURVES.includes(crv) ? COORDINATE_BYTES[crv] : undefined;
  return kty === 'EC' && ['x', 'y', 'd'].every((name) => lengthOf(jwk, name) === bytes);
}
