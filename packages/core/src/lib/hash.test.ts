import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { identify } from '../../test/dpop-kit.ts';
import { VECTORS } from '../../test/vectors.ts';
import { encodeBase64url } from './base64url.ts';
import { sha256 } from './hash.ts';

test('bytes are written as everybody writes them', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      expect(encodeBase64url(bytes)).toBe(Buffer.from(bytes).toString('base64url'));
    }),
  );
});

test('text is hashed as UTF-8, and bytes as they are', async () => {
  for (const text of ['', 'abc', 'Grüße 🔑']) {
    const expected = createHash('sha256').update(text).digest('base64url');
    expect(await sha256(text)).toBe(expected);
    expect(await sha256(Buffer.from(text))).toBe(expected);
  }
});

const folder = VECTORS;
const isThere = existsSync(folder);

describe.skipIf(!isThere)('published vectors (RFC 7638 thumbprints)', () => {
  interface Vector {
    readonly ref: string;
    readonly jwk: object;
    readonly sha256: string;
  }
  const file = join(folder, 'rfc-vectors/rfc7638-thumbprints.json');
  const vectors = isThere ? (JSON.parse(readFileSync(file, 'utf8')) as Vector[]) : [];

  test.each(vectors)('$ref', async ({ jwk, sha256: expected }) => {
    expect((await identify(jwk)).jkt).toBe(expected);
  });
});
