import * as fc from 'fast-check';
import { createLocalJWKSet, importJWK, type JWK, jwtVerify } from 'jose';
import { expect, test } from 'vitest';
import {
  audience,
  bearer,
  claims,
  issuer,
  NOW,
  now,
  type Signer,
  secretSigner,
  signer,
} from '../../test/jwt-kit.ts';
import { algorithms, isAlgorithm } from '../crypto/jws-algorithms.ts';
import type { JwsAlgorithm } from '../crypto/key-source.ts';
import { localJwks } from '../crypto/local-jwks.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { authenticateJwt } from './authenticate-jwt.ts';

// Every algorithm of the table. EdDSA and Ed25519 are two names of one.
// Not every runtime has ML-DSA: see ml-dsa.test.ts.
const names = (Object.keys(algorithms) as JwsAlgorithm[]).filter(
  (name) => algorithms[name].kty !== 'AKP',
);
const secret = crypto.getRandomValues(new Uint8Array(64));
const signers = new Map<JwsAlgorithm, Signer>();
const strangers = new Map<JwsAlgorithm, Signer>();
for (const name of names) {
  const symmetric = algorithms[name].kty === 'oct';
  signers.set(name, await (symmetric ? secretSigner(name, secret) : signer(name)));
  const other = crypto.getRandomValues(new Uint8Array(64));
  // Signers of RSA share one pair, so their stranger has a key of another kind.
  const kind = algorithms[name].kty === 'RSA' ? 'ES256' : name;
  strangers.set(name, await (symmetric ? secretSigner(name, other) : signer(kind)));
}

/** A token in the making, and the key that it will be verified with. */
interface Draft {
  /** JSON text, so that it can be what no object gives. */
  readonly header: string;
  readonly payload: string | Uint8Array;
  readonly jwk: Readonly<Record<string, unknown>>;
  /** Done to the signed token. */
  readonly rewrite: (token: string) => string;
  readonly signedBy: 'owner' | 'stranger';
}

interface Mutation {
  readonly name: string;
  readonly apply: (draft: Draft) => Draft;
}

const members = (text: string): string => text.slice(1, -1);
const withHeader = (name: string, json: string): Mutation => ({
  name: `header ${name}: ${json}`,
  apply: (draft) => {
    const text = draft.header.replace(/^\uFEFF/, '');
    const { [name]: _, ...rest } = JSON.parse(text) as Record<string, unknown>;
    return {
      ...draft,
      header: `{${[members(JSON.stringify(rest)), `"${name}":${json}`].filter(Boolean).join(',')}}`,
    };
  },
});
const withClaim = (name: string, json: string | undefined): Mutation => ({
  name: `claim ${name}: ${json ?? 'absent'}`,
  apply: (draft) => {
    if (typeof draft.payload !== 'string' || draft.payload === '[]') return draft;
    const { [name]: _, ...rest } = JSON.parse(draft.payload) as Record<string, unknown>;
    const added = json === undefined ? [] : [`"${name}":${json}`];
    return {
      ...draft,
      payload: `{${[members(JSON.stringify(rest)), ...added].filter(Boolean).join(',')}}`,
    };
  },
});
const withKey = (name: string, value: unknown): Mutation => ({
  name: `key ${name}: ${JSON.stringify(value) ?? 'absent'}`,
  apply: (draft) => ({ ...draft, jwk: { ...draft.jwk, [name]: value } }),
});
const rewritten = (name: string, rewrite: (token: string) => string): Mutation => ({
  name,
  apply: (draft) => ({ ...draft, rewrite: (token) => rewrite(draft.rewrite(token)) }),
});
const part = (token: string, at: number, change: (text: string) => string): string =>
  token
    .split('.')
    .map((text, index) => (index === at ? change(text) : text))
    .join('.');

/** The last character of base64url may carry bits that no byte has; this sets one of them. */
function looseBits(text: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  if (text.length % 4 === 0 || text === '') return text;
  return text.slice(0, -1) + alphabet.charAt(alphabet.indexOf(text.at(-1) ?? '') ^ 1);
}

const second = NOW / 1000;
const fixed: readonly Mutation[] = [
  ...names.map((name) => withHeader('alg', JSON.stringify(name))),
  ...['"none"', '"hs256"', '"ES256 "', 'null', '1', '["ES256"]', '{}'].map((json) =>
    withHeader('alg', json),
  ),
  ...['"other"', '""', '1', 'null', '["k"]'].map((json) => withHeader('kid', json)),
  ...[
    '"JWT"',
    '"AT+JWT"',
    '"application/at+jwt"',
    '"Application/AT+JWT"',
    '"at+jwt "',
    '1',
    'null',
    '""',
  ].map((json) => withHeader('typ', json)),
  ...['[]', '["exp"]', '["b64"]', 'null', '"exp"'].map((json) => withHeader('crit', json)),
  ...['true', 'false', 'null'].map((json) => withHeader('b64', json)),
  ...['"DEF"', 'null'].map((json) => withHeader('zip', json)),
  withHeader('jku', '"https://evil.example/keys"'),
  withHeader('x5u', '"https://evil.example/keys"'),
  withHeader('jwk', '{"kty":"oct","k":"AAAA"}'),
  withHeader('x5c', '["AAAA"]'),
  withHeader('__proto__', '{"alg":"none"}'),
  withHeader('cty', '"JWT"'),
  ...['"https://other.example"', '1', '["https://id.example.com"]', 'null', undefined].map((json) =>
    withClaim('iss', json),
  ),
  ...[
    '"https://other.example"',
    `["${audience}"]`,
    `["x","${audience}"]`,
    `[1,"${audience}"]`,
    '[]',
    'null',
    '{}',
    undefined,
  ].map((json) => withClaim('aud', json)),
  ...['exp', 'nbf', 'iat'].flatMap((name) =>
    [
      second - 3600,
      second - 5,
      second - 4,
      second,
      second + 4,
      second + 5,
      second + 6,
      second + 3600,
      1e300,
      -1,
      0.5,
    ]
      .map(String)
      .concat(`"${second}"`, 'null', 'true', '[]')
      .map((json) => withClaim(name, json)),
  ),
  withClaim('exp', undefined),
  withClaim('iat', undefined),
  ...['sub', 'client_id', 'jti'].flatMap((name) =>
    ['""', '1', 'null', '["a"]', undefined].map((json) => withClaim(name, json)),
  ),
  ...['"enc"', '"sig"', 'null', '1'].map((json) => withKey('use', JSON.parse(json))),
  withKey('key_ops', ['verify']),
  withKey('key_ops', ['sign']),
  withKey('key_ops', []),
  withKey('key_ops', 'verify'),
  withKey('kid', 'other'),
  withKey('kid', 1),
  withKey('kid', undefined),
  ...names.map((name) => withKey('alg', name)),
  withKey('alg', 'none'),
  withKey('alg', undefined),
  withKey('kty', 'EC2'),
  withKey('crv', 'P-192'),
  withKey('d', 'AAAA'),
  withKey('e', 'AQ'),
  withKey('e', 'AAAA'),
  withKey('n', 'AQAB'),
  withKey('x', 'AAAA'),
  withKey('k', 'AAAA'),
  { name: 'another key signed it', apply: (draft) => ({ ...draft, signedBy: 'stranger' }) },
  {
    name: 'header with a member twice',
    apply: (draft) => ({ ...draft, header: `{"alg":"none",${draft.header.slice(1)}` }),
  },
  {
    name: 'payload with a member twice',
    apply: (draft) =>
      typeof draft.payload === 'string'
        ? { ...draft, payload: `{"sub":"root",${draft.payload.slice(1)}` }
        : draft,
  },
  {
    name: 'header with space around',
    apply: (draft) => ({ ...draft, header: ` ${draft.header}\n` }),
  },
  {
    name: 'header with a byte order mark',
    apply: (draft) => ({ ...draft, header: `\uFEFF${draft.header}` }),
  },
  { name: 'payload that is no object', apply: (draft) => ({ ...draft, payload: '[]' }) },
  {
    name: 'payload with bytes that are not UTF-8',
    apply: (draft) => ({
      ...draft,
      payload: Buffer.concat([
        Buffer.from('{"x":"'),
        Buffer.from([0xff]),
        Buffer.from(`",${members(JSON.stringify(claims))}}`),
      ]),
    }),
  },
  ...[0, 1, 2].flatMap((at) => [
    rewritten(`part ${at} padded`, (token) =>
      part(token, at, (text) => text.padEnd(Math.ceil(text.length / 4) * 4, '=')),
    ),
    rewritten(`part ${at} with loose bits`, (token) => part(token, at, looseBits)),
    rewritten(`part ${at} in plain base64`, (token) =>
      part(token, at, (text) => text.replaceAll('-', '+').replaceAll('_', '/')),
    ),
    rewritten(`part ${at} with a line break`, (token) =>
      part(token, at, (text) => `${text.slice(0, 8)}\n${text.slice(8)}`),
    ),
    rewritten(`part ${at} with a space`, (token) =>
      part(token, at, (text) => `${text.slice(0, 8)} ${text.slice(8)}`),
    ),
    rewritten(`part ${at} empty`, (token) => part(token, at, () => '')),
    rewritten(`part ${at} twice`, (token) => part(token, at, (text) => `${text}.${text}`)),
  ]),
  rewritten('without its last part', (token) => token.slice(0, token.lastIndexOf('.'))),
  rewritten('signature with a zero byte more', (token) => `${token}AA`),
];

const random: fc.Arbitrary<Mutation> = fc.oneof(
  fc
    .tuple(
      fc.nat(),
      fc.constantFrom('A', 'B', 'a', '0', '1', '-', '_', '=', '+', '/', '.', ' ', '~', 'é'),
    )
    .map(([at, by]) =>
      rewritten('one character replaced', (token) => {
        const place = at % token.length;
        return token.slice(0, place) + by + token.slice(place + 1);
      }),
    ),
  fc.nat().map((at) => rewritten('cut short', (token) => token.slice(0, at % token.length))),
  fc.json({ maxDepth: 2 }).map((json) => ({ ...withClaim('x', json), name: 'another claim' })),
  fc
    .json({ maxDepth: 2 })
    .map((json) => ({ ...withHeader('x', json), name: 'another header member' })),
  fc.json({ maxDepth: 1 }).map((json) => ({ ...withClaim('sub', json), name: 'any sub' })),
  fc.json({ maxDepth: 1 }).map((json) => ({ ...withClaim('aud', json), name: 'any aud' })),
);
const mutation = fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...fixed) }, random);
const anyCase = fc.record({
  alg: fc.constantFrom(...names),
  mutations: fc.array(mutation, { maxLength: 2 }),
});

async function ours(token: string, jwk: object, alg: JwsAlgorithm): Promise<string> {
  try {
    const policy = authenticateJwt({
      issuer,
      audience,
      algorithms: [alg],
      keys: localJwks({ keys: [jwk] }),
      now,
    });
    const outcome = await policy.check(bearer(token), {});
    return outcome.ok ? 'accepted' : outcome.denial.code;
  } catch (error) {
    // A key that cannot be constructed accepts nothing; a header that cannot be sent carries no token.
    if (error instanceof ConfigurationError) return 'the key cannot be constructed';
    if (error instanceof TypeError) return 'the header cannot be sent';
    throw error;
  }
}

async function joses(
  token: string,
  jwk: object,
  alg: JwsAlgorithm,
): Promise<'accepted' | 'denied'> {
  // jose holds EdDSA and Ed25519 apart, which are two names of one algorithm (RFC 9864 §2.2). This is the one
  // point in which we accept more, so it gets the key under the name that the token uses.
  const { alg: keyAlg } = jwk as { readonly alg?: unknown };
  const same = isAlgorithm(keyAlg) && algorithms[keyAlg] === algorithms[alg];
  const key = (same ? { ...jwk, alg } : jwk) as JWK;
  try {
    const options = {
      issuer,
      audience,
      typ: 'at+jwt',
      algorithms: [alg],
      clockTolerance: 5,
      currentDate: new Date(NOW),
      requiredClaims: ['exp', 'client_id', 'iat', 'jti'],
    };
    // Its key sets take no secrets.
    if (algorithms[alg].kty === 'oct') {
      await jwtVerify(token, await importJWK(key, alg), options);
    } else {
      await jwtVerify(token, createLocalJWKSet({ keys: [key] }), options);
    }
    return 'accepted';
  } catch {
    return 'denied';
  }
}

/**
 * Where we deny and jose accepts: our answer, the mutations that lead there, and why we are stricter. A
 * difference that is not listed fails the test, and so does an entry that nothing leads to any more.
 */
const stricter: readonly Stricter[] = [
  {
    answer: 'token.malformed',
    mutation: /member twice/,
    why: 'readers differ in which of two members they take',
  },
  {
    answer: 'token.malformed',
    mutation: /^header (b64|zip)/,
    why: 'it asks for processing that an access token never needs, even where "crit" does not say so',
  },
  {
    answer: 'token.malformed',
    mutation: /^header kid: (1|null|\[)/,
    why: 'a key identifier is text (RFC 7515 §4.1.4)',
  },
  {
    answer: 'token.malformed',
    mutation: /byte order mark/,
    why: 'JSON on the wire has none (RFC 8259 §8.1)',
  },
  {
    answer: 'token.malformed',
    mutation: /padded|loose bits|plain base64|one character replaced/,
    why: 'one token has one spelling, or lists of revoked and of remembered tokens miss the others',
  },
  {
    answer: 'the header cannot be sent',
    mutation: /line break|one character replaced/,
    why: 'the token reaches us in a header, which has no such characters',
  },
  {
    answer: 'credentials.malformed',
    mutation: /with a space|one character replaced/,
    why: 'credentials have one token after the scheme (RFC 6750 §2.1)',
  },
  {
    answer: 'token.key_unknown',
    mutation: /^(header|key) kid/,
    why: 'a token that names a key is verified with that key, also where a single secret is known',
  },
  {
    answer: 'token.key_unknown',
    mutation: /^key alg/,
    why: 'the "alg" of a secret is binding (RFC 7517 §4.4); jose lets its caller choose',
  },
  {
    answer: 'the key cannot be constructed',
    mutation: /^key (use|key_ops|alg|kid|d|e)\b/,
    why: 'a key that contradicts itself, says that it is not for verifying, or is private is a mistake to hear of',
  },
  {
    answer: 'token.claim_invalid',
    mutation: /^(claim|any) (sub|client_id|jti)/,
    why: 'identifiers are text and not empty (RFC 7519 §4.1.2, RFC 9068 §2.2); jose looks at what it is told to',
  },
  {
    answer: 'token.claim_invalid',
    mutation: /^(claim|any) aud/,
    why: 'an audience is text or a list of texts and nothing else (RFC 7519 §4.1.3)',
  },
  {
    answer: 'token.claim_invalid',
    mutation: /^claim (exp|nbf|iat)/,
    why: 'a date must be one that a clock can reach',
  },
  {
    answer: 'token.not_yet_valid',
    mutation: /^claim iat/,
    why: 'a token that was issued in the future comes from a broken clock or a thief of keys',
  },
];

interface Stricter {
  readonly answer: string;
  readonly mutation: RegExp;
  readonly why: string;
}

interface Difference {
  readonly answer: string;
  readonly mutations: readonly string[];
}

async function compare(seed: number, numRuns: number): Promise<readonly Difference[]> {
  const differences: Difference[] = [];
  await fc.assert(
    fc.asyncProperty(anyCase, async ({ alg, mutations }) => {
      const owner = signers.get(alg);
      const stranger = strangers.get(alg);
      if (!owner || !stranger) throw new Error('every algorithm has its signers');
      const start: Draft = {
        header: JSON.stringify({ alg, typ: 'at+jwt', kid: owner.jwk['kid'] }),
        payload: JSON.stringify(claims),
        jwk: { ...owner.jwk },
        rewrite: (token) => token,
        signedBy: 'owner',
      };
      const draft = mutations.reduce((done, { apply }) => apply(done), start);
      const by = draft.signedBy === 'owner' ? owner : stranger;
      const token = draft.rewrite(await by.token({ header: draft.header, payload: draft.payload }));
      const [mine, theirs] = await Promise.all([
        ours(token, draft.jwk, alg),
        joses(token, draft.jwk, alg),
      ]);
      if (mutations.length === 0) expect([mine, theirs]).toEqual(['accepted', 'accepted']);
      if (mine === 'accepted') expect(theirs).toBe('accepted');
      else if (theirs === 'accepted')
        differences.push({ answer: mine, mutations: mutations.map(({ name }) => name) });
    }),
    { seed, numRuns, endOnFailure: true },
  );
  return differences;
}

const unlisted = (differences: readonly Difference[]): readonly Difference[] =>
  differences.filter(
    ({ answer, mutations }) =>
      !stricter.some(
        (each) => each.answer === answer && mutations.some((name) => each.mutation.test(name)),
      ),
  );

test('whatever is accepted here jose accepts, and each token that only jose accepts is listed with its reason', async () => {
  const differences = await compare(20_261_129, 2500);
  expect(unlisted(differences)).toEqual([]);
  // Nothing stays listed that does not happen.
  const happens = (entry: Stricter): boolean =>
    differences.some(
      ({ answer, mutations }) =>
        answer === entry.answer && mutations.some((name) => entry.mutation.test(name)),
    );
  expect(stricter.filter((entry) => !happens(entry))).toEqual([]);
}, 120_000);

test('the same holds for cases that differ from run to run', async () => {
  const seed = Date.now() % 2 ** 31;
  console.log(`differential test against jose: seed ${seed}`);
  expect(unlisted(await compare(seed, 300)), `seed ${seed}`).toEqual([]);
}, 60_000);
