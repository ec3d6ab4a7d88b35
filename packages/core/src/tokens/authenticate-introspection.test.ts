import * as fc from 'fast-check';
import { exportJWK, generateKeyPair, importJWK, jwtVerify } from 'jose';
import { describe, expect, test } from 'vitest';
import { active, endpoint, fakeIssuer, optionsFor } from '../../test/introspection-kit.ts';
import {
  audience,
  bearer,
  claims,
  issuer,
  NOW,
  now,
  type Parts,
  signer,
} from '../../test/jwt-kit.ts';
import { keyServer, text } from '../../test/key-server.ts';
import { allowAuthenticated } from '../authorization/allow-authenticated.ts';
import { localJwks } from '../crypto/local-jwks.ts';
import { codes } from '../engine/codes.ts';
import { anyOf } from '../engine/combine.ts';
import type { AuthenticatedFacts } from '../engine/facts.ts';
import { guard } from '../engine/guard.ts';
import { type Deny, type Outcome, pass } from '../engine/outcome.ts';
import { definePolicy, type Policy } from '../engine/policy.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { httpDenial } from '../wire/http.ts';
import {
  type AuthenticateIntrospectionOptions,
  authenticateIntrospection,
  type PrivateJwk,
} from './authenticate-introspection.ts';
import { authenticateJwt } from './authenticate-jwt.ts';
import { presentedToken } from './presented-token.ts';
import type { CookieSource } from './token-reader.ts';
import { tokenInCookie, tokenInHeader } from './token-source.ts';

type Options = Partial<AuthenticateIntrospectionOptions>;
type Authenticate = Policy<Record<never, never>, AuthenticatedFacts, 'check'>;

const ec = await signer('ES256');
const stranger = await signer('ES256');
const keys = localJwks({ keys: [ec.jwk] });

const check = async (by: Authenticate, token = 'opaque') => by.check(bearer(token), {});
const codeOf = (outcome: Outcome<object>): string => (outcome.ok ? 'ok' : outcome.denial.code);
const denialOf = (outcome: Outcome<object>): Deny => {
  if (outcome.ok) throw new Error('should have been denied');
  return outcome;
};

/** What comes of one answer of the issuer. */
async function codeFor(said: object | Response, options: Options = {}): Promise<string> {
  return codeOf(
    await check(
      authenticateIntrospection(
        optionsFor(
          fakeIssuer(() => said),
          options,
        ),
      ),
    ),
  );
}

describe('an active token', () => {
  test('identifies the caller', async () => {
    const fake = fakeIssuer(() => ({ ...active, roles: ['clerk'] }));
    const outcome = await check(authenticateIntrospection(optionsFor(fake)), 'opaque-1');
    if (!outcome.ok || !outcome.facts) throw new Error('should have passed');
    const { principal, authentication } = outcome.facts;
    expect(principal).toMatchObject({ subject: 'alice', issuer, clientId: 'shop' });
    expect([...principal.scopes]).toEqual(['orders:read']);
    expect([...principal.roles]).toEqual(['clerk']);
    expect(authentication).toMatchObject({ method: 'introspection', scheme: 'Bearer' });
    expect(authentication.expiresAt).toBe(claims.exp * 1000);
    expect(presentedToken(authentication)).toBe('opaque-1');
    expect(JSON.stringify(outcome)).not.toContain('opaque-1');
    expect(Object.isFrozen(authentication.claims)).toBe(true);
  });

  test('of a client that acts for itself has the client as its subject, unlike a user of that name', async () => {
    const fake = fakeIssuer(() => ({ ...active, sub: undefined }));
    const own = await check(authenticateIntrospection(optionsFor(fake)));
    fake.say = () => ({ ...active, sub: 'shop', client_id: 'other' });
    const user = await check(authenticateIntrospection(optionsFor(fake)));
    if (!own.ok || !user.ok) throw new Error('should have passed');
    expect(own.facts?.principal.subject).toBe('shop');
    expect(user.facts?.principal.subject).toBe('shop');
    expect(own.facts?.principal.id).not.toBe(user.facts?.principal.id);
  });

  test('reports name the endpoint without its query, which may hold a key', () => {
    const endpoint = 'https://id.example.com/introspect';
    const { settings } = authenticateIntrospection(
      optionsFor(
        fakeIssuer(() => active),
        { endpoint: `${endpoint}?key=6f1c0e` },
      ),
    );
    expect(settings).toMatchObject({ endpoint });
  });

  test.each<[string, object, Options?]>([
    ['for several audiences', { aud: ['https://other.example.com', audience] }],
    ['without an issuer in the answer', { iss: undefined }],
    ['without an end', { exp: undefined }],
    ['that expired within the tolerance', { exp: NOW / 1000 - 4 }],
    ['that begins within the tolerance', { nbf: NOW / 1000 + 4 }],
    ['of a type in lower case', { token_type: 'bearer' }],
    ['that says its use', { token_use: 'access_token' }],
    [
      'without an audience where that was asked for',
      { aud: undefined },
      { insecureMissingAudience: true },
    ],
    [
      'without a type where that was asked for',
      { token_type: undefined },
      { insecureMissingTokenType: true },
    ],
  ])('passes %s', async (_name, changes, options) => {
    expect(await codeFor({ ...active, ...changes }, options)).toBe('ok');
  });

  test.each<[string, string, object, Options?]>([
    ['another issuer', 'token.issuer_unknown', { iss: 'https://evil.example' }],
    ['an issuer that is no text', 'token.issuer_unknown', { iss: [issuer] }],
    ['another audience', 'token.audience_mismatch', { aud: 'https://other.example.com' }],
    ['no audience', 'token.claim_missing', { aud: undefined }],
    [
      'another audience although it may be missing',
      'token.audience_mismatch',
      { aud: 'https://other.example.com' },
      { insecureMissingAudience: true },
    ],
    ['an end in the past', 'token.expired', { exp: NOW / 1000 - 5 }],
    ['an end that is no number', 'token.claim_invalid', { exp: '9999999999' }],
    ['a beginning in the future', 'token.not_yet_valid', { nbf: NOW / 1000 + 6 }],
    ['a subject that is no text', 'token.claim_invalid', { sub: 7 }],
    ['neither subject nor client', 'token.claim_missing', { sub: undefined, client_id: undefined }],
    ['no type', 'token.type_refused', { token_type: undefined }],
    ['the type of a refresh token', 'token.type_refused', { token_type: 'refresh_token' }],
    ['the use of a refresh token', 'token.type_refused', { token_use: 'refresh_token' }],
    ['the typ of a refresh token', 'token.type_refused', { typ: 'Refresh' }],
    ['the typ of an identity token', 'token.type_refused', { typ: 'ID' }],
    ['a key it is bound to, sent as Bearer', 'token.unconfirmed', { cnf: { jkt: 'a' } }],
    ['an empty confirmation', 'token.claim_invalid', { cnf: {} }],
    ['scopes that are no text', 'token.claim_invalid', { scope: 7 }],
  ])('is denied with %s', async (_name, code, changes, options) => {
    expect(await codeFor({ ...active, ...changes }, options)).toBe(code);
  });

  test.each<[string, object, string]>([
    ['one of the signs of an access token', { token_use: 'access' }, 'ok'],
    ['another value', { token_use: 'id' }, 'token.type_refused'],
    ['none of them', {}, 'token.type_refused'],
  ])('carries %s that are asked for: %j', async (_, said, code) => {
    const accessTokenSigns = [{ claim: 'token_use', is: 'access' }, { claim: 'cid' }];
    expect(await codeFor({ ...active, ...said }, { accessTokenSigns })).toBe(code);
  });

  test.each<[string, object, Options, unknown]>([
    ['no type', { token_type: undefined }, {}, { token_type: 'Bearer' }],
    ['the use of a refresh token', { token_use: 'refresh' }, {}, { token_type: 'Bearer' }],
    [
      'no sign of an access token',
      {},
      { accessTokenSigns: [{ claim: 'cid' }] },
      { anyOf: [{ claim: 'cid' }] },
    ],
  ])(
    'with %s tells operators what was wanted and what came',
    async (_, said, options, expected) => {
      const answer = { ...active, ...said };
      const policy = authenticateIntrospection(
        optionsFor(
          fakeIssuer(() => answer),
          options,
        ),
      );
      const { token_type, token_use } = { token_use: undefined, ...answer };
      expect(denialOf(await check(policy)).denial.cause).toEqual({
        expected,
        given: { token_type, token_use, typ: undefined },
      });
    },
  );

  test('belongs to the tenant that was named, or that it names', async () => {
    const fake = fakeIssuer(() => ({ ...active, tid: 'acme' }));
    for (const tenant of ['acme', { claim: 'tid' }]) {
      const outcome = await check(authenticateIntrospection(optionsFor(fake, { tenant })));
      expect(outcome).toMatchObject({ ok: true, facts: { principal: { tenant: 'acme' } } });
    }
  });
});

describe('a token bound to a key', () => {
  const prove = (id: string) =>
    definePolicy({ name: 'prove', role: 'check', check: () => ({ ...pass(), meets: [id] }) });
  const decide = async (cnf: object, proved: string) => {
    const fake = fakeIssuer(() => ({ ...active, cnf }));
    const api = guard<object>()
      .use(authenticateIntrospection(optionsFor(fake)))
      .use(prove(proved))
      .use(allowAuthenticated());
    return api.check(bearer('opaque'), {});
  };
  test('is denied unless somebody proves it, every member for itself', async () => {
    expect(await decide({ 'x5t#S256': 'a' }, 'cnf.x5t#S256')).toMatchObject({ allowed: true });
    expect(await decide({ 'x5t#S256': 'a' }, 'cnf.jkt')).toMatchObject({
      denial: { code: 'token.unconfirmed' },
    });
    expect(await decide({ 'x5t#S256': 'a', novel: 1 }, 'cnf.x5t#S256')).toMatchObject({
      denial: { code: 'token.unconfirmed' },
    });
  });
  test('is taken as DPoP where that scheme is, and only there', async () => {
    const fake = fakeIssuer(() => ({ ...active, token_type: 'DPoP', cnf: { jkt: 'a' } }));
    const by = authenticateIntrospection(optionsFor(fake, { schemes: ['Bearer', 'DPoP'] }));
    const dpop = new Request(endpoint, { headers: { authorization: 'DPoP opaque' } });
    expect(await by.check(dpop, {})).toMatchObject({ ok: true, demands: [{ id: 'cnf.jkt' }] });
    expect(codeOf(await check(by))).toBe('token.unconfirmed');
    fake.say = () => active;
    expect(codeOf(await check(by))).toBe('token.unconfirmed');
    expect(codeOf(await check(by, 'unbound'))).toBe('ok');
  });
});

describe('only `active: true` is active', () => {
  test('a token that is not active is denied, whatever else is said', async () => {
    expect(await codeFor({ ...active, active: false })).toBe('token.inactive');
  });
  test.each([
    ['"true"', 'true'],
    ['1', 1],
    ['null', null],
    ['nothing', undefined],
    ['{}', {}],
  ])('an answer that says %s is no answer', async (_name, said) => {
    expect(await codeFor({ ...active, active: said })).toBe('introspection.unavailable');
  });
  test('an inherited or repeated member is no answer either', async () => {
    const json = { headers: { 'content-type': 'application/json' } };
    for (const body of ['{"__proto__":{"active":true}}', '{"active":false,"active":true}']) {
      expect(await codeFor(new Response(body, json))).toBe('introspection.unavailable');
    }
  });
});

describe('what is presented', () => {
  test.each<[string, Record<string, string>, string]>([
    ['nothing', {}, 'credentials.missing'],
    ['another scheme', { authorization: 'Basic YTpi' }, 'credentials.missing'],
    ['no token', { authorization: 'Bearer' }, 'credentials.malformed'],
    ['two tokens', { authorization: 'Bearer a, Bearer b' }, 'credentials.repeated'],
    ['a token and a password', { authorization: 'Basic YTpi, Bearer a' }, 'credentials.repeated'],
    ['a space in the token', { authorization: 'Bearer a b' }, 'credentials.malformed'],
    [
      'a token that is too long',
      { authorization: `Bearer ${'a'.repeat(8193)}` },
      'token.too_large',
    ],
  ])('%s is denied without asking', async (_name, headers, code) => {
    const fake = fakeIssuer();
    const by = authenticateIntrospection(optionsFor(fake));
    const request = new Request('https://api.example.com/?access_token=opaque', { headers });
    expect(codeOf(await by.check(request, {}))).toBe(code);
    expect(fake.asked).toHaveLength(0);
  });

  test('a denial has the challenge of RFC 6750', async () => {
    const by = authenticateIntrospection(optionsFor(fakeIssuer(() => ({ active: false }))));
    const { denial, conclusive } = denialOf(await check(by));
    expect(conclusive).toBe(true);
    expect(denial.challenges).toEqual([
      {
        scheme: 'Bearer',
        params: {
          realm: 'api',
          error: 'invalid_token',
          error_description: 'The access token is not active.',
        },
      },
    ]);
  });
});

describe('the API tells the issuer who it is', () => {
  const asks = async (client: Options['client'], options: Options = {}) => {
    const fake = fakeIssuer();
    const by = authenticateIntrospection(optionsFor(fake, { client: client as never, ...options }));
    expect(codeOf(await check(by, 'a+token/='))).toBe('ok');
    const [first] = fake.asked;
    if (first === undefined) throw new Error('should have been asked');
    expect(first.form.get('token')).toBe('a+token/=');
    expect(first.form.get('token_type_hint')).toBe('access_token');
    return first;
  };

  test('by client_secret_basic, both parts form-encoded first', async () => {
    const { headers, form } = await asks({
      method: 'client_secret_basic',
      clientId: 'https://api/:a b',
      clientSecret: 'p:%+ü ~',
    });
    const [scheme, encoded = ''] = (headers.get('authorization') ?? '').split(' ');
    expect(scheme).toBe('Basic');
    expect(atob(encoded)).toBe('https%3A%2F%2Fapi%2F%3Aa+b:p%3A%25%2B%C3%BC+%7E');
    expect(form.has('client_secret')).toBe(false);
  });
  test('by client_secret_post', async () => {
    const { headers, form } = await asks({
      method: 'client_secret_post',
      clientId: 'api',
      clientSecret: 's&=',
    });
    expect(headers.has('authorization')).toBe(false);
    expect([form.get('client_id'), form.get('client_secret')]).toEqual(['api', 's&=']);
  });
  test('by private_key_jwt, with an assertion that is used once', async () => {
    const pair = await generateKeyPair('ES256', { extractable: true });
    const jwk = { ...(await exportJWK(pair.privateKey)), kid: 'k1', alg: 'ES256' } as PrivateJwk;
    const client = { method: 'private_key_jwt', clientId: 'api', key: jwk } as const;
    const fake = fakeIssuer();
    const by = authenticateIntrospection(optionsFor(fake, { client }));
    await check(by, 'one');
    await check(by, 'two');
    const ids = new Set<unknown>();
    for (const { form, headers } of fake.asked) {
      expect(headers.has('authorization')).toBe(false);
      expect(form.get('client_assertion_type')).toBe(
        'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      );
      const { payload, protectedHeader } = await jwtVerify(
        form.get('client_assertion') ?? '',
        await importJWK(await exportJWK(pair.publicKey), 'ES256'),
        { issuer: 'api', subject: 'api', audience: issuer, currentDate: new Date(NOW) },
      );
      expect(protectedHeader.kid).toBe('k1');
      expect((payload.exp as number) - (payload.iat as number)).toBe(60);
      ids.add(payload.jti);
    }
    expect(ids.size).toBe(2);
  });
  test('by its certificate, with a fetch that shows it', async () => {
    const { form } = await asks({ method: 'tls_client_auth', clientId: 'api' });
    expect(form.get('client_id')).toBe('api');
  });
});

describe('signed answers', () => {
  const TYPE = 'application/token-introspection+jwt';
  const signed = async (parts: Parts = {}, type = TYPE, by = ec) => {
    const good = { iss: issuer, aud: 'orders-api', iat: NOW / 1000, token_introspection: active };
    const token = await by.token({
      header: { typ: 'token-introspection+jwt', ...(parts.header as object) },
      payload: JSON.stringify({ ...good, ...(parts.payload as object) }),
    });
    return new Response(token, { headers: { 'content-type': type } });
  };
  const codeForSigned = async (answer: object | Response, options: Options = {}) =>
    codeFor(answer, { accept: 'jwt', keys, ...options });

  test.each<[string, Parts, string?]>([
    ['as it should be', {}],
    ['with the long form of its type', { header: { typ: TYPE } }],
    ['for several recipients', { payload: { aud: ['other', 'orders-api'] } }],
    ['with a charset', {}, `${TYPE}; charset=utf-8`],
    ['with its type in capitals', {}, TYPE.toUpperCase()],
    ['whose end is to come', { payload: { exp: NOW / 1000 + 60 } }],
    // Clocks differ by five seconds at most.
    ['whose end has just passed', { payload: { exp: NOW / 1000 - 4 } }],
    ['that is a minute old', { payload: { iat: NOW / 1000 - 65 } }],
    ['of a clock that is ahead', { payload: { iat: NOW / 1000 + 65 } }],
  ])('pass %s', async (_name, parts, type) => {
    expect(await codeForSigned(await signed(parts, type))).toBe('ok');
  });
  test('are asked for', async () => {
    const fake = fakeIssuer(() => signed());
    await check(authenticateIntrospection(optionsFor(fake, { accept: 'jwt', keys })));
    expect(fake.asked[0]?.headers.get('accept')).toBe(TYPE);
  });
  test('say that a token is not active', async () => {
    const answer = await signed({ payload: { token_introspection: { active: false } } });
    expect(await codeForSigned(answer)).toBe('token.inactive');
  });
  test('name another recipient where that was said', async () => {
    const answer = () => signed({ payload: { aud: audience } });
    expect(await codeForSigned(await answer(), { recipient: audience })).toBe('ok');
    expect(await codeForSigned(await answer())).toBe('introspection.unavailable');
  });

  test.each<[string, () => Promise<object | Response>]>([
    ['unsigned', async () => active],
    [
      'a plain answer under the type of signed ones',
      async () => Response.json(active, { headers: { 'content-type': TYPE } }),
    ],
    ['a signed one under the type of plain ones', () => signed({}, 'application/json')],
    ['the type of an access token', () => signed({ header: { typ: 'at+jwt' } })],
    ['no type', () => signed({ header: { typ: undefined } })],
    ['another issuer', () => signed({ payload: { iss: 'https://evil.example' } })],
    ['no recipient', () => signed({ payload: { aud: undefined } })],
    ['another recipient', () => signed({ payload: { aud: 'other' } })],
    ['no time', () => signed({ payload: { iat: undefined } })],
    ['a time long ago', () => signed({ payload: { iat: NOW / 1000 - 66 } })],
    ['a time in the future', () => signed({ payload: { iat: NOW / 1000 + 66 } })],
    ['an end that has passed', () => signed({ payload: { exp: NOW / 1000 - 6 } })],
    ['an end that has passed for all clocks', () => signed({ payload: { exp: NOW / 1000 - 5 } })],
    ['an end that is no time', () => signed({ payload: { exp: 'soon' } })],
    ['recipients that are none', () => signed({ payload: { aud: [7] } })],
    ['content that is a list', () => signed({ payload: { token_introspection: [active] } })],
    [
      'something that is no JWT',
      async () => new Response('a.b', { headers: { 'content-type': TYPE } }),
    ],
    ['no content', () => signed({ payload: { token_introspection: undefined, active: true } })],
    [
      'content that is text',
      () => signed({ payload: { token_introspection: JSON.stringify(active) } }),
    ],
    ['the key of somebody else', () => signed({}, TYPE, stranger)],
    ['an unknown key', () => signed({ header: { kid: 'other' } })],
    ['another algorithm', () => signed({ header: { alg: 'HS256' } })],
    ['no algorithm', () => signed({ header: { alg: 'none' } })],
  ])('are no answer with: %s', async (_name, answer) => {
    expect(await codeForSigned(await answer())).toBe('introspection.unavailable');
  });

  test.each<[string, () => Promise<Response>]>([
    ['a JWT of another type', () => signed({ header: { typ: 'at+jwt' } })],
    ['with a denied algorithm', () => signed({ header: { alg: 'HS256' } })],
    ['a JWT without a usable key', () => signed({ header: { kid: 'other' } })],
    ['a JWT with an invalid signature', () => signed({}, TYPE, stranger)],
    ['for another issuer', () => signed({ payload: { iss: 'https://evil.example' } })],
    ['for another recipient', () => signed({ payload: { aud: 'other' } })],
    ['without a usable "iat"', () => signed({ payload: { iat: undefined } })],
    ['without a usable "iat"', () => signed({ payload: { exp: 'soon' } })],
    ['at another time', () => signed({ payload: { iat: NOW / 1000 - 66 } })],
    ['after its end', () => signed({ payload: { exp: NOW / 1000 - 6 } })],
    ['without "token_introspection"', () => signed({ payload: { token_introspection: 1 } })],
    ['no well-formed JWT', async () => new Response('a.b', { headers: { 'content-type': TYPE } })],
  ])('tell operators alone that an answer was %s', async (cause, answer) => {
    const fake = fakeIssuer(answer);
    const policy = authenticateIntrospection(optionsFor(fake, { accept: 'jwt', keys }));
    const { denial } = denialOf(await check(policy));
    expect(String(denial.cause)).toContain(cause);
    expect(denial.detail).not.toContain(cause);
  });
  test('are no access tokens', async () => {
    const token = await (await signed({ payload: claims })).text();
    const by = authenticateJwt({ issuer, audience, keys, now });
    expect(codeOf(await by.check(bearer(token), {}))).toBe('token.type_refused');
    const lax = authenticateJwt({ issuer, audience, keys, now, profile: 'jwt' });
    expect(codeOf(await lax.check(bearer(token), {}))).toBe('token.type_refused');
  });
});

describe('beside JWTs', () => {
  const fake = fakeIssuer((token) => (token === 'opaque' ? active : { active: false }));
  const by = anyOf(
    authenticateJwt({ issuer, audience, keys, now, opaqueTokens: 'ignore' }),
    authenticateIntrospection(optionsFor(fake)),
  );
  test('each kind of token goes to its own policy', async () => {
    expect(await check(by, await ec.token())).toMatchObject({
      facts: { authentication: { method: 'jwt' } },
    });
    expect(fake.asked).toHaveLength(0);
    expect(await check(by, 'opaque')).toMatchObject({
      facts: { authentication: { method: 'introspection' } },
    });
    expect(fake.asked).toHaveLength(1);
  });
  test('a bad JWT is denied and shown to nobody', async () => {
    const before = fake.asked.length;
    expect(codeOf(await check(by, await ec.token({ payload: { exp: 1 } })))).toBe('token.expired');
    expect(codeOf(await check(by, 'a.b.c'))).toBe('token.malformed');
    expect(fake.asked).toHaveLength(before);
  });
  test('a bad opaque token is denied as such', async () => {
    expect(codeOf(await check(by, 'guess'))).toBe('token.inactive');
  });
  test('no token is one challenge, not two', async () => {
    const outcome = denialOf(await by.check(new Request('https://api.example.com'), {}));
    expect(outcome.denial.code).toBe('credentials.missing');
    expect(
      httpDenial(outcome.denial).headers.filter(
        ([name]) => name.toLowerCase() === 'www-authenticate',
      ),
    ).toEqual([['www-authenticate', 'Bearer realm="api"']]);
  });
  test('two tokens are denied', async () => {
    const request = new Request(endpoint, {
      headers: { authorization: 'Bearer opaque, Bearer b' },
    });
    expect(codeOf(await by.check(request, {}))).toBe('credentials.repeated');
  });
});

describe('what the issuer does wrong is not the fault of the caller', () => {
  const faults: readonly [
    string,
    Parameters<Awaited<ReturnType<typeof keyServer>>['serve']>[1],
    string,
  ][] = [
    [
      'answers slowly',
      (_request: unknown, response) => void setTimeout(() => response.end('{}'), 3_000).unref(),
      'did not answer',
    ],
    [
      'answers without end',
      (_request: unknown, response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        // Enough at once, so that a busy machine does not run into the time limit first.
        response.write(`{"active":true,"pad":"${'x'.repeat(2_000_000)}`);
        const more = setInterval(() => response.write('x'.repeat(65_536)), 1);
        response.on('close', () => clearInterval(more));
      },
      'more bytes',
    ],
    [
      'answers no JSON',
      text('<html>', 200, { 'content-type': 'application/json' }),
      'no well-formed JSON',
    ],
    [
      'answers another type',
      text(JSON.stringify(active), 200, { 'content-type': 'text/html' }),
      'another type',
    ],
    [
      'answers a list',
      text('[true]', 200, { 'content-type': 'application/json' }),
      'no well-formed JSON',
    ],
    ['answers active: "true"', { ...active, active: 'true' }, 'without "active"'],
    ['redirects', text('', 302, { location: '/elsewhere' }), 'answered 302'],
    ['does not know this API', text('{"error":"invalid_client"}', 401), 'answered 401'],
    ['fails', text('{"active":true}', 500, { 'content-type': 'application/json' }), 'answered 500'],
    [
      'hangs up',
      (request: { socket: { destroy: () => void } }) => request.socket.destroy(),
      'did not answer',
    ],
  ];
  test.each(faults)('%s: 503', async (name, answer, why) => {
    await using server = await keyServer();
    server.serve('/introspect', answer);
    server.serve('/elsewhere', active);
    const by = authenticateIntrospection(
      optionsFor(globalThis, {
        endpoint: `${server.origin}/introspect`,
        insecureLoopback: true,
        // Only where it is the point: machines that run the tests may be busy.
        timeout: name === 'answers slowly' ? '200ms' : '20s',
      }),
    );
    const { denial, conclusive } = denialOf(await check(by, 'the-token'));
    expect(denial).toMatchObject({ kind: 'unavailable', code: 'introspection.unavailable' });
    expect(denial.retryAfterMs).toBeGreaterThan(0);
    expect(conclusive).toBe(true);
    expect(String(denial.cause)).toContain(why);
    expect(String(denial.cause)).not.toContain('the-token');
    expect(JSON.stringify(httpDenial(denial))).not.toContain(server.origin);
    // A broken connection says nothing of the issuer, so it is asked once more.
    expect(server.asked).toHaveLength(name === 'hangs up' ? 2 : 1);
    expect(new Set(server.asked)).toEqual(new Set(['/introspect']));
  });
  test('its twin that answers well passes', async () => {
    await using server = await keyServer();
    server.serve('/introspect', active);
    const by = authenticateIntrospection(
      optionsFor(globalThis, { endpoint: `${server.origin}/introspect`, insecureLoopback: true }),
    );
    expect(codeOf(await check(by))).toBe('ok');
  });
  test('an error of fetch that contains the token is not passed on', async () => {
    const fetch = async (_url: unknown, init?: RequestInit): Promise<never> => {
      throw new Error(`could not send ${JSON.stringify(init)}`);
    };
    const by = authenticateIntrospection(optionsFor({ fetch }));
    const { denial } = denialOf(await check(by, 'the-token'));
    expect(`${String(denial.cause)} ${JSON.stringify(denial)}`).not.toContain('the-token');
  });
  test.each(['json', 'jwt'] as const)('whatever bytes come as %s, it answers', async (accept) => {
    const type = { json: 'application/json', jwt: 'application/token-introspection+jwt' }[accept];
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.json(), fc.string(), fc.uint8Array()), async (body) => {
        const answer = new Response(body as string, { headers: { 'content-type': type } });
        expect(await codeFor(answer, { accept, keys })).toBe('introspection.unavailable');
      }),
      { numRuns: 200 },
    );
  });
});

test('its codes are listed', () => {
  for (const code of ['token.inactive', 'introspection.unavailable', 'introspection.overloaded']) {
    expect(codes).toHaveProperty([code]);
  }
});

test.each<[string, Record<string, unknown>]>([
  ['no issuer', { issuer: '' }],
  ['no audience', { audience: undefined }],
  ['an empty audience', { audience: [] }],
  ['an endpoint without TLS', { endpoint: 'http://id.example.com/introspect' }],
  [
    'an endpoint on another machine without TLS',
    { endpoint: 'http://id.example.com', insecureLoopback: true },
  ],
  ['an endpoint with a password', { endpoint: 'https://a:b@id.example.com' }],
  ['a missing audience in words', { insecureMissingAudience: 'false' }],
  ['a missing type in words', { insecureMissingTokenType: 'no' }],
  ['no client', { client: undefined }],
  [
    'a client without a secret',
    { client: { method: 'client_secret_basic', clientId: 'a', clientSecret: '' } },
  ],
  ['an unknown method', { client: { method: 'none', clientId: 'a', clientSecret: 'b' } }],
  [
    'a certificate and no fetch',
    { client: { method: 'tls_client_auth', clientId: 'a' }, fetch: undefined },
  ],
  [
    'a public key to sign with',
    { client: { method: 'private_key_jwt', clientId: 'a', key: ec.jwk } },
  ],
  ['another kind of answer', { accept: 'xml' }],
  [
    'shared secrets for signed answers',
    {
      accept: 'jwt',
      keys: localJwks({ keys: [{ kty: 'oct', k: 'AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_AbCdE' }] }),
    },
  ],
  ['signed answers and no keys', { accept: 'jwt' }],
  ['no schemes', { schemes: [] }],
  ['a delay of nothing', { cache: { maxRevocationDelay: '0s' } }],
  ['room for nobody', { maxConcurrent: 0 }],
  ['a tolerance of an hour', { clockTolerance: '1h' }],
  ['a claim without a name', { roles: [''] }],
])('cannot be constructed with %s', (_name, changes) => {
  const options = { ...optionsFor(fakeIssuer()), ...changes } as AuthenticateIntrospectionOptions;
  expect(() => authenticateIntrospection(options)).toThrow(ConfigurationError);
});

test.each<[string, Record<string, unknown>, RegExp]>([
  ['an issuer that is no text', { issuer: 7 }, /issuer must be the value/],
  ['an audience without a name', { audience: ['orders', ''] }, /without an audience/],
  ['an audience that is no text', { audience: [7] }, /without an audience/],
  ['another scheme beside', { schemes: ['Bearer', 'Basic'] }, /schemes must list 'Bearer', 'DPoP'/],
  ['a recipient without a name', { accept: 'jwt', recipient: '' }, /recipient must name this API/],
  ['no room for a token', { maxTokenBytes: 0 }, /maxTokenBytes must be positive/],
])('says what is wrong with %s', (_name, changes, message) => {
  const options = { ...optionsFor(fakeIssuer()), ...changes } as AuthenticateIntrospectionOptions;
  expect(() => authenticateIntrospection(options)).toThrow(message);
});

test('a token in a cookie needs a policy that keeps other sites out, one in a header does not', () => {
  const made = (from: AuthenticateIntrospectionOptions['from'] | CookieSource) => {
    const options = { ...optionsFor(fakeIssuer()), from } as AuthenticateIntrospectionOptions;
    const { needs, adds } = authenticateIntrospection(options);
    return { needs, adds };
  };
  const adds = ['principal', 'authentication'];
  expect(made(undefined)).toEqual({ needs: [], adds });
  expect(made(tokenInHeader('x-token'))).toEqual({ needs: [], adds });
  expect(made(tokenInCookie('__Host-token'))).toEqual({ needs: ['crossOrigin'], adds });
});

test('a token of the longest allowed length is asked about, a longer one is not', async () => {
  const fake = fakeIssuer();
  const policy = authenticateIntrospection(optionsFor(fake, { maxTokenBytes: 10 }));
  await policy.check(bearer('x'.repeat(11)), {});
  expect(fake.asked).toHaveLength(0);
  await policy.check(bearer('x'.repeat(10)), {});
  expect(fake.asked).toHaveLength(1);
});
