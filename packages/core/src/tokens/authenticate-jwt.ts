import type { KeyAnswer, KeySet, SignatureVerifier } from '../crypto/key-source.ts';
import { signatureCheck } from '../crypto/signature-check.ts';
import { webCryptoVerifier } from '../crypto/verification-key.ts';
import { CHALLENGE_OPTIONS, type ChallengeOptions } from '../engine/challenge.ts';
import { locateCredential } from '../engine/credential-place.ts';
import type { AuthenticatedFacts, CrossOriginFacts } from '../engine/facts.ts';
import { type Deny, deny, type NoFacts, type Outcome, type Pass } from '../engine/outcome.ts';
import { definePolicy, type Policy } from '../engine/policy.ts';
import { settingsOf } from '../engine/settings.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { type Duration, durationMs } from '../lib/duration.ts';
import { chain, isThenable, type MaybePromise } from '../lib/maybe-promise.ts';
import { assertKnownOptions, assertOneOf } from '../lib/options.ts';
import type { TokenScheme } from './bearer-credentials.ts';
import type { ClaimOptions, ClaimSign, RecipientClaim, RequiredClaim } from './claim-rules.ts';
import type { TokenDecryption } from './decrypt-tokens.ts';
import { discoverIssuer } from './discover-issuer.ts';
import type { ClaimPath, RolesPath } from './jwt-claims.ts';
import { type ExaminedJwt, examineJwt, type TokenProblem } from './jwt-examination.ts';
import { confirmationDemands, factsOfClaims } from './jwt-facts.ts';
import {
  ISSUER_OPTIONS,
  issuerLookup,
  type TenantIssuers,
  type TrustedIssuer,
} from './jwt-issuers.ts';
import type { JwtProfile } from './jwt-profile.ts';
import { rememberToken } from './presented-token.ts';
import { tokenDenials } from './token-denials.ts';
import { type CookieSource, type HeaderSource, placeOf, tokenReader } from './token-reader.ts';
import { type VerifiedTokensOptions, verifiedTokens } from './verified-tokens.ts';

export type {
  ChallengeOptions,
  ClaimOptions,
  ClaimPath,
  ClaimSign,
  CookieSource,
  HeaderSource,
  JwtProfile,
  RecipientClaim,
  RequiredClaim,
  RolesPath,
  TenantIssuers,
  TokenScheme,
  TrustedIssuer,
  VerifiedTokensOptions,
};

/** Options of {@link authenticateJwt} that hold for every issuer. */
export interface JwtOptions extends ChallengeOptions {
  /** How much the issuer's clock may differ, at most `5m`. Default: `5s`. */
  readonly clockTolerance?: Duration | undefined;
  /**
   * The longest time between `iat` and `exp`. A token that was made for longer, or does not say since when it is good,
   * is denied (`token.lifetime_too_long`): one that leaks is good for that long. Default: any.
   */
  readonly maxLifetime?: Duration | undefined;
  /** A longer token is denied before anything else is done with it. Default: 8192. */
  readonly maxTokenBytes?: number | undefined;
  /** The schemes in which a token may come. `DPoP` also needs `requireDpop`. Default: `['Bearer']`. */
  readonly schemes?: readonly TokenScheme[] | undefined;
  /**
   * `ignore`: a token that does not look like a JWT counts as no credentials, for another policy to
   * verify: `anyOf(authenticateJwt(…), authenticateIntrospection(…))`. Default: `deny`.
   */
  readonly opaqueTokens?: 'deny' | 'ignore' | undefined;
  /** Bounds of the cache of verified tokens; `false` verifies every token every time. */
  readonly cache?: false | VerifiedTokensOptions | undefined;
  /**
   * Takes tokens that are encrypted as well: `decryptTokens({ keys })`. Default: they are denied (`token.malformed`).
   */
  readonly decryption?: TokenDecryption | undefined;
  /** What checks signatures. Default: WebCrypto. */
  readonly verifier?: SignatureVerifier | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** Options of {@link authenticateJwt}: one issuer, or several. */
export type AuthenticateJwtOptions = IssuersAndOptions & {
  /**
   * Where tokens are, and nowhere else: `tokenInHeader`, `tokenInSubprotocol`. Default: `Authorization`.
   */
  readonly from?: HeaderSource | undefined;
};

/** The same for tokens in a cookie. */
export type CookieJwtOptions = IssuersAndOptions & { readonly from: CookieSource };

type IssuersAndOptions = JwtOptions &
  (
    | (TrustedIssuer & { readonly issuers?: undefined })
    | ({
        /** The trusted ones, and those that come at run time (`tenantIssuers`); each may say claims of its own. */
        readonly issuers: TenantIssuers | readonly (TrustedIssuer | TenantIssuers)[];
        readonly recipient?: undefined;
      } & Omit<ClaimOptions, 'recipient'> & {
          readonly [Name in Exclude<keyof TrustedIssuer, keyof ClaimOptions>]?: undefined;
        })
  );

const NAME = 'authenticateJwt';
const OPTIONS = [
  ...ISSUER_OPTIONS,
  ...CHALLENGE_OPTIONS,
  'issuers',
  'clockTolerance',
  'from',
  'maxLifetime',
  'maxTokenBytes',
  'schemes',
  'opaqueTokens',
  'cache',
  'decryption',
  'verifier',
  'now',
] as const;

/**
 * Finds out who calls by the JWT access token in `Authorization: Bearer` (RFC 6750, RFC 9068), and denies a
 * token that is missing, malformed, expired, not signed by its issuer or not meant for this API. Adds
 * `principal` and `authentication`; admits nobody by itself.
 *
 * Before any cryptography the token must be in canonical form: three base64url parts, UTF-8, JSON without
 * duplicate members. A token that is bound to a key (`cnf`, RFC 7800) is denied unless a later policy proves
 * possession. Verified tokens are remembered (see `cache`), so a repeated one costs microseconds.
 *
 * Denies with `credentials.missing` (401), `credentials.malformed` and `credentials.repeated` (400), codes in
 * `token.*` (401), `keys.unavailable` (503) when the issuer's keys cannot be had. A token that is present
 * but bad is never taken for none: `anyOf` tries no alternative.
 *
 * @throws ConfigurationError without issuer or audience, or when keys and algorithms do not fit together.
 * @example
 * const orders = guard()
 *   .use(authenticateJwt({ issuer: 'https://id.example.com', audience: 'https://api.example.com' }))
 *   .use(requireScopes('orders:read'));
 */
export function authenticateJwt(
  options: AuthenticateJwtOptions,
): Policy<NoFacts, AuthenticatedFacts, 'check'>;
/** With a cookie: browsers send it on behalf of any site, so the guard needs `crossOrigin` in front. */
export function authenticateJwt(
  options: CookieJwtOptions,
): Policy<CrossOriginFacts, AuthenticatedFacts, 'check'>;
export function authenticateJwt(
  options: AuthenticateJwtOptions | CookieJwtOptions,
): Policy<CrossOriginFacts, AuthenticatedFacts, 'check'> {
  assertKnownOptions(NAME, options, OPTIONS);
  const {
    maxTokenBytes = 8192,
    schemes = ['Bearer'],
    opaqueTokens = 'deny',
    cache,
    decryption,
    verifier = webCryptoVerifier,
    now = () => Date.now(),
  } = options;
  const tolerance = durationMs(NAME, 'clockTolerance', options.clockTolerance ?? '5s', {
    min: '0s',
    max: '5m',
  });
  assertConfiguration(maxTokenBytes > 0, `${NAME}: maxTokenBytes must be positive.`);
  assertConfiguration(schemes.length > 0, `${NAME}: schemes must not be empty.`);
  for (const scheme of schemes) assertOneOf(NAME, 'schemes', scheme, ['Bearer', 'DPoP']);
  assertOneOf(NAME, 'opaqueTokens', opaqueTokens, ['deny', 'ignore']);
  assertConfiguration(typeof verifier === 'function', `${NAME}: verifier must be a function.`);
  assertConfiguration(
    decryption === undefined || typeof decryption?.open === 'function',
    `${NAME}: decryption must be made by decryptTokens({ keys }).`,
  );
  const read = tokenReader(NAME, options.from, schemes);
  const denials = tokenDenials(NAME, schemes, options);
  const issuers = issuerLookup(NAME, options, (issuer, insecureLoopback) =>
    discoverIssuer(issuer, { now, insecureLoopback }),
  );
  const maxLifetime =
    options.maxLifetime === undefined
      ? Infinity
      : durationMs(NAME, 'maxLifetime', options.maxLifetime, { min: '1s' });
  const measures = { issuers, tolerance, maxLifetime };
  const isSigned = signatureCheck(verifier);
  const verified = verifiedTokens<Pass<AuthenticatedFacts>>(NAME, cache);

  const verify = (
    token: string,
    scheme: TokenScheme,
    at: number,
    examined: ExaminedJwt | TokenProblem,
    call: object,
  ): MaybePromise<Answer> => {
    if ('code' in examined) return denials.because(examined, scheme);
    const { jws, alg, claims, rules, expiresAt, goodUntil } = examined;
    const origin = { issuer: rules.issuer, kid: jws.kid, alg };

    const conclude = (signed: boolean, set: KeySet): Answer => {
      if (!signed) {
        return denials.because({ code: 'token.signature_invalid', cause: origin }, scheme);
      }
      const facts = factsOfClaims(claims, { method: 'jwt', scheme, rules, expiresAt });
      if (typeof facts === 'string') return denials.bad(facts, scheme);
      issuers.confirm?.(rules.issuer);
      rememberToken(facts.authentication, token);
      const demands = confirmationDemands(facts, denials.bad('token.unconfirmed', scheme).denial);
      const outcome = Object.freeze({ ok: true as const, facts, demands });
      const verification = { outcome, keys: rules.keys, set, goodUntil };
      // Only the canonical spelling is known again: variants of one token must not fill the cache.
      verified.remember(`${scheme} ${token}`, verification, at);
      return outcome;
    };
    return chain<KeyAnswer, Answer>(
      () => rules.keys.find({ alg, kid: jws.kid }, call),
      (answer) => {
        if (!answer.ok) {
          if (answer.reason === 'unavailable') {
            return keysUnavailable(answer.retryAfterMs, answer.cause);
          }
          const cause = { ...origin, reason: answer.reason, keys: answer.known };
          return denials.because({ code: 'token.key_unknown', cause }, scheme);
        }
        const signed = isSigned(jws, alg, answer.keys);
        return isThenable(signed)
          ? signed.then((late) => conclude(late, answer.set))
          : conclude(signed, answer.set);
      },
      (cause) => keysUnavailable(undefined, cause),
    );
  };
  /** `token` as it came, `signed` what is to be verified of it. */
  const examine = (
    token: string,
    scheme: TokenScheme,
    at: number,
    signed: string,
    call: object,
  ): MaybePromise<Answer> =>
    chain<ExaminedJwt | TokenProblem, Answer>(
      () => examineJwt(signed, measures, at),
      (examined) => verify(token, scheme, at, examined, call),
      (cause) => keysUnavailable(undefined, cause),
    );
  const open = async (
    { open: decrypt }: TokenDecryption,
    token: string,
    scheme: TokenScheme,
    at: number,
    call: object,
  ): Promise<Answer> => {
    const inner = await decrypt(token);
    return inner.ok
      ? examine(token, scheme, at, inner.token, call)
      : denials.because(inner, scheme);
  };

  const policy = definePolicy<CrossOriginFacts, AuthenticatedFacts, 'check'>({
    name: NAME,
    role: 'check',
    settings: settingsOf(options, [
      'issuers',
      'issuer',
      'audience',
      'algorithms',
      'profile',
      'clockTolerance',
      'maxLifetime',
    ]),
    needs: options.from?.place === 'cookie' ? ['crossOrigin'] : [],
    adds: ['principal', 'authentication'],
    check: (request) => {
      const at = now();
      if (options.from === undefined) {
        const authorization = request.headers.get('authorization');
        const known = authorization ? verified.recall(authorization, at, request) : undefined;
        if (known !== undefined) return known;
      }
      const credentials = read(request);
      if (credentials.kind === 'missing') return denials.missing;
      if (credentials.kind !== 'token') return denials.bad(`credentials.${credentials.kind}`);
      const { token, scheme } = credentials;
      if (token.length > maxTokenBytes) return denials.bad('token.too_large', scheme);
      const known = verified.recall(`${scheme} ${token}`, at, request);
      if (known !== undefined) return known;
      const parts = token.split('.', 6).length;
      const encrypted = parts === ENCRYPTED_PARTS && decryption;
      if (opaqueTokens === 'ignore' && parts !== SIGNED_PARTS && !encrypted) return denials.missing;
      return encrypted
        ? open(encrypted, token, scheme, at, request)
        : examine(token, scheme, at, token, request);
    },
  });
  return locateCredential(policy, placeOf(read, options.from));
}

type Answer = Outcome<AuthenticatedFacts>;

function keysUnavailable(retryAfterMs: number | undefined, cause: unknown): Deny {
  return deny('unavailable', 'keys.unavailable', {
    detail: 'The access token cannot be verified at the moment.',
    retryAfterMs,
    cause,
    conclusive: true,
  });
}

/** Of a compact JWS (RFC 7515 §7.1), and of a compact JWE (RFC 7516 §7.1). */
const SIGNED_PARTS = 3;
const ENCRYPTED_PARTS = 5;
