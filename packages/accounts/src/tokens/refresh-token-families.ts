import type {
  MaybePromise,
  RecordOption,
  RefreshTokenFamily,
  RefreshTokenStore,
  Revocations,
} from '@apisec/core';
import { type AccessTokenContent, recordAct, sha256 } from '@apisec/core/host';
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

/** What families need, with the defaults of the factory filled in. */
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
  readonly record: RecordOption['record'];
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
  /** Ends a family that is revoked, and everything that came of it. */
  readonly end: (family: RefreshTokenFamily, record?: RecordOption['record']) => Promise<void>;
  /**
   * Ends every family of a subject and everything that came of them; tells how many there were, and before which time
   * access tokens are revoked.
   */
  readonly endSubject: (
    subject: string,
  ) => Promise<{ readonly families: number; readonly issuedBefore: number }>;
  /** Records that the families of a subject have ended. */
  readonly recordEndOf: (
    subject: string,
    families: number,
    record?: RecordOption['record'],
  ) => Promise<void>;
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

/** The lifecycle of refresh tokens: each is used once, and a second use ends all that came of the grant. */
export function refreshTokenFamilies(options: FamiliesOptions): RefreshTokenFamilies {
  const { issuer, store, storeTimeout, now } = options;
  const { idleLifetime, absoluteLifetime, reuseGrace, replays } = options;

  const ask = timely(storeTimeout);

  /** True where this call did it. */
  const endFamily = async (
    family: RefreshTokenFamily,
    why: 'reused' | 'revoked',
  ): Promise<boolean> => {
    const ended = await ask(() => store.end(family.id, why));
    const session = { kind: 'session', issuer, id: family.session } as const;
    await ask(() => options.revocations?.revoke(session));
    return ended;
  };

  const end: RefreshTokenFamilies['end'] = async (family, record = options.record) => {
    if (!(await endFamily(family, 'revoked'))) return;
    await recordAct(record, { act: 'token.family_ended', ...actOn(family, {}) });
  };

  const reused = async (family: RefreshTokenFamily): Promise<TokensDenied> => {
    const { generation } = family;
    let failure: unknown;
    const mine = await endFamily(family, 'reused').catch((cause: unknown) => {
      failure = cause ?? new Error('no cause');
      return true;
    });
    if (mine) {
      const ended = failure === undefined;
      const reuse = actOn(family, { generation, ended });
      // It is denied either way; where it is not recorded, operators read so in the denial.
      await recordAct(options.record, { act: 'token.reused', ...reuse }).catch((cause: unknown) => {
        failure ??= cause;
      });
    }
    return denied('refresh.reused', failure);
  };

  /** Why the token with this hash is not the current one; undefined where it is. */
  const problemOf = (
    family: RefreshTokenFamily,
    hash: string,
    at: number,
  ): MaybePromise<TokensDenied | undefined> => {
    if (family.ended !== undefined) return denied('refresh.revoked');
    if (!(at < family.expiresAt && at < family.idleUntil)) return denied('refresh.expired');
    if (hash === family.current) return undefined;
    const { previous } = family;
    // Also shortly before: a call that started first may be the slower one, and the clocks of two nodes differ.
    const isRecent = previous?.hash === hash && Math.abs(at - previous.usedAt) < reuseGrace;
    return isRecent ? denied('refresh.superseded') : reused(family);
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
      // From now on: tokens that were refreshed while the families were ending are revoked as well.
      const issuedBefore = now();
      await ask(() => options.revocations?.revoke(target, { issuedBefore }));
      return { families, issuedBefore };
    },
    recordEndOf: (subject, families, record = options.record) =>
      recordAct(record, {
        act: 'token.family_ended',
        target: { type: 'user', id: subject },
        data: { issuer, families },
      }),
  };
}

/** What was done to, and whose it was. */
function actOn(
  { subject, session, clientId, tenant }: RefreshTokenFamily,
  data: { readonly generation?: number; readonly ended?: boolean },
) {
  return {
    target: { type: 'session', id: session },
    data: { subject, clientId, tenant, ...data },
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
