import {
  assertConfiguration,
  assertKnownOptions,
  assertRecord,
  countFailures,
  durationMs,
  recordAct,
  recordedDenial,
  report,
} from '@apisec/core/host';
import { isName, isTenant } from '../names.ts';
import { singleUseDenial } from '../tickets/single-use-tokens.ts';
import { timely } from '../timely.ts';
import type {
  OfTenant,
  PasswordAccount,
  PasswordChange,
  PasswordChanges,
  PasswordChangesOptions,
} from './password-change-types.ts';
import { type PasswordDenial, passwordDenial } from './password-policy.ts';

export type {
  PasswordAccount,
  PasswordAccounts,
  PasswordChange,
  PasswordChanges,
  PasswordChangesOptions,
} from './password-change-types.ts';

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
 * `record` is called with each change (`password.changed`), and with each that was tried without the right
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
    // Unlike a login, this does not reset the count: a holder of the password could guess codes in between.
    await attempt.end('neither');
    const hashed = await passwords.hash(next, { context });
    // No password is ever right for an account that does not exist.
    if (!hashed.ok || account === undefined) return hashed.ok ? NO_ACCOUNT : hashed;
    return store(account, hashed.hash, request, 'change');
  };

  const send = async (account: Account, tenant: string | undefined): Promise<void> => {
    // Many spellings may lead to one account. Its user gets no more mails for that, and the caller learns nothing: a
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
    // Never reset: that many links are enough, and the account need not exist.
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
