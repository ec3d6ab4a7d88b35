import { memoryReplayStore } from '../contracts/memory-replay-store.ts';
import { isFirstUse, type ReplayStore, replayTtl } from '../contracts/replay-store.ts';
import { asymmetricAlgorithms } from '../crypto/jws-algorithms.ts';
import type { JwsAlgorithm, SignatureVerifier } from '../crypto/key-source.ts';
import { signatureCheck } from '../crypto/signature-check.ts';
import { webCryptoVerifier } from '../crypto/verification-key.ts';
import { type ChallengeOptions, challengeParams } from '../engine/challenge.ts';
import type { Authentication } from '../engine/facts.ts';
import type { Obligations } from '../engine/obligations.ts';
import {
  type Deny,
  deny,
  type NoFacts,
  type Outcome,
  type Pass,
  pass,
  withCause,
} from '../engine/outcome.ts';
import { definePolicy, type Policy } from '../engine/policy.ts';
import { pathOf, type RequestLike } from '../engine/request.ts';
import { settingsOf } from '../engine/settings.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { type Duration, durationMs } from '../lib/duration.ts';
import { beginningOf, equalInConstantTime, sha256 } from '../lib/hash.ts';
import { momentText } from '../lib/moment.ts';
import { assertKnownOptions } from '../lib/options.ts';
import { member } from '../lib/strict-json.ts';
import { tokenHash } from '../tokens/presented-token.ts';
import type { DpopNonces } from './dpop-nonces.ts';
import {
  type DpopDenialCode,
  type DpopProof,
  dpopDenials,
  dpopKeys,
  readProof,
} from './dpop-proof.ts';
import { normalizeEscapes, normalizeTarget, publicBase } from './proof-target.ts';

export type { ChallengeOptions };

/** Options of {@link requireDpop}. */
export interface RequireDpopOptions extends ChallengeOptions {
  /** The origin that clients call, for example `https://api.example.com`. `Host` is never trusted. */
  readonly publicOrigin: string;
  /** What a proxy in front takes away from the path that clients call, for example `/shop`. */
  readonly publicPathPrefix?: string | undefined;
  /** Where used proofs are remembered. Default: in this process, which is right for a single one only. */
  readonly replay?: ReplayStore | undefined;
  /** How long the store may take, from `1ms` to `1m`. Default: `1s`. */
  readonly replayTimeout?: Duration | undefined;
  /**
   * Nonces that every proof must contain; see `dpopNonces`. They take the place of the client's clock: a proof
   * is then as old as its nonce. Default: none are asked for.
   */
  readonly nonce?: DpopNonces | undefined;
  /** What proofs may be signed with; shared secrets never. Default: every asymmetric algorithm. */
  readonly algorithms?: readonly JwsAlgorithm[] | undefined;
  /** How long a proof can be used, where no nonce says it; from `1s` to `1h`. Default: `1m`. */
  readonly window?: Duration | undefined;
  /**
   * By how much the client's clock may differ, from `0s` to `5m`. Default: `10s`, which FAPI 2.0 asks for (Security
   * Profile §5.3.2.1).
   */
  readonly clockTolerance?: Duration | undefined;
  /** Denies tokens that are bound to no DPoP key, and credentials that are no tokens. Default: false. */
  readonly required?: boolean | undefined;
  /** What checks signatures. Default: WebCrypto. */
  readonly verifier?: SignatureVerifier | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

const NAME = 'requireDpop';
const OPTIONS = [
  'realm',
  'resourceMetadata',
  'publicOrigin',
  'publicPathPrefix',
  'replay',
  'replayTimeout',
  'nonce',
  'algorithms',
  'window',
  'clockTolerance',
  'required',
  'verifier',
  'now',
] as const;

/**
 * Denies a token that is bound to a DPoP key (`cnf.jkt`) unless the call brings a fresh proof of possession:
 * the twelve checks of RFC 9449 §4.3, and each proof once. Put it behind the policy that authenticates, with
 * `schemes: ['Bearer', 'DPoP']` there. Tokens without such a binding pass, unless `required`.
 *
 * Share one policy between the guards of an API: where GraphQL asks several about one operation, they then count
 * the proof once. Where a call goes through two guards one after the other, let one of them read the token: a second
 * one finds its proof used.
 *
 * Denies with codes in `dpop.*` (401): the challenge says `invalid_dpop_proof`, `use_dpop_nonce` (with the
 * header `DPoP-Nonce`) or, where the token is at fault, `invalid_token`. `dpop.unavailable` (503) when nonces or
 * replay store do not answer.
 *
 * @throws ConfigurationError when `publicOrigin` is not an origin, or another option is out of its bounds.
 * @example
 * const orders = guard()
 *   .use(authenticateJwt({ issuer, audience, schemes: ['DPoP'] }))
 *   .use(requireDpop({ publicOrigin: 'https://api.example.com', required: true }))
 *   .use(requireScopes('orders:read'));
 */
export function requireDpop(
  options: RequireDpopOptions,
): Policy<{ readonly authentication: Authentication }, NoFacts, 'check'> {
  assertKnownOptions(NAME, options, OPTIONS);
  const {
    publicPathPrefix = '',
    replay = memoryReplayStore({ now: options.now }),
    nonce: nonces,
    algorithms = asymmetricAlgorithms,
    required = false,
    verifier = webCryptoVerifier,
    now = () => Date.now(),
  } = options;
  const base = publicBase(NAME, options.publicOrigin, publicPathPrefix);
  assertConfiguration(
    typeof replay.putIfAbsent === 'function',
    `${NAME}: replay must be a replay store, for example memoryReplayStore().`,
  );
  const replayTimeoutMs = durationMs(NAME, 'replayTimeout', options.replayTimeout ?? '1s', {
    max: '1m',
  });
  assertConfiguration(
    nonces === undefined || typeof nonces.goodUntil === 'function',
    `${NAME}: nonce must be dpopNonces(…).`,
  );
  assertConfiguration(
    algorithms.length > 0 && algorithms.every((each) => asymmetricAlgorithms.includes(each)),
    `${NAME}: algorithms must be asymmetric, for example ['ES256'].`,
  );
  const windowMs = durationMs(NAME, 'window', options.window ?? '1m', { min: '1s', max: '1h' });
  const tolerance = durationMs(NAME, 'clockTolerance', options.clockTolerance ?? '10s', {
    min: '0s',
    max: '5m',
  });
  const allowed: ReadonlySet<string> = new Set(algorithms);
  const denial = dpopDenials(challengeParams(NAME, options), algorithms);
  const isSigned = signatureCheck(verifier);
  const keys = dpopKeys();

  /** Until when the proof could be used, or why it cannot. Check 11, with 10 in its place where it applies. */
  const lifetime = async (proof: DpopProof, at: number): Promise<number | Problem> => {
    if (nonces === undefined) {
      const end = proof.iat + windowMs + tolerance;
      if (proof.iat <= at + tolerance && at < end) return end;
      const code = at < end ? 'dpop.not_yet_valid' : 'dpop.expired';
      return { code, cause: { issuedAt: momentText(proof.iat), now: momentText(at) } };
    }
    if (proof.nonce === undefined) return { code: 'dpop.nonce_missing' };
    return (await nonces.goodUntil(proof.nonce)) ?? { code: 'dpop.nonce_refused' };
  };

  const note = async (use: string, ttl: number): Promise<boolean> => {
    return isFirstUse(replay, `dpop:${await sha256(use)}`, ttl, replayTimeoutMs);
  };
  /** Where several guards share this policy, one call may be asked more than once: it stays one use. */
  const uses = new WeakMap<
    RequestLike,
    { readonly use: string; readonly first: Promise<boolean> }
  >();
  const isFirst = (request: RequestLike, use: string, ttl: number): Promise<boolean> => {
    const known = uses.get(request);
    if (known?.use === use) return known.first;
    const first = note(use, ttl);
    uses.set(request, { use, first });
    return first;
  };

  const problemOf = async (
    proof: DpopProof,
    request: RequestLike,
    authentication: Authentication,
    bound: string,
  ): Promise<Problem | undefined> => {
    const { htm, htu } = proof;
    if (htm !== request.method) {
      const cause = { expected: { htm: request.method }, given: { htm } };
      return { code: 'dpop.method_mismatch', cause };
    }
    const target = base + normalizeEscapes(pathOf(request));
    const given = normalizeTarget(htu);
    if (given !== target) {
      const cause = { expected: { htu: target }, given: { htu: given } };
      return { code: 'dpop.target_mismatch', cause };
    }
    const end = await lifetime(proof, now());
    if (typeof end !== 'number') return end;
    const expected = await tokenHash(authentication, request.headers);
    if (expected === undefined || !equalInConstantTime(proof.ath, expected)) {
      return { code: 'dpop.token_mismatch' };
    }
    const known = await keys.identify(proof.key);
    if (!equalInConstantTime(known.jkt, bound)) {
      const cause = {
        expected: { jkt: beginningOf(bound) },
        given: { jkt: beginningOf(known.jkt) },
      };
      return { code: 'dpop.key_mismatch', cause };
    }
    if (!(await isSigned(proof.jws, proof.alg, [known.key]))) {
      return { code: 'dpop.signature_invalid' };
    }
    keys.remember(known);
    const ttl = replayTtl(end, now(), replayTimeoutMs);
    if (ttl === undefined) {
      return { code: nonces === undefined ? 'dpop.expired' : 'dpop.nonce_refused' };
    }
    // RFC 9449 §11.1: ids are unique for a key and a target. Only the last part can hold a line break.
    const use = [known.jkt, proof.htm, target, proof.jti].join('\n');
    return (await isFirst(request, use, ttl)) ? undefined : { code: 'dpop.replayed' };
  };

  const check = async (
    request: RequestLike,
    authentication: Authentication,
    bound: string,
  ): Promise<Outcome> => {
    try {
      const proof = readProof(request.headers, allowed);
      const problem =
        typeof proof === 'string'
          ? { code: proof }
          : await problemOf(proof, request, authentication, bound);
      const duty = nonces && nonceDuty(await nonces.current());
      if (problem !== undefined) {
        const denied = denial(problem.code, duty);
        return problem.cause === undefined ? denied : withCause(denied, problem.cause);
      }
      return duty === undefined ? PROVED : { ...PROVED, obligations: duty };
    } catch (cause) {
      return unavailable(cause);
    }
  };

  return definePolicy<{ readonly authentication: Authentication }, NoFacts, 'check'>({
    name: NAME,
    role: 'check',
    settings: settingsOf(options, ['algorithms', 'window', 'clockTolerance', 'required']),
    needs: ['authentication'],
    adds: [],
    check: (request, { authentication }) => {
      const { confirmation, scheme } = authentication;
      const bound = confirmation && member(confirmation, 'jkt');
      if (bound === undefined) {
        return required || scheme === 'DPoP' ? denial('dpop.token_unbound') : pass();
      }
      // RFC 9449 §7.1: otherwise a thief of the token could leave out the proof.
      if (scheme !== 'DPoP') return denial('dpop.scheme_refused');
      return typeof bound === 'string'
        ? check(request, authentication, bound)
        : denial('dpop.key_mismatch');
    },
  });
}

/** What is wrong with a proof; `cause` for operators only. */
interface Problem {
  readonly code: DpopDenialCode;
  readonly cause?: object;
}

const PROVED: Pass<NoFacts> = Object.freeze({ ok: true, meets: Object.freeze(['cnf.jkt']) });

/** RFC 9449 §8.2: an answer with a nonce must not be stored, or the nonce would be served again. */
function nonceDuty(nonce: string): Obligations {
  return {
    headers: [
      { op: 'set', name: 'dpop-nonce', value: nonce },
      { op: 'set', name: 'cache-control', value: 'no-store' },
    ],
  };
}

function unavailable(cause: unknown): Deny {
  return deny('unavailable', 'dpop.unavailable', {
    detail: 'The DPoP proof cannot be verified at the moment.',
    cause,
    conclusive: true,
  });
}
