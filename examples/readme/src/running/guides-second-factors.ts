import { createHmac } from 'node:crypto';
import { memoryPasskeyStore, memoryTicketStore } from '@apisec/accounts';
import { passkeys } from '@apisec/accounts/passkeys';
import type { SealingKeys } from '@apisec/core';

export const sealingKeys: SealingKeys = {
  current: 'v1',
  keys: { v1: crypto.getRandomValues(new Uint8Array(32)) },
};
export const keys = passkeys({
  rpId: 'shop.example.com',
  rpName: 'Shop',
  origins: ['https://shop.example.com'],
  store: memoryPasskeyStore(),
  tickets: memoryTicketStore(),
});
export const mail = async (): Promise<void> => undefined;

/** The code that its user reads at the moment. */
export let code = '';
/** What was shown to the user. */
export let shown: readonly string[] = [];
let secret = '';
export const showQrCode = (uri: string): void => {
  secret = new URL(uri).searchParams.get('secret') ?? '';
  // A step ago is still good, and leaves this step's code for the login.
  code = codeOf(secret, -1);
};
export const showOnce = (codes: readonly string[]): void => {
  shown = codes;
  code = codeOf(secret, 0);
};

/** What an authenticator app shows (RFC 6238), `steps` from now. */
function codeOf(base32: string, steps: number): string {
  const bits = base32
    .split('')
    .map((char) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(char).toString(2).padStart(5, '0'))
    .join('');
  const key = Buffer.from((bits.match(/[01]{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
  const mac = createHmac('sha1', key).update(counter).digest();
  const number = mac.readUInt32BE((mac.at(-1) ?? 0) & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, '0');
}
