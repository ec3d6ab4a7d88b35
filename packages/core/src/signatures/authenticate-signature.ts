import { memoryReplayStore } from '../contracts/memory-replay-store.ts';
import { isFirstUse, type ReplayStore, replayTtl } from '../contracts/replay-store.ts';
import type { SignatureVerifier } from '../crypto/key-source.ts';
import { webCryptoVerifier } from '../crypto/verification-key.ts';
import type { ChallengeOptions } from '../engine/challenge.ts';
import { type Denial, fault } from '../engine/denial.ts';
import type { AuthenticatedFacts, RawBodyFacts } from '../engine/facts.ts';
import { type Deny, denyWith, type NoFacts, type Outcome, withCause } from '../engine/outcome.ts';
import { definePolicy, type Policy } from '../engine/policy.ts';
import { type HeadersView, mayHaveBody, pathOf, queryOf } from '../engine/request.ts';
import { settingsOf } from '../engine/settings.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { type Duration, durationMs } from '../lib/duration.ts';
import { sha256 } from '../lib/hash.ts';
import { inTime } from '../lib/in-time.ts';
import { momentText } from '../lib/moment.ts';
import { assertKnownOptions } from '../lib/options.ts';
import { publicBase } from '../possession/proof-target.ts';
import { type FieldTypes, type SignableRequest, signatureBase } from './signature-base.ts';
import {
  type SignatureComponent,
  signatureCoverage,
  signatureFields,
} from './signature-coverage.ts';
import { type PresentedSignature, readSignature, type SignatureChoice } from './signature-input.ts';
import {
  type SignatureAlgorithm,
  type SignatureKey,
  type SignatureKeys,
  signatureKeys,
} from './signature-keys.ts';
import {
  type SignatureProblem,
  signatureDenials,
  signatureUnavailable,
  signatureVerification,
} from './signature-verification.ts';

export type { FieldTypes, SignatureAlgorithm, SignatureComponent, SignatureKey, SignatureKeys };

/** Options of {@link authenticateSignature}. */
export interface AuthenticateSignatureOptions extends Pick<ChallengeOptions, 'realm'> {
  /** The origin that clients call, for example `https://api.example.com`. `Host` is never trusted. */
  readonly publicOrigin: string;
  /** What a proxy in front takes away from the path that clients call, for example `/shop`. */
  readonly publicPathPrefix?: string | undefined;
  /**
   * Keys by their id, or a function that looks one up; it answers another object when something of a key
   * changes, `undefined` for an id it does not know, and rejects when it cannot tell.
   */
  readonly keys: SignatureKeys;
  /**
   * Whether the body belongs to what is signed, by its `Content-Digest` (RFC 9530): the adapter must supply its
   * bytes. `false`: calls with a body are denied. Default: true.
   */
  readonly coverBody?: boolean | undefined;
  /** More that every signature must cover: headers in lower case, `@scheme`, … */
  readonly alsoCover?: readonly string[] | undefined;
  /** What need not be covered although it is by default. Anybody on the way can change it. */
  readonly insecureUncovered?: readonly SignatureComponent[] | undefined;
  /** Only the signature with this label. Default: the only one there is. */
  readonly label?: string | undefined;
  /** Only signatures with this `tag`, for one application of a key. Default: only those without one. */
  readonly tag?: string | undefined;
  /**
   * How long a signature can be used after it was made, from `1s` to `1h`; less where it says so. Default: `1m`.
   */
  readonly maxAge?: Duration | undefined;
  /** By how much the client's clock may differ, from `0s` to `5m`. Default: `5s`. */
  readonly clockTolerance?: Duration | undefined;
  /**
   * Where used nonces are remembered. `false`: signatures need no nonce, and each can be sent again for as long as
   * `maxAge`. Default: in this process, which is right for a single one only.
   */
  readonly replay?: ReplayStore | false | undefined;
  /** How long `keys` and `replay` may take, from `1ms` to `1m`. Default: `1s`. */
  readonly timeout?: Duration | undefined;
  /** Who vouches for the subjects of the keys; with them it makes `principal.id`. Default: `signature`. */
  readonly issuer?: string | undefined;
  /** Kinds of your own structured fields that are signed with `sf` or `key`. */
  readonly structuredFields?: FieldTypes | undefined;
  /** What checks signatures. Default: WebCrypto. */
  readonly verifier?: SignatureVerifier | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

const NAME = 'authenticateSignature';
const OPTIONS = [
  'realm',
  'publicOrigin',
  'publicPathPrefix',
  'keys',
  'coverBody',
  'alsoCover',
  'insecureUncovered',
  'label',
  'tag',
  'maxAge',
  'clockTolerance',
  'replay',
  'timeout',
  'issuer',
  'structuredFields',
  'verifier',
  'now',
] as const;

/**
 * Finds out who calls by an HTTP message signature (RFC 9421), and denies calls that are not signed, or signed
 * otherwise than they arrive. Adds `principal` (who holds the key) and `authentication`; admits nobody by
 * itself.
 *
 * A signature must cover method, authority, path, query, body (by `Content-Digest`, RFC 9530) and
 * `Authorization`, as far as the call has them; name its key; be fresh (`created`); and have a `nonce` that was
 * not used before. Each key has one algorithm, which `alg` may repeat but not change. Header fields are signed
 * whole, or with `sf` or `key`; `bs`, `req` and `tr` are denied. At most 8 signatures of 32 components.
 *
 * Denies with `credentials.missing` (401) without a signature, the only denial that another alternative of
 * `anyOf` may save. With 400: `signature.malformed`, `.too_large`, `.ambiguous`, `.component_unsupported`,
 * `.digest_unreadable`, `.body_uncovered`. With 401: `signature.component_uncovered`, `.component_missing`,
 * `.expired`, `.not_yet_valid`, `.nonce_missing`, `.key_unknown`, `.algorithm_refused`, `.invalid`,
 * `.digest_mismatch`, `.replayed`. With 503: `signature.unavailable`, when keys or replay store do not answer.
 *
 * @throws ConfigurationError when `publicOrigin` is not an origin, a key cannot be used, or an option is out of its
 * bounds.
 * @example
 * const key = { algorithm: 'ed25519', key: partnerJwk, subject: 'partner' } as const;
 * const orders = guard<HttpFacts & RawBodyFacts>()
 *   .use(authenticateSignature({ publicOrigin: 'https://api.example.com', keys: { 'partner-1': key } }))
 *   .use(allowAuthenticated());
 * export default { fetch: protect(orders, handler, { bodies: fetchBodies({ raw: true }) }) };
 */
export function authenticateSignature(
  options: AuthenticateSignatureOptions & { readonly coverBody: false },
): Policy<NoFacts, AuthenticatedFacts, 'check'>;
export function authenticateSignature(
  options: AuthenticateSignatureOptions,
): Policy<RawBodyFacts, AuthenticatedFacts, 'check'>;
export function authenticateSignature(
  options: AuthenticateSignatureOptions,
): Policy<RawBodyFacts, AuthenticatedFacts, 'check'> {
  assertKnownOptions(NAME, options, OPTIONS);
  const {
    publicPathPrefix = '',
    coverBody = true,
    alsoCover = [],
    insecureUncovered = [],
    label,
    tag,
    replay = memoryReplayStore({ now: options.now }),
    issuer = 'signature',
    verifier = webCryptoVerifier,
    now = () => Date.now(),
  } = options;
  publicBase(NAME, options.publicOrigin, publicPathPrefix);
  const origin = publicBase(NAME, options.publicOrigin, '');
  assertConfiguration(
    typeof coverBody === 'boolean',
    `${NAME}: coverBody must be true, or false where calls have no body.`,
  );
  const uncovered = signatureCoverage(NAME, { coverBody, alsoCover, insecureUncovered });
  const maxAgeMs = durationMs(NAME, 'maxAge', options.maxAge ?? '1m', { min: '1s', max: '1h' });
  const tolerance = durationMs(NAME, 'clockTolerance', options.clockTolerance ?? '5s', {
    min: '0s',
    max: '5m',
  });
  assertConfiguration(
    replay === false || typeof replay.putIfAbsent === 'function',
    `${NAME}: replay must be a replay store, for example memoryReplayStore(), or false.`,
  );
  const timeoutMs = durationMs(NAME, 'timeout', options.timeout ?? '1s', { max: '1m' });
  const fields = signatureFields(NAME, options.structuredFields);
  assertConfiguration(
    typeof verifier === 'function',
    `${NAME}: verifier must be a function, for example nodeVerifier() of @apisec/node.`,
  );
  const denials = signatureDenials(NAME, options);
  const denial = ({ problem, cause }: SignatureProblem): Deny => withCause(denials[problem], cause);
  const findKey = signatureKeys(NAME, options.keys, issuer);

  const verify = signatureVerification({
    findKey: (keyid) => inTime(() => findKey(keyid), timeoutMs),
    verifier,
    target: { publicOrigin: origin, publicPathPrefix },
    coverBody,
  });

  /** What is wrong with the signature's time and nonce, before anything costs much. */
  const staleness = (
    { created, expires, nonce, keyid }: PresentedSignature,
    end: number,
    at: number,
  ): SignatureProblem | undefined => {
    const isEarly = created * 1000 > at + tolerance;
    if (isEarly || at >= end) {
      const cause = {
        keyid,
        created: momentText(created * 1000),
        ...(expires !== undefined && { expires: momentText(expires * 1000) }),
        now: momentText(at),
        maxAgeMs,
        clockToleranceMs: tolerance,
      };
      return { problem: isEarly ? 'signature.not_yet_valid' : 'signature.expired', cause };
    }
    if (replay === false || nonce !== undefined) return undefined;
    return { problem: 'signature.nonce_missing', cause: { keyid, expected: ['nonce'] } };
  };

  /** Takes the nonce for this call: true for exactly one of many. */
  const isFirst = async (
    store: ReplayStore,
    { keyid, nonce }: PresentedSignature,
    ttl: number,
  ): Promise<boolean> => {
    // Neither of them can hold a line break.
    const use = await sha256([origin, keyid, nonce].join('\n'));
    return isFirstUse(store, `signature:${use}`, ttl, timeoutMs);
  };

  const examine = async (
    presented: PresentedSignature,
    request: SignableRequest,
    body: Uint8Array,
  ): Promise<Outcome<AuthenticatedFacts>> => {
    const { covered, created, keyid, expires = Number.POSITIVE_INFINITY } = presented;
    const end = Math.min(created * 1000 + maxAgeMs, expires * 1000) + tolerance;
    const stale = staleness(presented, end, now());
    if (stale !== undefined) return denial(stale);
    const missing = uncovered(covered, request, body);
    if (missing.length > 0) {
      const cause = { keyid, missing, given: [...covered] };
      return denial({ problem: 'signature.component_uncovered', cause });
    }
    const base = signatureBase(request, presented.input, fields);
    if ('problem' in base) {
      return denial({ problem: base.problem, cause: { keyid, component: base.component } });
    }
    try {
      const key = await verify(presented, base.text, request, body);
      if ('problem' in key) return denial(key);
      if (replay === false) return key.outcome;
      const at = now();
      const ttl = replayTtl(end, at, timeoutMs);
      if (ttl === undefined) {
        const cause = { keyid, created: momentText(created * 1000), now: momentText(at), maxAgeMs };
        return denial({ problem: 'signature.expired', cause });
      }
      // Last, so that only the holder of the key can use its nonces up.
      const first = await isFirst(replay, presented, ttl);
      if (first) return key.outcome;
      const cause = { keyid, created: momentText(created * 1000) };
      return denial({ problem: 'signature.replayed', cause });
    } catch (cause) {
      return signatureUnavailable(cause);
    }
  };

  return definePolicy<RawBodyFacts, AuthenticatedFacts, 'check'>({
    name: NAME,
    role: 'check',
    settings: settingsOf(options, [
      'coverBody',
      'alsoCover',
      'insecureUncovered',
      'maxAge',
      'clockTolerance',
    ]),
    needs: coverBody ? ['rawBody'] : [],
    adds: ['principal', 'authentication'],
    check: (request, { rawBody }) => {
      const { method, headers } = request;
      const presented = readSignature(headers, { label, tag });
      if (typeof presented === 'string') {
        return denial({ problem: presented, cause: unreadCause(headers, { label, tag }) });
      }
      // What the types promise, plain JavaScript may break.
      if (coverBody && !(rawBody instanceof Uint8Array)) return denyWith(UNSEEN);
      if (!coverBody && mayHaveBody(request)) {
        const cause = { expected: 'no body', coverBody };
        return denial({ problem: 'signature.body_uncovered', cause });
      }
      const path = publicPathPrefix + pathOf(request);
      const signable = { method, origin, path, query: queryOf(request), headers };
      return examine(presented, signable, coverBody ? rawBody : NO_BODY);
    },
  });
}

/** What a signed request has, and which of it was there. */
function unreadCause(headers: HeadersView, { label, tag }: SignatureChoice): object {
  const expected = ['Signature-Input', 'Signature'];
  return {
    expected,
    ...(label !== undefined && { label }),
    tag: tag ?? 'none',
    given: expected.filter((name) => headers.has(name)),
  };
}

const NO_BODY = new Uint8Array(0);
const UNSEEN: Denial = Object.freeze(fault('message.unavailable'));
