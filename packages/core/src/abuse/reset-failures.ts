import type { CounterStore } from '../contracts/counter-store.ts';
import { assertRecord, type RecordOption, recordAct } from '../contracts/record-act.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { sha256 } from '../lib/hash.ts';
import { assertKnownOptions, assertMethods } from '../lib/options.ts';
import { encodeLimitKey, type LimitKey } from '../limits/limit-key.ts';
import { alike } from './attempt-counting.ts';

/** Options of {@link resetFailures}. */
export interface ResetFailuresOptions extends RecordOption {
  /** Where failures are counted. */
  readonly store: CounterStore;
  /** The `name` of the policy `throttleFailures`. */
  readonly name: string;
  /** What its `account` answers: whose pause or lock ends. */
  readonly account?: LimitKey;
  /** The id of a peer whose pause or lock ends (`facts.peer.id`). */
  readonly peer?: string | undefined;
  /** The tenant of the calls, where they have one. */
  readonly tenant?: string | undefined;
}

const OPTIONS = ['store', 'name', 'account', 'peer', 'tenant', 'record'] as const;
/** A reset goes by name and key alone. */
const ANY_RULE = { free: 0, delay: 0, maxDelay: 0, lockAfter: 1, lockFor: 0, forgetAfter: 1 };

/**
 * Ends the pause or lock of one account or peer, in any store: for support staff, when it was the customer who had
 * forgotten the password.
 *
 * @throws ConfigurationError where neither an account nor a peer is named, or there is no store. Rejects where the
 * store cannot answer, and where the reset could not be recorded.
 * @example
 * await resetFailures({ store, name: 'login', account: 'alice@example.com', record: log.record });
 */
export async function resetFailures(options: ResetFailuresOptions): Promise<void> {
  assertKnownOptions('resetFailures', options, OPTIONS);
  const { store, name, account, peer, tenant, record } = options;
  assertMethods('resetFailures', 'store', store, ['reconcile'], 'memoryCounterStore()');
  assertConfiguration(
    store !== undefined && typeof name === 'string' && name !== '',
    'resetFailures: give it the store, and the name of the policy throttleFailures.',
  );
  assertRecord('resetFailures', record);
  const accountKey = encodeLimitKey(alike(account), tenant);
  const peerKey = encodeLimitKey(peer, tenant);
  assertConfiguration(
    (accountKey === undefined) !== (peerKey === undefined),
    "resetFailures: name an account or a peer, like { account: 'alice@example.com' }.",
  );
  const request =
    accountKey === undefined
      ? { name: `${name}.peer`, key: peerKey as string }
      : { name: `${name}.account`, key: await sha256(accountKey) };
  await store.reconcile([{ ...request, rule: ANY_RULE, ticket: 0, result: 'reset' }]);
  const type = accountKey === undefined ? 'peer' : 'account';
  const id = String(type === 'peer' ? peer : account);
  await recordAct(record, { act: 'lock.lifted', target: { type, id }, data: { policy: name } });
}
