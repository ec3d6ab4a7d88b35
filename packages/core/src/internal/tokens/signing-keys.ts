import { assertConfiguration } from '../../configuration-error.ts';
import type { JwksDocument } from '../../keys/local-jwks.ts';
import { type PrivateJwk, type SigningKey, signingKey } from './signing-key.ts';

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
    `${factory}: signing.current must be the "kid" of one of the keys, and no "kid" is there twice.`,
  );
  const publicKeys = [...keys.values()].map(({ publicJwk }) => publicJwk);
  return { current, jwks: Object.freeze({ keys: Object.freeze(publicKeys) }) };
}
