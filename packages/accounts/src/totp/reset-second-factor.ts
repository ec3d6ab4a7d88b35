import type { RecordOption, TotpStore } from '@apisec/core';
import {
  assertConfiguration,
  assertKnownOptions,
  assertRecord,
  encodeBase64url,
  recordAct,
} from '@apisec/core/host';

/** Options of {@link resetSecondFactor}. */
export interface ResetSecondFactorOptions extends RecordOption {
  /** Where second factors are kept. */
  readonly store: TotpStore;
  /** Whose factor it is, as `totp` knows it. */
  readonly account: string;
  /**
   * `lock` forgets wrong codes and ends the lock. `factor` removes the secret and the backup codes, so that the account
   * has no second factor: only after you have made sure who asks.
   */
  readonly what: 'lock' | 'factor';
}

const OPTIONS = ['store', 'account', 'what', 'record'] as const;
/** How often the end of a lock is tried again when another change came in between. */
const TRIES = 16;

/**
 * Ends the lock of one account's second factor, or the factor itself, in any store: for support staff. False where the
 * account has none, and then nothing is recorded. A code that was used stays used.
 *
 * @throws ConfigurationError without a store or an account, or for another `what`. Rejects where the store cannot
 * answer, the account changes all the time, or the reset could not be recorded.
 * @example
 * await resetSecondFactor({ store, account: 'u1', what: 'lock', record: log.record });
 */
export async function resetSecondFactor(options: ResetSecondFactorOptions): Promise<boolean> {
  assertKnownOptions('resetSecondFactor', options, OPTIONS);
  const { store, account, what, record } = options;
  assertConfiguration(
    typeof store?.get === 'function' && typeof store.replace === 'function',
    'resetSecondFactor: store must be a TotpStore, for example memoryTotpStore().',
  );
  assertConfiguration(
    typeof account === 'string' && account !== '',
    'resetSecondFactor: account must name whose factor it is, as totp knows it.',
  );
  assertConfiguration(
    what === 'lock' || what === 'factor',
    "resetSecondFactor: what must be 'lock' or 'factor'.",
  );
  assertRecord('resetSecondFactor', record);
  const done = what === 'factor' ? await store.remove(account) : await unlock(store, account);
  if (!done) return false;
  const act = what === 'factor' ? 'factor.reset' : 'lock.lifted';
  await recordAct(record, { act, target: { type: 'account', id: account } });
  return true;
}

async function unlock(store: TotpStore, account: string): Promise<boolean> {
  for (let tried = 0; tried < TRIES; tried++) {
    const known = await store.get(account);
    if (known === undefined) return false;
    const version = encodeBase64url(crypto.getRandomValues(new Uint8Array(16)));
    const next = { ...known, failures: 0, lockedUntil: 0, version };
    if (await store.replace(next, known.version)) return true;
  }
  throw new Error('resetSecondFactor: the second factor kept changing in the meantime; try again.');
}
