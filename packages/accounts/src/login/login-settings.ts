import {
  assertConfiguration,
  assertKnownOptions,
  assertOneOf,
  durationMs,
} from '@apisec/core/host';
import { assertTicketStore } from '../tickets/tickets.ts';
import type { LoginOptions } from './login-types.ts';

const NAME = 'login';
const OPTIONS = [
  'accounts',
  'tickets',
  'finish',
  'passwords',
  'totp',
  'passkeys',
  'senders',
  'secondFactor',
  'recovery',
  'throttle',
  'lifetime',
  'codeLifetime',
  'rememberDevices',
  'acr',
  'timeout',
  'now',
  'record',
] as const;
/** RFC 9470 §3, as they stand in a challenge. */
const ACR = /^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/;

/** The options of a login with their defaults; times in milliseconds. */
export interface LoginSettings {
  readonly secondFactor: 'where_enrolled' | 'required';
  readonly acr: { readonly single: string; readonly multi: string };
  readonly lifetime: number;
  readonly codeLifetime: number;
  readonly timeout: number;
  /** Undefined where no device is remembered. */
  readonly remembered: number | undefined;
  readonly now: () => number;
}

/** @throws ConfigurationError where the options cannot hold. */
export function loginSettings(options: LoginOptions<unknown>): LoginSettings {
  assertKnownOptions(NAME, options, OPTIONS);
  const { accounts, finish, passwords, passkeys, senders = {} } = options;
  const { secondFactor = 'where_enrolled', now = () => Date.now() } = options;
  const { acr = { single: 'aal1', multi: 'aal2' } } = options;
  assertConfiguration(
    typeof accounts?.byIdentifier === 'function' && typeof accounts.bySubject === 'function',
    `${NAME}: accounts must look accounts up: { byIdentifier, bySubject }.`,
  );
  assertTicketStore(NAME, options.tickets);
  assertConfiguration(
    typeof finish === 'function',
    `${NAME}: finish must be a function that gives tokens or a session to the user who signed in.`,
  );
  assertConfiguration(
    passwords !== undefined || passkeys !== undefined,
    `${NAME}: give it passwords, passkeys or both, or nobody could sign in.`,
  );
  assertKnownOptions(`${NAME}: senders`, senders, ['mail', 'sms']);
  assertOneOf(NAME, 'secondFactor', secondFactor, ['where_enrolled', 'required']);
  assertConfiguration(
    ACR.test(acr.single) && ACR.test(acr.multi) && acr.single !== acr.multi,
    `${NAME}: acr must name two levels in printable ASCII: {  single: 'aal1', multi: 'aal2' }.`,
  );
  const { lifetime = '10m', codeLifetime = '5m', timeout = '5s', rememberDevices } = options;
  return {
    secondFactor,
    acr: { ...acr },
    lifetime: durationMs(NAME, 'lifetime', lifetime, { min: '30s', max: '30m' }),
    codeLifetime: durationMs(NAME, 'codeLifetime', codeLifetime, { min: '30s', max: '15m' }),
    timeout: durationMs(NAME, 'timeout', timeout, { min: '1ms', max: '1m' }),
    remembered:
      rememberDevices === undefined
        ? undefined
        : durationMs(NAME, 'rememberDevices', rememberDevices, { min: '1h', max: '90d' }),
    now,
  };
}
