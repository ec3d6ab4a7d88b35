import type { Denial } from '@apisec/core';
import { type CountFailuresOptions, countFailures, sha256 } from '@apisec/core/host';
import { headOf } from '../tickets/tickets.ts';
import type { Timely } from '../timely.ts';
import { challengeLimits } from './challenge-limits.ts';
import type { LoginAccount } from './login-account.ts';
import { loginDenial } from './login-denial.ts';
import { codeHash, randomCode } from './login-factors.ts';
import type { LoginSettings } from './login-settings.ts';
import type { LoginState } from './login-state.ts';
import { denied, isClient, type LoginTickets } from './login-tickets.ts';
import type { Login, LoginOptions } from './login-types.ts';

const MOST_CODES = 3;

/** Counts codes that are sent to an account, until one of them was right. */
export interface CodeCounting {
  /** Why no more is sent; undefined where one is. */
  readonly begin: (
    account: LoginAccount,
    tenant: string | undefined,
  ) => Promise<Denial | undefined>;
  readonly clear: (account: LoginAccount, tenant: string | undefined) => Promise<void>;
}

function keyOf({ subject }: LoginAccount): readonly string[] {
  return ['code', subject];
}

/** In the way of failures, and where those are counted; for the account alone. */
export function codeCounting(
  throttle: CountFailuresOptions | undefined,
  now: (() => number) | undefined,
): CodeCounting {
  const sends = countFailures('login: throttle', { ...throttle, perPeer: 'none' }, now);
  return {
    begin: async (account, tenant) => {
      const who = { account: keyOf(account), peer: undefined, tenant };
      const attempt = await sends.begin(who);
      return attempt.ok ? undefined : attempt.denial;
    },
    clear: (account, tenant) => sends.clear({ account: keyOf(account), tenant }),
  };
}

/** What a login asks before an answer can be given: the challenge of a passkey, a code that is sent. */
export function loginChallenges(
  { passkeys, senders = {} }: Pick<LoginOptions<unknown>, 'passkeys' | 'senders'>,
  settings: LoginSettings,
  logins: LoginTickets,
  sends: CodeCounting,
  ask: Timely,
): Pick<Login<unknown>, 'passkeyOptions' | 'sendCode'> {
  const { lifetime, now } = settings;
  const strangers = challengeLimits(lifetime, now);

  const passkeyOptions: Login<unknown>['passkeyOptions'] = async (caller) => {
    if (!isClient(caller)) return denied(loginDenial('sign_in.malformed'));
    if (passkeys === undefined) return denied(loginDenial('sign_in.method_unavailable'));
    const { ticket, client, tenant } = caller;
    if (ticket === undefined) {
      const problem = await strangers(caller.peer);
      if (problem !== undefined) return denied(problem);
      const asked = await passkeys.authenticationOptions({ userVerification: 'required' });
      const state: LoginState = {
        kind: 'login',
        client: await sha256(client),
        tenant,
        needs: ['passkey'],
        done: [],
        held: [],
        failures: 0,
        sent: 0,
        challenge: asked.challenge,
      };
      const issued = await logins.begin(state, now() + lifetime);
      return { status: 'passkey', ...issued, options: asked.options };
    }
    const opened = await logins.open(caller, ticket, ({ needs }) => needs.includes('passkey'));
    if ('status' in opened) return opened;
    const { state, record } = opened;
    const { subject } = state;
    const userVerification = subject === undefined ? 'required' : 'preferred';
    const asked = await passkeys.authenticationOptions({ subject, userVerification });
    if ((await logins.take(ticket)) === undefined) {
      return denied(loginDenial('sign_in.ticket_unknown'));
    }
    const { expiresAt } = record;
    const renewed = await logins.reissue(
      { ...state, challenge: asked.challenge },
      expiresAt,
      ticket,
    );
    return { status: 'passkey', ticket: renewed, expiresAt, options: asked.options };
  };

  const sendCode: Login<unknown>['sendCode'] = async (caller) => {
    const { ticket, channel } = caller;
    if (!isClient(caller)) return denied(loginDenial('sign_in.malformed'));
    const opened = await logins.open(caller, ticket, ({ needs }) => needs.includes(channel));
    if ('status' in opened) return opened;
    const { state, record, account } = opened;
    const send = Object.hasOwn(senders, channel) ? senders[channel] : undefined;
    if (account === undefined || send === undefined) {
      return denied(loginDenial('sign_in.method_unavailable'), ticket);
    }
    if (state.sent >= MOST_CODES) return denied(loginDenial('sign_in.too_many_codes'), ticket);
    // A holder of the password could begin one login after the other.
    const counted = await sends.begin(account, caller.tenant);
    if (counted !== undefined) return denied(counted, ticket);
    if ((await logins.take(ticket)) === undefined) {
      return denied(loginDenial('sign_in.ticket_unknown'));
    }
    const code = randomCode();
    const expiresAt = Math.min(now() + settings.codeLifetime, record.expiresAt);
    const hash = await codeHash(headOf(ticket), channel, code);
    const sent = { ...state, sent: state.sent + 1, code: { channel, hash, expiresAt } };
    const renewed = await logins.reissue(sent, record.expiresAt, ticket);
    try {
      await ask(() => send({ account, code, expiresAt }));
    } catch (cause) {
      return denied(loginDenial('sign_in.unavailable', { cause }), renewed);
    }
    return { status: 'sent', ticket: renewed, expiresAt };
  };

  return { passkeyOptions, sendCode };
}
