import { type CountedAttempt, sha256 } from '@apisec/core/host';
import { isName } from '../names.ts';
import type { LoginAccount } from './login-account.ts';
import type { LoginAttemptBy } from './login-acts.ts';
import type { CompleteLogin } from './login-completion.ts';
import { loginDenial } from './login-denial.ts';
import { isNoGuess, type LoginParts, uncountedWhereItFails } from './login-parts.ts';
import type { LoginState } from './login-state.ts';
import { denied, isClient, pendingAnswer } from './login-tickets.ts';
import type { LoginAnswer, LoginOptions, PasswordStep } from './login-types.ts';

/** A password that was right for what is stored. */
interface RightPassword {
  readonly account: LoginAccount;
  readonly stored: string;
  /** What to store in its place. */
  readonly rehash: string | undefined;
  /** The remembered device that it came from. */
  readonly deviceId: string | undefined;
}

/** The first step with a password. */
export function passwordLogin<Result>(
  { accounts, passwords }: LoginOptions<Result>,
  { settings, logins, devices, factors, failures, ask, bySubject }: LoginParts,
  complete: CompleteLogin<Result>,
): (step: PasswordStep, by: LoginAttemptBy) => Promise<LoginAnswer<Result>> {
  const { lifetime, now, remembered } = settings;
  /** Goes on where the password is the one that is stored. */
  const afterPassword = async (
    step: PasswordStep,
    { account: usable, stored, rehash, deviceId }: RightPassword,
    attempt: CountedAttempt,
  ): Promise<LoginAnswer<Result>> => {
    const { client, tenant, identifier } = step;
    const { replaceHash } = accounts;
    let hash = stored;
    if (rehash !== undefined && replaceHash !== undefined) {
      const replaced = await ask(() => replaceHash(usable.subject, rehash, stored)).catch(
        () => false,
      );
      if (replaced !== false) hash = rehash;
    }
    // Verifying is slow, and the password may have been changed meanwhile, by a user who is ending sessions.
    const current = await bySubject(usable.subject, tenant);
    const is = current?.passwordHash;
    const stands =
      current?.subject === usable.subject &&
      current.disabled !== true &&
      (is === stored || is === hash);
    if (!stands || is === undefined) return denied(loginDenial('sign_in.ticket_unknown'));
    const state: LoginState = {
      kind: 'login',
      subject: usable.subject,
      identifier,
      client: await sha256(client),
      tenant,
      needs: [],
      done: ['password'],
      held: [],
      failures: 0,
      sent: 0,
      mark: await sha256(is),
      device: deviceId,
    };
    const needs = deviceId === undefined ? await factors.secondOf(usable) : [];
    if (needs.length === 0) {
      if (deviceId === undefined && settings.secondFactor === 'required') {
        await attempt.end('neither');
        return denied(loginDenial('sign_in.second_factor_missing'));
      }
      return complete(state, attempt, step);
    }
    const waiting = { ...state, needs };
    const issued = await logins.begin(waiting, now() + lifetime);
    await attempt.end('neither');
    return pendingAnswer(waiting, issued);
  };

  return async (step, by) => {
    const { identifier, device, peer, tenant } = step;
    if (passwords === undefined) return denied(loginDenial('sign_in.method_unavailable'));
    if (!isName(identifier) || !isClient(step)) return denied(loginDenial('sign_in.malformed'));
    const found = await ask(() => accounts.byIdentifier(identifier, tenant));
    const known =
      device === undefined || remembered === undefined ? undefined : await devices.read(device);
    const isKnown =
      found !== undefined && known?.subject === found.subject && known.data['tenant'] === tenant;
    const deviceId = isKnown ? known.id : undefined;
    const subject = found?.subject;
    by.subject = subject;
    const who = { identifier, subject, device: deviceId, peer, tenant };
    const attempt = await failures.begin(who);
    if (!attempt.ok) return denied(attempt.denial);
    const isUsable = found?.disabled !== true && attempt.accountDenial === undefined;
    const usable = isUsable ? found : undefined;
    const stored = usable?.passwordHash;
    const verified = await passwords.verify(step.password, stored);
    if (!verified.ok) {
      if (isNoGuess(verified.denial)) await attempt.end('neither');
      return denied(verified.denial);
    }
    // No password is ever right for an account that does not exist.
    if (usable === undefined || stored === undefined) throw new TypeError('no account');
    const right = { account: usable, stored, rehash: verified.rehash, deviceId };
    return uncountedWhereItFails(attempt, () => afterPassword(step, right, attempt));
  };
}
