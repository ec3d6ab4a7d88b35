import type { KeySource, SignatureVerifier } from '../crypto/key-source.ts';
import type { PrivateJwk } from '../crypto/signing-key.ts';
import { webCryptoVerifier } from '../crypto/verification-key.ts';
import { CHALLENGE_OPTIONS, type ChallengeOptions } from '../engine/challenge.ts';
import { locateCredential } from '../engine/credential-place.ts';
import type { AuthenticatedFacts, CrossOriginFacts, Peer } from '../engine/facts.ts';
import { deny, type NoFacts, type Outcome, sharedDenial } from '../engine/outcome.ts';
import { definePolicy, type Policy } from '../engine/policy.ts';
import { settingsOf } from '../engine/settings.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { type Duration, durationMs } from '../lib/duration.ts';
import { FETCH_OPTIONS, type FetchOptions, fetchTimeoutMs } from '../lib/fetch-json.ts';
import { assertKnownOptions } from '../lib/options.ts';
import type { TokenScheme } from './bearer-credentials.ts';
import { CLAIM_OPTIONS, type ClaimOptions } from './claim-rules.ts';
import type { ClientAuthentication } from './client-authentication.ts';
import { introspectedClaims } from './introspected-claims.ts';
import {
  type IntrospectionCacheOptions,
  type IntrospectionLoadOptions,
  introspectedTokens,
  type LookUp,
} from './introspected-tokens.ts';
import { introspectionEndpoint } from './introspection-endpoint.ts';
import type { ClaimPath } from './jwt-claims.ts';
import { confirmationDemands } from './jwt-facts.ts';
import { rememberToken } from './presented-token.ts';
import { type TokenDenialCode, tokenDenials } from './token-denials.ts';
import { type CookieSource, type HeaderSource, placeOf, tokenReader } from './token-reader.ts';

export type {
  ClientAuthentication,
  IntrospectionCacheOptions,
  IntrospectionLoadOptions,
  PrivateJwk,
};

/** Options of {@link authenticateIntrospection}. */
export interface AuthenticateIntrospectionOptions
  extends ChallengeOptions,
    FetchOptions,
    Omit<ClaimOptions, 'profile' | 'recipient'>,
    IntrospectionLoadOptions {
  /** Who issues the tokens. An answer that names another one (`iss`) is denied. */
  readonly issuer: string;
  /** The introspection endpoint of the issuer, https. */
  readonly endpoint: string;
  /** How this API proves to the issuer who it is. */
  readonly client: ClientAuthentication;
  /** What this API is called in `aud`; a token for none of these is denied. */
  readonly audience: string | readonly string[];
  /** Takes answers without `aud`, for issuers that never say it: then their every token is taken. */
  readonly insecureMissingAudience?: boolean | undefined;
  /**
   * Takes answers without `token_type`, for issuers that never say it: some of them answer so for refresh
   * tokens too, which then count as access tokens.
   */
  readonly insecureMissingTokenType?: boolean | undefined;
  /** `jwt` asks for signed answers (RFC 9701) and takes no others. Default: `json`. */
  readonly accept?: 'json' | 'jwt' | undefined;
  /** For signed answers: what this API is called in their `aud`. Default: the client id. */
  readonly recipient?: string | readonly string[] | undefined;
  /** For signed answers, and required there: the keys of the issuer, as `discoverIssuer(issuer)` finds them. */
  readonly keys?: KeySource | undefined;
  /** The schemes in which a token may come. `DPoP` also needs `requireDpop`. Default: `['Bearer']`. */
  readonly schemes?: readonly TokenScheme[] | undefined;
  /** Where tokens are, as for `authenticateJwt`. Default: the `Authorization` header. */
  readonly from?: HeaderSource | undefined;
  /** A longer token is denied unasked. Default: 8192. */
  readonly maxTokenBytes?: number | undefined;
  /** How much the issuer's clock may differ, at most `5m`. Default: `5s`. */
  readonly clockTolerance?: Duration | undefined;
  /** The tenant that all its tokens belong to, or the claim that names it. */
  readonly tenant?: string | { readonly claim: ClaimPath } | undefined;
  /** Bounds of what is remembered; `false` asks about every token every time. */
  readonly cache?: false | IntrospectionCacheOptions | undefined;
  /** What checks signatures of answers. Default: WebCrypto. */
  readonly verifier?: SignatureVerifier | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** The same for tokens in a cookie. */
export type CookieIntrospectionOptions = Omit<AuthenticateIntrospectionOptions, 'from'> & {
  readonly from: CookieSource;
};

const NAME = 'authenticateIntrospection';
const OPTIONS = [
  'issuer',
  'endpoint',
  'client',
  'audience',
  'insecureMissingAudience',
  'insecureMissingTokenType',
  'accept',
  'recipient',
  'keys',
  'schemes',
  'from',
  'maxTokenBytes',
  'clockTolerance',
  'tenant',
  'cache',
  'verifier',
  'now',
  'maxConcurrent',
  'maxInactivePerSecond',
  ...CHALLENGE_OPTIONS,
  ...FETCH_OPTIONS,
  ...CLAIM_OPTIONS.filter((name) => name !== 'profile' && name !== 'recipient'),
] as const;

/**
 * Finds out who calls by asking the issuer about the access token in `Authorization: Bearer` (RFC 7662; RFC 9701
 * with `accept: 'jwt'`), and denies one that is missing, not active or not meant for this API. Adds
 * `principal` and `authentication`; admits nobody by itself.
 *
 * Answers are remembered for `cache.maxRevocationDelay` (30 seconds), never beyond the token's end, and asked
 * for again ahead of that; a token is asked about once however many calls bring it. While the issuer fails,
 * known tokens go on for that time and all others are denied. How much the issuer is asked is bounded,
 * so a flood of made-up tokens delays unknown ones for a moment. A token that is bound to a key (`cnf`) is
 * denied unless a later policy proves possession. The token goes to the endpoint and nowhere else.
 *
 * Denies with `credentials.missing` (401), `credentials.malformed` and `credentials.repeated` (400),
 * `token.inactive` and other codes in `token.*` (401), `introspection.unavailable` and
 * `introspection.overloaded` (503). For JWTs beside opaque tokens put `authenticateJwt` before it.
 *
 * @throws ConfigurationError without issuer, audience or client, or when the endpoint is not https.
 * @example
 * const issuer = 'https://id.example.com';
 * const audience = 'https://api.example.com';
 * const authenticate = anyOf(
 *   authenticateJwt({ issuer, audience, opaqueTokens: 'ignore' }),
 *   authenticateIntrospection({
 *     issuer,
 *     audience,
 *     endpoint: 'https://id.example.com/introspect',
 *     client: { method: 'client_secret_basic', clientId: 'orders-api', clientSecret },
 *   }),
 * );
 */
export function authenticateIntrospection(
  options: AuthenticateIntrospectionOptions,
): Policy<NoFacts, AuthenticatedFacts, 'check'>;
/** With a cookie: browsers send it on behalf of any site, so the guard needs `crossOrigin` in front. */
export function authenticateIntrospection(
  options: CookieIntrospectionOptions,
): Policy<CrossOriginFacts, AuthenticatedFacts, 'check'>;
export function authenticateIntrospection(
  options: AuthenticateIntrospectionOptions | CookieIntrospectionOptions,
): Policy<CrossOriginFacts, AuthenticatedFacts, 'check'> {
  assertKnownOptions(NAME, options, OPTIONS);
  const {
    issuer,
    audience,
    client,
    accept = 'json',
    recipient = client?.clientId,
    schemes = ['Bearer'],
    maxTokenBytes = 8192,
    tenant,
    verifier = webCryptoVerifier,
    now = () => Date.now(),
  } = options;
  assertConfiguration(
    typeof issuer === 'string' && issuer !== '',
    `${NAME}: issuer must be the value of "iss" in the tokens.`,
  );
  const audiences = names(audience);
  assertConfiguration(
    audiences !== undefined,
    `${NAME}: without an audience every token of the issuer would be accepted, even those made for ` +
      'other APIs. Name this API: audience: "https://api.example.com".',
  );
  assertConfiguration(
    accept === 'json' || accept === 'jwt',
    `${NAME}: accept must be 'json' or 'jwt'.`,
  );
  const recipients = names(recipient);
  assertConfiguration(
    recipients !== undefined,
    `${NAME}: recipient must name this API in "aud" of signed answers; client needs a clientId.`,
  );
  assertConfiguration(
    schemes.length > 0 && schemes.every((scheme) => scheme === 'Bearer' || scheme === 'DPoP'),
    `${NAME}: schemes must list 'Bearer', 'DPoP' or both.`,
  );
  assertConfiguration(maxTokenBytes > 0, `${NAME}: maxTokenBytes must be positive.`);
  const tolerance = durationMs(NAME, 'clockTolerance', options.clockTolerance ?? '5s', {
    min: '0s',
    max: '5m',
  });
  const { insecureMissingAudience = false, insecureMissingTokenType = false } = options;
  assertConfiguration(
    typeof insecureMissingAudience === 'boolean' && typeof insecureMissingTokenType === 'boolean',
    `${NAME}: insecureMissingAudience and insecureMissingTokenType must be true or false.`,
  );
  const examine = introspectedClaims(NAME, {
    issuer,
    audiences,
    insecureMissingAudience,
    insecureMissingTokenType,
    tolerance,
    tenant,
    claims: options,
  });
  const ask = introspectionEndpoint(NAME, {
    ...options,
    accept,
    recipients,
    verifier,
    tolerance,
    now,
  });
  const read = tokenReader(NAME, options.from, schemes);
  const denials = tokenDenials(NAME, schemes, options);

  const lookUp = async (
    token: string,
    scheme: TokenScheme,
    call: object,
  ): Promise<LookUp<Answer>> => {
    const found = await ask(token, call);
    if (found.kind === 'failed') return found;
    if (found.kind === 'inactive') return bad('token.inactive', scheme);
    const facts = examine(found.claims, scheme, now());
    if ('code' in facts) return { kind: 'bad', answer: denials.because(facts, scheme) };
    rememberToken(facts.authentication, token);
    const demands = confirmationDemands(facts, denials.bad('token.unconfirmed', scheme).denial);
    const answer: Answer = Object.freeze({ ok: true, facts, demands });
    // RFC 7662 §4: not beyond "exp", to which no tolerance is added here.
    const { expiresAt = Number.POSITIVE_INFINITY } = facts.authentication;
    return { kind: 'good', answer, endsAt: expiresAt, bytes: found.bytes };
  };
  const bad = (code: TokenDenialCode, scheme: TokenScheme): LookUp<Answer> => ({
    kind: 'bad',
    answer: denials.bad(code, scheme),
  });
  const tokens = introspectedTokens<Answer>(
    NAME,
    options.cache,
    options,
    { unavailable, overloaded },
    { timeoutMs: fetchTimeoutMs(NAME, options), now },
  );

  const policy = definePolicy<CrossOriginFacts, AuthenticatedFacts, 'check'>({
    name: NAME,
    role: 'check',
    // Some issuers are asked with a key in the query.
    settings: settingsOf({ ...options, endpoint: options.endpoint.split('?', 1)[0] }, [
      'issuer',
      'endpoint',
      'audience',
      'insecureMissingAudience',
      'insecureMissingTokenType',
      'accept',
      'clockTolerance',
    ]),
    needs: options.from?.place === 'cookie' ? ['crossOrigin'] : [],
    adds: ['principal', 'authentication'],
    check: (request, facts) => {
      const credentials = read(request);
      if (credentials.kind === 'missing') return denials.missing;
      if (credentials.kind !== 'token') return denials.bad(`credentials.${credentials.kind}`);
      const { token, scheme } = credentials;
      if (token.length > maxTokenBytes) return denials.bad('token.too_large', scheme);
      return tokens(
        `${scheme} ${token}`,
        now(),
        () => lookUp(token, scheme, request),
        peerOf(facts),
        request,
      );
    },
  });
  return locateCredential(policy, placeOf(read, options.from));
}

type Answer = Outcome<AuthenticatedFacts>;

/** Every host supplies it; a policy that is asked by itself may be without. */
function peerOf(facts: object): string | undefined {
  return (facts as { readonly peer?: Peer }).peer?.id;
}

const DETAIL = 'The access token cannot be verified at the moment.';

const overloaded: Answer = sharedDenial(
  { kind: 'unavailable', code: 'introspection.overloaded', detail: DETAIL, retryAfterMs: 1_000 },
  { conclusive: true },
);

function unavailable(retryAfterMs: number, cause: unknown): Answer {
  return deny('unavailable', 'introspection.unavailable', {
    detail: DETAIL,
    retryAfterMs,
    cause,
    conclusive: true,
  });
}

function names(value: string | readonly string[] | undefined): ReadonlySet<string> | undefined {
  const list = typeof value === 'string' ? [value] : value;
  const areNames = Array.isArray(list) && list.length > 0 && list.every(isName);
  return areNames ? new Set(list) : undefined;
}

function isName(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}
