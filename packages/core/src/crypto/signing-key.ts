import { importJWK, SignJWT } from 'jose';
import { assertConfiguration, ConfigurationError } from '../lib/configuration-error.ts';
import { asymmetricAlgorithms } from './jws-algorithms.ts';
import type { Jwk, JwsAlgorithm } from './key-source.ts';
import type { JwksDocument } from './local-jwks.ts';
import { assertUnpublishedKey } from './published-keys.ts';
import { toVerificationKey } from './verification-key.ts';

/** A private key as it is written (RFC 7517, RFC 7518 §6); from a secret manager. */
export interface PrivateJwk extends Jwk {
  /** The algorithm it signs with, an asymmetric one. */
  readonly alg: JwsAlgorithm;
  readonly kid: string;
  readonly d: string;
  readonly p?: string | undefined;
  readonly q?: string | undefined;
  readonly dp?: string | undefined;
  readonly dq?: string | undefined;
  readonly qi?: string | undefined;
}

/** A private key that was checked and made ready. */
export interface SigningKey {
  readonly kid: string;
  /** What may be published. */
  readonly publicJwk: Jwk;
  /** Signs claims as a compact JWS. */
  readonly sign: (claims: Readonly<Record<string, unknown>>, typ: string) => Promise<string>;
}

const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi'] as const;

/** @throws ConfigurationError when it is no private key that can sign. */
export function signingKey(factory: string, jwk: PrivateJwk): SigningKey {
  const { kid, alg } = (jwk ?? {}) as Partial<PrivateJwk>;
  assertConfiguration(
    typeof kid === 'string' && kid !== '' && typeof jwk.d === 'string',
    `${factory}: a signing key must be a private JWK with "kid", "alg" and "d".`,
  );
  assertConfiguration(
    alg !== undefined && asymmetricAlgorithms.includes(alg),
    `${factory}: key ${kid} must name an asymmetric algorithm in "alg", for example "ES256".`,
  );
  const { key_ops: _operations, ...members } = jwk;
  const visible = Object.entries(members).filter(([name]) => !isPrivate(name));
  const key = toVerificationKey(Object.fromEntries(visible));
  if (typeof key === 'string') {
    throw new ConfigurationError(`${factory}: key ${kid} cannot sign: ${key}.`);
  }
  assertUnpublishedKey(`${factory}: key ${kid}`, key.jwk);
  const secret = Object.fromEntries(PRIVATE.map((name) => [name, jwk[name]]));
  let imported: ReturnType<typeof importJWK> | undefined;
  return Object.freeze({
    kid,
    publicJwk: Object.freeze({ ...key.jwk, kid, alg, use: 'sig' }),
    sign: async (claims: Readonly<Record<string, unknown>>, typ: string): Promise<string> => {
      imported ??= importJWK({ ...key.jwk, ...secret }, alg);
      return new SignJWT({ ...claims }).setProtectedHeader({ alg, typ, kid }).sign(await imported);
    },
  });
}

function isPrivate(name: string): boolean {
  return (PRIVATE as readonly string[]).includes(name);
}

/** The key that signs, and what may be published of all of them. */
export interface SigningKeys {
  readonly current: SigningKey;
  readonly jwks: JwksDocument;
}

/** @throws ConfigurationError when a key cannot sign, or it is not clear which one does. */
export function signingKeys(
  factory: string,
  signing: { readonly current: string; readonly keys: readonly PrivateJwk[] },
): SigningKeys {
  assertConfiguration(
    Array.isArray(signing?.keys) && signing.keys.length > 0,
    `${factory}: signing needs keys: { current: kid, keys: [privateJwk] }.`,
  );
  const keys = new Map(signing.keys.map((jwk) => [jwk?.kid, signingKey(factory, jwk)]));
  const current = keys.get(signing.current);
  assertConfiguration(
    current !== undefined && keys.size === signing.keys.length,
    `${factory}: signing.current must be the "kid" of one of the keys, and no "kid" may appear twice.`,
  );
  const publicKeys = [...keys.values()].map(({ publicJwk }) => publicJwk);
  return { current, jwks: Object.freeze({ keys: Object.freeze(publicKeys) }) };
}
