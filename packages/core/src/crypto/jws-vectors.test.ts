import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { VECTORS } from '../../test/vectors.ts';
import { parseCompactJws } from './compact-jws.ts';
import { isAlgorithm } from './jws-algorithms.ts';
import { signatureCheck } from './signature-check.ts';
import { selectKeys, toVerificationKey, webCryptoVerifier } from './verification-key.ts';

const folder = VECTORS;
const isThere = existsSync(folder);
const read = (name: string): unknown => JSON.parse(readFileSync(join(folder, name), 'utf8'));

const isSigned = signatureCheck(webCryptoVerifier);

/** Private members are taken away first: vectors give whole key pairs. */
async function accepts(token: string, jwk: object): Promise<boolean> {
  const {
    d: _d,
    p: _p,
    q: _q,
    dp: _dp,
    dq: _dq,
    qi: _qi,
    ...open
  } = jwk as Record<string, unknown>;
  const key = toVerificationKey(open);
  const jws = parseCompactJws(token);
  if (typeof key === 'string' || jws === undefined || !isAlgorithm(jws.alg)) return false;
  const found = selectKeys({ keys: [key] }, { alg: jws.alg, kid: jws.kid });
  return found.ok && isSigned(jws, jws.alg, found.keys);
}

describe('a compact JWS', () => {
  const encode = (value: unknown) =>
    Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
  const token = (header: unknown, payload = '{"a":1}') =>
    `${encode(header)}.${encode(payload)}.AAAA`;
  const good = { alg: 'ES256', kid: 'k', typ: 'at+jwt', jku: 'https://evil.example' };

  test('is taken apart, and what was signed is what stands before the last dot', () => {
    const text = token(good);
    expect(parseCompactJws(text)).toEqual({
      header: good,
      alg: 'ES256',
      kid: 'k',
      typ: 'at+jwt',
      payload: new TextEncoder().encode('{"a":1}'),
      data: new TextEncoder().encode(text.slice(0, text.lastIndexOf('.'))),
      signature: Uint8Array.of(0, 0, 0),
    });
    expect(parseCompactJws(token({ alg: 'ES256' }))).toMatchObject({
      kid: undefined,
      typ: undefined,
    });
  });

  test('may have an empty payload and an empty signature', () => {
    expect(parseCompactJws(`${encode(good)}..`)).toMatchObject({
      payload: new Uint8Array(),
      signature: new Uint8Array(),
    });
  });

  test.each<[string, string]>([
    ['no dot', 'AAAA'],
    ['one dot', `${encode(good)}.AAAA`],
    ['three dots', `${token(good)}.AAAA`],
    ['no header', `.${encode('{}')}.AAAA`],
    ['a header that is not base64url', `${encode(good)}=.AA.AA`],
    ['a header that is a list', token([])],
    ['a member twice in its header', token('{"alg":"none","alg":"ES256"}')],
    ['no algorithm', token({ kid: 'k' })],
    ['an algorithm that is a list', token({ alg: ['ES256'] })],
    ['a key id that is a number', token({ alg: 'ES256', kid: 7 })],
    ['a key id that is null', token({ alg: 'ES256', kid: null })],
    ['a type that is a number', token({ alg: 'ES256', typ: 7 })],
    ['extensions that must be understood', token({ alg: 'ES256', crit: ['exp'] })],
    ['a payload that is not encoded', token({ alg: 'ES256', b64: true })],
    ['a payload that is compressed', token({ alg: 'ES256', zip: 'DEF' })],
  ])('with %s is not one', (_name, text) => {
    expect(parseCompactJws(text)).toBeUndefined();
  });
});

describe.skipIf(!isThere)('published vectors (Wycheproof JWS)', () => {
  interface Wycheproof {
    readonly testGroups: readonly {
      readonly comment: string;
      readonly public?: object;
      readonly private?: object;
      readonly tests: readonly {
        readonly tcId: number;
        readonly comment: string;
        readonly jws: unknown;
        readonly result: 'valid' | 'invalid';
      }[];
    }[];
  }
  const exceptions: Readonly<Record<number, string>> = {
    346: 'the key says PS256, the token PS384: a key is for one algorithm',
    347: 'the key says ES521, which does not exist',
    350: 'as 346',
    351: 'as 347',
    367: 'byte for byte the same as 357, which is valid',
    370: 'byte for byte the same as 357, which is valid',
    372: 'a character that is no base64url is to be skipped: not by us',
    373: 'as 372',
  };
  const cases = isThere
    ? (read('wycheproof/json_web_signature_test.json') as Wycheproof).testGroups.flatMap((group) =>
        group.tests.map((each) => ({ ...each, group: group.comment, jwk: keyOf(group) })),
      )
    : [];

  test.each(cases)('$tcId $group: $comment', async ({ tcId, jws, jwk, result }) => {
    const valid = typeof jws === 'string' && (await accepts(jws, jwk));
    const differs = Object.hasOwn(exceptions, tcId);
    expect(valid).toBe((result === 'valid') !== differs);
  });

  test('393 of 401 are met, the rest are the exceptions above', () => {
    expect([cases.length, Object.keys(exceptions).length]).toEqual([401, 8]);
  });

  function keyOf(group: { readonly public?: object; readonly private?: object }): object {
    return group.public ?? group.private ?? {};
  }
});

describe.skipIf(!isThere)('published vectors (RFC 7515 appendix A)', () => {
  interface AppendixA {
    readonly tests: readonly {
      readonly id: string;
      readonly alg?: string;
      readonly jwk?: object | null;
      readonly jws?: unknown;
      readonly result: string;
    }[];
  }
  const { tests } = isThere
    ? (read('rfc-vectors/rfc7515-appendix-a.json') as AppendixA)
    : { tests: [] };
  const compact = tests.filter(({ jws }) => typeof jws === 'string');

  test.each(compact)('$id $alg', async ({ alg, jws, jwk, result }) => {
    // Their ids are not in the tokens.
    const key = { ...jwk, kid: undefined };
    expect(await accepts(jws as string, key)).toBe(result === 'valid' && alg !== 'none');
  });

  test('there are some', () => expect(compact.length).toBeGreaterThan(3));
});

describe.skipIf(!isThere)('published vectors (JOSE cookbook, RFC 7520 and RFC 8037)', () => {
  interface Cookbook {
    readonly input: { readonly key: object | readonly object[] };
    readonly output: { readonly compact?: string };
  }
  test.each([
    ['jws/4_1.rsa_v15_signature', true],
    ['jws/4_2.rsa-pss_signature', true],
    ['jws/4_3.ecdsa_signature', true],
    ['jws/4_4.hmac-sha2_integrity_protection', true],
    ['curve25519/jws', true],
    // Unencoded payloads (RFC 7797) are not for access tokens.
    ['rfc7797/hmac-sha2_b64_false', false],
  ])('%s', async (name, valid) => {
    const { input, output } = read(`jose-cookbook/${name}.json`) as Cookbook;
    const token = output.compact ?? '';
    expect(await accepts(token, [input.key].flat()[0] as object)).toBe(valid);
  });
});

describe.skipIf(!isThere)('published vectors (RFC 7517 appendix A)', () => {
  const sets = isThere
    ? (read('rfc-vectors/rfc7517-keys.json') as Record<'public' | 'private', { keys: object[] }>)
    : { public: { keys: [] }, private: { keys: [] } };

  test('the key for encryption is denied, the one for signatures taken', () => {
    expect(sets.public.keys.map((key) => typeof toVerificationKey(key))).toEqual([
      'string',
      'object',
    ]);
  });

  test('private keys are denied', () => {
    for (const key of sets.private.keys) expect(toVerificationKey(key)).toMatch(/private/);
  });
});
