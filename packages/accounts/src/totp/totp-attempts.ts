import type { Denial, MaybePromise, TotpRecord, TotpStore } from '@apisec/core';
import { chain, encodeBase64url, inTime } from '@apisec/core/host';
import { wordedDenials } from '../worded-denials.ts';

/** The result of judging a code, before it counts: the record with the code used up, or a denial. */
export type Judgement = TotpRecord | TotpDenialCode;

/** When an account is locked, and for how long. */
export interface Lockout {
  /** Wrong codes in a row. */
  readonly attempts: number;
  /** Seconds of the first lock. */
  readonly lockout: number;
}

/** A day, in seconds. */
const LONGEST_LOCK = 86_400;
/** How often a change is tried again when another came in between. */
const TRIES = 16;

/**
 * Judges a code and tells the result only once it is written, against the record that it was judged by: so
 * however many come at once, no more are judged than may be wrong in a row, and each is taken once.
 */
export function totpAttempts(
  records: TotpRecords,
  { attempts, lockout }: Lockout,
): (
  account: string,
  judge: (record: TotpRecord, at: number) => Promise<Judgement>,
) => Promise<TotpRecord | TotpDenial> {
  const failed = (record: TotpRecord, at: number): TotpRecord => {
    const failures = record.failures + 1;
    const locks = Math.floor(failures / attempts);
    const seconds = Math.min(lockout * 2 ** (locks - 1), LONGEST_LOCK);
    const lockedUntil = failures % attempts === 0 ? at + seconds * 1000 : 0;
    return { ...record, failures, lockedUntil };
  };

  return async (account, judge) => {
    try {
      for (let tried = 0; tried < TRIES; tried++) {
        const [record, at] = await Promise.all([records.get(account), records.now()]);
        if (record === undefined) return totpDenial('totp.not_enrolled');
        if (at < record.lockedUntil) {
          return totpDenial('totp.locked', {
            retryAfterMs: record.lockedUntil - at,
          });
        }
        const judged = await judge(record, at);
        // Neither is a guess, so nothing is counted.
        if (typeof judged === 'string' && judged !== 'totp.invalid') return totpDenial(judged);
        const wrong = typeof judged === 'string';
        const next = wrong ? failed(record, at) : { ...judged, failures: 0, lockedUntil: 0 };
        if ((await records.put(next, record)) === true) return wrong ? totpDenial(judged) : next;
      }
      return totpDenial('totp.unavailable', { cause: new Error('Too many changes at once.') });
    } catch (cause) {
      return totpDenial('totp.unavailable', { cause });
    }
  };
}

/** A store of second factors that answers in bounded time, or rejects. */
export interface TotpRecords extends Pick<TotpStore, 'get' | 'remove'> {
  /**
   * Writes a record under a version of its own: where there is none, or in the place of the one that is known.
   * False where that is not what is stored any more.
   */
  readonly put: (
    record: Omit<TotpRecord, 'version'>,
    known: TotpRecord | undefined,
  ) => MaybePromise<boolean>;
  /** Epoch milliseconds. */
  readonly now: () => MaybePromise<number>;
}

/** Gives the store so many milliseconds for each answer. Goes by `now`, or else by the store's own clock. */
export function totpRecords(
  store: TotpStore,
  timeout: number,
  now: (() => number) | undefined,
): TotpRecords {
  const ask = <T>(task: () => MaybePromise<T>): MaybePromise<T> => inTime(task, timeout);
  return {
    get: (account) => ask(() => store.get(account)),
    remove: (account) => ask(() => store.remove(account)),
    now: () => {
      if (now !== undefined) return now();
      const read = store.now;
      if (read === undefined) return Date.now();
      return chain(
        () => ask(() => read()),
        (at) => {
          if (!Number.isFinite(at)) throw new Error('The store did not answer with its time.');
          return at;
        },
      );
    },
    put: (record, known) => {
      const next = { ...record, version: newVersion() };
      return ask(() =>
        known === undefined ? store.insert(next) : store.replace(next, known.version),
      );
    },
  };
}

function newVersion(): string {
  return encodeBase64url(crypto.getRandomValues(new Uint8Array(16)));
}

/** Why a code was not taken, or nothing was changed. */
export interface TotpDenial {
  readonly ok: false;
  /** To deny with: `denyWith(result.denial)`. */
  readonly denial: Denial;
}

/** Codes of `totp`. */
export type TotpDenialCode =
  | 'totp.malformed'
  | 'totp.secret_published'
  | 'totp.invalid'
  | 'totp.reused'
  | 'totp.not_enrolled'
  | 'totp.already_enrolled'
  | 'totp.account_invalid'
  | 'totp.locked'
  | 'totp.unavailable';

const worded = wordedDenials<TotpDenialCode>({
  'totp.secret_published': ['malformed', 'The secret is a published example.'],
  'totp.malformed': ['malformed', 'The code is not well formed.'],
  'totp.account_invalid': [
    'malformed',
    'The name of the account cannot be shown in an authenticator app.',
  ],
  'totp.invalid': ['unauthenticated', 'The code is wrong.'],
  'totp.reused': ['unauthenticated', 'The code was used before.'],
  'totp.not_enrolled': ['unauthenticated', 'The account has no second factor.'],
  'totp.already_enrolled': ['forbidden', 'The account already has a second factor.'],
  'totp.locked': ['rate_limited', 'There were too many wrong codes.'],
  'totp.unavailable': ['unavailable', 'The code cannot be verified at the moment.'],
});

/** Words a denial. */
export function totpDenial(
  code: TotpDenialCode,
  more: Pick<Denial, 'retryAfterMs' | 'cause'> = {},
): TotpDenial {
  return { ok: false, denial: worded(code, more) };
}
