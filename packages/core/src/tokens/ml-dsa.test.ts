import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { audience, bearer, claims, issuer, now } from '../../test/jwt-kit.ts';
import type { Jwk } from '../crypto/key-source.ts';
import { localJwks } from '../crypto/local-jwks.ts';
import { authenticateJwt } from './authenticate-jwt.ts';

const ALG = 'ML-DSA-65';
const encode = (value: string | Uint8Array) => Buffer.from(value as string).toString('base64url');

/** A key pair where this runtime has the algorithm; otherwise a key and signatures that look like such ones. */
async function pairOf(): Promise<{ jwk: Jwk; sign: (header?: object) => Promise<string> }> {
  const made = await generateKeyPair(ALG, { extractable: true }).catch(() => undefined);
  if (made === undefined) {
    const random = (bytes: number) => {
      const parts = [];
      for (let left = bytes; left > 0; left -= 65_536) parts.push(Math.min(left, 65_536));
      return encode(
        Uint8Array.from(parts.flatMap((n) => [...crypto.getRandomValues(new Uint8Array(n))])),
      );
    };
    return {
      jwk: { kty: 'AKP', alg: ALG, pub: random(1952), kid: 'pq' },
      sign: async () => {
        const header = encode(JSON.stringify({ alg: ALG, typ: 'at+jwt', kid: 'pq' }));
        return `${header}.${encode(JSON.stringify(claims))}.${random(3309)}`;
      },
    };
  }
  const { kty, alg, pub } = await exportJWK(made.publicKey);
  return {
    jwk: { kty, alg, pub, kid: 'pq' },
    sign: () =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: ALG, typ: 'at+jwt', kid: 'pq' })
        .sign(made.privateKey),
  };
}

const isThere = await crypto.subtle.generateKey({ name: ALG }, false, ['sign', 'verify']).then(
  () => true,
  () => false,
);
const [own, other] = [await pairOf(), await pairOf()];
const policyWith = (jwk: Jwk, algorithms?: readonly ['ML-DSA-65']) =>
  authenticateJwt({ issuer, audience, keys: localJwks({ keys: [jwk] }), algorithms, now });
const codeOf = async (token: string, by: ReturnType<typeof policyWith>) => {
  const outcome = await by.check(bearer(token), {});
  return outcome.ok ? 'ok' : outcome.denial.code;
};

describe('a token signed with ML-DSA', () => {
  test('passes where it is listed and the runtime has it, and is denied elsewhere', async () => {
    const code = await codeOf(await own.sign(), policyWith(own.jwk, [ALG]));
    expect(code).toBe(isThere ? 'ok' : 'token.signature_invalid');
  });

  test('is denied where it is not listed', async () => {
    expect(await codeOf(await own.sign(), policyWith(own.jwk))).toBe('token.algorithm_refused');
  });

  test('is denied where another key signed it, or a bit was changed', async () => {
    const by = policyWith(own.jwk, [ALG]);
    expect(await codeOf(await other.sign(), by)).toBe('token.signature_invalid');
    const token = await own.sign();
    const at = token.length - 40;
    const changed = token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1);
    expect(await codeOf(changed, by)).toBe('token.signature_invalid');
  });
});
