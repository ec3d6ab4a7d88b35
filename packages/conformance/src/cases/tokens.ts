import type { Case, Expectation } from '../case.ts';
import { AUDIENCE, assemble, type Credentials, ISSUER, type TokenSpec } from '../credentials.ts';

const seconds = (): number => Math.floor(Date.now() / 1000);

function bad(code: string): Expectation {
  return {
    allowed: false,
    kind: 'unauthenticated',
    code,
    challenge: ['Bearer', 'error="invalid_token"'],
  };
}

function minted(name: string, code: string, spec: () => TokenSpec): Case {
  return {
    name,
    operation: 'list',
    authorization: async ({ token }) => `Bearer ${await token(spec())}`,
    expect: bad(code),
  };
}

function raw(
  name: string,
  expect: Expectation,
  authorization: (credentials: Credentials) => Promise<string>,
): Case {
  return { name, operation: 'list', authorization, expect };
}

function repeated(
  name: string,
  tokens: (credentials: Credentials) => Promise<readonly string[]>,
): Case {
  return {
    name,
    operation: 'list',
    needs: 'repeated-fields',
    authorization: async (credentials) =>
      (await tokens(credentials)).map((token) => `Bearer ${token}`),
    expect: { allowed: false, kind: 'malformed', code: 'credentials.repeated' },
  };
}

const claims = (): Record<string, unknown> => ({
  iss: ISSUER,
  aud: AUDIENCE,
  sub: 'mallory',
  client_id: 'shop',
  jti: 'j',
  iat: seconds(),
  exp: seconds() + 300,
  scope: 'orders:read',
});

const malformed: Expectation = {
  allowed: false,
  kind: 'malformed',
  code: 'credentials.malformed',
  challenge: ['Bearer', 'error="invalid_request"'],
};

/** Tokens that are not what they seem. */
export const tokenCases: readonly Case[] = [
  {
    name: 'no credentials',
    operation: 'list',
    expect: {
      allowed: false,
      kind: 'unauthenticated',
      code: 'credentials.missing',
      challenge: ['Bearer'],
    },
  },
  minted('an expired token', 'token.expired', () => ({
    claims: { iat: seconds() - 900, exp: seconds() - 600 },
  })),
  minted('a token that is not valid yet', 'token.not_yet_valid', () => ({
    claims: { nbf: seconds() + 600 },
  })),
  minted('the wrong issuer', 'token.issuer_unknown', () => ({
    claims: { iss: 'https://evil.example.test' },
  })),
  minted('the issuer with a slash more', 'token.issuer_unknown', () => ({
    claims: { iss: `${ISSUER}/` },
  })),
  minted('the wrong audience', 'token.audience_mismatch', () => ({
    claims: { aud: 'https://other.example.test' },
  })),
  minted('no audience', 'token.claim_missing', () => ({ without: ['aud'] })),
  minted('no expiry', 'token.claim_missing', () => ({ without: ['exp'] })),
  minted('neither subject nor client', 'token.claim_missing', () => ({
    without: ['sub', 'client_id'],
  })),
  minted('no client', 'token.claim_missing', () => ({ without: ['client_id'] })),
  minted('no token id', 'token.claim_missing', () => ({ without: ['jti'] })),
  minted('an expiry that is text', 'token.claim_invalid', () => ({
    claims: { exp: '9999999999' },
  })),
  minted('a subject that is a list', 'token.claim_invalid', () => ({ claims: { sub: ['alice'] } })),
  minted('an identity token', 'token.type_refused', () => ({ header: { typ: 'JWT' } })),
  minted('a DPoP proof', 'token.type_refused', () => ({ header: { typ: 'dpop+jwt' } })),
  minted('an unknown critical header', 'token.malformed', () => ({
    header: { crit: ['b64'], b64: true },
  })),
  minted('a key id nobody knows', 'token.key_unknown', () => ({ header: { kid: 'other' } })),
  minted('a signature by another key', 'token.signature_invalid', () => ({ forged: true })),
  minted('a token bound to a key, without a proof', 'token.unconfirmed', () => ({
    claims: { cnf: { jkt: 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs' } },
  })),
  minted('a token bound in a way nobody knows', 'token.unconfirmed', () => ({
    claims: { cnf: { future: 'x' } },
  })),
  raw('a changed payload under an honest signature', bad('token.signature_invalid'), async (c) => {
    const [header = '', , signature = ''] = (await c.token()).split('.');
    const [, payload = ''] = assemble({}, { ...claims(), scope: 'admin' }).split('.');
    return `Bearer ${header}.${payload}.${signature}`;
  }),
  raw(
    'the algorithm none',
    bad('token.algorithm_refused'),
    async () => `Bearer ${assemble({ alg: 'none', typ: 'at+jwt', kid: 'known' }, claims())}`,
  ),
  raw(
    'the algorithm nOnE',
    bad('token.algorithm_refused'),
    async () => `Bearer ${assemble({ alg: 'nOnE', typ: 'at+jwt', kid: 'known' }, claims())}`,
  ),
  raw('an HMAC with the public key as its secret', bad('token.algorithm_refused'), async (c) => {
    const unsigned = assemble({ alg: 'HS256', typ: 'at+jwt', kid: 'known' }, claims());
    const secret = new TextEncoder().encode(c.publicText);
    const hmac = { name: 'HMAC', hash: 'SHA-256' };
    const key = await crypto.subtle.importKey('raw', secret, hmac, false, ['sign']);
    const data = new TextEncoder().encode(unsigned.slice(0, -1));
    const signature = await crypto.subtle.sign('HMAC', key, data);
    return `Bearer ${unsigned}${Buffer.from(signature).toString('base64url')}`;
  }),
  raw(
    'two parts instead of three',
    bad('token.malformed'),
    async (c) => `Bearer ${(await c.token()).split('.').slice(0, 2).join('.')}`,
  ),
  raw('a fourth part', bad('token.malformed'), async (c) => `Bearer ${await c.token()}.e30`),
  raw(
    'padding after the signature',
    bad('token.malformed'),
    async (c) => `Bearer ${await c.token()}=`,
  ),
  raw('a header that is not JSON', bad('token.malformed'), async () => 'Bearer bm90anNvbg.e30.AA'),
  raw('a payload that is a list', bad('token.malformed'), async () => {
    const header = assemble({ alg: 'ES256', typ: 'at+jwt', kid: 'known' }, {}).split('.')[0];
    return `Bearer ${header}.W10.AA`;
  }),
  raw(
    'a token beyond all size',
    bad('token.too_large'),
    async (c) => `Bearer ${await c.token({ claims: { padding: 'x'.repeat(8200) } })}`,
  ),
  raw('a scheme and nothing else', malformed, async () => 'Bearer'),
  raw(
    'two tokens in one field',
    malformed,
    async (c) => `Bearer ${await c.token()} ${await c.token()}`,
  ),
  raw(
    'another scheme',
    {
      allowed: false,
      kind: 'unauthenticated',
      code: 'credentials.missing',
    },
    async () => 'Basic YWxpY2U6c2VjcmV0',
  ),
  repeated('the field twice', async ({ token }) => [await token(), await token()]),
  repeated('an honest token before a forged one', async ({ token }) => [
    await token(),
    await token({ forged: true }),
  ]),
  {
    name: 'the scheme in other letters',
    operation: 'list',
    authorization: async ({ token }) => `bEARER ${await token()}`,
    expect: { allowed: true },
  },
  {
    name: 'several audiences, one of them this API',
    operation: 'list',
    authorization: async ({ token }) =>
      `Bearer ${await token({ claims: { aud: ['https://other.example.test', AUDIENCE] } })}`,
    expect: { allowed: true },
  },
  {
    name: 'the long form of the token type',
    operation: 'list',
    authorization: async ({ token }) =>
      `Bearer ${await token({ header: { typ: 'application/at+jwt' } })}`,
    expect: { allowed: true },
  },
];
