import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  authenticateJwt,
  type JwsAlgorithm,
  localJwks,
  type VerificationKey,
  type VerifySignature,
} from '@apisec/core';
import { describe, expect, test } from 'vitest';
import { nodeVerifier } from './node-verifier.ts';

const NOW = 1_700_000_000_000;
const issuer = 'https://id.example.com';
const audience = 'https://api.example.com';
const text = new TextEncoder();

/** How WebCrypto makes keys and signs with each algorithm: written here anew, to check one by the other. */
const hash = (algorithm: string): string => `SHA-${algorithm.slice(2)}`;
const rsa = { modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) };
const generating = (algorithm: JwsAlgorithm): RsaHashedKeyGenParams & EcKeyGenParams => {
  const names = { RS: 'RSASSA-PKCS1-v1_5', PS: 'RSA-PSS', ES: 'ECDSA', HS: 'HMAC', Ed: 'Ed25519' };
  const curves = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' };
  return {
    ...rsa,
    name: names[algorithm.slice(0, 2) as keyof typeof names],
    namedCurve: curves[algorithm as keyof typeof curves],
    hash: hash(algorithm),
  };
};

async function signed(algorithm: JwsAlgorithm, claims: object = {}) {
  const pair = await crypto.subtle.generateKey(generating(algorithm), true, ['sign', 'verify']);
  const [signing, open] =
    'privateKey' in pair ? [pair.privateKey, pair.publicKey] : ([pair, pair] as const);
  const { kty, crv, x, y, n, e, k } = await crypto.subtle.exportKey('jwk', open);
  const seconds = NOW / 1000;
  const payload = { iss: issuer, aud: audience, sub: 'alice', client_id: 'shop', jti: '1' };
  const data = [
    { alg: algorithm, typ: 'at+jwt' },
    { ...payload, iat: seconds, exp: seconds + 60, ...claims },
  ]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  const { name } = generating(algorithm);
  const how = { name, hash: hash(algorithm), saltLength: Number(algorithm.slice(2)) / 8 };
  const signature = await crypto.subtle.sign(how, signing, text.encode(data));
  const jwk = JSON.parse(JSON.stringify({ kty, crv, x, y, n, e, k })) as Record<string, string>;
  return { jwk, data, signature: new Uint8Array(signature) };
}

function check(
  { jwk, data }: { jwk: Record<string, string>; data: string },
  algorithm: JwsAlgorithm,
  signature: Uint8Array,
) {
  const policy = authenticateJwt({
    issuer,
    audience,
    keys: localJwks({ keys: [jwk] }),
    algorithms: [algorithm],
    verifier: nodeVerifier(),
    now: () => NOW,
  });
  const token = `${data}.${Buffer.from(signature).toString('base64url')}`;
  const headers = { authorization: `Bearer ${token}` };
  return policy.check(new Request('https://api.example.com/', { headers }), {});
}

describe('nodeVerifier', () => {
  test.each<JwsAlgorithm>([
    'RS256',
    'RS384',
    'RS512',
    'PS256',
    'PS384',
    'PS512',
    'ES256',
    'ES384',
    'ES512',
    'EdDSA',
    'Ed25519',
    'HS256',
    'HS384',
    'HS512',
  ])('takes what WebCrypto signed with %s, at once, and nothing else', async (algorithm) => {
    const token = await signed(algorithm);
    const { signature } = token;
    expect(check(token, algorithm, signature)).toMatchObject({ ok: true });
    const denied = { ok: false, denial: { code: 'token.signature_invalid' } };
    const flipped = signature.map((byte, index) => (index === 0 ? byte ^ 1 : byte));
    expect(check(token, algorithm, flipped)).toMatchObject(denied);
    expect(check(token, algorithm, signature.subarray(1))).toMatchObject(denied);
    expect(check(token, algorithm, new Uint8Array([...signature, 0]))).toMatchObject(denied);
    expect(check(token, algorithm, new Uint8Array())).toMatchObject(denied);
    const other = await signed(algorithm, { sub: 'admin' });
    expect(check({ ...token, data: other.data }, algorithm, signature)).toMatchObject(denied);
  });

  test('a signature without its leading zero byte is denied (RFC 8017 §8.1.2)', async () => {
    const pair = await crypto.subtle.generateKey(generating('RS256'), true, ['sign', 'verify']);
    if (!('privateKey' in pair)) throw new Error('RSA keys come in pairs');
    const { n, e } = await crypto.subtle.exportKey('jwk', pair.publicKey);
    const jwk = { kty: 'RSA', n: n ?? '', e: e ?? '' };
    // One signature in 256 begins with a zero byte.
    for (let attempt = 0; attempt < 5_000; attempt++) {
      const data = `attempt ${attempt}`;
      const signature = new Uint8Array(
        await crypto.subtle.sign('RSASSA-PKCS1-v1_5', pair.privateKey, text.encode(data)),
      );
      if (signature[0] !== 0) continue;
      const key: VerificationKey = { kid: undefined, algorithms: ['RS256'], jwk };
      // It answers at once.
      const check = nodeVerifier()(key, 'RS256') as VerifySignature;
      expect(check(text.encode(data), signature)).toBe(true);
      expect(check(text.encode(data), signature.subarray(1))).toBe(false);
      return;
    }
    expect.unreachable('no signature began with a zero byte');
  });

  test('a salt that is not as long as the hash is denied (RFC 7518 §3.5)', async () => {
    const { jwk, data } = await signed('PS256');
    const pair = await crypto.subtle.generateKey(generating('PS256'), true, ['sign', 'verify']);
    if (!('privateKey' in pair)) throw new Error('RSA keys come in pairs');
    const { n, e } = await crypto.subtle.exportKey('jwk', pair.publicKey);
    const own = { jwk: { kty: 'RSA', n: n ?? '', e: e ?? '' }, data };
    const sign = async (saltLength: number) =>
      new Uint8Array(
        await crypto.subtle.sign(
          { name: 'RSA-PSS', saltLength },
          pair.privateKey,
          text.encode(data),
        ),
      );
    expect(jwk['n']).not.toBe(n);
    expect(check(own, 'PS256', await sign(32))).toMatchObject({ ok: true });
    expect(check(own, 'PS256', await sign(20))).toMatchObject({ ok: false });
    expect(check(own, 'PS256', await sign(0))).toMatchObject({ ok: false });
  });
});

const file = join(
  process.env['APISEC_VECTORS'] ?? join(import.meta.dirname, '../../../../shared/vectors'),
  'wycheproof/ecdsa_secp256r1_sha256_p1363_test.json',
);

describe.skipIf(!existsSync(file))('published vectors (Wycheproof ECDSA P-256, P1363)', () => {
  interface Vectors {
    readonly testGroups: readonly {
      readonly publicKey: { readonly wx: string; readonly wy: string };
      readonly tests: readonly {
        readonly tcId: number;
        readonly comment: string;
        readonly msg: string;
        readonly sig: string;
        readonly result: string;
      }[];
    }[];
  }
  const { testGroups }: Vectors = existsSync(file)
    ? JSON.parse(readFileSync(file, 'utf8'))
    : { testGroups: [] };
  const coordinate = (hex: string): string =>
    Buffer.from(hex.slice(-64).padStart(64, '0'), 'hex').toString('base64url');
  const cases = testGroups.flatMap(({ publicKey: { wx, wy }, tests }) =>
    tests.map((each) => ({
      ...each,
      jwk: { kty: 'EC', crv: 'P-256', x: coordinate(wx), y: coordinate(wy) },
    })),
  );

  test.each(cases)('$tcId $comment', ({ jwk, msg, sig, result }) => {
    const key: VerificationKey = { kid: undefined, algorithms: ['ES256'], jwk };
    const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'));
    let valid: unknown = false;
    try {
      const verify = nodeVerifier()(key, 'ES256');
      if (typeof verify === 'function') valid = verify(bytes(msg), bytes(sig));
    } catch {
      // Denying to use a key denies its signatures.
    }
    expect(valid).toBe(result === 'valid');
  });
});
