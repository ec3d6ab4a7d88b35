import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  apiKeys,
  audit,
  authenticateIntrospection,
  authenticateSignature,
  decryptTokens,
  dpopNonces,
  hcaptcha,
  limitPage,
  localJwks,
  memoryApiKeyStore,
  memoryWebhookOutbox,
  requireCsrfToken,
  signRequest,
  stepTokens,
  turnstile,
  verifyWebhook,
} from '@apisec/core';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { describe, expect, test } from 'vitest';

const packages = join(import.meta.dirname, '../..');
// By their paths, since this package depends on none of them.
const load = async (name: string) =>
  (await import(join(packages, name, 'src/index.ts'))) as Record<
    string,
    (...values: readonly unknown[]) => unknown
  >;
const [accounts, egress, oauth, postgres] = await Promise.all(
  ['accounts', 'egress', 'oauth', 'postgres'].map(load),
);

type Bytes = Uint8Array<ArrayBuffer>;

const utf8 = (text: string): Bytes => new TextEncoder().encode(text);
const drawn = (): Bytes => crypto.getRandomValues(new Uint8Array(32));
const base64url = (bytes: Bytes): string => Buffer.from(bytes).toString('base64url');
const versions = (v1: Bytes) => ({ current: 'v1', keys: { v1 } });
const client = { query: async () => ({ rows: [] }) };
const issuer = 'https://id.example.com';

async function* exported(): AsyncGenerator<string> {
  yield '{"format":"apisec.audit-export/1","chain":"audit"}';
}

/** What takes bytes that its operator drew. */
const OWN_BYTES: Readonly<Record<string, (secret: Bytes) => unknown>> = {
  apiKeys: (v1) =>
    apiKeys({
      prefix: 'acme',
      environment: 'live',
      store: memoryApiKeyStore(),
      peppers: versions(v1),
    }),
  'audit: pseudonyms': (key) =>
    audit({ sinks: [{ name: 'none', write: () => undefined }], pseudonyms: { key } }),
  dpopNonces: (secret) => dpopNonces({ secrets: [secret] }),
  'limitPage: cursors': (secret) =>
    limitPage({ size: { max: 10 }, cursors: { secrets: [secret], caller: () => 'a' } }),
  'localJwks: oct': (secret) =>
    localJwks({ keys: [{ kty: 'oct', alg: 'HS256', k: base64url(secret) }] }),
  chainLines: (v1) => postgres?.['chainLines']?.(() => undefined, { keys: versions(v1) }),
  postgresAuditSink: (v1) => postgres?.['postgresAuditSink']?.(client, { keys: versions(v1) }),
  requireCsrfToken: (secret) => requireCsrfToken({ secrets: [secret], session: () => 's' }),
  sealedSessions: (v1) =>
    oauth?.['sealedSessions']?.({ keys: versions(v1), revocations: 'none', clients: [] }),
  sendWebhook: (v1) =>
    egress?.['sendWebhook']?.({ outbox: memoryWebhookOutbox(), sealingKeys: versions(v1) }),
  sessions: (v1) =>
    oauth?.['sessions']?.({
      store: oauth['memorySessionStore']?.(),
      keys: versions(v1),
    }),
  'signRequest: hmac-sha256': (key) =>
    signRequest(new Request('https://api.example.com'), {
      keyid: 'a',
      algorithm: 'hmac-sha256',
      key,
    }),
  stepTokens: (secret) => stepTokens({ flow: 'order', steps: ['cart', 'pay'], secrets: [secret] }),
  totp: (v1) =>
    accounts?.['totp']?.({
      issuer: 'Acme',
      store: accounts['memoryTotpStore']?.(),
      sealingKeys: versions(v1),
    }),
  verifyChain: (v1) => postgres?.['verifyChain']?.(client, { keys: versions(v1) }),
  verifyChainExport: (v1) => postgres?.['verifyChainExport']?.(exported(), { keys: versions(v1) }),
};

const PUBLISHED_BYTES: readonly (readonly [string, Bytes])[] = [
  [
    'RFC 7515 A.1',
    Buffer.from(
      'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow',
      'base64url',
    ),
  ],
  [
    'RFC 9421 B.1.5',
    Buffer.from(
      'uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==',
      'base64',
    ),
  ],
  ['jwt.io', utf8('a-string-secret-at-least-256-bits-long')],
  ['Supabase', utf8('super-secret-jwt-token-with-at-least-32-characters-long')],
  ['a placeholder', utf8('change-me-before-production-please-or-else')],
  ['zeros', new Uint8Array(32)],
];

/** What takes a secret that somebody else issued. */
const ISSUED: Readonly<Record<string, (secret: string) => unknown>> = {
  'authenticateIntrospection: clientSecret': (clientSecret) =>
    authenticateIntrospection({
      issuer,
      audience: 'https://api.example.com',
      endpoint: `${issuer}/introspect`,
      client: { method: 'client_secret_basic', clientId: 'api', clientSecret },
    }),
  hcaptcha: (secret) => hcaptcha({ secret, hostnames: ['www.example.com'] }),
  'oauthClient: clientSecret': (clientSecret) =>
    oauth?.['oauthClient']?.({
      issuer,
      clientId: 'shop',
      authentication: { method: 'client_secret_basic', clientSecret },
    }),
  turnstile: (secret) => turnstile({ secret, hostnames: ['www.example.com'] }),
};

const PUBLISHED_TEXTS = [
  '1x0000000000000000000000000000000AA',
  '0x0000000000000000000000000000000000000000',
  '7Fjfp0ZBr1KtDRbnfVdmIw',
  'cf136dc3c1fc93f31185e5885805d',
  'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
];

const P256 = {
  kty: 'EC',
  crv: 'P-256',
  x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
  y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
  d: 'jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI',
};

/** What takes a key whose other half is published, or may be. */
const KEYS: Readonly<Record<string, (key: JWK & { kid: string }) => unknown>> = {
  'authenticateIntrospection: private_key_jwt': (key) =>
    authenticateIntrospection({
      issuer,
      audience: 'https://api.example.com',
      endpoint: `${issuer}/introspect`,
      client: {
        method: 'private_key_jwt',
        clientId: 'api',
        key: { ...key, alg: 'ES256' } as never,
      },
    }),
  decryptTokens: (key) => decryptTokens({ keys: [{ ...key, alg: 'ECDH-ES' } as never] }),
  'localJwks: public keys': ({ d: _d, ...key }) => localJwks({ keys: [{ ...key, alg: 'ES256' }] }),
  'oauthClient: dpop': (key) =>
    oauth?.['oauthClient']?.({
      issuer,
      clientId: 'shop',
      authentication: { method: 'none' },
      dpop: { key: { ...key, alg: 'ES256' } },
    }),
  'oauthClient: private_key_jwt': (key) =>
    oauth?.['oauthClient']?.({
      issuer,
      clientId: 'shop',
      authentication: { method: 'private_key_jwt', key: { ...key, alg: 'ES256' } },
    }),
  'signRequest: private keys': (key) =>
    signRequest(new Request('https://api.example.com'), {
      keyid: 'a',
      algorithm: 'ecdsa-p256-sha256',
      key,
    }),
  tokens: (key) =>
    accounts?.['tokens']?.({
      issuer,
      audience: 'https://api.example.com',
      signing: { current: key.kid, keys: [{ ...key, alg: 'ES256' }] },
      store: accounts['memoryRefreshTokenStore']?.(),
    }),
};

/** Some answer with a promise, which then rejects. */
const construct = async <Secret>(make: (secret: Secret) => unknown, secret: Secret) => make(secret);

const product = <One, Other>(ones: readonly One[], others: readonly Other[]) =>
  ones.flatMap((one) => others.map((other) => [one, other] as const));

describe('a secret that everybody knows', () => {
  test.each(
    product(Object.entries(OWN_BYTES), PUBLISHED_BYTES).map(
      ([[place, make], [name, secret]]) => [place, name, make, secret] as const,
    ),
  )('cannot be constructed %s: %s', async (_place, _name, make, secret) => {
    await expect(construct(make, secret)).rejects.toThrow(/protects nothing/);
  });

  test.each(
    product(Object.entries(ISSUED), PUBLISHED_TEXTS).map(
      ([[place, make], secret]) => [place, secret, make] as const,
    ),
  )('cannot be constructed %s: %s', async (_place, secret, make) => {
    await expect(construct(make, secret)).rejects.toThrow(/protects nothing/);
  });

  test.each(Object.entries(KEYS))(
    'cannot be constructed %s: RFC 7515 A.3',
    async (_place, make) => {
      const key = { ...P256, kid: 'a' };
      await expect(construct(make, key)).rejects.toThrow(/protects nothing/);
    },
  );

  test('constructs what verifies what others sign, so that published vectors can be run', () => {
    verifyWebhook({ scheme: 'github', keys: ["It's a Secret to Everybody"] });
    verifyWebhook({ scheme: 'standard', keys: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'] });
    const { d: _d, ...publicKey } = P256;
    authenticateSignature({
      publicOrigin: 'https://api.example.com',
      keys: {
        a: { algorithm: 'ecdsa-p256-sha256', key: { ...publicKey, alg: 'ES256' }, subject: 'a' },
      },
    });
  });

  test('constructs turnstile and hcaptcha where a test asks for it', () => {
    const hostnames = ['example.com'];
    const asked = { hostnames, insecureTestSecret: true };
    turnstile({ secret: '1x0000000000000000000000000000000AA', ...asked });
    hcaptcha({ secret: '0x0000000000000000000000000000000000000000', ...asked });
  });
});

describe('a secret that was drawn', () => {
  test.each(Object.entries(OWN_BYTES))('constructs %s', async (_place, make) => {
    await construct(make, drawn());
  });

  test.each(Object.entries(ISSUED))('constructs %s', async (_place, make) => {
    await construct(make, base64url(drawn()));
  });

  test.each(Object.entries(KEYS))('constructs %s', async (_place, make) => {
    const { privateKey } = await generateKeyPair('ES256', { extractable: true });
    await construct(make, { ...(await exportJWK(privateKey)), kid: 'a' });
  });
});

/** Each source that takes a key or secret, or makes one ready: by which places above it is held, or why by none. */
const SOURCES: Readonly<Record<string, string>> = {
  'accounts/src/tokens/refresh-token.ts': 'its own random tokens',
  'accounts/src/tokens/tokens.ts': 'tokens',
  'accounts/src/totp/one-time-code.ts':
    'secrets that totp drew, or looked at when they were imported',
  'accounts/src/totp/totp-types.ts': 'totp',
  'core/src/abuse/siteverify.ts': 'turnstile, hcaptcha',
  'core/src/abuse/step-tokens.ts': 'stepTokens',
  'core/src/api-keys/api-key-judgement.ts': 'a name for one of two keys',
  'core/src/api-keys/api-key-verifier.ts': 'a name for one of two keys',
  'core/src/api-keys/api-key.ts': 'a name for one of two keys',
  'core/src/api-keys/api-keys.ts': 'apiKeys',
  'core/src/audit/pseudonyms.ts': 'audit: pseudonyms',
  'core/src/contracts/api-key-store.ts': 'hashes',
  'core/src/contracts/passkey-store.ts': 'public keys that authenticators drew',
  'core/src/contracts/totp-store.ts': 'sealed text',
  'core/src/contracts/webhook-outbox.ts': 'sealed text',
  'core/src/crypto/local-jwks.ts': 'localJwks: oct, localJwks: public keys',
  'core/src/crypto/peppered-hash.ts': 'apiKeys, totp',
  'core/src/crypto/signing-key.ts': 'tokens, authenticateIntrospection: private_key_jwt',
  'core/src/crypto/verification-key.ts': 'keys that issuers publish, or localJwks looked at',
  'core/src/data/page-cursors.ts': 'limitPage: cursors',
  'core/src/http/require-csrf-token.ts': 'requireCsrfToken',
  'core/src/lib/sealing.ts': 'totp, sendWebhook',
  'core/src/possession/dpop-nonces.ts': 'dpopNonces',
  'core/src/signatures/authenticate-signature.ts': 'verifies what others sign (decision 031)',
  'core/src/signatures/sign-request.ts': 'signRequest: hmac-sha256, signRequest: private keys',
  'core/src/signatures/signature-keys.ts': 'verifies what others sign (decision 031)',
  'core/src/signatures/webhook-keys.ts': 'verifies what others sign (decision 031)',
  'core/src/tokens/client-authentication.ts':
    'authenticateIntrospection: clientSecret, authenticateIntrospection: private_key_jwt',
  'core/src/tokens/decrypt-tokens.ts': 'decryptTokens',
  'egress/src/webhooks/send-webhook.ts': 'sendWebhook',
  'egress/src/webhooks/signing-keys.ts': 'its own random keys, sealed by sendWebhook',
  'node/src/node-verifier.ts': 'keys that issuers publish, or localJwks looked at',
  'oauth/src/client/client-keys.ts': 'oauthClient: private_key_jwt, oauthClient: dpop',
  'oauth/src/client/options.ts':
    'oauthClient: clientSecret, oauthClient: private_key_jwt, oauthClient: dpop',
  'oauth/src/lib/sealing.ts': 'sessions, sealedSessions',
  'oauth/src/sessions/sealed-sessions.ts': 'sealedSessions',
  'oauth/src/sessions/session-settings.ts': 'sessions',
  'postgres/src/audit/chain-hash.ts':
    'postgresAuditSink, chainLines, verifyChain, verifyChainExport',
  'postgres/src/audit/chain-lines.ts': 'chainLines',
  'postgres/src/audit/postgres-audit-sink.ts': 'postgresAuditSink',
  'postgres/src/audit/verify-chain.ts': 'verifyChain',
  'postgres/src/outbox/postgres-webhook-outbox.ts': 'sealed text',
};

const TAKES_A_SECRET = new RegExp(
  [
    String.raw`(?:importKey|importJWK|createSecretKey|createHmac|createPrivateKey)\(`,
    String.raw`^ {2}readonly (?:clientSecret|secrets?|peppers?|sealingKeys|signing|publicKey)\??: `,
    String.raw`: PrivateJwk\b|DecryptionJwk\[|JwksDocument\): `,
    String.raw`keys: (?:CookieKeys|AuditChainKeys|SignatureKeys)`,
  ].join('|'),
  'm',
);

test('every source that takes a secret is named above', () => {
  const sources = readdirSync(packages)
    .filter((name) => !['cli', 'conformance', 'create-apisec'].includes(name))
    .filter((name) => existsSync(join(packages, name, 'src')))
    .flatMap((name) =>
      readdirSync(join(packages, name, 'src'), { recursive: true, encoding: 'utf8' }).map(
        (path) => `${name}/src/${path.replaceAll('\\', '/')}`,
      ),
    )
    .filter((path) => path.endsWith('.ts') && !/\.test(?:-d)?\.ts$|\/testing\//.test(path))
    .filter((path) => TAKES_A_SECRET.test(readFileSync(join(packages, path), 'utf8')));
  expect(sources.toSorted()).toEqual(Object.keys(SOURCES).toSorted());
  const places = [OWN_BYTES, ISSUED, KEYS].flatMap((each) => Object.keys(each));
  const named = Object.values(SOURCES).flatMap((text) => text.split(', '));
  expect(places.filter((place) => !named.includes(place))).toEqual([]);
});
