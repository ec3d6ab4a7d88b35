import { assertConfiguration } from '../configuration-error.ts';
import { report } from '../internal/engine/report.ts';
import type { MaybePromise } from '../internal/maybe-promise.ts';
import { sha256 } from '../internal/sha256.ts';
import {
  type AccessToken,
  type AccessTokenContent,
  contentProblem,
  randomText,
  signAccessToken,
} from '../internal/tokens/access-token.ts';
import { type PrivateJwk, signingKey } from '../internal/tokens/signing-key.ts';
import { withinTime } from '../internal/within-time.ts';
import type { JwksDocument } from '../keys/local-jwks.ts';
import type { RefreshTokenFamily, RefreshTokenStore } from '../stores/refresh-token-store.ts';
import type { Revocations } from './revocations.ts';

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
   * Seconds for which the token before the current one, presented again, is only refused (`refresh.superseded`)
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

/** A refresh token was used a second time: it, or the one that came after it, is in the wrong hands. */
export interface TokenReuse {
  readonly event: 'token_reuse';
  readonly subject: string;
  readonly clientId: string;
  readonly tenant: string | undefined;
  readonly session: string;
  /** How many tokens had come before the one that was good at the time. */
  readonly generation: number;
  /** Epoch milliseconds. */
  readonly at: number;
  /** Set where the family or its access tokens could not be ended: why. Then somebody must. */
  readonly failure?: unknown;
}

/** What somebody is granted. */
export interface TokenGrant {
  readonly subject: string;
  readonly clientId: string;
  /** Default: none. */
  readonly scopes?: readonly string[] | undefined;
  readonly audience?: string | readonly string[] | undefined;
  /** Told in the claim `tenant`. */
  readonly tenant?: string | undefined;
  /** Thumbprint of the DPoP key (RFC 9449 §6) that access tokens and refresh tokens are bound to. */
  readonly jkt?: string | undefined;
  /** Further claims of access tokens, for example `roles`. At most 4,096 characters of JSON. */
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
  /** Without a refresh token, for clients that act for themselves. Default: true. */
  readonly refreshable?: boolean | undefined;
}

/** Who refreshes, and what they want. */
export interface RefreshRequest {
  /** The client as it authenticated. */
  readonly clientId: string;
  /** Fewer scopes for this access token. Default: all that were granted. */
  readonly scopes?: readonly string[] | undefined;
  /** Thumbprint of the key of the DPoP proof, where there was one and it was good. */
  readonly jkt?: string | undefined;
}

/** Tokens to hand out. The refresh token is the only copy there is. */
export interface IssuedTokens extends AccessToken {
  readonly ok: true;
  /** Seconds. */
  readonly expiresIn: number;
  readonly scopes: readonly string[];
  readonly refreshToken?: string | undefined;
  /** The `sid` of the access token, the same for all that come of one grant. */
  readonly session?: string | undefined;
}

/** Why there are no tokens. All but the first two and the last are `invalid_grant` to the caller. */
export type TokenRefusalReason =
  | 'refresh.invalid'
  | 'refresh.scope_exceeded'
  | 'refresh.malformed'
  | 'refresh.unknown'
  | 'refresh.expired'
  | 'refresh.revoked'
  | 'refresh.reused'
  | 'refresh.superseded'
  | 'refresh.client_mismatch'
  | 'refresh.key_mismatch'
  | 'refresh.unavailable';

/** No tokens. */
export interface TokensRefused {
  readonly ok: false;
  readonly code: TokenRefusalReason;
  /** For `refresh.invalid`: what is wrong with what was asked for. */
  readonly problem?: string | undefined;
  /** For logs only. */
  readonly cause?: unknown;
}

/** Issues, refreshes and revokes tokens. Nothing here rejects; whoever calls it has authenticated everybody. */
export interface Tokens {
  /** The public keys, for `localJwks` and for the JWK Set that is published. */
  readonly jwks: JwksDocument;
  readonly issue: (grant: TokenGrant) => Promise<IssuedTokens | TokensRefused>;
  /**
   * A new access token and a new refresh token for one that is good and was not used before. Of many uses at
   * once exactly one gets them.
   */
  readonly refresh: (
    refreshToken: string,
    request: RefreshRequest,
  ) => Promise<IssuedTokens | TokensRefused>;
  /** Ends the family of a refresh token (RFC 7009). An unknown token is revoked as it is. */
  readonly revoke: (
    refreshToken: string,
    request: Pick<RefreshRequest, 'clientId'>,
  ) => Promise<{ readonly ok: true } | TokensRefused>;
  /** Ends every family of a subject, and revokes the access tokens that were issued until now. */
  readonly revokeSubject: (
    subject: string,
  ) => Promise<{ readonly ok: true; readonly families: number } | TokensRefused>;
}

const NAME = 'tokens';
/** What all tokens of a family begin with, in characters; in bytes 18, and 33 for the rest: 264 bits. */
const FAMILY_LENGTH = 24;
const REFRESH_TOKEN = /^[\w-]{68}$/;
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
    signing,
    store,
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
  assertConfiguration(
    Array.isArray(signing?.keys) && signing.keys.length > 0,
    `${NAME}: signing needs keys: { current: kid, keys: [privateJwk] }.`,
  );
  const keys = new Map(signing.keys.map((jwk) => [jwk?.kid, signingKey(NAME, jwk)]));
  const key = keys.get(signing.current);
  assertConfiguration(
    key !== undefined && keys.size === signing.keys.length,
    `${NAME}: signing.current must be the "kid" of one of the keys, and no "kid" is there twice.`,
  );
  const audience = listed(options.audience);
  const problem = contentProblem({ subject: '-', clientId: '-', audience, scopes: [], claims: {} });
  assertConfiguration(problem === undefined, `${NAME}: ${problem}.`);

  const ask = <T>(task: () => MaybePromise<T>): Promise<T> =>
    withinTime(Promise.resolve().then(task), storeTimeout);
  const sign = (content: AccessTokenContent, at: number): Promise<AccessToken> =>
    signAccessToken(key, issuer, content, accessTokenLifetime, at);
  const handOut = (
    token: AccessToken,
    scopes: readonly string[],
    session?: string,
    refreshToken?: string,
  ): IssuedTokens => {
    const issued = { ok: true as const, ...token, expiresIn: accessTokenLifetime };
    return Object.freeze({ ...issued, scopes: Object.freeze([...scopes]), session, refreshToken });
  };

  const issue = async (grant: TokenGrant): Promise<IssuedTokens | TokensRefused> => {
    const { subject, clientId, scopes = [], tenant, jkt, claims = {}, refreshable = true } = grant;
    const at = now();
    const session = refreshable ? randomText(16) : undefined;
    const given = grant.audience === undefined ? audience : listed(grant.audience);
    const content = { subject, clientId, audience: given, scopes, tenant, session, jkt, claims };
    const wrong = contentProblem(content);
    if (wrong !== undefined) return { ok: false, code: 'refresh.invalid', problem: wrong };
    const access = await sign(content, at);
    if (session === undefined) return handOut(access, scopes);
    const begin = randomText(18);
    const { token, hash } = await nextToken(begin);
    const expiresAt = at + absoluteLifetime * 1000;
    const isNew = await ask(async () =>
      store.insert({
        ...content,
        session,
        id: await sha256(begin),
        current: hash,
        generation: 0,
        startedAt: at,
        idleUntil: Math.min(at + idleLifetime * 1000, expiresAt),
        expiresAt,
      }),
    );
    if (isNew !== true) return refused('refresh.unavailable', new Error('the id is taken'));
    return handOut(access, scopes, session, token);
  };

  /** Ends a family and everything that came of it. True where this call did it. */
  const end = async (family: RefreshTokenFamily, why: 'reused' | 'revoked'): Promise<boolean> => {
    const ended = await ask(() => store.end(family.id, why));
    const session = { kind: 'session', issuer, id: family.session } as const;
    await ask(() => options.revocations?.revoke(session));
    return ended;
  };
  const reused = async (family: RefreshTokenFamily, at: number): Promise<TokensRefused> => {
    const { subject, clientId, tenant, session, generation } = family;
    let failure: unknown;
    const mine = await end(family, 'reused').catch((cause: unknown) => {
      failure = cause ?? new Error('no cause');
      return true;
    });
    if (mine) {
      const told = { subject, clientId, tenant, session, generation, at, failure };
      report(() => options.audit?.({ event: 'token_reuse', ...told }), undefined);
    }
    return refused('refresh.reused', failure);
  };

  /** Why the token with this hash is not the good one; undefined where it is. */
  const problemOf = (
    family: RefreshTokenFamily | undefined,
    hash: string,
    at: number,
  ): MaybePromise<TokensRefused | undefined> => {
    if (family === undefined) return refused('refresh.unknown');
    if (family.ended !== undefined) return refused('refresh.revoked');
    if (!(at < family.expiresAt && at < family.idleUntil)) return refused('refresh.expired');
    if (hash === family.current) return undefined;
    const { previous } = family;
    const isRecent =
      previous?.hash === hash && at >= previous.usedAt && at < previous.usedAt + reuseGrace * 1000;
    return isRecent ? refused('refresh.superseded') : reused(family, at);
  };

  const refresh = async (
    refreshToken: string,
    { clientId, scopes, jkt }: RefreshRequest,
  ): Promise<IssuedTokens | TokensRefused> => {
    if (!isRefreshToken(refreshToken)) return refused('refresh.malformed');
    const at = now();
    const begin = refreshToken.slice(0, FAMILY_LENGTH);
    const [id, hash] = await Promise.all([sha256(begin), sha256(refreshToken)]);
    const family = await ask(() => store.get(id));
    const wrong = await problemOf(family, hash, at);
    // The first part says so too; it is here for the compiler.
    if (family === undefined || wrong !== undefined) return wrong ?? refused('refresh.unknown');
    if (family.clientId !== clientId) return refused('refresh.client_mismatch');
    if (family.jkt !== undefined && family.jkt !== jkt) return refused('refresh.key_mismatch');
    const asked = scopes ?? family.scopes;
    const content = { ...family, scopes: asked, jkt: jkt ?? family.jkt };
    const problem = contentProblem(content);
    if (problem !== undefined) return { ok: false, code: 'refresh.invalid', problem };
    if (asked.some((scope) => !family.scopes.includes(scope))) {
      return refused('refresh.scope_exceeded');
    }
    // Signed first: a fault there must not cost the client its only refresh token.
    const access = await sign(content, at);
    const next = await nextToken(begin);
    const isMine = await ask(() =>
      store.replace(hash, {
        ...family,
        current: next.hash,
        previous: { hash, usedAt: at },
        generation: family.generation + 1,
        idleUntil: Math.min(at + idleLifetime * 1000, family.expiresAt),
      }),
    );
    if (isMine === true) return handOut(access, asked, family.session, next.token);
    // Somebody else was first, with the same token.
    const since = await problemOf(await ask(() => store.get(id)), hash, now());
    return since ?? refused('refresh.unavailable', new Error('the store could not replace it'));
  };

  const revoke = async (
    refreshToken: string,
    { clientId }: Pick<RefreshRequest, 'clientId'>,
  ): Promise<{ readonly ok: true } | TokensRefused> => {
    if (!isRefreshToken(refreshToken)) return refused('refresh.malformed');
    const id = await sha256(refreshToken.slice(0, FAMILY_LENGTH));
    const family = await ask(() => store.get(id));
    if (family === undefined) return { ok: true };
    if (family.clientId !== clientId) return refused('refresh.client_mismatch');
    await end(family, 'revoked');
    return { ok: true };
  };

  const revokeSubject = async (
    subject: string,
  ): Promise<{ readonly ok: true; readonly families: number } | TokensRefused> => {
    const families = await ask(() => store.endSubject(subject));
    const target = { kind: 'subject', issuer, id: subject } as const;
    // As of now: what was refreshed while the families were ending is revoked as well.
    await ask(() => options.revocations?.revoke(target, { issuedBefore: now() }));
    return { ok: true, families };
  };

  const publicKeys = [...keys.values()].map(({ publicJwk }) => publicJwk);
  return Object.freeze({
    jwks: Object.freeze({ keys: Object.freeze(publicKeys) }),
    issue: (grant: TokenGrant) => issue(grant).catch(unavailable),
    refresh: (token: string, request: RefreshRequest) => refresh(token, request).catch(unavailable),
    revoke: (token: string, request: Pick<RefreshRequest, 'clientId'>) =>
      revoke(token, request).catch(unavailable),
    revokeSubject: (subject: string) => revokeSubject(subject).catch(unavailable),
  } satisfies Tokens);
}

function refused(code: TokenRefusalReason, cause?: unknown): TokensRefused {
  return { ok: false, code, cause };
}

function unavailable(cause: unknown): TokensRefused {
  return refused('refresh.unavailable', cause);
}

/** The beginning is a secret as well, so only who had a token of the family can name the family. */
async function nextToken(
  begin: string,
): Promise<{ readonly token: string; readonly hash: string }> {
  const token = begin + randomText(33);
  return { token, hash: await sha256(token) };
}

function isRefreshToken(value: unknown): value is string {
  return typeof value === 'string' && REFRESH_TOKEN.test(value);
}

function listed(value: string | readonly string[]): readonly string[] {
  return typeof value === 'string' ? [value] : value;
}
