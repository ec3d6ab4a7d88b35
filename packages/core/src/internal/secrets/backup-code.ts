import { encodeBase32 } from './base32.ts';

const CODE = /^[A-Z2-7]{10}$/;
const LONGEST_SPELLING = 64;

/** Ten letters, which are 50 bits: guessing is bounded by the lock, and stored hashes are keyed. */
export function randomBackupCode(): string {
  return encodeBase32(crypto.getRandomValues(new Uint8Array(7))).slice(0, 10);
}

/** As people read it: `abcde-fgh23`. */
export function showBackupCode(code: string): string {
  return `${code.slice(0, 5)}-${code.slice(5)}`.toLowerCase();
}

/** The code that somebody typed; undefined for anything that is none. */
export function readBackupCode(typed: unknown): string | undefined {
  if (typeof typed !== 'string' || typed.length > LONGEST_SPELLING) return undefined;
  const code = typed.replace(/[\s-]/g, '').toUpperCase();
  return CODE.test(code) ? code : undefined;
}
