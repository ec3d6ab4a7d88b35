import type { TotpRecord } from '../../stores/totp-store.ts';
import type { TotpRecords } from './totp-records.ts';
import { type TotpRefusal, type TotpRefusalCode, totpRefusal } from './totp-refusals.ts';

/** What a look at a code comes to, before it counts: the record with the code used up, or a refusal. */
export type Judgement = TotpRecord | TotpRefusalCode;

/** When an account is locked, and for how long. */
export interface Lockout {
  /** Wrong codes in a row. */
  readonly attempts: number;
  /** Seconds of the first lock. */
  readonly lockout: number;
  readonly now: () => number;
}

/** A day, in seconds. */
export const LONGEST_LOCK = 86_400;
/** How often a change is tried again when another came in between. */
const TRIES = 16;

/**
 * Judges a code and tells the result only once it is written, against the record that it was judged by: so
 * however many come at once, no more are judged than may be wrong in a row, and each is taken once.
 */
export function totpAttempts(
  records: TotpRecords,
  { attempts, lockout, now }: Lockout,
): (
  account: string,
  judge: (record: TotpRecord, at: number) => Promise<Judgement>,
) => Promise<TotpRecord | TotpRefusal> {
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
        const record = await records.get(account);
        if (record === undefined) return totpRefusal('totp.not_enrolled');
        const at = now();
        if (at < record.lockedUntil) {
          return totpRefusal('totp.locked', {
            retryAfter: Math.ceil((record.lockedUntil - at) / 1000),
          });
        }
        const judged = await judge(record, at);
        // Neither of these is a guess, so there is nothing to count.
        if (typeof judged === 'string' && judged !== 'totp.invalid') return totpRefusal(judged);
        const wrong = typeof judged === 'string';
        const next = wrong ? failed(record, at) : { ...judged, failures: 0, lockedUntil: 0 };
        if ((await records.put(next, record)) === true) return wrong ? totpRefusal(judged) : next;
      }
      return totpRefusal('totp.unavailable', { cause: new Error('Too many changes at once.') });
    } catch (cause) {
      return totpRefusal('totp.unavailable', { cause });
    }
  };
}
