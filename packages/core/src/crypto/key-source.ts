import type { MaybePromise } from '../lib/maybe-promise.ts';

/**
 * Signature algorithms that can be allowed (RFC 7518 §3, RFC 8037, RFC 9864). `none` is not among them and
 * cannot be asked for.
 */
export type JwsAlgorithm =
  | 'RS256'
  | 'RS384'
  | 'RS512'
  | 'PS256'
  | 'PS384'
  | 'PS512'
  | 'ES256'
  | 'ES384'
  | 'ES512'
  | 'EdDSA'
  | 'Ed25519'
  | 'ML-DSA-44'
  | 'ML-DSA-65'
  | 'ML-DSA-87'
  | 'HS256'
  | 'HS384'
  | 'HS512';

/** A JSON Web Key as it is written (RFC 7517, RFC 7518 §6). */
export interface Jwk {
  readonly kty?: string | undefined;
  readonly kid?: string | undefined;
  readonly use?: string | undefined;
  readonly key_ops?: readonly string[] | undefined;
  readonly alg?: string | undefined;
  readonly crv?: string | undefined;
  readonly x?: string | undefined;
  readonly y?: string | undefined;
  readonly n?: string | undefined;
  readonly e?: string | undefined;
  readonly k?: string | undefined;
  /** Of ML-DSA keys (`AKP`). */
  readonly pub?: string | undefined;
  readonly x5c?: readonly string[] | undefined;
  readonly x5t?: string | undefined;
  readonly x5u?: string | undefined;
  readonly 'x5t#S256'?: string | undefined;
  readonly ext?: boolean | undefined;
}

/** A key that was checked: fit for verifying, strong enough, and without private members. */
export interface VerificationKey {
  readonly kid: string | undefined;
  /** The algorithms that may be used with it; the token cannot add to them. */
  readonly algorithms: readonly JwsAlgorithm[];
  /** What defines the key and nothing else (the members of RFC 7638 §3.2). */
  readonly jwk: Readonly<Record<string, string>>;
}

/** The keys that an issuer vouches for at one time. A changed set is another object, never the same one. */
export interface KeySet {
  readonly keys: readonly VerificationKey[];
}

/** What a key source answers: the keys to try, or why there are none. */
export type KeyAnswer =
  | { readonly ok: true; readonly keys: readonly VerificationKey[]; readonly set: KeySet }
  | {
      readonly ok: false;
      readonly reason: 'unknown' | 'ambiguous';
      /** Which keys there are, and which of them cannot be used and why: for operators. */
      readonly known?: readonly string[] | undefined;
    }
  | {
      readonly ok: false;
      readonly reason: 'unavailable';
      /** Seconds until a retry can succeed. */
      readonly retryAfterMs: number;
      readonly cause?: unknown;
    };

/** What a token says about the key that signed it. */
export interface KeyHint {
  readonly alg: JwsAlgorithm;
  readonly kid: string | undefined;
}

/**
 * Where the keys of one issuer come from. Neither function throws or rejects. Ready made: `localJwks`,
 * `remoteJwks`, `discoverIssuer`.
 */
export interface KeySource {
  /** True where the keys are shared secrets (`HS*`). */
  readonly symmetric: boolean;
  /**
   * The set in force, at once; undefined where none is known or it is too old to trust. What was verified
   * with one set is only as good as long as this answers the same set. `call` is the request that asks, whose host is
   * kept alive while keys are renewed beside it.
   */
  readonly current: (call?: object) => KeySet | undefined;
  /** The keys for one token, at once where they are known. */
  readonly find: (hint: KeyHint, call?: object) => MaybePromise<KeyAnswer>;
}

/** Checks one signature; a throw or rejection means that it is not valid. */
export type VerifySignature = (
  data: Uint8Array<ArrayBuffer>,
  signature: Uint8Array<ArrayBuffer>,
) => MaybePromise<boolean>;

/**
 * Makes a key ready for use with one algorithm; asked once for each key and algorithm. The default uses WebCrypto;
 * `nodeVerifier` of `@apisec/node` answers without a promise.
 */
export type SignatureVerifier = (
  key: VerificationKey,
  algorithm: JwsAlgorithm,
) => MaybePromise<VerifySignature>;
