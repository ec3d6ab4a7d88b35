import type { BuiltinAct, PasskeyRecord, RecordOption } from '@apisec/core';
import {
  assertConfiguration,
  assertKnownOptions,
  assertMethods,
  assertOneOf,
  assertRecord,
  decodeBase64url,
  durationMs,
  encodeBase64url,
  equalInConstantTime,
  parseUrl,
  randomText,
  recordAct,
} from '@apisec/core/host';
import {
  generateAuthenticationOptions,
  generateRegistrationOptions,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server';
import { assertTicketStore, tickets } from '../tickets/tickets.ts';
import { timely } from '../timely.ts';
import {
  isSelfAttested,
  type PasskeyDenial,
  passkeyDenial,
  readPasskeyResponse,
} from './passkey-response.ts';
import type { PasskeyInfo, Passkeys, PasskeysOptions } from './passkey-types.ts';

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
const LABEL = /^[^\p{Cc}\p{Surrogate}]{1,64}$/u;
const CHALLENGE_BYTES = 32;
const HANDLE_BYTES = 32;

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
  const recorded = (
    act: BuiltinAct,
    subject: string,
    data: { readonly passkey?: string; readonly removed?: number },
    record: RecordOption['record'] = options.record,
  ) =>
    recordAct(record, {
      act,
      target: { type: 'account', id: subject },
      data: { factor: 'passkey', ...data },
    });
  const expected = { expectedOrigin: [...origins], expectedRPID: rpId };

  const registrationOptions: Passkeys['registrationOptions'] = async (account) => {
    const { subject, name, displayName = name } = account;
    const known = await listOf(subject);
    if (known.length >= maxPerAccount) return passkeyDenial('passkey.too_many');
    const userHandle = known[0]?.userHandle ?? randomText(HANDLE_BYTES);
    const challenge = randomText(CHALLENGE_BYTES);
    const made = await generateRegistrationOptions({
      rpID: rpId,
      rpName,
      userName: name,
      userDisplayName: displayName,
      userID: bytesOf(userHandle),
      challenge: bytesOf(challenge),
      timeout: lifetime,
      attestationType: 'none',
      excludeCredentials: known.map(descriptorOf),
      authenticatorSelection: { residentKey: 'required', userVerification },
    });
    const data = { challenge, userHandle };
    const issued = await registrations.issue({ subject, data, expiresAt: now() + lifetime });
    return { ok: true, ticket: issued.ticket, options: made };
  };

  const register: Passkeys['register'] = async (request) => {
    const { subject, ticket, label = 'Passkey' } = request;
    const response = readPasskeyResponse(request.response, 'attestationObject');
    const isWell = response !== undefined && isSelfAttested(response) && isLabel(label);
    if (!isWell) return passkeyDenial('passkey.malformed');
    const found = await registrations.read(ticket);
    if (found?.subject !== subject) return passkeyDenial('passkey.ticket_unknown');
    if ((await registrations.take(ticket)) === undefined) {
      return passkeyDenial('passkey.ticket_unknown');
    }
    // Only this file writes tickets of this purpose.
    const { challenge, userHandle } = found.data as { challenge: string; userHandle: string };
    const verified = await verifyRegistrationResponse({
      // Read before; whatever else is wrong with it is for the library to find.
      response: response.json as never,
      expectedChallenge: challenge,
      ...expected,
      requireUserVerification: userVerification === 'required',
    }).catch((cause: unknown) => ({ verified: false as const, cause }));
    if (!verified.verified) {
      return passkeyDenial('passkey.invalid', 'cause' in verified ? verified.cause : undefined);
    }
    const { credential, aaguid, credentialDeviceType, credentialBackedUp } =
      verified.registrationInfo;
    // Only what is signed is trusted, not the copy of the id beside it.
    if (credential.id !== response.id) return passkeyDenial('passkey.invalid');
    const passkey: PasskeyRecord = {
      id: credential.id,
      subject,
      userHandle,
      publicKey: encodeBase64url(credential.publicKey),
      counter: credential.counter,
      transports: response.transports,
      aaguid,
      backupEligible: credentialDeviceType === 'multiDevice',
      backedUp: credentialBackedUp,
      label,
      createdAt: now(),
    };
    if ((await ask(() => store.insert(passkey))) !== true) {
      return passkeyDenial('passkey.already_registered');
    }
    // Counted after the insertion, since many registrations may have started while there was room for one.
    if ((await listOf(subject)).length > maxPerAccount) {
      await ask(() => store.remove(subject, passkey.id));
      return passkeyDenial('passkey.too_many');
    }
    await recorded('factor.enrolled', subject, { passkey: passkey.id }, request.record);
    return { ok: true, passkey: infoOf(passkey) };
  };

  const authenticationOptions: Passkeys['authenticationOptions'] = async (request) => {
    const { subject } = request;
    const known = subject === undefined ? [] : await listOf(subject);
    const challenge = randomText(CHALLENGE_BYTES);
    const made = await generateAuthenticationOptions({
      rpID: rpId,
      challenge: bytesOf(challenge),
      timeout: lifetime,
      userVerification: request.userVerification,
      allowCredentials: known.map(descriptorOf),
    });
    return { challenge, options: made };
  };

  const authenticate: Passkeys['authenticate'] = async (request) => {
    const { subject, challenge, requireUserVerification } = request;
    const response = readPasskeyResponse(request.response, 'authenticatorData');
    if (response === undefined) return passkeyDenial('passkey.malformed');
    const passkey = await ask(() => store.get(response.id));
    if (passkey === undefined || passkey.id !== response.id) {
      return passkeyDenial('passkey.unknown');
    }
    // WebAuthn §7.2 step 6: without a subject the handle is what names the account.
    const handle = response.userHandle;
    const isIts = handle !== undefined && equalInConstantTime(handle, passkey.userHandle);
    const isOwn =
      subject === undefined
        ? isIts
        : passkey.subject === subject && (handle === undefined || isIts);
    if (!isOwn) return passkeyDenial('passkey.unknown');
    const verified = await verifyAuthenticationResponse({
      // Read before, as above.
      response: response.json as never,
      expectedChallenge: challenge,
      ...expected,
      credential: {
        id: passkey.id,
        publicKey: bytesOf(passkey.publicKey),
        // The store compares and writes the counter in one atomic step.
        counter: 0,
      },
      requireUserVerification,
    }).catch((cause: unknown) => ({ verified: false as const, cause }));
    if (!verified.verified || !('authenticationInfo' in verified)) {
      return passkeyDenial('passkey.invalid', 'cause' in verified ? verified.cause : undefined);
    }
    const { newCounter, credentialBackedUp, credentialDeviceType, userVerified } =
      verified.authenticationInfo;
    // WebAuthn §7.2 step 18: what can be copied is decided when a passkey is made.
    if ((credentialDeviceType === 'multiDevice') !== passkey.backupEligible) {
      return passkeyDenial('passkey.invalid');
    }
    const at = now();
    const use = { counter: newCounter, backedUp: credentialBackedUp, at };
    if ((await ask(() => store.use(passkey.id, use))) !== true) {
      const copied = recorded('factor.copied', passkey.subject, { passkey: passkey.id });
      // It is denied either way; where it is not recorded, operators read so in the denial.
      return copied.then(
        () => passkeyDenial('passkey.counter'),
        (cause: unknown) => passkeyDenial('passkey.counter', cause),
      );
    }
    return { ok: true, subject: passkey.subject, passkey: passkey.id, userVerified };
  };

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

function infoOf(passkey: PasskeyRecord): PasskeyInfo {
  const { id, label, createdAt, lastUsedAt, backedUp, aaguid } = passkey;
  return { id, label, createdAt, lastUsedAt, backedUp, aaguid };
}

/** The value may come from JSON, and a pattern takes a list of one text for that text. */
function isLabel(value: unknown): value is string {
  return typeof value === 'string' && LABEL.test(value);
}

function descriptorOf({ id, transports }: PasskeyRecord): { id: string; transports: string[] } {
  return { id, transports: [...transports] };
}

/** Throws only for text that was not encoded here. */
function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const bytes = decodeBase64url(text);
  if (bytes === undefined) throw new TypeError('not base64url');
  return bytes;
}

function isOriginOf(origin: unknown, rpId: string): boolean {
  const url = typeof origin === 'string' ? parseUrl(origin) : undefined;
  if (url === undefined) return false;
  const isLocal = url.hostname === 'localhost';
  const isSecure = url.protocol === 'https:' || (isLocal && url.protocol === 'http:');
  const isWithin = url.hostname === rpId || url.hostname.endsWith(`.${rpId}`);
  return url.origin === origin && isSecure && isWithin;
}
