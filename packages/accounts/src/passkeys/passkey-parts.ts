import type { BuiltinAct, PasskeyRecord, PasskeyStore, RecordOption } from '@apisec/core';
import { decodeBase64url } from '@apisec/core/host';
import type { Tickets } from '../tickets/tickets.ts';
import type { Timely } from '../timely.ts';
import type { PasskeyInfo } from './passkey-types.ts';

/** What registration and authentication share; times in milliseconds. */
export interface PasskeyParts {
  readonly rpId: string;
  readonly rpName: string;
  readonly userVerification: 'required' | 'preferred';
  readonly maxPerAccount: number;
  readonly lifetime: number;
  readonly store: PasskeyStore;
  readonly registrations: Tickets;
  /** Asks the store in bounded time. */
  readonly ask: Timely;
  readonly listOf: (subject: string) => Promise<readonly PasskeyRecord[]>;
  /** Records an act; rejects where that cannot be done. */
  readonly recorded: (
    act: BuiltinAct,
    subject: string,
    data: { readonly passkey?: string; readonly removed?: number },
    record?: RecordOption['record'],
  ) => Promise<void>;
  /** What answers of browsers must name. */
  readonly expected: { readonly expectedOrigin: string[]; readonly expectedRPID: string };
  readonly now: () => number;
}

/** Random bytes of a challenge (WebAuthn §13.4.3 asks for at least 16). */
export const CHALLENGE_BYTES = 32;
const LABEL = /^[^\p{Cc}\p{Surrogate}]{1,64}$/u;

/** A passkey as its user may see it. */
export function infoOf(passkey: PasskeyRecord): PasskeyInfo {
  const { id, label, createdAt, lastUsedAt, backedUp, aaguid } = passkey;
  return { id, label, createdAt, lastUsedAt, backedUp, aaguid };
}

/** True for a name to show. The value may come from JSON, and a pattern takes a list of one text for that text. */
export function isLabel(value: unknown): value is string {
  return typeof value === 'string' && LABEL.test(value);
}

/** A passkey as browsers receive it. */
export function descriptorOf({ id, transports }: PasskeyRecord): {
  id: string;
  transports: string[];
} {
  return { id, transports: [...transports] };
}

/** Throws only for text that was not encoded here. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const bytes = decodeBase64url(text);
  if (bytes === undefined) throw new TypeError('not base64url');
  return bytes;
}
