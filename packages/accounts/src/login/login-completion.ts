import type { CountedAttempt } from '@apisec/core/host';
import { loginDenial } from './login-denial.ts';
import type { LoginParts } from './login-parts.ts';
import { amrOf, type LoginState } from './login-state.ts';
import { denied } from './login-tickets.ts';
import type { LoginAnswer, LoginCaller, LoginOptions, NextStep } from './login-types.ts';
import type { SignedIn } from './signed-in.ts';

/** Devices of an account that are remembered at once. */
const MOST_DEVICES = 20;

/** Finishes a login in which nothing is needed any more. */
export type CompleteLogin<Result> = (
  state: LoginState,
  attempt: CountedAttempt,
  caller: LoginCaller & Pick<NextStep, 'remember'>,
) => Promise<LoginAnswer<Result>>;

/** The last step of every login: looks the account up once more, and lets `finish` give what the login ends in. */
export function loginCompletion<Result>(
  { finish, recovery }: LoginOptions<Result>,
  { settings, acts, logins, devices, sends, ask }: LoginParts,
): CompleteLogin<Result> {
  const { acr, now, remembered } = settings;
  return async (state, attempt, caller) => {
    const { subject, tenant } = state;
    const { remember = false } = caller;
    // No password is ever right for an account that does not exist.
    if (subject === undefined) throw new TypeError('no account');
    const amr = amrOf(state);
    const isMulti = amr.includes('mfa');
    // A user who has a second factor needs no recovery: one that is under way was started by somebody else.
    if (isMulti) await recovery?.cancel(subject);
    const isNew = remembered !== undefined && remember && isMulti && state.device === undefined;
    const device = isNew
      ? await devices.issueWithin(
          { subject, data: { tenant }, expiresAt: now() + remembered },
          MOST_DEVICES,
        )
      : undefined;
    const provenAt = now();
    // Looked up last, since all of this takes a while. Whoever changes a password or disables an account meanwhile ends
    // sessions at that moment, and this one would begin afterwards.
    const account = await logins.accountOf(state);
    if (account === undefined) return denied(loginDenial('sign_in.ticket_unknown'));
    const signedIn: SignedIn = Object.freeze({
      kind: state.kind,
      subject,
      tenant,
      account,
      factors: Object.freeze([...state.done]),
      claims: Object.freeze({
        acr: isMulti ? acr.multi : acr.single,
        amr,
        auth_time: Math.floor(provenAt / 1000),
      }),
      provenAt,
      session: state.session,
    });
    const result = await ask(() => finish(signedIn));
    // If the act cannot be recorded, the new session is handed to nobody.
    await acts.succeeded(signedIn, caller);
    await attempt.end('succeeded');
    if (state.done.some((factor) => factor === 'mail' || factor === 'sms')) {
      await sends.clear(account, tenant);
    }
    const done = { status: 'done' as const, result, signedIn };
    if (device === undefined) return done;
    return { ...done, device: { token: device.ticket, expiresAt: device.expiresAt } };
  };
}
