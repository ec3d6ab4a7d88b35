import type { Jwk, JwsAlgorithm, VerificationKey } from '../crypto/key-source.ts';
import { toVerificationKey } from '../crypto/verification-key.ts';
import type { AuthenticatedFacts } from '../engine/facts.ts';
import type { Pass } from '../engine/outcome.ts';
import { principalId } from '../engine/principal-id.ts';
import { encodeBase64url } from '../lib/base64url.ts';
import { assertConfiguration, ConfigurationError } from '../lib/configuration-error.ts';
import { frozenSet } from '../lib/freeze-deep.ts';
import { isThenable, type MaybePromise } from '../lib/maybe-promise.ts';

/** Signature algorithms of RFC 9421 §3.3. */
export type SignatureAlgorithm =
  | 'hmac-sha256'
  | 'ed25519'
  | 'ecdsa-p256-sha256'
  | 'ecdsa-p384-sha384'
  | 'rsa-pss-sha512'
  | 'rsa-v1_5-sha256';

/** A key that calls may be signed with, and who calls then. */
export interface SignatureKey {
  /** The one algorithm of the key; a signature cannot choose another. */
  readonly algorithm: SignatureAlgorithm;
  /** A public key, or for `hmac-sha256` at least 32 random bytes. */
  readonly key: Jwk | Uint8Array;
  /** Who holds the key. */
  readonly subject: string;
  readonly clientId?: string | undefined;
  readonly tenant?: string | undefined;
  /** Default: none. */
  readonly scopes?: readonly string[] | undefined;
  /** Default: none. */
  readonly roles?: readonly string[] | undefined;
}

/** Keys by their id, or where to look one up. */
export type SignatureKeys =
  | Readonly<Record<string, SignatureKey>>
  | ((keyid: string) => MaybePromise<SignatureKey | undefined>);

/** A key made ready, with what is answered to every call that it signed. */
export interface PreparedKey {
  readonly name: SignatureAlgorithm;
  readonly algorithm: JwsAlgorithm;
  readonly key: VerificationKey;
  readonly outcome: Pass<AuthenticatedFacts>;
}

/** They are the same algorithms: RFC 9421 §3.3.7 refers to those of JWS as well. */
export const jwsNames: Readonly<Record<SignatureAlgorithm, JwsAlgorithm>> = Object.freeze({
  'hmac-sha256': 'HS256',
  ed25519: 'Ed25519',
  'ecdsa-p256-sha256': 'ES256',
  'ecdsa-p384-sha384': 'ES384',
  'rsa-pss-sha512': 'PS512',
  'rsa-v1_5-sha256': 'RS256',
});

const NO_CLAIMS: Readonly<Record<string, unknown>> = Object.freeze({});

/**
 * Looks keys up by their id; each is made ready once. Listed keys are checked now, keys of a function when they
 * come: it throws or rejects for one that cannot be used.
 *
 * @throws ConfigurationError for a listed key that cannot be used.
 */
export function signatureKeys(
  policy: string,
  keys: SignatureKeys,
  issuer: string,
): (keyid: string) => MaybePromise<PreparedKey | undefined> {
  if (typeof keys !== 'function') {
    assertConfiguration(
      typeof keys === 'object' && keys !== null && Object.keys(keys).length > 0,
      `${policy}: keys must list keys by their id, or be a function that looks one up.`,
    );
    const all = new Map(
      Object.entries(keys).map(([keyid, key]) => [keyid, prepare(policy, keyid, key, issuer)]),
    );
    return (keyid) => all.get(keyid);
  }
  const ready = new WeakMap<SignatureKey, PreparedKey>();
  const make = (keyid: string, key: SignatureKey | undefined): PreparedKey | undefined => {
    if (key === undefined || key === null) return undefined;
    const known = ready.get(key) ?? prepare(policy, keyid, key, issuer);
    ready.set(key, known);
    return known;
  };
  return (keyid) => {
    const found = keys(keyid);
    return isThenable(found) ? found.then((key) => make(keyid, key)) : make(keyid, found);
  };
}

function prepare(policy: string, keyid: string, given: SignatureKey, issuer: string): PreparedKey {
  const where = `${policy}: key ${JSON.stringify(keyid)}`;
  const { algorithm: name, key: material, subject, clientId, tenant, scopes, roles } = given;
  assertConfiguration(
    Object.hasOwn(jwsNames, name),
    `${where} needs an algorithm of RFC 9421, for example 'ed25519'.`,
  );
  assertConfiguration(
    typeof subject === 'string' && subject !== '',
    `${where} needs a subject: who calls with it.`,
  );
  const algorithm = jwsNames[name];
  const jwk = material instanceof Uint8Array ? secretJwk(material) : material;
  const key = toVerificationKey(jwk);
  if (typeof key === 'string') throw new ConfigurationError(`${where} cannot be used: ${key}.`);
  assertConfiguration(
    key.algorithms.includes(algorithm),
    `${where} is not a key for ${name}${algorithm === 'HS256' ? ' (at least 32 random bytes)' : ''}.`,
  );
  return { name, algorithm, key, outcome: admission() };

  function admission(): Pass<AuthenticatedFacts> {
    const principal = Object.freeze({
      id: principalId(issuer, subject, clientId),
      issuer,
      subject,
      clientId,
      tenant,
      scopes: frozenSet(scopes ?? []),
      roles: frozenSet(roles ?? []),
    });
    const authentication = Object.freeze({
      method: 'signature',
      scheme: 'Signature',
      claims: NO_CLAIMS,
    });
    return Object.freeze({ ok: true, facts: Object.freeze({ principal, authentication }) });
  }
}

function secretJwk(secret: Uint8Array): Jwk {
  return { kty: 'oct', k: encodeBase64url(secret) };
}
