import type { Denial, Duration, MaybePromise, RecordOption } from '@apisec/core';
import {
  assertConfiguration,
  assertKnownOptions,
  assertRecord,
  type CountFailuresOptions,
  countFailures,
  durationMs,
  recordAct,
  recordedDenial,
  report,
} from '@apisec/core/host';
import { isName, isTenant } from '../names.ts';
import { type SingleUseTokens, singleUseDenial } from '../tickets/single-use-tokens.ts';
import { timely } from '../timely.ts';
import { type PasswordDenial, passwordDenial } from './password-policy.ts';
import type { PasswordContext, Passwords } from './passwords.ts';

/** An account whose password can be changed. */
export interface PasswordAccount {
  readonly subject: string;
  readonly passwordHash?: string | undefined;
}

/**
 * Where passwords are kept. A fault is a rejection, never an answer. `tenant` is what the caller named, and undefined
 * where there is none: an account that is not one of that tenant does not exist there.
 */
export interface PasswordAccounts<Account extends PasswordAccount = PasswordAccount> {
  readonly byIdentifier: (
    identifier: string,
    tenant: string | undefined,
  ) => MaybePromise<Account | undefined>;
  readonly bySubject: (
    subject: string,
    tenant: string | undefined,
  ) => MaybePromise<Account | undefined>;
  /** Puts a hash in the place of the one that is `expected`; false where it is another one by now. */
  readonly setHash: (
    subject: string,
    hash: string,
    expected: string | undefined,
    tenant: string | undefined,
  ) => MaybePromise<boolean>;
}

/** Where there are several tenants. */
interface OfTenant {
  /**
   * The tenant whose account it is: from the host or path of the call, or from the session. Links of one tenant are
   * worth nothing in another, and failures count apart. Default: none.
   */
  readonly tenant?: string | undefined;
}

/** Options of {@link passwordChanges}. */
export interface PasswordChangesOptions<Account extends PasswordAccount = PasswordAccount>
  extends RecordOption {
  readonly passwords: Pick<Passwords, 'hash' | 'verify'>;
  readonly accounts: PasswordAccounts<Account>;
  /** Of `singleUseTokens`, with a purpose of their own. */
  readonly resets: SingleUseTokens;
  /** Sends the link. It runs after the answer was given. */
  readonly sendReset: (message: {
    readonly account: Account;
    readonly token: string;
    /** Epoch milliseconds. */
    readonly expiresAt: number;
    readonly tenant: string | undefined;
  }) => MaybePromise<unknown>;
  /** Ends the sessions and refresh tokens of a user, all but the session `except`. */
  readonly endSessions: (
    subject: string,
    except: string | undefined,
    tenant: string | undefined,
  ) => MaybePromise<unknown>;
  /** `login`, so that logins under way end and devices are forgotten. */
  readonly login?: { readonly forget: (subject: string) => Promise<void> } | undefined;
  /** What `accountRecovery` returned, so that a recovery that was started with the old password ends. */
  readonly recovery?: { readonly cancel: (subject: string) => Promise<unknown> } | undefined;
  /**
   * How wrong passwords in `change`, and requests for a reset, slow down an account and a peer. A password that is
   * right takes no failure back: only a login that is done does.
   */
  readonly throttle?: CountFailuresOptions | undefined;
  /** Keeps a runtime alive until what runs after an answer is done. */
  readonly waitUntil?: ((work: Promise<unknown>) => void) | undefined;
  /** Called when a link could not be sent. */
  readonly onFault?: ((cause: unknown) => void) | undefined;
  /** How long `accounts`, `sendReset` and `endSessions` may take, from `1ms` to `1m`. Default: `10s`. */
  readonly timeout?: Duration | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** Whether it was changed. */
export type PasswordChange =
  | { readonly ok: true; readonly subject: string }
  | { readonly ok: false; readonly denial: Denial };

/** Changes passwords; see {@link passwordChanges}. Nothing here rejects. */
export interface PasswordChanges {
  /** By somebody who is signed in, and knows the password. All other sessions end. */
  readonly change: (
    request: {
      readonly subject: string;
      readonly current: string;
      readonly next: string;
      readonly peer: string | undefined;
      /** The session that stays. */
      readonly session?: string | undefined;
    } & OfTenant &
      PasswordContext,
  ) => Promise<PasswordChange>;
  /**
   * Sends a link, where there is such an account. The answer is the same, and as fast, where there is none. Requests
   * are slowed down by what was typed and by peer, and links by account, whatever was typed for it.
   */
  readonly requestReset: (
    request: { readonly identifier: string; readonly peer: string | undefined } & OfTenant,
  ) => Promise<{ readonly ok: true } | { readonly ok: false; readonly denial: Denial }>;
  /** By whoever has the link. All sessions end, and nobody is signed in: a second factor is still asked for. */
  readonly reset: (
    request: { readonly token: string; readonly next: string } & OfTenant & PasswordContext,
  ) => Promise<PasswordChange>;
}

const NAME = 'passwordChanges';
const OPTIONS = [
  'passwords',
  'accounts',
  'resets',
  'sendReset',
  'endSessions',
  'login',
  'recovery',
  'throttle',
  'waitUntil',
  'onFault',
  'timeout',
  'now',
  'record',
] as const;

/**
 * Changes passwords, and what must follow: the other sessions end, links that were sent stop working, logins
 * that are under way and recoveries end, and remembered devices are forgotten. A link resets a password once; it signs
 * nobody in and does not touch second factors (see `accountRecovery`). A new password that the policy denies does not
 * use the link up.
 *
 * `record` is told of each change (`password.changed`), and of each that was tried without the right
 * password (`password.change_failed`).
 *
 * Denials: those of `passwords` and `singleUseTokens`, `failures.throttled` (429), `password.changed_meanwhile` and
 * `password.unavailable` (503), and `password.sessions_remain` (503): the password was changed, and sessions or
 * recoveries could not be ended.
 *
 * @throws ConfigurationError where a function is missing.
 * @example
 * const changes = passwordChanges({
 *   passwords: policy,
 *   accounts,
 *   resets: singleUseTokens({ tickets, purpose: 'password_reset', lifetime: '30m' }),
 *   sendReset: ({ account, token }) => mail(account, `https://shop.example.com/reset#${token}`),
 *   endSessions: (subject, except) => browser.endAll({ issuer, subject }, except),
 *   login: signIn,
 * });
 */
export function passwordChanges<Account extends PasswordAccount>(
  options: PasswordChangesOptions<Account>,
): PasswordChanges {
  assertKnownOptions(NAME, options, OPTIONS);
  const { passwords, accounts, resets, sendReset, endSessions, waitUntil, onFault } = options;
  const functions = [
    ['passwords must hash and verify', [passwords?.hash, passwords?.verify]],
    [
      'accounts must be { byIdentifier, bySubject, setHash }',
      [accounts?.byIdentifier, accounts?.bySubject, accounts?.setHash],
    ],
    [
      'resets must be what singleUseTokens() returned',
      [resets?.issue, resets?.use, resets?.revoke],
    ],
    ['sendReset must send the link', [sendReset]],
    ['endSessions must end the sessions of a user', [endSessions]],
  ] as const;
  for (const [said, needed] of functions) {
    assertConfiguration(
      needed.every((each) => typeof each === 'function'),
      `${NAME}: ${said}.`,
    );
  }
  assertRecord(NAME, options.record);
  const timeout = durationMs(NAME, 'timeout', options.timeout ?? '10s', { max: '1m' });
  const failures = countFailures(`${NAME}: throttle`, options.throttle ?? {}, options.now);
  const mails = countFailures(
    `${NAME}: throttle`,
    { ...options.throttle, perPeer: 'none' },
    options.now,
  );
  const ask = timely(timeout);

  /** Stores the new hash, and ends what depended on the old one. */
  const store = async (
    { subject, passwordHash }: PasswordAccount,
    hash: string,
    { session, tenant }: OfTenant & { readonly session?: string | undefined },
    how: 'change' | 'reset',
  ): Promise<PasswordChange> => {
    const changed = await ask(() => accounts.setHash(subject, hash, passwordHash, tenant));
    if (changed !== true) return passwordDenial('password.changed_meanwhile');
    // Logins that are under way first, so that none of them begins a session after the others have ended.
    const ended = await Promise.allSettled([
      resets.revoke(subject),
      ask(() => options.login?.forget(subject)),
      ask(() => options.recovery?.cancel(subject)),
    ]);
    const others = await Promise.allSettled([ask(() => endSessions(subject, session, tenant))]);
    const failed = [...ended, ...others].find((each) => each.status === 'rejected');
    const target = { type: 'account', id: subject };
    const act = { act: 'password.changed', tenant, target, data: { how } } as const;
    // The password has been changed, whichever of these fails.
    const [recorded] = await Promise.allSettled([recordAct(options.record, act)]);
    if (failed !== undefined) return passwordDenial('password.sessions_remain', failed.reason);
    if (recorded.status === 'rejected') throw recorded.reason;
    return { ok: true, subject };
  };

  /**
   * Records that somebody did not know the password. What the policy denies, and links that are old, are not an attack.
   */
  const recorded = async (
    answer: PasswordChange,
    {
      subject,
      peer,
      tenant,
    }: OfTenant & { readonly subject: string; readonly peer: string | undefined },
  ): Promise<PasswordChange> => {
    if (answer.ok) return answer;
    const { denial } = answer;
    if (denial.kind !== 'unauthenticated' && denial.kind !== 'rate_limited') return answer;
    const target = { type: 'account', id: subject };
    const data = { code: denial.code };
    const act = { act: 'password.change_failed', outcome: 'denied' } as const;
    const record = () => recordAct(options.record, { ...act, peer, tenant, target, data });
    return { ok: false, denial: await recordedDenial(denial, record) };
  };

  const change: PasswordChanges['change'] = async (request) => {
    const { subject, current, next, peer, tenant, context } = request;
    if (!isTenant(tenant)) return passwordDenial('password.malformed');
    const attempt = await failures.begin({ account: ['subject', subject], peer, tenant });
    if (!attempt.ok) return { ok: false, denial: attempt.denial };
    let account: Account | undefined;
    try {
      account = await ask(() => accounts.bySubject(subject, tenant));
    } catch (cause) {
      await attempt.end('neither');
      throw cause;
    }
    const verified = await passwords.verify(current, account?.passwordHash);
    if (!verified.ok) {
      if (verified.denial.kind === 'unavailable') await attempt.end('neither');
      return verified;
    }
    // This does not reset the count, as in a login: whoever has the password could guess codes in between.
    await attempt.end('neither');
    const hashed = await passwords.hash(next, { context });
    // No password is ever right for an account that does not exist.
    if (!hashed.ok || account === undefined) return hashed.ok ? NO_ACCOUNT : hashed;
    return store(account, hashed.hash, request, 'change');
  };

  const send = async (account: Account, tenant: string | undefined): Promise<void> => {
    // Many spellings may lead to one account. Its user gets no more mails for that, and the caller is not told: a
    // denial for a spelling that was never used would reveal that the account exists.
    const counted = await mails.begin({
      account: ['reset_mail', account.subject],
      peer: undefined,
      tenant,
    });
    if (!counted.ok) {
      if (counted.denial.kind === 'rate_limited') return;
      throw new Error(counted.denial.code, { cause: counted.denial.cause });
    }
    const issued = await resets.issue(account.subject, tenant === undefined ? {} : { tenant });
    if (!issued.ok) throw new Error(issued.denial.code, { cause: issued.denial.cause });
    const { token, expiresAt } = issued;
    await ask(() => sendReset({ account, token, expiresAt, tenant }));
  };

  const requestReset: PasswordChanges['requestReset'] = async ({ identifier, peer, tenant }) => {
    if (!isName(identifier) || !isTenant(tenant)) return passwordDenial('password.malformed');
    // Never reset: that many links are enough, whether the account exists or not.
    const attempt = await failures.begin({ account: ['reset', identifier], peer, tenant });
    if (!attempt.ok) return { ok: false, denial: attempt.denial };
    const account = await ask(() => accounts.byIdentifier(identifier, tenant));
    if (account !== undefined) {
      // After the answer: the time that a mail takes must not reveal that the account exists.
      const work = new Promise((resolve) => setTimeout(resolve, 0))
        .then(() => send(account, tenant))
        .catch((cause: unknown) => report(() => onFault?.(cause), undefined));
      waitUntil?.(work);
    }
    return { ok: true };
  };

  const reset: PasswordChanges['reset'] = async ({ token, next, tenant, context }) => {
    if (!isTenant(tenant)) return passwordDenial('password.malformed');
    const checked = await resets.check(token);
    if (!checked.ok) return checked;
    // The link is not used up: trying it in another tenant must not take it from its user.
    if (checked.data['tenant'] !== tenant) return singleUseDenial('single_use.unknown');
    const hashed = await passwords.hash(next, { context });
    if (!hashed.ok) return hashed;
    const account = await ask(() => accounts.bySubject(checked.subject, tenant));
    if (account === undefined) return NO_ACCOUNT;
    const used = await resets.use(token);
    return used.ok ? store(account, hashed.hash, { tenant }, 'reset') : used;
  };

  return Object.freeze<PasswordChanges>({
    change: async (request) => recorded(await change(request).catch(unavailable), request),
    requestReset: (request) => requestReset(request).catch(unavailable),
    reset: (request) => reset(request).catch(unavailable),
  });
}

function unavailable(cause: unknown): PasswordDenial {
  return passwordDenial('password.unavailable', cause);
}

const NO_ACCOUNT: PasswordChange = passwordDenial('password.wrong');
