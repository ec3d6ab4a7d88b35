import type {
  MaybePromise,
  RefreshTokenFamily,
  RefreshTokenStore,
  Revocations,
} from '@apisec/core';
import { type AccessTokenContent, report, sha256 } from '@apisec/core/host';
import { timely } from '../timely.ts';
import {
  denied,
  familyIdOf,
  firstRefreshToken,
  nextRefreshToken,
  openSuccessor,
  sealSuccessor,
  type TokensDenied,
} from './refresh-token.ts';

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

/** What families need; every member is settled, defaults are the factory's. */
export interface FamiliesOptions {
  readonly issuer: string;
  readonly store: RefreshTokenStore;
  /** Milliseconds, as the next two. */
  readonly idleLifetime: number;
  readonly absoluteLifetime: number;
  readonly reuseGrace: number;
  /** Whether a token within the grace is answered with its successor. */
  readonly replays: boolean;
  /** Milliseconds. */
  readonly storeTimeout: number;
  readonly revocations: Pick<Revocations, 'revoke'> | undefined;
  readonly audit: ((event: TokenReuse) => void) | undefined;
  readonly now: () => number;
}

/** Refresh tokens of the grants that they came from. All of it rejects when a store fails. */
export interface RefreshTokenFamilies {
  /** Begins the family of a grant; gives its first token. */
  readonly begin: (
    content: AccessTokenContent & { readonly session: string },
    at: number,
  ) => Promise<NextToken | TokensDenied>;
  /**
   * The family of a token that is good. For one that was used before, the family is ended first; within the grace the
   * token that came after it is answered as well.
   */
  readonly find: (token: string, at: number) => Promise<FoundFamily | TokensDenied>;
  /** Uses up the token that a family was found by; gives the next one, to exactly one of many callers. */
  readonly advance: (
    family: RefreshTokenFamily,
    token: string,
    at: number,
  ) => Promise<NextToken | TokensDenied>;
  /** The family of a token, also of one that is not good any more. */
  readonly familyOf: (token: string) => Promise<RefreshTokenFamily | undefined>;
  /** Ends a family and everything that came of it. True where this call did it. */
  readonly end: (family: RefreshTokenFamily, why: 'reused' | 'revoked') => Promise<boolean>;
  /**
   * Ends every family of a subject and everything that came of them; tells how many there were, and before which time
   * access tokens are revoked.
   */
  readonly endSubject: (
    subject: string,
  ) => Promise<{ readonly families: number; readonly issuedBefore: number }>;
}

/** A family, and the token that its client has missed. */
export interface FoundFamily {
  readonly ok: true;
  readonly family: RefreshTokenFamily;
  readonly missed?: string | undefined;
}

interface NextToken {
  readonly ok: true;
  readonly token: string;
}

/** The life of refresh tokens: each is good once, and a second use ends all that came of the grant. */
export function refreshTokenFamilies(options: FamiliesOptions): RefreshTokenFamilies {
  const { issuer, store, storeTimeout, now } = options;
  const { idleLifetime, absoluteLifetime, reuseGrace, replays } = options;

  const ask = timely(storeTimeout);

  const end: RefreshTokenFamilies['end'] = async (family, why) => {
    const ended = await ask(() => store.end(family.id, why));
    const session = { kind: 'session', issuer, id: family.session } as const;
    await ask(() => options.revocations?.revoke(session));
    return ended;
  };

  const reused = async (family: RefreshTokenFamily, at: number): Promise<TokensDenied> => {
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
    return denied('refresh.reused', failure);
  };

  /** Why the token with this hash is not the good one; undefined where it is. */
  const problemOf = (
    family: RefreshTokenFamily,
    hash: string,
    at: number,
  ): MaybePromise<TokensDenied | undefined> => {
    if (family.ended !== undefined) return denied('refresh.revoked');
    if (!(at < family.expiresAt && at < family.idleUntil)) return denied('refresh.expired');
    if (hash === family.current) return undefined;
    const { previous } = family;
    // Also a moment before: a call that began first may be the slower one, and clocks of two nodes differ.
    const isRecent = previous?.hash === hash && Math.abs(at - previous.usedAt) < reuseGrace;
    return isRecent ? denied('refresh.superseded') : reused(family, at);
  };

  const familyOf = async (token: string): Promise<RefreshTokenFamily | undefined> => {
    const id = await familyIdOf(token);
    return ask(() => store.get(id));
  };

  return {
    begin: async (content, at) => {
      const token = firstRefreshToken();
      const [id, current] = await Promise.all([familyIdOf(token), sha256(token)]);
      const expiresAt = at + absoluteLifetime;
      const family = {
        ...content,
        id,
        current,
        generation: 0,
        startedAt: at,
        idleUntil: Math.min(at + idleLifetime, expiresAt),
        expiresAt,
      };
      const isNew = await ask(() => store.insert(family));
      if (isNew === true) return { ok: true, token };
      return denied('refresh.unavailable', new Error('the id is taken'));
    },
    find: async (token, at) => {
      const [family, hash] = await Promise.all([familyOf(token), sha256(token)]);
      if (family === undefined) return denied('refresh.unknown');
      const problem = await problemOf(family, hash, at);
      if (problem === undefined) return { ok: true, family };
      const missed = await missedBy(family, token, problem);
      return missed === undefined ? problem : { ok: true, family, missed };
    },
    advance: async (family, token, at) => {
      const next = nextRefreshToken(token);
      const [hash, current] = await Promise.all([sha256(token), sha256(next)]);
      const successor = replays ? await sealSuccessor(next, token) : undefined;
      const isMine = await ask(() =>
        store.replace(hash, {
          ...family,
          current,
          previous: { hash, usedAt: at, successor },
          generation: family.generation + 1,
          idleUntil: Math.min(at + idleLifetime, family.expiresAt),
        }),
      );
      if (isMine === true) return { ok: true, token: next };
      // Somebody else was first, with the same token.
      const since = await familyOf(token);
      const wrong = since ? await problemOf(since, hash, now()) : denied('refresh.unknown');
      const missed = since && wrong && (await missedBy(since, token, wrong));
      if (missed !== undefined) return { ok: true, token: missed };
      return wrong ?? denied('refresh.unavailable', new Error('the store could not replace it'));
    },
    familyOf,
    end,
    endSubject: async (subject) => {
      const families = await ask(() => store.endSubject(subject));
      const target = { kind: 'subject', issuer, id: subject } as const;
      // As of now: what was refreshed while the families were ending is revoked as well.
      const issuedBefore = now();
      await ask(() => options.revocations?.revoke(target, { issuedBefore }));
      return { families, issuedBefore };
    },
  };
}

/** The token that a client has missed, where it was kept for that. */
async function missedBy(
  { previous }: RefreshTokenFamily,
  token: string,
  problem: TokensDenied,
): Promise<string | undefined> {
  return problem.code === 'refresh.superseded' && previous?.successor !== undefined
    ? openSuccessor(previous.successor, token)
    : undefined;
}
