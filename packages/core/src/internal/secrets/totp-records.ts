import type { TotpRecord, TotpStore } from '../../stores/totp-store.ts';
import { isThenable, type MaybePromise } from '../maybe-promise.ts';
import { encodeBase64url } from '../text/base64url.ts';
import { withinTime } from '../within-time.ts';

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
}

/** Gives the store so many milliseconds for each answer. */
export function totpRecords(store: TotpStore, timeout: number): TotpRecords {
  const timely = <T>(answer: MaybePromise<T>): MaybePromise<T> =>
    isThenable(answer) ? withinTime(Promise.resolve(answer), timeout) : answer;
  return {
    get: (account) => timely(store.get(account)),
    remove: (account) => timely(store.remove(account)),
    put: (record, known) => {
      const next = { ...record, version: newVersion() };
      return timely(known === undefined ? store.insert(next) : store.replace(next, known.version));
    },
  };
}

function newVersion(): string {
  return encodeBase64url(crypto.getRandomValues(new Uint8Array(16)));
}
