import type { PrivateJwk, RefreshTokenStore, Revocations } from '@apisec/core';
import {
  type AccessToken,
  type AccessTokenContent,
  assertConfiguration,
  contentProblem,
  randomText,
  signAccessToken,
  signingKeys,
} from '@apisec/core/host';
import type { IssuedTokens, RefreshRequest, TokenGrant, Tokens } from './issued-tokens.ts';
import {
  denied,
  isRefreshToken,
  type TokenDenialReason,
  type TokensDenied,
} from './refresh-token.ts';
import { refreshTokenFamilies, type TokenReuse } from './refresh-token-families.ts';

export type {
  IssuedTokens,
  RefreshRequest,
  TokenDenialReason,
  TokenGrant,
  TokenReuse,
  Tokens,
  TokensDenied,
};

/** Options of {@link tokens}. */
export interface TokensOptions {
  /** The `iss` of access tokens. */
  readonly issuer: string;
  /** The APIs that tokens are for unless a grant says otherwise. */
  readonly audience: string | readonly string[];
  /**
   * The keys that sign. To change them: add the new one, make it `current` when every verifier has seen it,
   * and remove the old one when its last token has expired.
   */
  readonly signing: { readonly current: string; readonly keys: readonly PrivateJwk[] };
  readonly store: RefreshTokenStore;
  /** Seconds that an access token lives. Default: 300. */
  readonly accessTokenLifetime?: number | undefined;
  /** Seconds that a refresh token lives unless it is used. Default: 1,209,600 (14 days). */
  readonly idleLifetime?: number | undefined;
  /** Seconds from the grant until refreshing ends, however often it is done. Default: 2,592,000 (30 days). */
  readonly absoluteLifetime?: number | undefined;
  /**
   * Seconds for which the token before the current one, presented again, is only denied (`refresh.superseded`)
   * and does not end the family: for clients that refresh twice at once. Nobody gets a second token either
   * way. Default: 0, every second use ends the family.
   */
  readonly reuseGrace?: number | undefined;
  /** Where access tokens of a family that ends are revoked; without it they live until they expire. */
  readonly revocations?: Pick<Revocations, 'revoke'> | undefined;
  /** Told of every reuse, for the audit trail. Whatever it throws changes nothing. */
  readonly audit?: ((event: TokenReuse) => void) | undefined;
  /** How long the store may take, in milliseconds. Default: 1,000. */
  readonly storeTimeout?: number | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

const NAME = 'tokens';
const LONGEST_TIMEOUT = 60_000;

/**
 * Issues short-lived access tokens (RFC 9068) and refresh tokens that are used once (RFC 9700 §4.14.2): each use
 * gives the next one, and a second use ends all that came of the grant, since nobody can tell who of the two is
 * the thief. The store holds hashes only.
 *
 * There is no grace by default: a client that refreshes twice at once, or that lost the answer and tries again, must
 * sign in again (see `reuseGrace`). Scopes of a refreshed token can only be fewer than were granted; a refresh
 * token is bound to its client, and to a DPoP key where the grant names one.
 *
 * @throws ConfigurationError when a key cannot sign, or another option is out of its bounds.
 * @example
 * const issued = tokens({
 *   issuer: 'https://api.example.com',
 *   audience: 'https://api.example.com',
 *   signing: { current: '2026-01', keys: [privateJwk] },
 *   store: memoryRefreshTokenStore(),
 * });
 * const orders = guard().use(
 *   authenticateJwt({
 *     issuer: 'https://api.example.com',
 *     audience: 'https://api.example.com',
 *     keys: localJwks(issued.jwks),
 *   }),
 * );
 */
export function tokens(options: TokensOptions): Tokens {
  const {
    issuer,
    store,
    revocations,
    audit,
    accessTokenLifetime = 300,
    idleLifetime = 1_209_600,
    absoluteLifetime = 2_592_000,
    reuseGrace = 0,
    storeTimeout = 1_000,
    now = () => Date.now(),
  } = options;
  assertConfiguration(
    typeof issuer === 'string' && issuer !== '',
    `${NAME}: issuer must be the name that stands in the tokens' "iss".`,
  );
  assertConfiguration(
    [store?.insert, store?.get, store?.replace].every((each) => typeof each === 'function'),
    `${NAME}: store must be a refresh token store, for example memoryRefreshTokenStore().`,
  );
  assertConfiguration(
    Number.isSafeInteger(accessTokenLifetime) && accessTokenLifetime > 0,
    `${NAME}: accessTokenLifetime must be whole seconds.`,
  );
  assertConfiguration(
    idleLifetime > 0 && absoluteLifetime >= idleLifetime && Number.isFinite(absoluteLifetime),
    `${NAME}: idleLifetime and absoluteLifetime are in seconds, and the first is not the longer.`,
  );
  assertConfiguration(
    reuseGrace >= 0 && reuseGrace <= 60,
    `${NAME}: reuseGrace is in seconds, from 0 to 60.`,
  );
  assertConfiguration(
    storeTimeout >= 1 && storeTimeout <= LONGEST_TIMEOUT,
    `${NAME}: storeTimeout must be milliseconds from 1 to 60,000.`,
  );
  const { current, jwks } = signingKeys(NAME, options.signing);
  const audience = listed(options.audience);
  const problem = contentProblem({ subject: '-', clientId: '-', audience, scopes: [], claims: {} });
  assertConfiguration(problem === undefined, `${NAME}: ${problem}.`);

  const families = refreshTokenFamilies({
    issuer,
    store,
    idleLifetime,
    absoluteLifetime,
    reuseGrace,
    storeTimeout,
    revocations,
    audit,
    now,
  });
  const sign = (content: AccessTokenContent, at: number): Promise<AccessToken> =>
    signAccessToken(current, issuer, content, accessTokenLifetime, at);
  const handOut = (
    token: AccessToken,
    scopes: readonly string[],
    session?: string,
    refreshToken?: string,
  ): IssuedTokens => {
    const issued = { ok: true as const, ...token, expiresIn: accessTokenLifetime };
    return Object.freeze({ ...issued, scopes: Object.freeze([...scopes]), session, refreshToken });
  };

  const issue = async (grant: TokenGrant): Promise<IssuedTokens | TokensDenied> => {
    const { subject, clientId, scopes = [], tenant, jkt, claims = {}, refreshable = true } = grant;
    const at = now();
    const session = refreshable ? randomText(16) : undefined;
    const given = grant.audience === undefined ? audience : listed(grant.audience);
    const content = { subject, clientId, audience: given, scopes, tenant, session, jkt, claims };
    const wrong = contentProblem(content);
    if (wrong !== undefined) return { ok: false, code: 'refresh.invalid', problem: wrong };
    const access = await sign(content, at);
    if (session === undefined) return handOut(access, scopes);
    const begun = await families.begin({ ...content, session }, at);
    return begun.ok ? handOut(access, scopes, session, begun.token) : begun;
  };

  const refresh = async (
    refreshToken: string,
    { clientId, scopes, jkt }: RefreshRequest,
  ): Promise<IssuedTokens | TokensDenied> => {
    if (!isRefreshToken(refreshToken)) return denied('refresh.malformed');
    const at = now();
    const found = await families.find(refreshToken, at);
    if (!found.ok) return found;
    const { family } = found;
    if (family.clientId !== clientId) return denied('refresh.client_mismatch');
    if (family.jkt !== undefined && family.jkt !== jkt) return denied('refresh.key_mismatch');
    const asked = scopes ?? family.scopes;
    const content = { ...family, scopes: asked, jkt: jkt ?? family.jkt };
    const problem = contentProblem(content);
    if (problem !== undefined) return { ok: false, code: 'refresh.invalid', problem };
    if (asked.some((scope) => !family.scopes.includes(scope))) {
      return denied('refresh.scope_exceeded');
    }
    // Signed first: a fault there must not cost the client its only refresh token.
    const access = await sign(content, at);
    const next = await families.advance(family, refreshToken, at);
    return next.ok ? handOut(access, asked, family.session, next.token) : next;
  };

  const revoke = async (
    refreshToken: string,
    { clientId }: Pick<RefreshRequest, 'clientId'>,
  ): Promise<{ readonly ok: true } | TokensDenied> => {
    if (!isRefreshToken(refreshToken)) return denied('refresh.malformed');
    const family = await families.familyOf(refreshToken);
    if (family === undefined) return { ok: true };
    if (family.clientId !== clientId) return denied('refresh.client_mismatch');
    await families.end(family, 'revoked');
    return { ok: true };
  };

  const revokeSubject = async (
    subject: string,
  ): Promise<{ readonly ok: true; readonly families: number } | TokensDenied> => ({
    ok: true,
    families: await families.endSubject(subject),
  });

  return Object.freeze({
    jwks,
    issue: (grant: TokenGrant) => issue(grant).catch(unavailable),
    refresh: (token: string, request: RefreshRequest) => refresh(token, request).catch(unavailable),
    revoke: (token: string, request: Pick<RefreshRequest, 'clientId'>) =>
      revoke(token, request).catch(unavailable),
    revokeSubject: (subject: string) => revokeSubject(subject).catch(unavailable),
  } satisfies Tokens);
}

function unavailable(cause: unknown): TokensDenied {
  return denied('refresh.unavailable', cause);
}

function listed(value: string | readonly string[]): readonly string[] {
  return typeof value === 'string' ? [value] : value;
}
