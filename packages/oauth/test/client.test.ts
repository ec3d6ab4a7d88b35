import { createServer } from 'node:http';
import { authenticateJwt, discoverIssuer } from '@apisec/core';
import { type OAuthClientOptions, oauthClient, type TokenSet, tokenSource } from '@apisec/oauth';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { Browser } from './browser.ts';
import { ORIGIN, startTestProvider, testShop } from './fixture.ts';
import { API, listen, type TestProvider } from './provider.ts';
import { SECRET } from './secrets.ts';

let provider: TestProvider;
beforeAll(async () => {
  provider = await startTestProvider();
});
afterAll(() => provider?.close());
afterEach(() => {
  provider.intercept = undefined;
});

const service = (more: Partial<OAuthClientOptions> = {}) =>
  oauthClient({
    issuer: provider.issuer,
    clientId: 'service',
    authentication: { method: 'client_secret_basic', clientSecret: SECRET },
    scope: ['orders:read'],
    resource: [API],
    insecureLoopback: true,
    ...more,
  });
const codeOf = (result: { readonly ok: boolean; readonly denial?: { readonly code: string } }) =>
  result.denial?.code ?? 'ok';

describe('a client', () => {
  test.each([
    ['an unknown option', { pkce: false }, /"pkce" is not an option/],
    ['an issuer over plain HTTP', { issuer: 'http://id.example.com' }, /not https/],
    ['no authentication', { authentication: undefined }, /authentication must say/],
    [
      'an empty secret',
      { authentication: { method: 'client_secret_basic', clientSecret: '' } },
      /clientSecret/,
    ],
    ['a bare number', { timeout: 5_000 }, /unit/],
    [
      'a public key as its own',
      { authentication: { method: 'private_key_jwt', key: { kty: 'EC', kid: 'k', alg: 'ES256' } } },
      /private JWK/,
    ],
  ])('cannot be constructed with %s', (_name, changes, message) => {
    expect(() => service(changes as never)).toThrow(message);
  });

  test('gets a token that the API takes, and a wrong secret gets none', async () => {
    const tokens = await service().clientCredentials();
    if (!tokens.ok) throw new Error(codeOf(tokens));
    const policy = authenticateJwt({
      issuer: provider.issuer,
      audience: API,
      keys: discoverIssuer(provider.issuer, { insecureLoopback: true }),
    });
    const headers = { authorization: `Bearer ${tokens.accessToken}` };
    expect((await policy.check(new Request(API, { headers }), {})).ok).toBe(true);
    const wrong = service({
      authentication: { method: 'client_secret_post', clientSecret: 'wrong' },
    });
    const denied = await wrong.clientCredentials();
    expect(codeOf(denied)).toBe('oauth.client_denied');
  });

  test.each(['client_secret_basic', 'client_secret_post'] as const)(
    'sends its secret where %s says, and nowhere else',
    async (method) => {
      let sent: { readonly header: string | undefined; readonly form: string } | undefined;
      provider.intercept = async (req, res) => {
        if (req.url !== '/token') return false;
        const chunks: Buffer[] = [];
        for await (const chunk of req) chunks.push(chunk as Buffer);
        sent = { header: req.headers.authorization, form: Buffer.concat(chunks).toString() };
        res.setHeader('content-type', 'application/json');
        res.end('{"access_token":"x","token_type":"Bearer","expires_in":60}');
        return true;
      };
      const clientSecret = 'a secret & more';
      const client = service({ authentication: { method, clientSecret } });
      expect(codeOf(await client.clientCredentials())).toBe('ok');
      const form = new URLSearchParams(sent?.form);
      // RFC 6749 §2.3.1: both are form-encoded before they are joined.
      const basic = `Basic ${Buffer.from('service:a+secret+%26+more').toString('base64')}`;
      const inForm = method === 'client_secret_post';
      expect(sent?.header).toBe(inForm ? undefined : basic);
      expect(form.get('client_secret')).toBe(inForm ? clientSecret : null);
      expect(form.get('client_id')).toBe(inForm ? 'service' : null);
    },
  );

  test('pushes its parameters where the issuer wants that, so the browser carries none', async () => {
    const shop = testShop(provider.issuer, {
      client: { clientId: 'par', pushedAuthorization: 'require' },
    });
    const { location } = await shop.begin();
    const names = [...new URL(location).searchParams.keys()].toSorted();
    expect(names).toEqual(['client_id', 'request_uri']);
    expect((await shop.signIn()).response.status).toBe(200);
  });

  test('binds tokens to its key with DPoP, and its refresh works with it', async () => {
    const shop = testShop(provider.issuer, { client: { clientId: 'dpop', dpop: true } });
    const { cookie } = await shop.signIn();
    const reading = await shop.browser.read(new Request(ORIGIN, { headers: { cookie } }));
    if (reading.kind !== 'session') throw new Error(reading.kind);
    const token = await reading.session.accessToken();
    expect(token.ok && token.tokenType).toBe('DPoP');
    const payload = token.ok ? (token.accessToken.split('.')[1] ?? '') : '';
    expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toHaveProperty('cnf.jkt');
  });

  test('proves who it is with a signed assertion', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
    const key = { ...(await exportJWK(privateKey)), kid: 'k1', alg: 'ES256' } as const;
    let form = new URLSearchParams();
    provider.intercept = async (req, res) => {
      if (req.url !== '/token') return false;
      const chunks: Buffer[] = [];
      for await (const chunk of req) chunks.push(chunk as Buffer);
      form = new URLSearchParams(Buffer.concat(chunks).toString());
      res.setHeader('content-type', 'application/json');
      res.end('{"access_token":"x","token_type":"Bearer","expires_in":60}');
      return true;
    };
    const client = service({ authentication: { method: 'private_key_jwt', key: key as never } });
    expect(codeOf(await client.clientCredentials())).toBe('ok');
    const { jwtVerify } = await import('jose');
    const { payload } = await jwtVerify(form.get('client_assertion') ?? '', publicKey, {
      issuer: 'service',
      subject: 'service',
      audience: provider.issuer,
    });
    expect(payload.jti).toBeDefined();
    expect(form.has('client_secret')).toBe(false);
  });

  test('proves who it is on every grant, and a refresh with a wrong secret is denied', async () => {
    const shop = testShop(provider.issuer, {
      client: { clientId: 'par', pushedAuthorization: 'require' },
    });
    const proofs = new Map<string, Set<string>>();
    provider.intercept = (req) => {
      if (req.method !== 'POST') return false;
      const proof = Buffer.from(String(req.headers.authorization).slice(6), 'base64').toString();
      const form = new URLSearchParams(proof.replace(':', '='));
      const at = `${req.url}`;
      proofs.set(at, (proofs.get(at) ?? new Set()).add(`${form}`));
      return false;
    };
    const begun = await shop.client.authorize();
    if (!begun.ok) throw new Error(codeOf(begun));
    const back = new URL(await shop.agree(begun.url), ORIGIN);
    const tokens = await shop.client.callback(back, begun.transaction);
    if (!tokens.ok) throw new Error(codeOf(tokens));
    const { refreshToken = '' } = tokens;
    const wrong = testShop(provider.issuer, {
      client: {
        clientId: 'par',
        authentication: { method: 'client_secret_basic', clientSecret: `${SECRET}x` },
      },
    }).client;
    const nobody = testShop(provider.issuer, {
      client: { clientId: 'par', authentication: { method: 'none' } },
    }).client;
    expect(codeOf(await wrong.refresh(refreshToken))).toBe('oauth.client_denied');
    expect(codeOf(await nobody.refresh(refreshToken))).toBe('oauth.client_denied');
    proofs.clear();
    const renewed = await shop.client.refresh(refreshToken);
    if (!renewed.ok) throw new Error(codeOf(renewed));
    await shop.client.authorize();
    await shop.client.exchangeToken({ subjectToken: renewed.accessToken });
    await shop.client.deviceAuthorization();
    expect(codeOf(await shop.client.revoke(renewed.refreshToken ?? ''))).toBe('ok');
    const proof = new Set([`${new URLSearchParams({ par: SECRET })}`]);
    expect(Object.fromEntries(proofs)).toEqual({
      '/request': proof,
      '/token': proof,
      '/device/auth': proof,
      '/token/revocation': proof,
    });
  });

  test('exchanges a token for another one (RFC 8693)', async () => {
    let form = new URLSearchParams();
    provider.intercept = async (req, res) => {
      if (req.url !== '/token') return false;
      const chunks: Buffer[] = [];
      for await (const chunk of req) chunks.push(chunk as Buffer);
      form = new URLSearchParams(Buffer.concat(chunks).toString());
      res.setHeader('content-type', 'application/json');
      res.end('{"access_token":"for-the-other-api","token_type":"Bearer","expires_in":60}');
      return true;
    };
    const exchanged = await service().exchangeToken({
      subjectToken: 'of-the-user',
      audience: ['billing'],
      scope: ['bills:read'],
    });
    expect(exchanged.ok && exchanged.accessToken).toBe('for-the-other-api');
    expect(Object.fromEntries(form)).toMatchObject({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: 'of-the-user',
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      audience: 'billing',
      scope: 'bills:read',
    });
  });

  test('finds the issuer once for all who wait, and again after it was down', async () => {
    const clock = { time: Date.now() };
    const client = service({ now: () => clock.time });
    provider.intercept = (req, res) => {
      if (!req.url?.startsWith('/.well-known/')) return false;
      res.statusCode = 503;
      res.end();
      return true;
    };
    const discoveries = () =>
      provider.requests.filter((each) => each.includes('.well-known')).length;
    const before = discoveries();
    const many = () => Promise.all(Array.from({ length: 10 }, () => client.clientCredentials()));
    const answers = await many();
    expect(new Set(answers.map(codeOf))).toEqual(new Set(['oauth.unavailable']));
    expect(answers[0]).toMatchObject({ denial: { retryAfterMs: 1_000 } });
    expect(codeOf(await client.clientCredentials())).toBe('oauth.unavailable');
    expect(discoveries() - before).toBe(1);
    provider.intercept = undefined;
    clock.time += 1_000;
    for (let round = 0; round < 3; round++) {
      expect(new Set((await many()).map(codeOf))).toEqual(new Set(['ok']));
    }
    expect(discoveries() - before).toBe(2);
  });

  test('keeps nobody waiting for what another call began and its runtime has dropped', async () => {
    vi.useFakeTimers();
    try {
      const client = service({ fetch: () => new Promise(() => undefined), timeout: '1s' });
      void client.clientCredentials();
      await vi.advanceTimersByTimeAsync(1);
      // That call has ended, and its fetch and timer with it.
      vi.clearAllTimers();
      const answers: string[] = [];
      void client.clientCredentials().then((answer) => answers.push(codeOf(answer)));
      await vi.advanceTimersByTimeAsync(3_000);
      expect(answers).toEqual(['oauth.unavailable']);
    } finally {
      vi.useRealTimers();
    }
  });

  test.each([
    ['names another issuer', { issuer: 'https://evil.example.com' }],
    ['names an endpoint over plain HTTP', { token_endpoint: 'http://evil.example.com/token' }],
    ['names a page that is a script', { authorization_endpoint: 'javascript:alert(1)' }],
  ])('does not use metadata that %s', async (_name, changes) => {
    provider.intercept = (req, res) => {
      if (!req.url?.startsWith('/.well-known/')) return false;
      const { issuer } = provider;
      const metadata = {
        issuer,
        authorization_endpoint: `${issuer}/auth`,
        token_endpoint: `${issuer}/token`,
      };
      res.setHeader('content-type', 'application/json');
      res.end(JSON.stringify({ ...metadata, ...changes }));
      return true;
    };
    expect(codeOf(await service().clientCredentials())).toBe('oauth.unavailable');
  });

  test('follows no redirect with its secret', async () => {
    let stolen = 0;
    const thief = createServer((_req, res) => {
      stolen++;
      res.end();
    });
    const port = await listen(thief);
    provider.intercept = (req, res) => {
      if (req.url !== '/token') return false;
      res.writeHead(307, { location: `http://127.0.0.1:${port}/` }).end();
      return true;
    };
    expect(codeOf(await service().clientCredentials())).toBe('oauth.upstream');
    expect(stolen).toBe(0);
    thief.close();
  });
});

describe('an ID token', () => {
  /** A login whose ID token says what the case wants. */
  async function loginWith(
    changes: Record<string, unknown>,
    { typ, forge, alg = 'ES256' }: { typ?: string; forge?: boolean; alg?: string } = {},
  ): Promise<string> {
    const pair = await generateKeyPair('ES256', { extractable: true });
    const other = await generateKeyPair('ES256', { extractable: true });
    const jwk = { ...(await exportJWK(pair.publicKey)), kid: 'k', alg: 'ES256', use: 'sig' };
    const shop = testShop(provider.issuer);
    const { location, cookie } = await shop.begin();
    const back = await shop.agree(location);
    const { searchParams } = new URL(location);
    const seconds = Math.floor(Date.now() / 1_000);
    const claims = {
      iss: provider.issuer,
      aud: 'shop',
      sub: 'alice',
      iat: seconds,
      exp: seconds + 60,
      nonce: searchParams.get('nonce'),
      ...changes,
    };
    const signed = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'ES256', kid: 'k', ...(typ !== undefined && { typ }) })
      .sign(forge === true ? other.privateKey : pair.privateKey);
    const unsigned = (header: object) =>
      `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${signed.split('.')[1]}.`;
    const idToken = alg === 'ES256' ? signed : unsigned({ alg });
    provider.intercept = (req, res) => {
      res.setHeader('content-type', 'application/json');
      if (req.url === '/jwks') res.end(JSON.stringify({ keys: [jwk] }));
      else if (req.url === '/token') {
        const tokens = { access_token: 'at', token_type: 'Bearer', id_token: idToken };
        res.end(JSON.stringify({ ...tokens, expires_in: 60 }));
      } else return false;
      return true;
    };
    const response = await shop.call(back, { cookie });
    return response.status === 200 ? 'ok' : ((await response.json()) as { code: string }).code;
  }
  const seconds = Math.floor(Date.now() / 1_000);

  test('that is right begins a session', async () => {
    expect(await loginWith({})).toBe('ok');
    expect(await loginWith({ aud: ['shop', 'other'], azp: 'shop' })).toBe('ok');
    // SHA-256 of "at", its left half.
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', Buffer.from('at')));
    const half = Buffer.from(digest.subarray(0, 16)).toString('base64url');
    expect(await loginWith({ at_hash: half })).toBe('ok');
    expect(await loginWith({ iat: seconds + 20 })).toBe('ok');
  });

  test.each([
    ['from another issuer', { iss: 'https://evil.example.com' }],
    ['for another client', { aud: 'other' }],
    ['for several and no party', { aud: ['shop', 'other'] }],
    ['for another party', { azp: 'other' }],
    ['of another login', { nonce: 'x'.repeat(43) }],
    ['without a nonce', { nonce: undefined }],
    ['that has expired', { exp: seconds - 3_600 }],
    ['without an end', { exp: undefined }],
    ['without a subject', { sub: undefined }],
    ['with another at_hash', { at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' }],
    ['that is a logout token', { events: {} }],
  ])('%s is denied', async (_name, changes) => {
    expect(await loginWith(changes)).toBe('oauth.id_token_invalid');
  });

  test('with a foreign signature, none, or another type is denied', async () => {
    expect(await loginWith({}, { forge: true })).toBe('oauth.id_token_invalid');
    expect(await loginWith({}, { alg: 'none' })).toBe('oauth.id_token_invalid');
    expect(await loginWith({}, { alg: 'HS256' })).toBe('oauth.id_token_invalid');
    expect(await loginWith({}, { typ: 'at+jwt' })).toBe('oauth.id_token_invalid');
  });
});

describe('a token source', () => {
  const set = (accessToken: string, expiresAt: number): TokenSet => ({
    ok: true,
    accessToken,
    tokenType: 'Bearer',
    expiresAt,
    refreshToken: undefined,
    idToken: undefined,
    claims: undefined,
    scope: [],
  });
  const down = {
    ok: false,
    denial: { kind: 'unavailable', code: 'oauth.unavailable', cause: new Error('secret host') },
  } as const;

  function setUp(more: Parameters<typeof tokenSource>[1] = {}) {
    const clock = { time: 1_000_000 };
    const state = { asked: 0, isDown: false };
    const client = service({ now: () => clock.time });
    const source = tokenSource(client, {
      random: () => 0,
      grant: async () => {
        state.asked++;
        return state.isDown ? down : set(`t${state.asked}`, clock.time + 300_000);
      },
      ...more,
    });
    const get = async (): Promise<string> => {
      const token = await source.token();
      return token.ok ? token.accessToken : token.denial.code;
    };
    return { clock, state, source, get };
  }

  test('asks once for all who wait, and again ahead of the end while the old one is used', async () => {
    const { clock, state, get } = setUp();
    const first = await Promise.all(Array.from({ length: 50 }, get));
    expect(new Set(first)).toEqual(new Set(['t1']));
    clock.time += 239_000;
    expect(await get()).toBe('t1');
    expect(state.asked).toBe(1);
    clock.time += 2_000;
    expect(await get()).toBe('t1');
    expect(state.asked).toBe(2);
    expect(await get()).toBe('t2');
  });

  test('keeps nobody waiting for a token that another call began to ask for and its runtime has dropped', async () => {
    vi.useFakeTimers();
    try {
      const { get } = setUp({ grant: () => new Promise(() => undefined) });
      void get();
      await vi.advanceTimersByTimeAsync(1);
      const answers: string[] = [];
      void get().then((answer) => answers.push(answer));
      await vi.advanceTimersByTimeAsync(16_000);
      expect(answers).toEqual(['oauth.unavailable']);
    } finally {
      vi.useRealTimers();
    }
  });

  test('uses a token while it lives though the issuer is down, then denies, asking ever less often', async () => {
    const { clock, state, get, source } = setUp({ origins: ['https://api.example.com'] });
    await get();
    state.isDown = true;
    clock.time += 290_000;
    for (let call = 0; call < 20; call++) expect(await get()).toBe('t1');
    expect(state.asked).toBe(2);
    clock.time += 20_000;
    expect(await get()).toBe('oauth.unavailable');
    const asked = state.asked;
    for (let call = 0; call < 20; call++) expect(await get()).toBe('oauth.unavailable');
    expect(state.asked).toBe(asked);
    const denied = await source.token();
    expect(!denied.ok && denied.denial.retryAfterMs).toBeGreaterThanOrEqual(1_000);
    const answer = await source.fetch('https://api.example.com/orders');
    expect([answer.status, await answer.json()]).toEqual([503, { code: 'oauth.unavailable' }]);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    state.isDown = false;
    clock.time += 60_000;
    expect(await get()).toMatch(/^t/);
  });

  test('asks again where what it asked for never comes, as in workers that drop what a call began', async () => {
    let asked = 0;
    const { clock, source, get } = setUp({
      grant: () => {
        asked++;
        return asked === 1
          ? new Promise<never>(() => undefined)
          : Promise.resolve(set(`t${asked}`, clock.time + 300_000));
      },
    });
    void source.token();
    clock.time += 60_000;
    void source.token();
    expect(asked).toBe(1);
    clock.time += 60_000;
    expect(await Promise.all([get(), get()])).toEqual(['t2', 't2']);
    expect(asked).toBe(2);
  });

  test('sends its token to the listed origins alone', async () => {
    const { source } = setUp({ origins: ['https://api.example.com'] });
    for (const url of [
      'https://evil.example.com',
      'http://api.example.com',
      'https://api.example.com:8443',
      'https://api.example.com@evil.example.com',
    ]) {
      await expect(source.fetch(url)).rejects.toThrow(TypeError);
    }
  });

  test('follows no redirect with its token', async () => {
    const asked: string[] = [];
    const api = createServer((req, res) => {
      asked.push(req.url ?? '');
      res.writeHead(307, { location: '/elsewhere' }).end();
    });
    const origin = `http://127.0.0.1:${await listen(api)}`;
    const { source } = setUp({ origins: [origin] });
    const answer = await source.fetch(`${origin}/orders`);
    expect([answer.status, answer.headers.get('location')]).toEqual([307, '/elsewhere']);
    expect(asked).toEqual(['/orders']);
    api.close();
  });

  test('says what other clients must send', async () => {
    const { source } = setUp();
    const call = { method: 'GET', url: 'https://api.example.com/orders' };
    expect(await source.headers(call)).toEqual({
      ok: true,
      headers: { authorization: 'Bearer t1' },
    });
    const bound = await tokenSource(service({ dpop: true })).headers(call);
    if (!bound.ok) throw new Error(codeOf(bound));
    expect(Object.keys(bound.headers)).toEqual(['authorization', 'dpop']);
    expect(bound.headers['authorization']).toMatch(/^DPoP eyJ/);
  });

  test('keeps a nonce for each API', async () => {
    const seen: string[] = [];
    const open = async (nonce: string) => {
      const api = createServer((req, res) => {
        const [, claims = ''] = String(req.headers['dpop']).split('.');
        const said = JSON.parse(Buffer.from(claims, 'base64url').toString()) as {
          readonly nonce?: string;
        };
        seen.push(`${nonce}: ${said.nonce}`);
        res.setHeader('dpop-nonce', nonce);
        if (said.nonce === nonce) res.end();
        else res.writeHead(401, { 'www-authenticate': 'DPoP error="use_dpop_nonce"' }).end();
      });
      onTestFinished(() => void api.close());
      return `http://127.0.0.1:${await listen(api)}`;
    };
    const origins = [await open('one'), await open('two')];
    const source = tokenSource(service({ dpop: true }), { scope: ['orders:read'], origins });
    for (const origin of [...origins, ...origins]) {
      expect((await source.fetch(`${origin}/orders`)).status).toBe(200);
    }
    expect(seen).toEqual([
      'one: undefined',
      'one: one',
      'two: undefined',
      'two: two',
      'one: one',
      'two: two',
    ]);
  });

  test('tries again after a 401 with another token, once, and a stream not at all', async () => {
    const seen: string[] = [];
    let good = 't2';
    const api = createServer((req, res) => {
      const { authorization = '' } = req.headers;
      seen.push(authorization);
      req.resume();
      res.writeHead(authorization === `Bearer ${good}` ? 200 : 401).end();
    });
    onTestFinished(() => void api.close());
    const origin = `http://127.0.0.1:${await listen(api)}`;
    const { source, clock } = setUp({ origins: [origin] });
    expect((await source.fetch(`${origin}/orders`)).status).toBe(200);
    expect(seen.splice(0)).toEqual(['Bearer t1', 'Bearer t2']);
    good = 'none';
    clock.time += 20_000;
    expect((await source.fetch(`${origin}/orders`)).status).toBe(401);
    expect(seen.splice(0)).toEqual(['Bearer t2', 'Bearer t3']);
    const body = new Blob(['{"count":1}']).stream();
    const init = { method: 'POST', body, duplex: 'half' } as RequestInit;
    expect((await source.fetch(`${origin}/orders`, init)).status).toBe(401);
    expect(seen).toEqual(['Bearer t3']);
  });

  test('tries once more with the nonce that the API asks for, and with the same token', async () => {
    const seen: string[] = [];
    const api = createServer((req, res) => {
      const proof = JSON.parse(
        Buffer.from(String(req.headers['dpop']).split('.')[1] ?? '', 'base64url').toString(),
      ) as {
        readonly nonce?: string;
        readonly htu: string;
        readonly htm: string;
        readonly ath: string;
      };
      seen.push(`${proof.htm} ${new URL(proof.htu).pathname} ${proof.nonce}`);
      res.setHeader('dpop-nonce', 'n1');
      if (proof.nonce !== 'n1') {
        res.writeHead(401, { 'www-authenticate': 'DPoP error="use_dpop_nonce"' }).end();
        return;
      }
      res.end(String(req.headers.authorization).slice(0, 8));
    });
    const origin = `http://127.0.0.1:${await listen(api)}`;
    const source = tokenSource(service({ dpop: true }), {
      scope: ['orders:read'],
      origins: [origin],
    });
    const before = provider.requests.filter((each) => each === 'POST /token').length;
    const response = await source.fetch(`${origin}/orders?page=2`);
    expect([response.status, await response.text()]).toEqual([200, 'DPoP eyJ']);
    expect((await source.fetch(`${origin}/orders`)).status).toBe(200);
    expect(seen).toEqual(['GET /orders undefined', 'GET /orders n1', 'GET /orders n1']);
    expect(provider.requests.filter((each) => each === 'POST /token').length - before).toBe(1);
    api.close();
  });
});

test.each([
  ['text again', '{"count":1}', [401, 200]],
  ['bytes again', new TextEncoder().encode('{"count":1}'), [401, 200]],
  ['a form again', new URLSearchParams({ count: '1' }), [401, 200]],
  // What streams is gone once it was sent.
  ['a stream once', undefined, [401]],
])('a token source sends %s where the API wants another nonce', async (_what, whole, statuses) => {
  const seen: string[] = [];
  const answered: number[] = [];
  const source = tokenSource(
    service({
      dpop: true,
      fetch: async (input, init) => {
        const request = new Request(input, init);
        if (request.url !== 'https://api.example.com/orders') return fetch(request);
        const proof = request.headers.get('dpop')?.split('.')[1] ?? '';
        const { nonce } = JSON.parse(Buffer.from(proof, 'base64url').toString()) as {
          readonly nonce?: string;
        };
        seen.push(await request.text());
        const status = nonce === 'n1' ? 200 : 401;
        answered.push(status);
        const challenge = { 'www-authenticate': 'DPoP error="use_dpop_nonce"' };
        return new Response(null, {
          status,
          headers: { 'dpop-nonce': 'n1', ...(status === 401 && challenge) },
        });
      },
    }),
    { scope: ['orders:read'], origins: ['https://api.example.com'] },
  );
  const body = whole ?? new Blob(['{"count":1}']).stream();
  const init = { method: 'POST', body, duplex: 'half' } as RequestInit;
  const response = await source.fetch('https://api.example.com/orders', init);
  expect(answered).toEqual(statuses);
  expect(response.status).toBe(statuses.at(-1));
  expect(new Set(seen)).toEqual(new Set([seen[0]]));
  expect(seen[0]).toContain('count');
});

describe('a device', () => {
  const beginWith = (wait?: (milliseconds: number, signal?: AbortSignal) => Promise<void>) => {
    const client = oauthClient({
      issuer: provider.issuer,
      clientId: 'device',
      authentication: { method: 'none' },
      scope: ['openid'],
      insecureLoopback: true,
    });
    return client.deviceAuthorization({ wait });
  };
  const begin = (waits: number[]) =>
    beginWith(async (milliseconds) => {
      waits.push(milliseconds);
    });
  const tokenEndpoint = (answers: readonly string[]) => {
    const left = [...answers];
    provider.intercept = (req, res) => {
      if (req.url !== '/token') return false;
      const next = left.shift() ?? 'expired_token';
      if (next === '500') res.statusCode = 500;
      else res.statusCode = next === 'ok' ? 200 : 400;
      res.setHeader('content-type', 'application/json');
      const body = next === 'ok' ? { access_token: 'at', token_type: 'Bearer' } : { error: next };
      res.end(next === '500' ? 'down' : JSON.stringify(body));
      return true;
    };
  };

  test('waits as the server asks: 5 seconds, 5 more after slow_down, twice as long after a failure', async () => {
    const waits: number[] = [];
    const device = await begin(waits);
    if (!device.ok) throw new Error(device.denial.code);
    expect(device.userCode).toMatch(/\w/);
    tokenEndpoint(['authorization_pending', 'slow_down', '500', 'ok']);
    const tokens = await device.poll();
    expect(tokens.ok && tokens.accessToken).toBe('at');
    expect(waits).toEqual([5_000, 5_000, 10_000, 20_000]);
  });

  test.each([
    ['access_denied', 'oauth.device_denied'],
    ['expired_token', 'oauth.device_expired'],
    ['invalid_grant', 'oauth.grant_denied'],
  ])('stops on %s', async (error, code) => {
    const waits: number[] = [];
    const device = await begin(waits);
    if (!device.ok) throw new Error(device.denial.code);
    tokenEndpoint(['authorization_pending', error]);
    expect(codeOf(await device.poll())).toBe(code);
    expect(waits).toHaveLength(2);
  });

  test('is asked for no more once a signal stops the waiting', async () => {
    const stop = new AbortController();
    let waits = 0;
    const device = await beginWith(async (_milliseconds, signal) => {
      expect(signal).toBe(stop.signal);
      if (++waits === 2) stop.abort();
    });
    if (!device.ok) throw new Error(device.denial.code);
    tokenEndpoint(['authorization_pending', 'ok']);
    const before = provider.requests.length;
    const poll = async () => codeOf(await device.poll({ signal: stop.signal }));
    expect([await poll(), await poll()]).toEqual(['oauth.device_expired', 'oauth.device_expired']);
    expect(provider.requests.slice(before)).toEqual(['POST /token']);

    const another = await beginWith();
    if (!another.ok) throw new Error(another.denial.code);
    const began = performance.now();
    expect(codeOf(await another.poll({ signal: AbortSignal.timeout(50) }))).toBe(
      'oauth.device_expired',
    );
    // Not after the 5 seconds that are between two questions.
    expect(performance.now() - began).toBeLessThan(4_500);
  });

  test('is asked for by one at a time', async () => {
    const device = await begin([]);
    if (!device.ok) throw new Error(device.denial.code);
    tokenEndpoint(['authorization_pending', 'ok']);
    const [one, two] = await Promise.all([device.poll(), device.poll()]);
    expect([codeOf(one), codeOf(two)]).toEqual(['ok', 'oauth.device_busy']);
  });

  test('gets its tokens once its user has agreed at a real provider', async () => {
    const device = await begin([]);
    if (!device.ok) throw new Error(device.denial.code);
    const user = new Browser();
    const page = await user.open(device.verificationUriComplete ?? '');
    const form = (await page.response?.text()) ?? '';
    const fields = [...form.matchAll(/name="(\w+)" value="([^"]*)"/g)].map(
      ([, name = '', value = '']) => [name, value],
    );
    const send = (entries: string[][]) =>
      user.request(`${provider.issuer}/device`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams([...entries, ['confirm', 'yes']]).toString(),
      });
    let answer = await send(fields);
    for (let hop = 0; hop < 10 && answer.headers.has('location'); hop++) {
      answer = (
        await user.open(new URL(answer.headers.get('location') ?? '', provider.issuer).href)
      ).response as Response;
    }
    const tokens = await device.poll();
    expect(codeOf(tokens)).toBe('ok');
    expect(tokens.ok && tokens.claims?.['sub']).toBe('alice');
  });
});
