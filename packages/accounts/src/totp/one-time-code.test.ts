import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { VECTORS } from '../../../core/test/vectors.ts';
import { oneTimeCodes } from './one-time-code.ts';
import { encodeBase32 } from './totp-secrets.ts';

const folder = join(VECTORS, 'rfc-vectors');
const isThere = existsSync(folder);
const encoder = new TextEncoder();
const read = (name: string): unknown => JSON.parse(readFileSync(join(folder, name), 'utf8'));

describe.skipIf(!isThere)('published vectors (RFC 4226 appendix D)', () => {
  interface Hotp {
    readonly secret_ascii: string;
    readonly digits: number;
    readonly hotp: readonly string[];
  }
  const { secret_ascii, digits, hotp } = isThere
    ? (read('rfc4226-appendix-d.json') as Hotp)
    : { secret_ascii: '', digits: 6, hotp: [] };

  test.each([...hotp.entries()])('counter %d: %s', async (counter, code) => {
    const codes = await oneTimeCodes(encoder.encode(secret_ascii), { algorithm: 'SHA-1', digits });
    expect(await codes(counter)).toBe(code);
  });

  test('there are ten', () => expect(hotp).toHaveLength(10));
});

describe.skipIf(!isThere)('published vectors (RFC 6238 appendix B)', () => {
  type Hash = 'SHA1' | 'SHA256' | 'SHA512';
  interface Totp {
    readonly step: number;
    readonly digits: number;
    readonly secrets_ascii: Readonly<Record<Hash, string>>;
    readonly tests: readonly (Readonly<Record<Hash, string>> & { readonly time: number })[];
  }
  const vectors = isThere ? (read('rfc6238-appendix-b.json') as Totp) : undefined;
  const hashes = [
    ['SHA1', 'SHA-1'],
    ['SHA256', 'SHA-256'],
    ['SHA512', 'SHA-512'],
  ] as const;
  const cases = (vectors?.tests ?? []).flatMap((each) =>
    hashes.map(([name, algorithm]) => ({ name, algorithm, time: each.time, code: each[name] })),
  );

  test.each(cases)('$name at $time: $code', async ({ name, algorithm, time, code }) => {
    const { secrets_ascii, step, digits } = vectors as Totp;
    const codes = await oneTimeCodes(encoder.encode(secrets_ascii[name]), { algorithm, digits });
    expect(await codes(Math.floor(time / step))).toBe(code);
  });

  test('there are eighteen', () => expect(cases).toHaveLength(18));
});

// RFC 4648 §10, without its padding.
test.each([
  ['', ''],
  ['f', 'MY'],
  ['fo', 'MZXQ'],
  ['foo', 'MZXW6'],
  ['foob', 'MZXW6YQ'],
  ['fooba', 'MZXW6YTB'],
  ['foobar', 'MZXW6YTBOI'],
])('%j in base32 is %j', (text, base32) => {
  expect(encodeBase32(encoder.encode(text))).toBe(base32);
});
