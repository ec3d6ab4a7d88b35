import { assertRecord, type RecordOption, recordAct } from '../contracts/record-act.ts';
import type { RevocationStore } from '../contracts/revocation-store.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { type Duration, durationMs } from '../lib/duration.ts';
import { chain, type MaybePromise } from '../lib/maybe-promise.ts';
import { assertKnownOptions } from '../lib/options.ts';
import { EVERYTHING, revocationKey } from './revocation-keys.ts';

/**
 * What to revoke. `issuer` is that of the principal: the token's `iss`. `token` is known by its `jti`,
 * `session` by its `sid`. A tenant is the same under every issuer.
 */
export type RevocationTarget =
  | { readonly kind: 'token'; readonly issuer: string; readonly id: string }
  | { readonly kind: 'subject'; readonly issuer: string; readonly id: string }
  | { readonly kind: 'session'; readonly issuer: string; readonly id: string }
  | { readonly kind: 'client'; readonly issuer: string; readonly id: string }
  | { readonly kind: 'tenant'; readonly id: string }
  | { readonly kind: 'issuer'; readonly issuer: string }
  | { readonly kind: 'all' };

/** How far a revocation reaches. */
export interface RevokeOptions extends RecordOption {
  /**
   * Revokes only what was issued before this moment (epoch milliseconds): "sign out everywhere" is
   * `issuedBefore: Date.now()`. Tokens say when they were issued in whole seconds, rounded down, so one that
   * was issued in that very second is revoked too; and so is what does not say when it was issued.
   */
  readonly issuedBefore?: number | undefined;
  /**
   * How long it is remembered; `'forever'` until it is lifted. Default: `maxTokenLifetime`, after which
   * every token that was there at the time has expired by itself.
   */
  readonly lasts?: Duration | 'forever' | undefined;
}

/** Options of {@link revocations}. */
export interface RevocationsOptions extends RecordOption {
  readonly store: RevocationStore;
  /**
   * The longest that any accepted credential lives, clock tolerance included: `'1h'`. A revocation is
   * forgotten after that, so one that is too short lets long-lived tokens come back. `'forever'`: never.
   */
  readonly maxTokenLifetime: Duration | 'forever';
}

/** Revokes credentials before their time, for `requireNotRevoked` on the same store. */
export interface Revocations {
  /**
   * From now on the target is revoked. Throws for a target that no credential could be: an unknown kind, or an id that
   * is not text. Rejects, or throws where the store answers at once, when it could not be noted: then nothing is
   * revoked, and the caller must learn of it. Rejects as well when `record` did not take it: then it is
   * revoked all the same.
   */
  readonly revoke: (target: RevocationTarget, options?: RevokeOptions) => MaybePromise<void>;
  /** Takes an outright revocation back. What was revoked by its time of issue stays so. */
  readonly lift: (target: RevocationTarget, options?: RecordOption) => MaybePromise<void>;
}

const NAME = 'revocations';

/**
 * Revokes credentials by token, subject, session, client, tenant or issuer: outright, or those issued before a
 * moment. `requireNotRevoked` on the same store then denies them.
 *
 * @throws ConfigurationError without a store, or when `maxTokenLifetime` is not a duration with its unit.
 * @example
 * const revoked = revocations({ store, maxTokenLifetime: '1h' });
 * await revoked.revoke({ kind: 'session', issuer: 'https://id.example.com', id: sid });
 * await revoked.revoke(
 *   { kind: 'subject', issuer: 'https://id.example.com', id: 'alice' },
 *   { issuedBefore: Date.now() },
 * );
 */
export function revocations(options: RevocationsOptions): Revocations {
  assertKnownOptions(NAME, options, ['store', 'maxTokenLifetime', 'record']);
  const { store } = options;
  assertConfiguration(
    typeof store?.revoke === 'function' && typeof store.lift === 'function',
    `${NAME}: store must be a revocation store, for example memoryRevocationStore().`,
  );
  assertRecord(NAME, options.record);
  const usualTtl = lifetime('maxTokenLifetime', options.maxTokenLifetime);
  /** Waits for nothing where nothing is recorded, so that stores that answer at once go on doing so. */
  const recorded = (
    change: () => MaybePromise<void>,
    act: 'revocation.added' | 'revocation.lifted',
    target: RevocationTarget,
    data: { readonly issuedBefore?: number | undefined },
    record: RecordOption['record'] = options.record,
  ): MaybePromise<void> => {
    if (record === undefined) return change();
    const { kind, issuer, id } = { issuer: undefined, id: undefined, ...target };
    const about = { type: kind, id: id ?? issuer ?? 'all' };
    return chain(change, () =>
      recordAct(record, { act, target: about, data: { issuer, ...data } }),
    );
  };

  return Object.freeze({
    revoke: (target: RevocationTarget, how: RevokeOptions = {}): MaybePromise<void> => {
      assertKnownOptions(`${NAME}.revoke`, how, ['issuedBefore', 'lasts', 'record']);
      const { issuedBefore, lasts, record } = how;
      // A date of another kind would be compared in each store in another way.
      if (issuedBefore !== undefined && !isMoment(issuedBefore)) {
        throw new TypeError(
          `${NAME}: issuedBefore must be epoch milliseconds, for example Date.now().`,
        );
      }
      const ttl = lasts === undefined ? usualTtl : lifetime('lasts', lasts);
      const key = keyOf(target);
      const change = () => store.revoke({ key, issuedBefore, ttl });
      return recorded(change, 'revocation.added', target, { issuedBefore }, record);
    },
    lift: (target: RevocationTarget, { record }: RecordOption = {}): MaybePromise<void> => {
      const key = keyOf(target);
      return recorded(() => store.lift(key), 'revocation.lifted', target, {}, record);
    },
  });
}

function lifetime(option: string, value: Duration | 'forever'): number {
  return value === 'forever' ? Number.POSITIVE_INFINITY : durationMs(NAME, option, value);
}

function isMoment(value: unknown): boolean {
  return typeof value === 'number' && !Number.isNaN(value);
}

/** What each kind of target names, beside itself. */
const NAMES: Readonly<Record<RevocationTarget['kind'], readonly ('issuer' | 'id')[]>> = {
  token: ['issuer', 'id'],
  subject: ['issuer', 'id'],
  session: ['issuer', 'id'],
  client: ['issuer', 'id'],
  tenant: ['id'],
  issuer: ['issuer'],
  all: [],
};

/** Throws for a target that no credential could be: to note it would revoke nobody, and nobody would hear of it. */
function keyOf(target: RevocationTarget): string {
  const { kind } = target;
  if (!Object.hasOwn(NAMES, kind)) {
    throw new TypeError(`${NAME}: kind must be one of ${Object.keys(NAMES).join(', ')}.`);
  }
  if (kind === 'all') return EVERYTHING;
  const given: Readonly<Record<string, unknown>> = target;
  const names = NAMES[kind].map((name) => {
    const value = given[name];
    if (typeof value !== 'string') {
      throw new TypeError(`${NAME}: a ${kind} is named by its ${name}, which is text.`);
    }
    return value;
  });
  return revocationKey(kind, ...names);
}
