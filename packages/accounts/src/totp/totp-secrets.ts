import type { SealedText, SealingKeys, TotpRecord } from '@apisec/core';
import { equalInConstantTime, sealing } from '@apisec/core/host';
import { oneTimeCodes } from './one-time-code.ts';
import type { Judgement } from './totp-attempts.ts';

/** RFC 4226 §4 R6: at least 128 bits, 160 recommended; RFC 6238 §5.1: as long as the hash. */
export const SECRET_BYTES: Readonly<Record<TotpRecord['algorithm'], number>> = {
  'SHA-1': 20,
  'SHA-256': 32,
  'SHA-512': 64,
};

/** Sealed secrets, which are used only to check codes. */
export interface TotpSecrets {
  readonly seal: (secret: Uint8Array, account: string) => Promise<SealedText>;
  /**
   * Takes a code that was not used before; its secret moves to the current sealing key. Rejects where the
   * secret cannot be opened.
   */
  readonly take: (record: TotpRecord, code: string, at: number) => Promise<Judgement>;
}

/** `drift` is in steps, to both sides. */
export function totpSecrets(sealingKeys: SealingKeys, drift: number): TotpSecrets {
  const secrets = sealing('totp', sealingKeys, 'apisec totp secret');
  const currentKey = sealingKeys.current;
  return {
    seal: secrets.seal,
    take: async (record, code, at) => {
      if (code.length !== record.digits) return 'totp.malformed';
      const secret = await secrets.open(record.secret, record.account);
      const codeOf = await oneTimeCodes(secret, record);
      const step = Math.floor(at / 1000 / record.period);
      let matched = -1;
      // All steps are tried, and of two with the same code the later one is used up.
      for (let each = Math.max(0, step - drift); each <= step + drift; each++) {
        if (equalInConstantTime(await codeOf(each), code)) matched = each;
      }
      if (matched < 0) return 'totp.invalid';
      if (matched <= record.lastStep) return 'totp.reused';
      const used = { ...record, lastStep: matched };
      if (record.secret.key === currentKey) return used;
      return { ...used, secret: await secrets.seal(secret, record.account) };
    },
  };
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** Bytes as base32 (RFC 4648 §6) without padding, as authenticator apps read it. */
export function encodeBase32(bytes: Uint8Array): string {
  let text = '';
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    for (; bits >= 5; bits -= 5) text += ALPHABET.charAt((held >> (bits - 5)) & 31);
    held &= (1 << bits) - 1;
  }
  return bits > 0 ? text + ALPHABET.charAt((held << (5 - bits)) & 31) : text;
}

/** In characters, with spaces and padding. */
const LONGEST_TEXT = 256;

/**
 * The bytes of base32, in either case, with spaces, hyphens and padding as people copy it; undefined for other text.
 */
export function decodeBase32(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length > LONGEST_TEXT) return undefined;
  const letters = text.replace(/[\s-]/g, '').replace(/=+$/, '').toUpperCase();
  const bytes = new Uint8Array(Math.floor((letters.length * 5) / 8));
  let held = 0;
  let bits = 0;
  let length = 0;
  for (const letter of letters) {
    const value = ALPHABET.indexOf(letter);
    if (value < 0) return undefined;
    held = ((held << 5) | value) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes[length++] = (held >> bits) & 0xff;
  }
  return bytes;
}

/** The URI that authenticator apps read from a QR code ("Key URI Format"). */
export function keyUri(
  secret: string,
  label: string,
  issuer: string,
  { algorithm, digits, period }: Pick<TotpRecord, 'algorithm' | 'digits' | 'period'>,
): string {
  const name = `${encodeURIComponent(issuer)}:${encodeURIComponent(label)}`;
  const params = [
    `secret=${secret}`,
    `issuer=${encodeURIComponent(issuer)}`,
    `algorithm=${algorithm.replace('-', '')}`,
    `digits=${digits}`,
    `period=${period}`,
  ];
  return `otpauth://totp/${name}?${params.join('&')}`;
}
