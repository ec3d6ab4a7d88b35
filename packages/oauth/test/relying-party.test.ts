import { type OAuthClientOptions, oauthClient } from '@apisec/oauth';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';

const ISSUER = 'https://id.example.com';
const REDIRECT = 'https://shop.example.com/auth/callback';
const SECONDS = 1_700_000_000;

interface Pair {
  readonly jwk: JWK;
  readonly privateKey: CryptoKey;
}
async function pairOf(alg: string, kid: string): Promise<Pair> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' }, privateKey };
}
let es256: Pair;
let rs256: Pair;
let other: Pair;
beforeAll(async () => {
  es256 = await pairOf('ES256', 'k1');
  rs256 = await pairOf('RS256', 'k2');
  other = await pairOf('ES256', 'k1');
});

const json = (body: unknown, status = 200) => Response.json(body, { status });
type Answer = (url: URL) => Response | Promise<Response>;

/** What an issuer says that answers without a network, and a client of it. */
function setUp(
  answers: Readonly<Record<string, Answer>> = {},
  options: Partial<OAuthClientOptions> = {},
) {
  const asked: string[] = [];
  const metadata = {
    issuer: ISSUER,
    authorization_endpoint: `${ISSUER}/auth`,
    token_endpoint: `${ISSUER}/token`,
    jwks_uri: `${ISSUER}/jwks`,
    userinfo_endpoint: `${ISSUER}/me`,
    authorization_response_iss_parameter_supported: true,
    id_token_signing_alg_values_supported: ['ES256', 'RS256'],
  };
  const known: Readonly<Record<string, Answer>> = {
    '/.well-known/openid-configuration': () => json(metadata),
    '/jwks': () => json({ keys: [es256.jwk] }),
    ...answers,
  };
  const client = oauthClient({
    issuer: ISSUER,
    clientId: 'shop',
    authentication: { method: 'client_secret_basic', clientSecret: 'b7Kq0-drawn-for-the-tests' },
    redirectUri: REDIRECT,
    now: () => SECONDS * 1_000,
    fetch: async (input) => {
      const url = new URL(input instanceof Request ? input.url : input);
      asked.push(url.pathname);
      return (await known[url.pathname]?.(url)) ?? json({ error: 'not_found' }, 404);
    },
    ...options,
  });
  return { client, asked, metadata };
}

interface Signing {
  readonly by?: Pair;
  readonly header?: Readonly<Record<string, unknown>>;
  readonly keys?: readonly JWK[];
  /** Of the answer of the token endpoint. */
  readonly tokens?: Readonly<Record<string, unknown>>;
  readonly begin?: Parameters<ReturnType<typeof oauthClient>['authorize']>[0];
  readonly client?: Partial<OAuthClientOptions>;
}

/** A whole login, whose ID token says `claims`; how it ends. */
async function login(
  claims: Readonly<Record<string, unknown>> = {},
  {
    by = es256,
    header = {},
    keys = [by.jwk],
    tokens = {},
    begin = {},
    client: more = {},
  }: Signing = {},
): Promise<string> {
  let nonce = '';
  const { client } = setUp(
    {
      '/jwks': () => json({ keys }),
      '/token': async () => {
        const said = {
          iss: ISSUER,
          aud: 'shop',
          sub: 'alice',
          nonce,
          iat: SECONDS,
          exp: SECONDS + 60,
        };
        const id_token = await new SignJWT({ ...said, ...claims })
          .setProtectedHeader({ alg: String(by.jwk.alg), kid: String(by.jwk.kid), ...header })
          .sign(by.privateKey);
        const set = { access_token: 'at', token_type: 'Bearer', expires_in: 60, id_token };
        return json({ ...set, ...tokens });
      },
    },
    more,
  );
  const begun = await client.authorize(begin);
  if (!begun.ok) return begun.denial.code;
  nonce = begun.transaction.nonce;
  const { state } = begun.transaction;
  const ended = await client.callback(
    new URLSearchParams({ code: 'c', state, iss: ISSUER }),
    begun.transaction,
  );
  return ended.ok ? 'ok' : ended.denial.code;
}

describe('a relying party takes an ID token', () => {
  test('that is signed with any of the published keys, whatever their algorithm', async () => {
    const keys = [es256.jwk, rs256.jwk];
    expect(await login({}, { keys })).toBe('ok');
    expect(await login({}, { by: rs256, keys })).toBe('ok');
  });

  test('without a key id where one published key fits', async () => {
    expect(await login({}, { header: { kid: undefined } })).toBe('ok');
  });

  test('of a user who signed in lately enough, and as strongly as was asked for', async () => {
    const begin = { maxAge: '1m', acrValues: ['mfa'] } as const;
    expect(await login({ auth_time: SECONDS - 50, acr: 'mfa' }, { begin })).toBe('ok');
  });

  test('of an issuer whose clock is off by less than the tolerance', async () => {
    expect(await login({ iat: SECONDS + 25, exp: SECONDS + 85 })).toBe('ok');
    expect(await login({ iat: SECONDS - 70, exp: SECONDS - 10 })).toBe('ok');
  });
});

describe('a relying party denies an ID token', () => {
  test.each([
    ['of another issuer', { iss: 'https://evil.example.com' }],
    ['of the same issuer in another spelling', { iss: `${ISSUER}/` }],
    ['without an issuer', { iss: undefined }],
    // Covers: V10.5.4
    ['for another client', { aud: 'other' }],
    ['for a client with a longer name', { aud: 'shop2' }],
    ['for nobody', { aud: [] }],
    ['for several without azp', { aud: ['shop', 'other'] }],
    ['for several with the azp of another', { aud: ['shop', 'other'], azp: 'other' }],
    // Covers: V10.5.1
    ['of another login', { nonce: 'n' }],
    ['without a nonce', { nonce: undefined }],
    ['without a subject', { sub: undefined }],
    ['with a subject that is a number', { sub: 7 }],
    ['without iat', { iat: undefined }],
    ['of a clock that is off by minutes', { iat: SECONDS + 600, exp: SECONDS + 660 }],
    ['that ended minutes ago', { iat: SECONDS - 660, exp: SECONDS - 600 }],
    ['that is not good yet', { nbf: SECONDS + 600 }],
    ['with the at_hash of another token', { at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' }],
    ['with an at_hash that is not text', { at_hash: 1 }],
  ])('%s', async (_name, claims) => {
    expect(await login(claims)).toBe('oauth.id_token_invalid');
    expect(await login()).toBe('ok');
  });

  // Covers: V6.8.2
  test('that is signed by somebody else under a key id that is known', async () => {
    expect(await login({}, { by: other, keys: [es256.jwk] })).toBe('oauth.id_token_invalid');
  });

  // Covers: V9.1.3
  test('that names a key which is not published, also inside of the token', async () => {
    const header = { kid: 'k9', jwk: other.jwk, jku: 'https://evil.example.com/jwks' };
    expect(await login({}, { by: other, header, keys: [es256.jwk] })).toBe(
      'oauth.id_token_invalid',
    );
  });

  test('that is of a login of long ago, or of a weaker one than was asked for', async () => {
    const old = { begin: { maxAge: '1m' } } as const;
    expect(await login({ auth_time: SECONDS - 600 }, old)).toBe('oauth.id_token_invalid');
    expect(await login({}, old)).toBe('oauth.id_token_invalid');
    const strong = { begin: { acrValues: ['mfa'] } };
    expect(await login({ acr: 'pwd' }, strong)).toBe('oauth.id_token_invalid');
    expect(await login({}, strong)).toBe('oauth.id_token_invalid');
  });

  test('that is not there', async () => {
    expect(await login({}, { tokens: { id_token: undefined } })).toBe('oauth.id_token_invalid');
  });
});

describe('a relying party takes no answer of the token endpoint', () => {
  test.each([
    ['without a token', { access_token: undefined }],
    ['whose token is empty', { access_token: '' }],
    ['whose lifetime is negative', { expires_in: -1 }],
    ['whose lifetime is negative text', { expires_in: '-60' }],
    ['whose lifetime is no number', { expires_in: 'NaN' }],
    ['whose lifetime is text without end', { expires_in: 'Infinity' }],
    ['whose refresh token is a list', { refresh_token: ['a'] }],
    ['whose scope is a list', { scope: ['openid'] }],
    ['whose token is of another type', { token_type: 'mac' }],
    ['whose token is not text', { access_token: 7 }],
    ['whose lifetime is text that is not a number', { expires_in: 'soon' }],
  ])('%s', async (_name, tokens) => {
    expect(await login({}, { tokens })).toBe('oauth.upstream');
  });

  test.each([
    ['a member twice', '{"access_token":"a","access_token":"b","token_type":"Bearer"}'],
    [
      'a member twice in another spelling',
      '{"token_type":"Bearer","access_token":"a","access\\u005ftoken":"b"}',
    ],
    [
      'a lifetime that no number holds',
      '{"access_token":"a","token_type":"Bearer","expires_in":1e999}',
    ],
    ['half a character', '{"access_token":"\\ud800","token_type":"Bearer"}'],
    ['a list', '[{"access_token":"a","token_type":"Bearer"}]'],
    ['text', '"a"'],
    ['nothing', 'null'],
  ])('that is JSON with %s', async (_name, body) => {
    const answer = () => new Response(body, { headers: { 'content-type': 'application/json' } });
    const { client } = setUp({ '/token': answer });
    const tokens = await client.clientCredentials();
    expect(tokens.ok || tokens.denial.code).toBe('oauth.upstream');
  });

  test('to be good for longer than 400 days', async () => {
    for (const expires_in of [1e300, 1e15, '9'.repeat(40)]) {
      const answer = () => json({ access_token: 'a', token_type: 'Bearer', expires_in });
      const tokens = await setUp({ '/token': answer }).client.clientCredentials();
      expect(tokens.ok && tokens.expiresAt).toBe((SECONDS + 400 * 86_400) * 1_000);
    }
  });

  test('that gives a token without the binding that was asked for', async () => {
    expect(await login({}, { client: { dpop: true } })).toBe('oauth.upstream');
  });
});

describe('keys that were changed', () => {
  test('are found at the next login, and the ones from before are not taken any more', async () => {
    let time = SECONDS * 1_000;
    let keys = [es256.jwk];
    let by = es256;
    let nonce = '';
    const { client } = setUp(
      {
        '/jwks': () => json({ keys }),
        '/token': async () => {
          const seconds = Math.floor(time / 1_000);
          const said = { iss: ISSUER, aud: 'shop', sub: 'alice', nonce, iat: seconds };
          const id_token = await new SignJWT({ ...said, exp: seconds + 60 })
            .setProtectedHeader({ alg: String(by.jwk.alg), kid: String(by.jwk.kid) })
            .sign(by.privateKey);
          return json({ access_token: 'at', token_type: 'Bearer', id_token });
        },
      },
      { now: () => time },
    );
    const signIn = async (): Promise<string> => {
      const begun = await client.authorize();
      if (!begun.ok) return begun.denial.code;
      nonce = begun.transaction.nonce;
      const back = { code: 'c', state: begun.transaction.state, iss: ISSUER };
      const ended = await client.callback(new URLSearchParams(back), begun.transaction);
      return ended.ok ? 'ok' : ended.denial.code;
    };
    expect(await signIn()).toBe('ok');
    by = rs256;
    keys = [rs256.jwk];
    time += 60_000;
    expect(await signIn()).toBe('ok');
    by = es256;
    expect(await signIn()).toBe('oauth.id_token_invalid');
  });
});

describe('claims about a user', () => {
  const ask = async (answer: Answer) => {
    const { client } = setUp({ '/me': answer });
    const result = await client.userInfo('at', 'alice');
    return result.ok ? result.claims : result.denial.code;
  };
  test('are taken about the user of the ID token alone', async () => {
    expect(await ask(() => json({ sub: 'alice', name: 'Alice' }))).toMatchObject({ name: 'Alice' });
    expect(await ask(() => json({ sub: 'mallory', name: 'Alice' }))).toBe('oauth.upstream');
    expect(await ask(() => json({ name: 'Alice' }))).toBe('oauth.upstream');
  });

  test('are not taken from a token that nobody has signed, or has signed unasked', async () => {
    const unsigned = `${btoa('{"alg":"none"}')}.${btoa('{"sub":"alice"}')}.`.replaceAll('=', '');
    const headers = { 'content-type': 'application/jwt' };
    expect(await ask(() => new Response(unsigned, { headers }))).toBe('oauth.upstream');
    const signed = await new SignJWT({ sub: 'alice', iss: ISSUER, aud: 'shop' })
      .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
      .sign(other.privateKey);
    expect(await ask(() => new Response(signed, { headers }))).toBe('oauth.upstream');
  });

  test('are not taken from a page, and a token that has ended is said to have', async () => {
    const page = new Response('<h1>alice</h1>', { headers: { 'content-type': 'text/html' } });
    expect(await ask(() => page)).toBe('oauth.upstream');
    const ended = () =>
      new Response(null, {
        status: 401,
        headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
      });
    expect(await ask(ended)).toBe('oauth.grant_denied');
  });
});

describe('an issuer that is not well', () => {
  const bad: readonly (readonly [string, Answer, string])[] = [
    ['answers 500', () => new Response('<h1>10.0.0.7</h1>', { status: 500 }), 'oauth.unavailable'],
    ['answers 429', () => json({ error: 'slow_down' }, 429), 'oauth.unavailable'],
    [
      'says to try later',
      () => json({ error: 'temporarily_unavailable' }, 400),
      'oauth.unavailable',
    ],
    ['answers without end', () => new Response(endless()), 'oauth.unavailable'],
    ['never answers', () => new Promise(() => undefined), 'oauth.unavailable'],
    ['breaks off', () => Promise.reject(new TypeError('10.0.0.7')), 'oauth.unavailable'],
    ['answers a page', () => new Response('<h1>Login</h1>', { status: 200 }), 'oauth.upstream'],
    ['answers JSON that is cut', () => new Response('{"access_token":"a'), 'oauth.upstream'],
  ];
  test.each(bad)(
    'and %s is denied in bounded time, with nothing of it',
    async (_name, answer, code) => {
      const { client } = setUp({ '/token': answer }, { timeout: '100ms' });
      const begun = performance.now();
      const result = await client.clientCredentials();
      expect(performance.now() - begun).toBeLessThan(3_000);
      if (result.ok) throw new Error('It must not be taken.');
      expect(result.denial.code).toBe(code);
      const { cause: _cause, ...shown } = result.denial;
      expect(JSON.stringify(shown)).not.toMatch(/10\.0\.0\.7|Login/);
    },
  );

  test('is not asked twice for a code, which could be stolen meanwhile', async () => {
    let tries = 0;
    const { client } = setUp({
      '/token': () => {
        tries++;
        return new Response(null, { status: 500 });
      },
    });
    const begun = await client.authorize();
    if (!begun.ok) throw new Error(begun.denial.code);
    const { transaction } = begun;
    const back = { code: 'c', state: transaction.state, iss: ISSUER };
    const ended = await client.callback(new URLSearchParams(back), transaction);
    expect(ended.ok ? '' : ended.denial.code).toBe('oauth.unavailable');
    expect(tries).toBe(1);
  });
});

describe('an issuer that is hostile', () => {
  const page = '<h1>alice at 10.0.0.7</h1>';
  const large = `{"access_token":"${'a'.repeat(10_000_000)}","token_type":"Bearer"}`;
  const answers: readonly (readonly [string, Answer])[] = [
    ['a page', () => new Response(page, { headers: { 'content-type': 'text/html' } })],
    [
      'a page for JSON',
      () => new Response(page, { headers: { 'content-type': 'application/json' } }),
    ],
    ['500', () => new Response(page, { status: 500 })],
    ['10 MB', () => new Response(large, { headers: { 'content-type': 'application/json' } })],
    ['an error with a page in it', () => json({ error: page, error_description: page }, 400)],
    ['an error that is a list', () => json({ error: [page] }, 400)],
    ['an error with 200', () => json({ error: page })],
    ['a redirect', () => new Response(null, { status: 302, headers: { location: ISSUER } })],
    ['204', () => new Response(null, { status: 204 })],
    [
      'a challenge',
      () =>
        new Response(page, {
          status: 401,
          headers: { 'www-authenticate': `Basic realm="${page}"` },
        }),
    ],
    ['bytes that are no text', () => new Response(new Uint8Array([0xff, 0xfe, 0x7b]))],
    [
      'objects in objects',
      () => new Response(`{"a":${'{"a":'.repeat(50_000)}1${'}'.repeat(50_001)}`),
    ],
    [
      'a member of the prototype',
      () => new Response('{"__proto__":{"access_token":"a","token_type":"Bearer"}}'),
    ],
  ];
  const places: readonly (readonly [string, string])[] = [
    ['its token endpoint', '/token'],
    ['its keys', '/jwks'],
    ['its metadata', '/.well-known/openid-configuration'],
  ];

  test.each(
    places.flatMap(([place, path]) =>
      answers.map(([what, answer]) => [what, place, path, answer] as const),
    ),
  )(
    'and answers %s from %s signs nobody in, and is shown to nobody',
    async (_what, _place, path, answer) => {
      let nonce = '';
      const { client } = setUp({
        '/token': async () => {
          const said = { iss: ISSUER, aud: 'shop', sub: 'alice', nonce, iat: SECONDS };
          const id_token = await new SignJWT({ ...said, exp: SECONDS + 60 })
            .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
            .sign(es256.privateKey);
          return json({ access_token: 'at', token_type: 'Bearer', id_token });
        },
        [path]: answer,
      });
      const begun = await client.authorize();
      let ended: Awaited<ReturnType<typeof client.callback>> | typeof begun = begun;
      if (begun.ok) {
        nonce = begun.transaction.nonce;
        const back = { code: 'c', state: begun.transaction.state, iss: ISSUER };
        ended = await client.callback(new URLSearchParams(back), begun.transaction);
      }
      if (ended.ok) throw new Error('It must not be taken.');
      const { cause: _cause, ...shown } = ended.denial;
      expect(shown.code).toMatch(/^oauth\./);
      expect(JSON.stringify(shown)).not.toMatch(/10\.0\.0\.7|id\.example|h1/);
    },
  );

  test.each([
    ['an endpoint that is a number', { token_endpoint: 7 }],
    ['an endpoint with a user name', { token_endpoint: 'https://a:b@id.example.com/token' }],
    ['keys on a page without encryption', { jwks_uri: 'http://id.example.com/jwks' }],
    ['keys in a file', { jwks_uri: 'file:///etc/passwd' }],
    [
      'an endpoint for certificates elsewhere',
      { mtls_endpoint_aliases: { token_endpoint: 'ftp://x' } },
    ],
    ['an issuer that is longer by a slash', { issuer: `${ISSUER}/` }],
    ['an issuer in other case', { issuer: ISSUER.replace('id', 'ID') }],
    ['an issuer that is a list', { issuer: [ISSUER] }],
    ['no endpoint for tokens', { token_endpoint: undefined }],
  ])('and names %s is not asked for tokens', async (_name, changes) => {
    const { client, metadata, asked } = setUp({
      '/.well-known/openid-configuration': () => json({ ...metadata, ...changes }),
    });
    const tokens = await client.clientCredentials();
    expect(tokens.ok || tokens.denial.code).toMatch(/^oauth\./);
    expect(asked).not.toContain('/token');
  });
});

function endless(): ReadableStream<Uint8Array> {
  return new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(65_536)) });
}

describe('a device', () => {
  const begin = (said: Readonly<Record<string, unknown>>) => {
    const waits: number[] = [];
    const clock = { time: SECONDS * 1_000 };
    const device = {
      device_code: 'd',
      user_code: 'u',
      verification_uri: `${ISSUER}/device`,
      expires_in: 600,
    };
    const wait = async (milliseconds: number): Promise<void> => {
      if (waits.push(milliseconds) > 1_000) throw new Error('It asks without end.');
      clock.time += milliseconds;
    };
    const { client, metadata } = setUp(
      {
        '/.well-known/openid-configuration': () =>
          json({ ...metadata, device_authorization_endpoint: `${ISSUER}/device_auth` }),
        '/device_auth': () => json({ ...device, ...said }),
        '/token': () => json({ error: 'authorization_pending' }, 400),
      },
      { now: () => clock.time },
    );
    return { waits, begun: client.deviceAuthorization({ wait }) };
  };

  test.each([
    ['has a page that is a script', { verification_uri: 'javascript:alert(1)' }],
    ['has a page without encryption', { verification_uri: 'http://id.example.com/device' }],
    ['has a whole link to another place', { verification_uri_complete: 'file:///etc/passwd' }],
    ['has a code with line breaks', { user_code: 'A\r\nB' }],
    ['has a code with terminal escapes', { user_code: '\u001b[2JA' }],
    ['is over before it begins', { expires_in: -1 }],
    ['has an interval that is text', { interval: 'soon' }],
    ['has no code', { device_code: undefined }],
  ])('does not begin where the answer %s', async (_name, said) => {
    const begun = await begin(said).begun;
    expect(begun.ok || begun.denial.code).toBe('oauth.upstream');
  });

  test.each([
    ['has no end', { expires_in: 1e300, interval: 600 }],
    ['asks to wait for longer than timers can', { expires_in: 1e300, interval: 3_000_000 }],
    ['asks for no wait at all', { interval: 1e-9 }],
  ])('gives up in bounded time, at a bounded pace, where the answer %s', async (_name, said) => {
    const { waits, begun } = begin(said);
    const device = await begun;
    if (!device.ok) throw new Error(device.denial.code);
    const ended = await device.poll();
    expect(ended.ok || ended.denial.code).toBe('oauth.device_expired');
    expect(waits.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(86_400_000);
    for (const each of waits) {
      expect(each).toBeGreaterThanOrEqual(1_000);
      expect(each).toBeLessThan(2 ** 31);
    }
  });
});

describe('a login with fewer scopes than the client asks for by default', () => {
  test('is not taken for one with all of them where the issuer names none', async () => {
    let nonce = '';
    const { client } = setUp(
      {
        '/token': async () => {
          const said = { iss: ISSUER, aud: 'shop', sub: 'alice', nonce };
          const id_token = await new SignJWT({ ...said, iat: SECONDS, exp: SECONDS + 60 })
            .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
            .sign(es256.privateKey);
          return json({ access_token: 'at', token_type: 'Bearer', expires_in: 60, id_token });
        },
      },
      { scope: ['openid', 'orders:write'] },
    );
    for (const [asked, granted] of [
      [{ scope: ['openid'] }, ['openid']],
      [{}, ['openid', 'orders:write']],
    ] as const) {
      const begun = await client.authorize(asked);
      if (!begun.ok) throw new Error(begun.denial.code);
      nonce = begun.transaction.nonce;
      const { state } = begun.transaction;
      const answer = new URLSearchParams({ code: 'c', state, iss: ISSUER });
      const tokens = await client.callback(answer, begun.transaction);
      expect(tokens.ok && tokens.scope).toEqual(granted);
    }
  });
});

test('tokens of a device are kept while the keys that verify them are down, since its code works once', async () => {
  const clock = { time: SECONDS * 1_000 };
  let isDown = true;
  const { client, asked, metadata } = setUp(
    {
      '/.well-known/openid-configuration': () =>
        json({ ...metadata, device_authorization_endpoint: `${ISSUER}/device` }),
      '/device': () =>
        json({
          device_code: 'd',
          user_code: 'WDJB',
          verification_uri: `${ISSUER}/d`,
          expires_in: 600,
        }),
      '/jwks': () => (isDown ? json({}, 500) : json({ keys: [es256.jwk] })),
      '/token': async () => {
        if (asked.filter((each) => each === '/token').length > 1) {
          return json({ error: 'invalid_grant' }, 400);
        }
        const seconds = Math.floor(clock.time / 1_000);
        const said = { iss: ISSUER, aud: 'shop', sub: 'alice', iat: seconds, exp: seconds + 300 };
        const id_token = await new SignJWT(said)
          .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
          .sign(es256.privateKey);
        return json({ access_token: 'at', token_type: 'Bearer', expires_in: 60, id_token });
      },
    },
    { now: () => clock.time },
  );
  const waits: number[] = [];
  const device = await client.deviceAuthorization({
    wait: async (milliseconds) => {
      waits.push(milliseconds);
      clock.time += milliseconds;
      isDown = waits.length < 3;
    },
  });
  if (!device.ok) throw new Error(device.denial.code);
  const tokens = await device.poll();
  expect(tokens.ok ? tokens.claims?.['sub'] : tokens.denial.code).toBe('alice');
  // What has come counts from when it came.
  expect(tokens.ok && tokens.expiresAt).toBe((SECONDS + 65) * 1_000);
  expect(waits).toEqual([5_000, 10_000, 20_000]);
});

test('an issuer that wants its nonce in the proof is asked once more, with that nonce', async () => {
  const nonces: (string | undefined)[] = [];
  let wants: string | undefined = 'n1';
  const { client } = setUp(
    {},
    {
      dpop: true,
      fetch: async (input, init) => {
        const { pathname } = new URL(input instanceof Request ? input.url : input);
        if (pathname !== '/token') {
          return json({ issuer: ISSUER, token_endpoint: `${ISSUER}/token` });
        }
        const proof = new Headers(init?.headers).get('dpop') ?? '';
        const payload = Buffer.from(proof.split('.')[1] ?? '', 'base64url').toString();
        const { nonce } = JSON.parse(payload) as { readonly nonce?: string };
        nonces.push(nonce);
        const headers = { 'dpop-nonce': wants ?? `another${nonces.length}` };
        return wants !== undefined && nonce === wants
          ? Response.json({ access_token: 'at', token_type: 'DPoP' }, { headers })
          : Response.json({ error: 'use_dpop_nonce' }, { status: 400, headers });
      },
    },
  );
  const ask = async (): Promise<string> => {
    const tokens = await client.clientCredentials();
    return tokens.ok ? tokens.tokenType : tokens.denial.code;
  };
  expect([await ask(), await ask()]).toEqual(['DPoP', 'DPoP']);
  expect(nonces).toEqual([undefined, 'n1', 'n1']);
  wants = 'n2';
  expect(await ask()).toBe('DPoP');
  expect(nonces.slice(3)).toEqual(['n1', 'n2']);
  // One that is never content is not asked for ever.
  nonces.length = 0;
  wants = undefined;
  expect(await ask()).toBe('oauth.client_denied');
  expect(nonces).toHaveLength(2);
});

describe('an issuer that is down', () => {
  test('is said to be back in as much time as it will be asked again in', async () => {
    const clock = { time: SECONDS * 1_000 };
    const state = { isDown: true };
    const { client, asked, metadata } = setUp(
      {
        '/.well-known/openid-configuration': () =>
          state.isDown ? json({}, 503) : json({ ...metadata, end_session_endpoint: undefined }),
      },
      { now: () => clock.time },
    );
    const down = await client.endSession();
    for (let failure = 0; failure < 6; failure++) {
      clock.time += 60_000;
      await client.endSession();
    }
    const later = await client.endSession();
    const seconds = [down, later].map((each) => (each.ok ? 0 : each.denial.retryAfterMs));
    expect(seconds[0]).toBeGreaterThanOrEqual(500);
    expect(seconds[1]).toBeGreaterThanOrEqual(20_000);
    // It is not asked before, and it is then.
    const questions = asked.length;
    state.isDown = false;
    clock.time += (seconds[1] ?? 0) - 1;
    expect((await client.endSession()).ok).toBe(false);
    expect(asked).toHaveLength(questions);
    clock.time += 1;
    expect((await client.endSession()).ok).toBe(true);
  });
});
