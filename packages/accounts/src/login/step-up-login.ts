import { sha256 } from '@apisec/core/host';
import { isName } from '../names.ts';
import { loginDenial } from './login-denial.ts';
import type { LoginParts } from './login-parts.ts';
import { heldOf, type LoginFactor, type LoginState } from './login-state.ts';
import { denied, isClient, markOf, pendingAnswer } from './login-tickets.ts';
import type { Login, LoginOptions } from './login-types.ts';

const FACTORS: readonly LoginFactor[] = [
  'password',
  'passkey',
  'totp',
  'backup_code',
  'mail',
  'sms',
];
const SECOND: readonly LoginFactor[] = FACTORS.slice(1);

/** Asks a user who is signed in for more. */
export function stepUpLogin<Result>(
  { passwords }: LoginOptions<Result>,
  { settings, logins, factors, bySubject }: LoginParts,
): Login<Result>['stepUp'] {
  const { lifetime, now } = settings;
  return async (step) => {
    const { subject, session, tenant, factors: wanted } = step;
    if (!isClient(step) || !isName(subject)) return denied(loginDenial('sign_in.malformed'));
    const account = await bySubject(subject, tenant);
    if (account?.subject !== subject || account.disabled === true) {
      return denied(loginDenial('sign_in.ticket_unknown'));
    }
    const second = await factors.secondOf(account);
    const has = (factor: LoginFactor): boolean =>
      factor === 'password'
        ? passwords !== undefined && account.passwordHash !== undefined
        : second.includes(factor);
    // A password does not step up an account that has more to show, unless the caller says so.
    const asked = wanted ?? (second.length > 0 ? SECOND : FACTORS);
    const needs = FACTORS.filter((factor) => asked.includes(factor) && has(factor));
    if (needs.length === 0) return denied(loginDenial('sign_in.method_unavailable'));
    const state: LoginState = {
      kind: 'step_up',
      subject,
      client: await sha256(step.client),
      tenant,
      needs,
      done: [],
      held: heldOf(step.amr),
      session,
      failures: 0,
      sent: 0,
      mark: await markOf(account),
    };
    return pendingAnswer(state, await logins.begin(state, now() + lifetime));
  };
}
