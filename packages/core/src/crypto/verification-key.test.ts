import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { KeySet } from './key-source.ts';
import { selectKeys, toVerificationKey } from './verification-key.ts';

const jwkOf = (pair: { publicKey: { export: (as: { format: 'jwk' }) => object } }) =>
  pair.publicKey.export({ format: 'jwk' });
const rsa = jwkOf(generateKeyPairSync('rsa', { modulusLength: 2048 }));
const shortRsa = jwkOf(generateKeyPairSync('rsa', { modulusLength: 1024 }));
const ec = jwkOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }));
const ed = jwkOf(generateKeyPairSync('ed25519'));
const mldsa = (alg: string, bytes: number): object => ({
  kty: 'AKP',
  alg,
  pub: Buffer.alloc(bytes, 7).toString('base64url'),
});
const secret = (bytes: number): object => ({
  kty: 'oct',
  k: Buffer.alloc(bytes, 7).toString('base64url'),
});

describe('toVerificationKey', () => {
  test.each<[string, object, readonly string[]]>([
    ['RSA', rsa, ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']],
    ['RSA that says its algorithm', { ...rsa, alg: 'PS384' }, ['PS384']],
    ['P-256', ec, ['ES256']],
    ['Ed25519', ed, ['EdDSA', 'Ed25519']],
    ['Ed25519 by the older name', { ...ed, alg: 'EdDSA' }, ['EdDSA', 'Ed25519']],
    ['Ed25519 by the newer name', { ...ed, alg: 'Ed25519' }, ['EdDSA', 'Ed25519']],
    ['ML-DSA', mldsa('ML-DSA-65', 1952), ['ML-DSA-65']],
    ['a secret of 32 bytes', secret(32), ['HS256']],
    ['a secret of 64 bytes', secret(64), ['HS256', 'HS384', 'HS512']],
    [
      'a key as workerd exports it',
      { ...ec, d: undefined, priv: undefined, k: undefined },
      ['ES256'],
    ],
    ['a key for signatures', { ...ec, use: 'sig', key_ops: ['verify'] }, ['ES256']],
    ['a key with members that mean nothing here', { ...ec, x5u: 'https://x', foo: 1 }, ['ES256']],
  ])('%s may verify what it can', (_name, jwk, algorithms) => {
    expect(toVerificationKey(jwk)).toMatchObject({ algorithms });
  });

  test('keeps only what defines the key, frozen', () => {
    const key = toVerificationKey({ ...ec, kid: 'a', x5u: 'https://x', foo: 1 });
    if (typeof key === 'string') throw new Error(key);
    expect(key.kid).toBe('a');
    expect(Object.keys(key.jwk).toSorted()).toEqual(['crv', 'kty', 'x', 'y']);
    expect([key, key.jwk, key.algorithms].every(Object.isFrozen)).toBe(true);
  });

  test.each<[string, unknown, RegExp]>([
    ['no object', 'key', /object/],
    ['a list', [ec], /object/],
    ['null', null, /object/],
    ['no kty', {}, /kty/],
    ['an inherited kty', Object.create(ec), /kty/],
    ['an unknown kty', { kty: 'XYZ' }, /not supported/],
    ['an unknown curve', { ...ec, crv: 'secp256k1' }, /not supported/],
    ['a curve of another kind of key', { ...ed, crv: 'X25519' }, /not supported/],
    ['a curve that every object has', { ...ec, crv: 'constructor' }, /not supported/],
    ['a key for encryption', { ...rsa, use: 'enc' }, /use/],
    ['a key that may only sign', { ...rsa, key_ops: ['sign'] }, /key_ops/],
    ['key_ops that is no list', { ...rsa, key_ops: 'verify' }, /key_ops/],
    ['an algorithm of another kind of key', { ...rsa, alg: 'ES256' }, /alg/],
    ['an RSA key said to be a secret', { ...rsa, alg: 'HS256' }, /alg/],
    ['alg none', { ...ec, alg: 'none' }, /alg/],
    ['an algorithm for encryption', { ...rsa, alg: 'RSA-OAEP' }, /alg/],
    ['a kid that is no text', { ...ec, kid: 7 }, /kid/],
    ['ML-DSA without its algorithm', { ...mldsa('ML-DSA-44', 1312), alg: undefined }, /alg/],
    ['ML-DSA of another length', mldsa('ML-DSA-87', 1952), /pub/],
    ['a private ML-DSA key', { ...mldsa('ML-DSA-44', 1312), priv: 'AA' }, /private/],
    ['a short RSA key', shortRsa, /2048/],
    [
      'a short RSA key with zeros before it',
      {
        ...shortRsa,
        n: Buffer.concat([
          Buffer.alloc(256),
          Buffer.from((shortRsa as { n: string }).n, 'base64url'),
        ]).toString('base64url'),
      },
      /2048/,
    ],
    ['a huge RSA key', { ...rsa, n: Buffer.alloc(2049, 255).toString('base64url') }, /16384/],
    ['the exponent 1', { ...rsa, e: 'AQ' }, /exponent/],
    ['an even exponent', { ...rsa, e: 'AQAC' }, /exponent/],
    ['a huge exponent', { ...rsa, e: Buffer.alloc(9, 255).toString('base64url') }, /exponent/],
    ['a modulus with padding', { ...rsa, n: `${(rsa as { n: string }).n}=` }, /base64url/],
    ['a private member', { ...ec, d: 'AA' }, /private/],
    ['a private RSA member', { ...rsa, qi: 'AA' }, /private/],
    ['a coordinate that is too short', { ...ec, x: 'AA' }, /coordinate/],
    ['a missing coordinate', { ...ec, y: undefined }, /coordinate/],
    ['a secret that is too short', secret(31), /too short.*32 bytes/],
    ['a secret that is too short for its algorithm', { ...secret(47), alg: 'HS384' }, /too short/],
    ['a secret that is no base64url', { kty: 'oct', k: 'a b' }, /base64url/],
  ])('denies %s, and says why', (_name, jwk, reason) => {
    expect(toVerificationKey(jwk)).toMatch(reason);
  });
});

describe('selectKeys', () => {
  const key = (jwk: object, kid?: string, alg?: string) => {
    const made = toVerificationKey({ ...jwk, kid, alg });
    if (typeof made === 'string') throw new Error(made);
    return made;
  };
  const setOf = (...keys: ReturnType<typeof key>[]): KeySet => ({ keys });

  test('one key by its id', () => {
    const [a, b] = [key(ec, 'a'), key(ec, 'b')];
    expect(selectKeys(setOf(a, b), { alg: 'ES256', kid: 'b' })).toMatchObject({ keys: [b] });
  });

  test('the one key that fits the algorithm where the token names none', () => {
    const [a, b] = [key(ec, 'a'), key(rsa, 'b')];
    expect(selectKeys(setOf(a, b), { alg: 'RS256', kid: undefined })).toMatchObject({ keys: [b] });
  });

  test('keys that share an id are told apart by their algorithm (RFC 7517 §4.5)', () => {
    const [a, b] = [key(ec, 'a'), key(rsa, 'a')];
    expect(selectKeys(setOf(a, b), { alg: 'ES256', kid: 'a' })).toMatchObject({ keys: [a] });
  });

  test.each([
    ['another id', { alg: 'ES256', kid: 'z' }],
    ['an id in another case', { alg: 'ES256', kid: 'A' }],
    ['an algorithm that is not the key’s', { alg: 'RS256', kid: 'a' }],
  ] as const)('no key for %s', (_name, hint) => {
    expect(selectKeys(setOf(key(ec, 'a')), hint)).toEqual({ ok: false, reason: 'unknown' });
  });

  test('more candidates than a few are denied, so that one token cannot cost many verifications', () => {
    const set = (count: number) => setOf(...Array.from({ length: count }, () => key(ec)));
    expect(selectKeys(set(4), { alg: 'ES256', kid: undefined })).toMatchObject({ ok: true });
    expect(selectKeys(set(5), { alg: 'ES256', kid: undefined })).toEqual({
      ok: false,
      reason: 'ambiguous',
    });
  });
});
