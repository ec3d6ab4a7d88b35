import { describe, expect, test } from 'vitest';
import { secretSigner, signer } from '../../test/jwt-kit.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import type { Jwk } from './key-source.ts';
import { type JwksDocument, localJwks } from './local-jwks.ts';

const [ec, ed] = [await signer('ES256', 'a'), await signer('EdDSA', 'b')];
const hmac = await secretSigner('HS256', crypto.getRandomValues(new Uint8Array(32)));

describe('localJwks', () => {
  test('answers at once, always with the same set', () => {
    const keys = localJwks({ keys: [ec.jwk, ed.jwk] });
    expect(keys.symmetric).toBe(false);
    expect(keys.find({ alg: 'ES256', kid: 'a' })).toMatchObject({ ok: true, set: keys.current() });
    expect(keys.find({ alg: 'ES256', kid: 'b' })).toEqual({ ok: false, reason: 'unknown' });
    expect(keys.current()).toBe(keys.current());
  });

  test('takes shared secrets, and says so', () => {
    expect(localJwks({ keys: [hmac.jwk] }).symmetric).toBe(true);
  });

  test('later changes of what was handed in change nothing', () => {
    const document = { keys: [{ ...ec.jwk }] };
    const keys = localJwks(document);
    document.keys.push(ed.jwk);
    expect(keys.find({ alg: 'EdDSA', kid: 'b' })).toMatchObject({ ok: false });
    expect(Object.isFrozen(keys.current()?.keys)).toBe(true);
  });

  test.each<[string, unknown, RegExp]>([
    ['nothing', undefined, /at least one key/],
    ['no keys', { keys: [] }, /at least one key/],
    ['one key that is no list', { keys: ec.jwk }, /at least one key/],
    ['secrets beside public keys', { keys: [ec.jwk, hmac.jwk] }, /shared secrets/],
    ['a private key', { keys: [ec.jwk, { ...ed.jwk, d: 'AA' }] }, /key 1 .* private key/],
    ['a key for encryption', { keys: [{ ...ec.jwk, use: 'enc' }] }, /key 0 .* "use"/],
  ])('cannot be constructed with %s', (_name, document, message) => {
    expect(() => localJwks(document as JwksDocument)).toThrow(ConfigurationError);
    expect(() => localJwks(document as JwksDocument)).toThrow(message);
  });
});

describe('a key that everybody knows cannot be constructed', () => {
  const oct = (text: string | Uint8Array) => ({
    kty: 'oct',
    k: Buffer.from(text).toString('base64url'),
  });
  test.each<[string, Jwk]>([
    ['RFC 8037', { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }],
    [
      'RFC 7515, A.3',
      {
        kty: 'EC',
        crv: 'P-256',
        x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
        y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
      },
    ],
    [
      'RFC 7515, A.1',
      {
        kty: 'oct',
        k: 'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow',
      },
    ],
    ['jwt.io', oct('a-string-secret-at-least-256-bits-long')],
    ['a default', oct('super-secret-jwt-token-with-at-least-32-characters-long')],
    ['zeroes', oct(new Uint8Array(32))],
    ['a word again and again', oct('secret'.repeat(6))],
  ])('%s', (_, jwk) => {
    expect(() => localJwks({ keys: [jwk] })).toThrow(/protects nothing/);
  });

  test('one that was drawn does', () => {
    const drawn = oct(crypto.getRandomValues(new Uint8Array(32)));
    expect(() => localJwks({ keys: [drawn] })).not.toThrow();
  });
});
