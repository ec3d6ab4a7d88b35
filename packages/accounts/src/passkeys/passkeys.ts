import {
  assertConfiguration,
  assertKnownOptions,
  assertMethods,
  assertOneOf,
  assertRecord,
  durationMs,
  parseUrl,
  recordAct,
} from '@apisec/core/host';
import { assertTicketStore, tickets } from '../tickets/tickets.ts';
import { timely } from '../timely.ts';
import { passkeyAuthentication } from './passkey-authentication.ts';
import { infoOf, isLabel, type PasskeyParts } from './passkey-parts.ts';
import { passkeyRegistration } from './passkey-registration.ts';
import { type PasskeyDenial, passkeyDenial } from './passkey-response.ts';
import type { Passkeys, PasskeysOptions } from './passkey-types.ts';

export type { PasskeyInfo, Passkeys, PasskeysOptions } from './passkey-types.ts';
export type { PasskeyDenial };

const NAME = 'passkeys';
const OPTIONS = [
  'rpId',
  'rpName',
  'origins',
  'store',
  'tickets',
  'userVerification',
  'maxPerAccount',
  'lifetime',
  'record',
  'storeTimeout',
  'now',
] as const;
const DOMAIN =
  /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/;

/**
 * Passkeys (WebAuthn level 3): registers them and checks their signatures. Denies an answer to another challenge,
 * from another origin or domain, from a frame, without user presence, of another account, or with a counter that
 * did not increase. Nothing about the authenticator is asked or believed (attestation `none`).
 *
 * Answers denials, never throws for them: `passkey.malformed` (400), `.invalid`, `.unknown`, `.counter` and
 * `.ticket_unknown` (401, worded alike), `.already_registered` and `.too_many` (403), `.unavailable` (503).
 *
 * @throws ConfigurationError for a domain or an origin that cannot hold, or without a store.
 * @example
 * const keys = passkeys({
 *   rpId: 'shop.example.com',
 *   rpName: 'Shop',
 *   origins: ['https://shop.example.com'],
 *   store: memoryPasskeyStore(),
 *   tickets: memoryTicketStore(),
 * });
 * const signIn = login({ accounts, tickets, passkeys: keys, finish });
 */
export function passkeys(options: PasskeysOptions): Passkeys {
  assertKnownOptions(NAME, options, OPTIONS);
  const { rpId, rpName, origins, store, now = () => Date.now() } = options;
  const { userVerification = 'required', maxPerAccount = 20 } = options;
  assertConfiguration(
    typeof rpId === 'string' && DOMAIN.test(rpId),
    `${NAME}: rpId must be a domain without scheme and port, like 'shop.example.com'.`,
  );
  assertConfiguration(
    isLabel(rpName),
    `${NAME}: rpName must be a name that browsers can show, of 1 to 64 characters.`,
  );
  assertConfiguration(
    Array.isArray(origins) && origins.length > 0 && origins.every((each) => isOriginOf(each, rpId)),
    `${NAME}: origins must list the origins of your pages, like ['https://${rpId}']: with https, and within rpId.`,
  );
  const methods = ['insert', 'get', 'list', 'use', 'rename', 'remove', 'removeBySubject'] as const;
  assertMethods(NAME, 'store', store ?? {}, methods, 'memoryPasskeyStore()');
  assertTicketStore(NAME, options.tickets);
  assertOneOf(NAME, 'userVerification', userVerification, ['required', 'preferred']);
  assertConfiguration(
    Number.isInteger(maxPerAccount) && maxPerAccount >= 1 && maxPerAccount <= 100,
    `${NAME}: maxPerAccount must be a whole number from 1 to 100.`,
  );
  const lifetime = durationMs(NAME, 'lifetime', options.lifetime ?? '5m', {
    min: '30s',
    max: '30m',
  });
  const timeout = durationMs(NAME, 'storeTimeout', options.storeTimeout ?? '2s', { max: '1m' });
  const registrations = tickets(options.tickets, 'passkey.registration', { timeout, now });
  const ask = timely(timeout);
  const listOf = (subject: string) => ask(() => store.list(subject));
  assertRecord(NAME, options.record);
  const recorded: PasskeyParts['recorded'] = (act, subject, data, record = options.record) =>
    recordAct(record, {
      act,
      target: { type: 'account', id: subject },
      data: { factor: 'passkey', ...data },
    });
  const parts: PasskeyParts = {
    rpId,
    rpName,
    userVerification,
    maxPerAccount,
    lifetime,
    store,
    registrations,
    ask,
    listOf,
    recorded,
    expected: { expectedOrigin: [...origins], expectedRPID: rpId },
    now,
  };
  const { registrationOptions, register } = passkeyRegistration(parts);
  const { authenticationOptions, authenticate } = passkeyAuthentication(parts);

  return Object.freeze<Passkeys>({
    registrationOptions: (account) => registrationOptions(account).catch(unavailable),
    register: (request) => register(request).catch(unavailable),
    authenticationOptions,
    authenticate: (request) => authenticate(request).catch(unavailable),
    list: async (subject) => (await listOf(subject)).map(infoOf),
    rename: async (subject, id, label) =>
      isLabel(label) && (await ask(() => store.rename(subject, id, label))),
    remove: async (subject, id, how) => {
      const removed = await ask(() => store.remove(subject, id));
      if (removed) await recorded('factor.removed', subject, { passkey: id }, how?.record);
      return removed;
    },
    removeAll: async (subject, how) => {
      const removed = await ask(() => store.removeBySubject(subject));
      if (removed > 0) await recorded('factor.removed', subject, { removed }, how?.record);
      return removed;
    },
  });
}

function unavailable(cause: unknown): PasskeyDenial {
  return passkeyDenial('passkey.unavailable', cause);
}

function isOriginOf(origin: unknown, rpId: string): boolean {
  const url = typeof origin === 'string' ? parseUrl(origin) : undefined;
  if (url === undefined) return false;
  const isLocal = url.hostname === 'localhost';
  const isSecure = url.protocol === 'https:' || (isLocal && url.protocol === 'http:');
  const isWithin = url.hostname === rpId || url.hostname.endsWith(`.${rpId}`);
  return url.origin === origin && isSecure && isWithin;
}
