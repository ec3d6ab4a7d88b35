import { CompactEncrypt, exportJWK, FlattenedEncrypt, generateKeyPair, importJWK } from 'jose';
import { describe, expect, test, vi } from 'vitest';
import { audience, bearer, issuer, NOW, now, signer } from '../../test/jwt-kit.ts';
import { localJwks } from '../crypto/local-jwks.ts';
import { type AuthenticateJwtOptions, authenticateJwt } from './authenticate-jwt.ts';
import {
  type ContentEncryption,
  type DecryptionJwk,
  decryptTokens,
  type KeyEncryption,
} from './decrypt-tokens.ts';
import { presentedToken } from './presented-token.ts';

const ec = await signer('ES256');
const evil = await signer('ES256');
const signed = await ec.token();

type Pair = { readonly jwk: DecryptionJwk; readonly publicKey: CryptoKey };
const rsa = await generateKeyPair('RSA-OAEP-256', { extractable: true });
const curve = await generateKeyPair('ECDH-ES', { extractable: true, crv: 'P-256' });
const rsaJwk = await exportJWK(rsa.privateKey);
const curveJwk = await exportJWK(curve.privateKey);
/** One pair for each algorithm; those of RSA share a modulus, since making one is slow. */
const pairs = new Map<KeyEncryption, Pair>();
for (const alg of [
  'RSA-OAEP',
  'RSA-OAEP-256',
  'RSA-OAEP-384',
  'RSA-OAEP-512',
  'ECDH-ES',
  'ECDH-ES+A128KW',
  'ECDH-ES+A256KW',
] as const) {
  const jwk = { ...(alg.startsWith('RSA') ? rsaJwk : curveJwk), alg, kid: alg } as DecryptionJwk;
  const {
    d: _,
    p: _p,
    q: _q,
    dp: _dp,
    dq: _dq,
    qi: _qi,
    ...open
  } = jwk as never as Record<string, string>;
  pairs.set(alg, { jwk, publicKey: (await importJWK(open, alg)) as CryptoKey });
}
const { jwk, publicKey } = pairs.get('RSA-OAEP-256') as Pair;

type Header = Readonly<Record<string, unknown>>;
const seal = (
  content: string,
  header: Header = {},
  key: CryptoKey | Uint8Array = publicKey,
): Promise<string> =>
  new CompactEncrypt(new TextEncoder().encode(content))
    .setProtectedHeader({
      alg: 'RSA-OAEP-256',
      enc: 'A256GCM',
      cty: 'JWT',
      kid: 'RSA-OAEP-256',
      ...header,
    })
    .encrypt(key);

const policyWith = (options: Partial<AuthenticateJwtOptions> = {}) =>
  authenticateJwt({
    issuer,
    audience,
    keys: localJwks({ keys: [ec.jwk] }),
    now,
    decryption: decryptTokens({ keys: [jwk] }),
    ...options,
  } as AuthenticateJwtOptions);
const policy = policyWith();
const outcomeOf = async (token: string, by = policy) => by.check(bearer(token), {});
const codeOf = async (token: string, by = policy): Promise<string> => {
  const outcome = await outcomeOf(token, by);
  return outcome.ok ? 'ok' : outcome.denial.code;
};

describe('an encrypted token', () => {
  test.each([...pairs])('by %s is opened and verified', async (alg, pair) => {
    const by = policyWith({ decryption: decryptTokens({ keys: [pair.jwk] }) });
    expect(await codeOf(await seal(signed, { alg, kid: alg }, pair.publicKey), by)).toBe('ok');
  });

  test.each<ContentEncryption>(['A128GCM', 'A256GCM', 'A128CBC-HS256', 'A256CBC-HS512'])(
    'in %s is opened and verified',
    async (enc) => expect(await codeOf(await seal(signed, { enc }))).toBe('ok'),
  );

  test('is remembered, and known to others as it came', async () => {
    const decryption = decryptTokens({ keys: [jwk] });
    const open = vi.fn(decryption.open);
    const by = policyWith({ decryption: { open } });
    const token = await seal(signed);
    const outcome = await outcomeOf(token, by);
    expect(outcome).toMatchObject({ ok: true, facts: { principal: { subject: 'alice' } } });
    if (!outcome.ok || !outcome.facts) throw new Error('the token should have passed');
    expect(presentedToken(outcome.facts.authentication)).toBe(token);
    await outcomeOf(token, by);
    expect(open).toHaveBeenCalledTimes(1);
  });

  test('needs no "kid" where one key fits, and is denied where two do', async () => {
    const token = await seal(signed, { kid: undefined });
    expect(await codeOf(token)).toBe('ok');
    const both = decryptTokens({ keys: [jwk, { ...jwk, kid: 'next' }] });
    expect(await codeOf(token, policyWith({ decryption: both }))).toBe('token.decryption_failed');
    const other = await seal(signed, { kid: 'next' });
    expect(await codeOf(other, policyWith({ decryption: both }))).toBe('ok');
  });

  test('stands beside signed ones, which need no key', async () => {
    expect(await codeOf(signed)).toBe('ok');
  });

  test('is taken for a JWT where opaque tokens are left to others', async () => {
    const by = policyWith({ opaqueTokens: 'ignore' });
    expect(await codeOf(await seal(signed), by)).toBe('ok');
    expect(await codeOf('a.b.c.d.e', by)).toBe('token.malformed');
    expect(await codeOf('a.b.c.d', by)).toBe('credentials.missing');
  });
});

describe('what an attacker seals', () => {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = JSON.stringify({ iss: issuer, aud: audience, sub: 'mallory', exp: NOW });
  const unsigned = `${encode({ alg: 'none', typ: 'at+jwt' })}.${Buffer.from(claims).toString('base64url')}.`;
  const secret = new Uint8Array(32).map((_, at) => at * 7);

  test.each<[string, string, () => Promise<string>]>([
    ['bare claims', 'token.malformed', () => seal(claims)],
    ['an unsigned token', 'token.algorithm_refused', () => seal(unsigned)],
    [
      'the signature of somebody else',
      'token.signature_invalid',
      async () => seal(await evil.token()),
    ],
    [
      'a token for another API',
      'token.audience_mismatch',
      async () => seal(await ec.token({ payload: { aud: 'x' } })),
    ],
    [
      'an ID token',
      'token.type_refused',
      async () => seal(await ec.token({ header: { typ: 'JWT' } })),
    ],
    ['an encrypted token once more', 'token.malformed', async () => seal(await seal(signed))],
    ['no word of what is inside', 'token.malformed', () => seal(signed, { cty: undefined })],
    ['something else inside', 'token.malformed', () => seal(signed, { cty: 'json' })],
    ['bytes that are no text', 'token.decryption_failed', () => sealBytes(Uint8Array.of(255, 254))],
    ['another encryption', 'token.algorithm_refused', () => withHeader({ enc: 'A192GCM' })],
    ['a shared key', 'token.algorithm_refused', () => seal(signed, { alg: 'dir' }, secret)],
    [
      'a wrapped shared key',
      'token.algorithm_refused',
      () => seal(signed, { alg: 'A256KW' }, secret),
    ],
    ['RSA1_5', 'token.algorithm_refused', () => withHeader({ alg: 'RSA1_5' })],
    ['a password', 'token.malformed', () => seal(signed, { alg: 'PBES2-HS256+A128KW' }, secret)],
    [
      'by another algorithm of the same key',
      'token.algorithm_refused',
      () => seal(signed, { alg: 'RSA-OAEP' }, pairs.get('RSA-OAEP')?.publicKey),
    ],
    ['to a key that is not there', 'token.decryption_failed', () => seal(signed, { kid: 'gone' })],
    ['in a compressed token', 'token.malformed', () => withHeader({ zip: 'DEF' })],
    [
      'with an extension that must be understood',
      'token.malformed',
      () => withHeader({ crit: ['exp'], exp: 1 }),
    ],
    ['with a count for a password', 'token.malformed', () => withHeader({ p2c: 1e9 })],
    [
      'with a member twice',
      'token.malformed',
      () => withHeaderText('{"alg":"RSA-OAEP-256","enc":"A256GCM","enc":"A256GCM","cty":"JWT"}'),
    ],
    [
      'with another header than it was sealed with',
      'token.decryption_failed',
      () => withHeader({ iss: 'x' }),
    ],
    [
      'with a tag that was changed',
      'token.decryption_failed',
      async () => (await seal(signed)).replace(/.{8}$/, 'AAAAAAAA'),
    ],
    ['with a text that was changed', 'token.decryption_failed', async () => changed(3)],
    ['with a key that was changed', 'token.decryption_failed', async () => changed(1)],
    ['in five empty parts', 'token.malformed', async () => '....'],
    ['in another spelling', 'token.malformed', async () => `${await seal(signed)}=`],
  ])('%s: %s', async (_name, code, make) => {
    expect(await codeOf(await make())).toBe(code);
  });

  async function sealBytes(bytes: Uint8Array): Promise<string> {
    const header = { alg: 'RSA-OAEP-256', enc: 'A256GCM', cty: 'JWT' } as const;
    return new CompactEncrypt(bytes).setProtectedHeader(header).encrypt(publicKey);
  }
  async function withHeader(more: Header): Promise<string> {
    return withHeaderText(
      JSON.stringify({ alg: 'RSA-OAEP-256', enc: 'A256GCM', cty: 'JWT', ...more }),
    );
  }
  async function withHeaderText(text: string): Promise<string> {
    const [, ...rest] = (await seal(signed)).split('.');
    return [Buffer.from(text).toString('base64url'), ...rest].join('.');
  }
  async function changed(part: number): Promise<string> {
    const parts = (await seal(signed)).split('.');
    const bytes = Buffer.from(parts[part] as string, 'base64url');
    bytes[4] = (bytes[4] as number) ^ 1;
    parts[part] = bytes.toString('base64url');
    return parts.join('.');
  }

  test('a token that is too large is not decrypted', async () => {
    const open = vi.fn(decryptTokens({ keys: [jwk] }).open);
    const token = await seal(signed + 'a'.repeat(8_192));
    expect(await codeOf(token, policyWith({ decryption: { open } }))).toBe('token.too_large');
    expect(open).not.toHaveBeenCalled();
  });

  test('several recipients are not a compact token', async () => {
    const flattened = await new FlattenedEncrypt(new TextEncoder().encode(signed))
      .setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM', cty: 'JWT' })
      .encrypt(publicKey);
    expect(await codeOf(encode(flattened))).toBe('token.malformed');
  });

  test('is not decrypted unless decryption is configured', async () => {
    const by = policyWith({ decryption: undefined });
    expect(await codeOf(await seal(signed), by)).toBe('token.malformed');
  });
});

describe('decryptTokens cannot be constructed', () => {
  const { d: _, ...half } = jwk;
  test.each<[string, () => unknown, RegExp]>([
    ['without keys', () => decryptTokens({ keys: [] }), /give the private keys/],
    ['with a public key', () => decryptTokens({ keys: [half as never] }), /no private part/],
    [
      'with a key that names nothing',
      () => decryptTokens({ keys: [{ ...jwk, alg: undefined } as never] }),
      /must name in "alg"/,
    ],
    [
      'with RSA1_5',
      () => decryptTokens({ keys: [{ ...jwk, alg: 'RSA1_5' } as never] }),
      /must name in "alg"/,
    ],
    [
      'with dir',
      () => decryptTokens({ keys: [{ kty: 'oct', k: 'AAAA', alg: 'dir' } as never] }),
      /must name in "alg"/,
    ],
    ['with a key for signatures', () => decryptTokens({ keys: [{ ...jwk, use: 'sig' }] }), /"use"/],
    ['with a short key', () => decryptTokens({ keys: [{ ...jwk, n: 'AQAB' }] }), /fewer than 2048/],
    [
      'with a key of another kind',
      () => decryptTokens({ keys: [{ ...jwk, alg: 'ECDH-ES' }] }),
      /does not fit/,
    ],
    ...(['P-384', 'P-521'] as const).map((crv): [string, () => unknown, RegExp] => [
      `with a key that says ${crv} and has coordinates of P-256`,
      () => decryptTokens({ keys: [{ ...curveJwk, crv, alg: 'ECDH-ES' } as DecryptionJwk] }),
      /coordinates of another curve/,
    ]),
    [
      'with a private part that is longer than its curve',
      () => {
        const d = `${curveJwk.d}AAAA`;
        return decryptTokens({ keys: [{ ...curveJwk, d, alg: 'ECDH-ES' }] });
      },
      /coordinates of another curve/,
    ],
    ['with one key twice', () => decryptTokens({ keys: [jwk, jwk] }), /same "kid" and "alg"/],
    [
      'with an encryption that is not known',
      () => decryptTokens({ keys: [jwk], encryptions: ['A1' as never] }),
      /encryptions/,
    ],
    ['with an unknown option', () => decryptTokens({ keys: [jwk], key: 1 } as never), /"key"/],
    [
      'as something else in authenticateJwt',
      () => policyWith({ decryption: {} as never }),
      /decryptTokens/,
    ],
  ])('%s', (_name, construct, message) => expect(construct).toThrow(message));
});
