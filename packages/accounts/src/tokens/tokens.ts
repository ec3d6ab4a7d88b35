import type {
  Duration,
  MaybePromise,
  PrivateJwk,
  RecordOption,
  RefreshTokenFamily,
  RefreshTokenStore,
  Revocations,
} from '@apisec/core';
import {
  type AccessToken,
  type AccessTokenContent,
  assertConfiguration,
  assertKnownOptions,
  assertOneOf,
  assertRecord,
  contentProblem,
  durationMs,
  isObject,
  randomText,
  recordAct,
  signAccessToken,
  signingKeys,
} from '@apisec/core/host';
import { timely } from '../timely.ts';
import type {
  IssuedTokens,
  RefreshRequest,
  Renewal,
  RenewedGrant,
  RevokeRequest,
  TokenGrant,
  Tokens,
} from './issued-tokens.ts';
import { recentCutoffs } from './recent-cutoffs.ts';
import {
  denied,
  isRefreshToken,
  type TokenDenialReason,
  type TokensDenied,
} from './refresh-token.ts';
import { refreshTokenFamilies } from './refresh-token-families.ts';

export type {
  IssuedTokens,
  RefreshRequest,
  Renewal,
  RenewedGrant,
  RevokeRequest,
  TokenDenialReason,
  TokenGrant,
  Tokens,
  TokensDenied,
};

/** Options of {@link tokens}. */
export interface TokensOptions extends RecordOption {
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
  /** How long an access token lives, in whole seconds up to `1d`. Default: `5m`. */
  readonly accessTokenLifetime?: Duration | undefined;
  /** How long a refresh token lives unless it is used. Default: `14d`. */
  readonly idleLifetime?: Duration | undefined;
  /** From the grant until refreshing ends, however often it is done. Default: `30d`. */
  readonly absoluteLifetime?: Duration | undefined;
  /**
   * For how long the token before the current one, presented again, does not end the family: for answers that were
   * lost, and clients that refresh twice at once. Nobody gets a second token either way. At most `1m`. Default: `0s`,
   * every second use ends the family.
   */
  readonly reuseGrace?: Duration | undefined;
  /**
   * What it is answered within `reuseGrace`. `deny`: `refresh.superseded`. `replay`: the current refresh token once
   * more and a new access token, to the same client and key; whoever has the token before and can authenticate as its
   * client gets it as well. Default: `deny`.
   */
  readonly withinGrace?: 'deny' | 'replay' | undefined;
  /**
   * Asked at each refresh what the access token says now: roles may have been taken away since the grant. Answers all
   * claims, also those that stay (`acr`, `amr`, `auth_time`), or `{ revoked: true }` to end the family. Where it
   * fails, or answers something else, nothing is refreshed and no token is used up. Default: claims stay as they were
   * granted.
   */
  readonly renew?: ((grant: RenewedGrant) => MaybePromise<Renewal>) | undefined;
  /** Where access tokens of a family that ends are revoked; without it they live until they expire. */
  readonly revocations?: Pick<Revocations, 'revoke'> | undefined;
  /** How long the store may take, from `1ms` to `1m`. Default: `1s`. */
  readonly storeTimeout?: Duration | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

const NAME = 'tokens';
const OPTIONS = [
  'issuer',
  'audience',
  'signing',
  'store',
  'accessTokenLifetime',
  'idleLifetime',
  'absoluteLifetime',
  'reuseGrace',
  'withinGrace',
  'renew',
  'revocations',
  'record',
  'storeTimeout',
  'now',
] as const;

/**
 * Issues short-lived access tokens (RFC 9068) and refresh tokens that are used once (RFC 9700 §4.14.2): each use
 * gives the next one, and a second use ends all that came of the grant, since nobody can tell who of the two is
 * the thief. The store holds hashes only.
 *
 * There is no grace by default: a client that refreshes twice at once, or that lost the answer and tries again, must
 * sign in again (see `reuseGrace` and `withinGrace`). Claims stay as they were granted unless `renew` says otherwise.
 * Scopes of a refreshed token can only be fewer than were granted; a refresh token is bound to its client, and to a
 * DPoP key where the grant names one.
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
  assertKnownOptions(NAME, options, OPTIONS);
  const { issuer, store, revocations, record, renew, now = () => Date.now() } = options;
  const accessTokenLifetime =
    durationMs(NAME, 'accessTokenLifetime', options.accessTokenLifetime ?? '5m', {
      min: '1s',
      max: '1d',
    }) / 1000;
  const idleLifetime = durationMs(NAME, 'idleLifetime', options.idleLifetime ?? '14d');
  const absoluteLifetime = durationMs(NAME, 'absoluteLifetime', options.absoluteLifetime ?? '30d');
  const { withinGrace = 'deny' } = options;
  assertRecord(NAME, record);
  assertOneOf(NAME, 'withinGrace', withinGrace, ['deny', 'replay']);
  const reuseGrace = durationMs(NAME, 'reuseGrace', options.reuseGrace ?? '0s', {
    min: '0s',
    max: '1m',
  });
  const storeTimeout = durationMs(NAME, 'storeTimeout', options.storeTimeout ?? '1s', {
    max: '1m',
  });
  assertConfiguration(
    typeof issuer === 'string' && issuer !== '',
    `${NAME}: issuer must be the value of "iss" in the tokens.`,
  );
  assertConfiguration(
    [store?.insert, store?.get, store?.replace].every((each) => typeof each === 'function'),
    `${NAME}: store must be a refresh token store, for example memoryRefreshTokenStore().`,
  );
  assertConfiguration(
    Number.isSafeInteger(accessTokenLifetime),
    `${NAME}: accessTokenLifetime must be whole seconds.`,
  );
  assertConfiguration(
    absoluteLifetime >= idleLifetime,
    `${NAME}: idleLifetime must be at most absoluteLifetime.`,
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
    replays: withinGrace === 'replay' && reuseGrace > 0,
    storeTimeout,
    revocations,
    record,
    now,
  });
  const cutoffs = recentCutoffs();
  // Not earlier than a revocation a moment ago, or it would count as revoked.
  const sign = (content: AccessTokenContent, at: number): Promise<AccessToken> =>
    signAccessToken(
      current,
      issuer,
      content,
      accessTokenLifetime,
      cutoffs.after(content.subject, at),
    );
  const renewed = async (family: RefreshTokenFamily): Promise<Renewal> => {
    const { subject, clientId, tenant, scopes, claims, session, startedAt } = family;
    if (renew === undefined) return { claims };
    const asked = { subject, clientId, tenant, scopes, claims, session, startedAt };
    const answer: unknown = await timely(storeTimeout)(() => renew(asked));
    const said = isObject(answer) ? answer : {};
    const { revoked = false } = said;
    if (revoked === true) return { revoked };
    if (revoked !== false || !isObject(said['claims'])) {
      throw new TypeError('renew answered neither claims nor revoked: true');
    }
    return { claims: said['claims'] };
  };
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
    const begun =
      session === undefined ? undefined : await families.begin({ ...content, session }, at);
    if (begun?.ok === false) return begun;
    await recordAct(grant.record ?? record, {
      act: 'token.issued',
      target:
        session === undefined ? { type: 'user', id: subject } : { type: 'session', id: session },
      data: { subject, clientId, tenant, scopes: scopes.join(' ') },
    });
    return handOut(access, scopes, session, begun?.token);
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
    const renewal = await renewed(family);
    if ('revoked' in renewal) {
      await families.end(family);
      return denied('refresh.revoked');
    }
    const { claims } = renewal;
    const content = { ...family, scopes: asked, jkt: jkt ?? family.jkt, claims };
    const problem = contentProblem(content);
    if (problem !== undefined) return { ok: false, code: 'refresh.invalid', problem };
    if (asked.some((scope) => !family.scopes.includes(scope))) {
      return denied('refresh.scope_exceeded');
    }
    // Signed first: a fault there must not cost the client its only refresh token.
    const access = await sign(content, at);
    if (found.missed !== undefined) {
      // Nothing is used up here, so the store must be asked again: the family may have been ended meanwhile.
      const since = await families.familyOf(refreshToken);
      if (since === undefined || since.ended !== undefined) return denied('refresh.revoked');
      return handOut(access, asked, family.session, found.missed);
    }
    const next = await families.advance({ ...family, claims }, refreshToken, at);
    return next.ok ? handOut(access, asked, family.session, next.token) : next;
  };

  const revoke = async (
    refreshToken: string,
    { clientId, record }: RevokeRequest,
  ): Promise<{ readonly ok: true } | TokensDenied> => {
    if (!isRefreshToken(refreshToken)) return denied('refresh.malformed');
    const family = await families.familyOf(refreshToken);
    if (family === undefined) return { ok: true };
    if (family.clientId !== clientId) return denied('refresh.client_mismatch');
    await families.end(family, record);
    return { ok: true };
  };

  const revokeSubject = async (
    subject: string,
    { record }: RecordOption = {},
  ): Promise<{ readonly ok: true; readonly families: number } | TokensDenied> => {
    const ended = await families.endSubject(subject);
    if (revocations !== undefined) cutoffs.add(subject, ended.issuedBefore);
    await families.recordEndOf(subject, ended.families, record);
    return { ok: true, families: ended.families };
  };

  return Object.freeze({
    jwks,
    issue: (grant: TokenGrant) => issue(grant).catch(unavailable),
    refresh: (token: string, request: RefreshRequest) => refresh(token, request).catch(unavailable),
    revoke: (token: string, request: RevokeRequest) => revoke(token, request).catch(unavailable),
    revokeSubject: (subject: string, how?: RecordOption) =>
      revokeSubject(subject, how).catch(unavailable),
  } satisfies Tokens);
}

function unavailable(cause: unknown): TokensDenied {
  return denied('refresh.unavailable', cause);
}

function listed(value: string | readonly string[]): readonly string[] {
  return typeof value === 'string' ? [value] : value;
}
