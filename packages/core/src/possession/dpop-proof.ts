import { type CompactJws, parseCompactJws } from '../crypto/compact-jws.ts';
import type { JwsAlgorithm, VerificationKey } from '../crypto/key-source.ts';
import { toVerificationKey } from '../crypto/verification-key.ts';
import type { Obligations } from '../engine/obligations.ts';
import { type Deny, sharedDenial } from '../engine/outcome.ts';
import type { HeadersView } from '../engine/request.ts';
import { boundedCache } from '../lib/bounded-cache.ts';
import { sha256 } from '../lib/hash.ts';
import { isObject, member, parseStrictObject } from '../lib/strict-json.ts';
import { dateClaim, INVALID, textClaim } from '../tokens/jwt-claims.ts';

/** A DPoP proof that is well formed. Nothing in it was compared or verified. */
export interface DpopProof {
  readonly jws: CompactJws;
  readonly alg: JwsAlgorithm;
  readonly key: VerificationKey;
  readonly jti: string;
  readonly htm: string;
  readonly htu: string;
  /** Epoch milliseconds. */
  readonly iat: number;
  readonly ath: string;
  readonly nonce: string | undefined;
}

const MAX_PROOF_LENGTH = 8192;
/** RFC 9449 §11.1: what is remembered of a proof must be bounded. A UUID has 36 characters. */
const MAX_ID_LENGTH = 256;
/** 4096 bits in base64url: keys are chosen by callers, and longer ones cost the server. */
const MAX_MODULUS_LENGTH = 683;

/**
 * The proof of a call, or what is wrong with it: the checks 1 to 4, 7 and those of form in 5 of RFC 9449
 * §4.3. In time linear in the header.
 */
export function readProof(
  headers: HeadersView,
  algorithms: ReadonlySet<string>,
): DpopProof | DpopDenialCode {
  const value = headers.get('dpop');
  if (value === null || value === undefined) return 'dpop.missing';
  // A field that was sent twice arrives joined, and a JWT has no comma.
  if (value.includes(',')) return 'dpop.repeated';
  if (value.length > MAX_PROOF_LENGTH) return 'dpop.malformed';
  const jws = parseCompactJws(value);
  const claims = jws && parseStrictObject(jws.payload);
  if (jws === undefined || claims === undefined) return 'dpop.malformed';
  if (jws.typ !== 'dpop+jwt') return 'dpop.type_refused';
  if (!algorithms.has(jws.alg)) return 'dpop.algorithm_refused';
  // Only names of algorithms are in the set.
  const alg = jws.alg as JwsAlgorithm;
  const key = keyOf(jws, alg);
  if (key === undefined) return 'dpop.key_refused';
  if (REQUIRED.some((name) => member(claims, name) === undefined)) return 'dpop.claim_missing';
  const [jti, htm, htu, ath, nonce] = TEXTS.map((name) => textClaim(claims, name));
  const iat = dateClaim(claims, 'iat');
  if (!isText(jti) || jti.length > MAX_ID_LENGTH || !isText(htm) || !isText(htu) || !isText(ath)) {
    return 'dpop.claim_invalid';
  }
  if (typeof iat !== 'number' || nonce === INVALID) return 'dpop.claim_invalid';
  return { jws, alg, key, jti, htm, htu, iat, ath, nonce };
}

const REQUIRED = ['jti', 'htm', 'htu', 'iat', 'ath'];
const TEXTS = ['jti', 'htm', 'htu', 'ath', 'nonce'];

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

/** The key in the header, where it is public, strong enough and of the kind that `alg` needs. */
function keyOf({ header }: CompactJws, alg: JwsAlgorithm): VerificationKey | undefined {
  const jwk = member(header, 'jwk');
  // The secret of an HMAC in a header is no proof of anything.
  if (!isObject(jwk) || Object.hasOwn(jwk, 'k')) return undefined;
  const key = toVerificationKey(jwk);
  if (typeof key === 'string' || !key.algorithms.includes(alg)) return undefined;
  return (key.jwk['n'] ?? '').length > MAX_MODULUS_LENGTH ? undefined : key;
}

/** RFC 9449 §7.1, §12.2: the proof is at fault. */
const badProofs = {
  'dpop.missing': 'The access token needs a DPoP proof.',
  'dpop.repeated': 'The DPoP header must be sent once.',
  'dpop.malformed': 'The DPoP proof is not well formed.',
  'dpop.type_refused': 'The DPoP proof is not of type dpop+jwt.',
  'dpop.algorithm_refused': 'The DPoP proof is signed with an algorithm that is not allowed.',
  'dpop.key_refused': 'The DPoP proof has no usable public key in its header.',
  'dpop.claim_missing': 'The DPoP proof lacks a required claim.',
  'dpop.claim_invalid': 'The DPoP proof has a claim that is not well formed.',
  'dpop.method_mismatch': 'The DPoP proof was made for another method.',
  'dpop.target_mismatch': 'The DPoP proof was made for another URI.',
  'dpop.expired': 'The DPoP proof is too old.',
  'dpop.not_yet_valid': 'The DPoP proof was made in the future.',
  'dpop.token_mismatch': 'The DPoP proof was made for another access token.',
  'dpop.signature_invalid': 'The signature of the DPoP proof is not valid.',
  'dpop.replayed': 'The DPoP proof was used before.',
} as const;

/** RFC 9449 §9: the text is the RFC's own. */
const badNonces = {
  'dpop.nonce_missing': 'Resource server requires nonce in DPoP proof',
  'dpop.nonce_refused': 'Resource server requires nonce in DPoP proof',
} as const;

/** RFC 9449 §7.1: the token is at fault. */
const badTokens = {
  'dpop.key_mismatch': 'Invalid DPoP key binding',
  'dpop.token_unbound': 'The access token is not bound to a DPoP key.',
  'dpop.scheme_refused': 'The access token is bound to a DPoP key and must be sent as DPoP.',
} as const;

/** Codes of `requireDpop` for what the caller sent. */
export type DpopDenialCode =
  | keyof typeof badProofs
  | keyof typeof badNonces
  | keyof typeof badTokens;

/** Words every denial once; `common` stands in each challenge. */
export function dpopDenials(
  common: Readonly<Record<string, string>>,
  algorithms: readonly string[],
): (code: DpopDenialCode, obligations?: Obligations) => Deny {
  const made = new Map<string, Deny>();
  const make = (error: string, details: Readonly<Record<string, string>>): void => {
    for (const [code, detail] of Object.entries(details)) {
      const params = {
        ...common,
        error,
        error_description: detail,
        algs: algorithms.join(' '),
      };
      const denial = {
        kind: 'unauthenticated' as const,
        code,
        detail,
        challenges: [{ scheme: 'DPoP', params }],
      };
      made.set(code, sharedDenial(denial, { conclusive: true }));
    }
  };
  make('invalid_dpop_proof', badProofs);
  make('use_dpop_nonce', badNonces);
  make('invalid_token', badTokens);
  return (code, obligations) => {
    // Every code was made above.
    const denial = made.get(code) as Deny;
    return obligations === undefined ? denial : { ...denial, obligations };
  };
}

/** A key of a proof with its thumbprint. */
export interface DpopKey {
  readonly key: VerificationKey;
  readonly jkt: string;
}

/** Keys that clients prove with. */
export interface DpopKeys {
  readonly identify: (key: VerificationKey) => DpopKey | Promise<DpopKey>;
  /** Keeps a key at hand. Only for keys that a token is bound to, so that strangers leave no trace. */
  readonly remember: (known: DpopKey) => void;
}

const MAX_ENTRIES = 5_000;
const MAX_BYTES = 16_777_216;
/** An imported key, beside the text of it. */
const BYTES_PER_ENTRY = 2_000;

/** Makes the same key once: its thumbprint is computed and its import done while it is in use. */
export function dpopKeys(): DpopKeys {
  const cache = boundedCache<DpopKey>({ maxEntries: MAX_ENTRIES, maxBytes: MAX_BYTES });
  return {
    identify: (key) => {
      const input = thumbprintInput(key);
      return cache.get(input) ?? sha256(input).then((jkt) => ({ key, jkt }));
    },
    remember: (known) => {
      const input = thumbprintInput(known.key);
      if (cache.get(input) !== undefined) return;
      cache.set(input, known, input.length * 4 + BYTES_PER_ENTRY);
    },
  };
}

/** The text that a key's thumbprint is the hash of: its defining members, sorted (RFC 7638 §3). */
export function thumbprintInput({ jwk }: VerificationKey): string {
  const members = Object.entries(jwk).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return JSON.stringify(Object.fromEntries(members));
}
