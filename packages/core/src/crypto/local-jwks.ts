import { assertConfiguration, ConfigurationError } from '../lib/configuration-error.ts';
import type { Jwk, KeySet, KeySource, VerificationKey } from './key-source.ts';
import { assertUnpublishedKey } from './published-keys.ts';
import { selectKeys, toVerificationKey } from './verification-key.ts';

/** A JSON Web Key Set as it is written (RFC 7517 §5). */
export interface JwksDocument {
  readonly keys: readonly Jwk[];
}

/**
 * The keys of an issuer, given at construction: for tests, for pinned keys, and for shared secrets
 * (`HS*`, which remote sets never give).
 *
 * @throws ConfigurationError when a key cannot verify signatures: too short, private, for encryption, of an
 * unknown kind; an example of a standard or documentation, whose private part everybody knows; when there is none; or
 * when shared secrets stand beside public keys.
 * @example
 * const keys = localJwks(JSON.parse(process.env.ISSUER_JWKS));
 */
export function localJwks(document: JwksDocument): KeySource {
  const given: unknown = (document as JwksDocument | undefined)?.keys;
  assertConfiguration(
    Array.isArray(given) && given.length > 0,
    'localJwks needs at least one key: localJwks({ keys: [jwk] }).',
  );
  const keys = given.map((jwk: unknown, index): VerificationKey => {
    const key = toVerificationKey(jwk);
    if (typeof key === 'string') {
      throw new ConfigurationError(`localJwks: key ${index} cannot verify signatures: ${key}.`);
    }
    assertUnpublishedKey(`localJwks: key ${index}`, key.jwk);
    return key;
  });
  const secrets = keys.filter((key) => key.jwk['kty'] === 'oct').length;
  assertConfiguration(
    secrets === 0 || secrets === keys.length,
    'localJwks: shared secrets and public keys must not stand in one set. Make two issuers of them.',
  );
  const set: KeySet = Object.freeze({ keys: Object.freeze(keys) });
  return Object.freeze({
    symmetric: secrets > 0,
    current: () => set,
    find: (hint) => selectKeys(set, hint),
  } satisfies KeySource);
}
