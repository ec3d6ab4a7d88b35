import type { Denial } from '@apisec/core';
import { decodeBase64url, isObject } from '@apisec/core/host';
import { decodeAttestationObject } from '@simplewebauthn/server/helpers';
import { wordedDenials } from '../worded-denials.ts';

/** In characters, of all that a browser sends. Keys and statements take a few kilobytes. */
const LONGEST_MEMBER = 16_384;
/** WebAuthn §4: at most 1,023 bytes. */
const LONGEST_ID = 1_364;

/** What a browser sent, as far as it is read here. Everything in it is still the caller's word. */
export interface PasskeyResponse {
  readonly id: string;
  readonly userHandle: string | undefined;
  readonly transports: readonly string[];
  /** As it came, with nothing in it but text. */
  readonly json: object;
}

/**
 * Reads what `credential.toJSON()` gave. Undefined where it is something else, is too long, or was signed in a frame of
 * another site: whoever frames a page can make its visitors click.
 */
export function readPasskeyResponse(
  response: unknown,
  kind: 'attestationObject' | 'authenticatorData',
): PasskeyResponse | undefined {
  if (!isObject(response)) return undefined;
  const { id, rawId, type, response: inner } = response;
  if (!isText(id, LONGEST_ID) || rawId !== id || type !== 'public-key') return undefined;
  if (!isObject(inner)) return undefined;
  const { clientDataJSON, signature, userHandle, transports } = inner;
  const main = inner[kind];
  if (!isText(clientDataJSON) || !isText(main)) return undefined;
  if (kind === 'authenticatorData' && !isText(signature)) return undefined;
  const handle = userHandle === null || userHandle === undefined ? undefined : userHandle;
  if (handle !== undefined && !isText(handle, 128)) return undefined;
  if (!isOfOwnPage(clientDataJSON)) return undefined;
  return {
    id,
    userHandle: handle,
    transports: transportsOf(transports),
    // Only what was looked at goes on.
    json: {
      id,
      rawId: id,
      type,
      clientExtensionResults: {},
      response: {
        clientDataJSON,
        [kind]: main,
        ...(kind === 'authenticatorData' && { signature, userHandle: handle }),
      },
    },
  };
}

/** True for what a page signed that no other site has framed, in a form that can be read. */
function isOfOwnPage(clientDataJson: string): boolean {
  const bytes = decodeBase64url(clientDataJson);
  if (bytes === undefined) return false;
  try {
    const data: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (!isObject(data) || data['crossOrigin'] === true || data['topOrigin'] !== undefined) {
      return false;
    }
    return isText(data['challenge'], 512);
  } catch {
    return false;
  }
}

/**
 * True where an attestation names no certificate. None was asked for, and verifying one that a caller made up
 * could mean fetching the URLs in it.
 */
export function isSelfAttested(response: PasskeyResponse): boolean {
  const { response: inner } = response.json as { response: { attestationObject: string } };
  const bytes = decodeBase64url(inner.attestationObject);
  if (bytes === undefined) return false;
  try {
    const decoded = decodeAttestationObject(bytes);
    const format = decoded.get('fmt');
    if (format === 'none') return true;
    return format === 'packed' && decoded.get('attStmt').get('x5c') === undefined;
  } catch {
    return false;
  }
}

const TRANSPORTS = new Set(['ble', 'cable', 'hybrid', 'internal', 'nfc', 'smart-card', 'usb']);

function transportsOf(value: unknown): readonly string[] {
  if (!Array.isArray(value)) return [];
  const known = value.slice(0, 16).filter((each): each is string => TRANSPORTS.has(each as string));
  return [...new Set(known)];
}

function isText(value: unknown, longest = LONGEST_MEMBER): value is string {
  return typeof value === 'string' && value !== '' && value.length <= longest;
}

/** Codes of `passkeys`. */
export type PasskeyDenialCode =
  | 'passkey.malformed'
  | 'passkey.invalid'
  | 'passkey.unknown'
  | 'passkey.counter'
  | 'passkey.ticket_unknown'
  | 'passkey.already_registered'
  | 'passkey.too_many'
  | 'passkey.unavailable';

/** Why a passkey was not taken. */
export interface PasskeyDenial {
  readonly ok: false;
  /** To deny with: `denyWith(result.denial)`. */
  readonly denial: Denial;
}

const worded = wordedDenials<PasskeyDenialCode>({
  'passkey.malformed': ['malformed', 'The answer of the passkey is not well formed.'],
  'passkey.invalid': ['unauthenticated', 'The passkey is not valid.'],
  // One text for all of them, so that nobody learns which passkeys exist.
  'passkey.unknown': ['unauthenticated', 'The passkey is not valid.'],
  'passkey.counter': ['unauthenticated', 'The passkey is not valid.'],
  'passkey.ticket_unknown': ['unauthenticated', 'The registration has ended. Start again.'],
  'passkey.already_registered': ['forbidden', 'The passkey is already registered.'],
  'passkey.too_many': [
    'forbidden',
    'The account already has the largest allowed number of passkeys.',
  ],
  'passkey.unavailable': ['unavailable', 'Passkeys cannot be verified at the moment.'],
});

/** Words a denial. */
export function passkeyDenial(code: PasskeyDenialCode, cause?: unknown): PasskeyDenial {
  return { ok: false, denial: worded(code, { cause }) };
}
