import { equalInConstantTime, randomText } from '@apisec/core/host';
import {
  generateAuthenticationOptions,
  verifyAuthenticationResponse,
} from '@simplewebauthn/server';
import { bytesOf, CHALLENGE_BYTES, descriptorOf, type PasskeyParts } from './passkey-parts.ts';
import { passkeyDenial, readPasskeyResponse } from './passkey-response.ts';
import type { Passkeys } from './passkey-types.ts';

/** Checks signatures of passkeys (WebAuthn §7.2). Both reject when the store fails. */
export function passkeyAuthentication(
  parts: PasskeyParts,
): Pick<Passkeys, 'authenticationOptions' | 'authenticate'> {
  const { rpId, lifetime, store, ask, listOf, recorded, expected, now } = parts;

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
      // Read before; whatever else is wrong with it is for the library to find.
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

  return { authenticationOptions, authenticate };
}
