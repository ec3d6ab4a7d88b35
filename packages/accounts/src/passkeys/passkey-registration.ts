import type { PasskeyRecord } from '@apisec/core';
import { encodeBase64url, randomText } from '@apisec/core/host';
import { generateRegistrationOptions, verifyRegistrationResponse } from '@simplewebauthn/server';
import {
  bytesOf,
  CHALLENGE_BYTES,
  descriptorOf,
  infoOf,
  isLabel,
  type PasskeyParts,
} from './passkey-parts.ts';
import { isSelfAttested, passkeyDenial, readPasskeyResponse } from './passkey-response.ts';
import type { Passkeys } from './passkey-types.ts';

/** Random bytes by which a passkey names its account (WebAuthn §14.6.1: nothing personal, up to 64). */
const HANDLE_BYTES = 32;

/** Registers passkeys (WebAuthn §7.1). Both reject when a store fails. */
export function passkeyRegistration(
  parts: PasskeyParts,
): Pick<Passkeys, 'registrationOptions' | 'register'> {
  const { rpId, rpName, userVerification, maxPerAccount, lifetime } = parts;
  const { store, registrations, ask, listOf, recorded, expected, now } = parts;

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

  return { registrationOptions, register };
}
