import { describe, expect, test } from 'vitest';
import { secretSigner, signer } from '../../test/jwt-kit.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { type JwksDocument, localJwks } from './local-jwks.ts';

const [ec, ed] = [await signer('ES256', 'a'), await signer('EdDSA', 'b')];
const hmac = await secretSigner('HS256', new Uint8Array(32).fill(7));

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
  ])('does not construct with %s', (_name, document, message) => {
    expect(() => localJwks(document as JwksDocument)).toThrow(ConfigurationError);
    expect(() => localJwks(document as JwksDocument)).toThrow(message);
  });
});
