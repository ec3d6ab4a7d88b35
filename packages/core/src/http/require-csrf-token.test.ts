import { describe, expect, test } from 'vitest';
import { secretOf } from '../../test/secrets.ts';
import { describeCause } from '../audit/describe-cause.ts';
import { allowAnonymous } from '../authorization/allow-anonymous.ts';
import { guard } from '../engine/guard.ts';
import { pass } from '../engine/outcome.ts';
import { definePolicy } from '../engine/policy.ts';
import { protect } from '../host/protect.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { type RequireCsrfTokenOptions, requireCsrfToken } from './require-csrf-token.ts';

const START = 1_700_000_000_000;
const HOUR = 3_600_000;
const secret = secretOf;

function server(secrets: readonly Uint8Array[] = [secret(1)]) {
  let time = START;
  const session = definePolicy({
    name: 'session',
    role: 'check',
    adds: ['session'],
    check: ({ headers }) => pass({ session: { id: headers.get('x-session') ?? 'alice' } }),
  });
  const serve = (mine: readonly Uint8Array[]) =>
    protect(
      guard()
        .use(session)
        .use(
          requireCsrfToken({
            secrets: mine,
            session: (facts) => facts.session.id,
            now: () => time,
          }),
        )
        .use(allowAnonymous()),
      (_request, facts) => new Response(facts.csrfToken),
    );
  let current = serve(secrets);
  return {
    pass: (milliseconds: number) => void (time += milliseconds),
    rotate: (next: readonly Uint8Array[]) => void (current = serve(next)),
    call: async (method: string, headers: Record<string, string> = {}) => {
      const request = new Request('https://shop.example.com/orders', { method, headers });
      const response = await current(request);
      const text = await response.text();
      const [, cookie] =
        /^__Host-csrf=([^;]+)/.exec(response.headers.get('set-cookie') ?? '') ?? [];
      const code = response.ok ? 'passed' : (JSON.parse(text) as { code: string }).code;
      return { response, code, cookie, token: response.ok ? text : undefined };
    },
  };
}

const both = (header: string, cookie = header, session = 'alice') => ({
  'x-csrf-token': header,
  cookie: `theme=dark; __Host-csrf=${cookie}`,
  'x-session': session,
});

async function issued(mine = server(), session = 'alice'): Promise<string> {
  const { token = '' } = await mine.call('GET', { 'x-session': session });
  return token;
}

describe('a token', () => {
  test('comes with the first safe call, in a cookie of this host that no cache keeps', async () => {
    const { response, cookie, token } = await server().call('GET');
    expect(token).toMatch(/^\d{10}\.[\w-]{22}\.[\w-]{43}$/);
    expect(cookie).toBe(token);
    expect(response.headers.get('set-cookie')).toBe(
      `__Host-csrf=${token}; Path=/; SameSite=Strict; Secure; Max-Age=28800`,
    );
    expect(response.headers.get('cache-control')).toContain('no-store');
    expect(token).not.toContain('alice');
  });

  test.each(['POST', 'PUT', 'PATCH', 'DELETE', 'PURGE'])('opens %s', async (method) => {
    const mine = server();
    const token = await issued(mine);
    const { code, cookie, token: told } = await mine.call(method, both(token));
    expect([code, cookie, told]).toEqual(['passed', undefined, token]);
    expect((await mine.call(method, { cookie: `__Host-csrf=${token}` })).code).toBe(
      'csrf.token_missing',
    );
  });

  test.each(['GET', 'HEAD', 'OPTIONS', 'QUERY'])('is not asked for by %s', async (method) => {
    expect((await server().call(method)).response.status).toBe(200);
  });

  test('is asked for where a WebSocket opens', async () => {
    const { code } = await server().call('GET', { upgrade: 'websocket' });
    expect(code).toBe('csrf.token_missing');
  });

  test('is renewed after half of its time, and an open page goes on with the old one', async () => {
    const mine = server();
    const old = await issued(mine);
    mine.pass(4 * HOUR);
    const { cookie: renewed = '' } = await mine.call('GET', both(old));
    expect(renewed).not.toBe(old);
    expect((await mine.call('POST', both(old, renewed))).code).toBe('passed');
    mine.pass(4 * HOUR);
    expect((await mine.call('POST', both(old, renewed))).code).toBe('csrf.token_expired');
    expect((await mine.call('POST', both(renewed))).code).toBe('passed');
  });

  test('that expired is replaced with the denial, so that a client may try again', async () => {
    const mine = server();
    const old = await issued(mine);
    mine.pass(8 * HOUR);
    const { code, cookie = '' } = await mine.call('POST', both(old));
    expect(code).toBe('csrf.token_expired');
    expect((await mine.call('POST', both(cookie))).code).toBe('passed');
  });
});

describe('secrets', () => {
  test('are changed one after the other without denying anybody', async () => {
    const mine = server([secret(1)]);
    const old = await issued(mine);
    mine.rotate([secret(1), secret(2)]);
    expect((await mine.call('POST', both(old))).code).toBe('passed');
    mine.rotate([secret(2), secret(1)]);
    const { code, cookie = '' } = await mine.call('POST', both(old));
    expect(code).toBe('passed');
    mine.rotate([secret(2)]);
    expect((await mine.call('POST', both(cookie))).code).toBe('passed');
    expect((await mine.call('POST', both(old))).code).toBe('csrf.token_invalid');
  });

  test('are kept as they were given, whatever becomes of the array', async () => {
    const mine = secret(1);
    const one = server([mine]);
    const token = await issued(one);
    mine.fill(9);
    expect((await one.call('POST', both(token))).code).toBe('passed');
  });
});

describe('is denied', () => {
  test.each<[string, (token: string) => Record<string, string>, string]>([
    ['without anything', () => ({}), 'csrf.token_missing'],
    ['with the cookie alone', (t) => ({ cookie: `__Host-csrf=${t}` }), 'csrf.token_missing'],
    ['with the header alone', (t) => ({ 'x-csrf-token': t }), 'csrf.token_missing'],
    ['with the same made-up text in both', () => both('x'), 'csrf.token_invalid'],
    [
      'with a made-up token of the right form in both',
      () => both(`9999999999.${'A'.repeat(22)}.${'A'.repeat(43)}`),
      'csrf.token_invalid',
    ],
    ['with a longer life', (t) => both(t.replace(/^\d/, '9')), 'csrf.token_invalid'],
    [
      'with another end of the signature',
      (t) => both(`${t.slice(0, -2)}${t.endsWith('AA') ? 'BA' : 'AA'}`),
      'csrf.token_invalid',
    ],
    ['with a token of another session', (t) => both(t, t, 'mallory'), 'csrf.token_invalid'],
    ['with a token twice in the header', (t) => both(`${t}, ${t}`, t), 'csrf.token_invalid'],
    [
      'with a cookie that another host of the site set as well',
      (t) => ({ 'x-csrf-token': t, cookie: `__Host-csrf=${t}; __Host-csrf=${t}` }),
      'csrf.token_invalid',
    ],
    [
      'with a cookie of a name that ends alike',
      (t) => ({ 'x-csrf-token': t, cookie: `x__Host-csrf=${t}` }),
      'csrf.token_missing',
    ],
    ['with a huge header', (t) => both('A'.repeat(100_000), t), 'csrf.token_invalid'],
    [
      'with a huge cookie',
      (t) => ({ 'x-csrf-token': t, cookie: `__Host-csrf=${t}; a=${'A'.repeat(70_000)}` }),
      'csrf.token_invalid',
    ],
  ])('%s', async (_name, headers, code) => {
    const mine = server();
    const token = await issued(mine);
    const denied = await mine.call('POST', headers(token));
    expect(denied.code).toBe(code);
    expect(denied.response.status).toBe(403);
    expect((await mine.call('POST', both(token))).code).toBe('passed');
  });

  test.each<[string, (token: string, old: string) => Record<string, string>, string[]]>([
    ['nothing', () => ({}), ['none in X-CSRF-Token', 'none in __Host-csrf']],
    [
      'no cookie',
      (t) => ({ 'x-csrf-token': t }),
      ['a good one in X-CSRF-Token', 'none in __Host-csrf'],
    ],
    [
      'a token of another session',
      (t) => both(t, t, 'mallory'),
      [
        'one that is not of this session in X-CSRF-Token',
        'one that is not of this session in __Host-csrf',
      ],
    ],
    [
      'an old token',
      (t, old) => both(old, t),
      ['one that has expired in X-CSRF-Token', 'a good one in __Host-csrf'],
    ],
  ])('and operators learn which of the two was wrong: %s', async (_name, headers, given) => {
    let time = START;
    const policy = requireCsrfToken<{ session: string }>({
      secrets: [secret(1)],
      session: (facts) => facts.session,
      now: () => time,
    });
    const issue = async () => {
      const outcome = await policy.check(new Request('https://shop.example.com'), {
        session: 'alice',
      });
      return (outcome.ok && outcome.facts?.csrfToken) || expect.fail('denied');
    };
    const old = await issue();
    time += 9 * HOUR;
    const sent = headers(await issue(), old);
    const request = new Request('https://shop.example.com', { method: 'POST', headers: sent });
    const outcome = await policy.check(request, { session: sent['x-session'] ?? 'alice' });
    if (outcome.ok) expect.fail('passed');
    const { cause } = outcome.denial;
    expect(cause).toEqual({ expected: ['X-CSRF-Token', '__Host-csrf'], given });
    // A log shows all of it, and none of the tokens.
    expect(describeCause(cause)).toContain(given.join(', '));
    expect(describeCause(cause)).not.toContain(old);
  });

  test('and operators learn of the form field, the other way to send it', async () => {
    const policy = requireCsrfToken({
      secrets: [secret(1)],
      session: () => 'alice',
      formField: '_csrf',
    });
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const request = new Request('https://shop.example.com', { method: 'POST', headers });
    const cause = {
      expected: ['X-CSRF-Token or field _csrf', '__Host-csrf'],
      given: ['none in field _csrf', 'none in __Host-csrf'],
    };
    const rawBody = new TextEncoder().encode('a=1');
    expect(await policy.check(request, { rawBody })).toMatchObject({ denial: { cause } });
    const outcome = await policy.check(request, {});
    if (!outcome.ok) expect.fail('denied unseen');
    const [obligations] = [outcome.obligations].flat();
    expect(await obligations?.onMessage?.({})).toMatchObject({ denial: { cause } });
  });

  test('with a word on what is needed', async () => {
    const policy = requireCsrfToken({ secrets: [secret(1)], session: () => 'alice' });
    const request = new Request('https://shop.example.com', { method: 'POST' });
    expect(await policy.check(request, {})).toMatchObject({
      denial: { kind: 'forbidden', detail: 'This operation needs the token of your session.' },
    });
  });

  test('where there is no session, as a fault of the server', async () => {
    const policy = requireCsrfToken({ secrets: [secret(1)], session: () => '' });
    const outcome = await policy.check(new Request('https://shop.example.com'), {});
    expect(outcome).toMatchObject({
      ok: false,
      denial: { kind: 'internal', code: 'csrf.session_missing' },
    });
  });
});

test('over plain HTTP in tests the cookie has no prefix', async () => {
  const policy = requireCsrfToken({
    secrets: [secret(1)],
    session: () => 'alice',
    cookie: 'token',
    insecureCookie: true,
  });
  const outcome = await policy.check(new Request('http://localhost/'), {});
  expect(JSON.stringify(outcome.obligations)).toMatch(
    /"token=[^;]+; Path=\/; SameSite=Strict; Max-Age=28800"/,
  );
});

test.each<[string, unknown]>([
  ['no secret', { secrets: [] }],
  ['a secret that is too short', { secrets: [new Uint8Array(31)] }],
  ['a secret of text', { secrets: ['x'.repeat(32)] }],
  ['more secrets than anyone changes', { secrets: Array.from({ length: 9 }, () => secret(1)) }],
  ['one secret of two that is too short', { secrets: [secret(1), new Uint8Array(31)] }],
  ['a form field that is not text', { formField: ['_csrf'] }],
  ['a form field with a bracket', { formField: 'a[b]' }],
  ['a cookie that is not text', { cookie: ['csrf'] }],
  ['a cookie without a name', { cookie: '' }],
  ['a header that every request may have', { header: 'Content-Type' }],
  ['a lifetime of less than a minute', { lifetime: '59s' }],
  ['no session', { session: undefined }],
  ['a header that is there anyway', { header: 'Cookie' }],
  ['a header that cannot be one', { header: 'x csrf' }],
  ['a cookie with a prefix of its own', { cookie: '__Host-csrf' }],
  ['a cookie with an attribute', { cookie: 'csrf; Domain=example.com' }],
  ['a lifetime without its unit', { lifetime: 3600 }],
  ['a lifetime without end', { lifetime: '365d' }],
  ['an unknown option', { secret: secret(1) }],
  ['insecureCookie that is not a boolean', { insecureCookie: 'yes' }],
])('cannot be constructed with %s', (_name, options) => {
  const good = { secrets: [secret(1)], session: () => 'alice' };
  const given = { ...good, ...(options as object) } as RequireCsrfTokenOptions<object>;
  const [name = ''] = Object.keys(options as object);
  expect(() => requireCsrfToken(given)).toThrow(ConfigurationError);
  expect(() => requireCsrfToken(given)).toThrow(
    new RegExp(`^requireCsrfToken: .*${name.replace(/s$/, '')}`),
  );
});

test('needs no fact and adds the token', () => {
  const policy = requireCsrfToken({ secrets: [secret(1)], session: () => 'alice' });
  expect(policy).toMatchObject({ needs: [], adds: ['csrfToken'] });
});

describe('a form of a page without scripts', () => {
  const policy = () =>
    requireCsrfToken({
      secrets: [secret(1)],
      session: () => 'alice',
      formField: '_csrf',
      now: () => START,
    });
  const check = (body: BodyInit, headers: Record<string, string>, rawBody?: Uint8Array) => {
    const request = new Request('https://shop.example.com/orders', {
      method: 'POST',
      body,
      headers,
    });
    return policy().check(request, rawBody === undefined ? {} : { rawBody });
  };
  const issue = async (): Promise<string> => {
    const answer = await policy().check(new Request('https://shop.example.com/'), {});
    if (!answer.ok) throw new Error('A safe call passes.');
    return answer.facts?.csrfToken ?? '';
  };
  const codeOf = (answer: object): unknown =>
    (answer as { denial?: { code: string } }).denial?.code ?? 'passed';

  const bodies: [string, (token: string) => FormData | URLSearchParams, string][] = [
    ['urlencoded', (token) => new URLSearchParams({ amount: '5', _csrf: token }), 'passed'],
    [
      'multipart',
      (token) => {
        const form = new FormData();
        form.set('amount', '5');
        form.set('_csrf', token);
        return form;
      },
      'passed',
    ],
    [
      'urlencoded without the field',
      () => new URLSearchParams({ amount: '5' }),
      'csrf.token_missing',
    ],
    ['with a made-up token', () => new URLSearchParams({ _csrf: 'x' }), 'csrf.token_invalid'],
    [
      'with the field twice',
      (token) =>
        new URLSearchParams([
          ['_csrf', token],
          ['_csrf', 'x'],
        ]),
      'csrf.token_missing',
    ],
    [
      'with the token in a file',
      (token) => {
        const form = new FormData();
        form.set('_csrf', new Blob([token]), 'token.txt');
        return form;
      },
      'csrf.token_missing',
    ],
  ];
  test.each(bodies)('%s, as bytes', async (_name, make, expected) => {
    const token = await issue();
    const sent = new Response(make(token));
    const type = sent.headers.get('content-type') ?? '';
    const rawBody = new Uint8Array(await sent.arrayBuffer());
    const headers = { 'content-type': type, cookie: `__Host-csrf=${token}` };
    expect(codeOf(await check(rawBody, headers, rawBody))).toBe(expected);
    // The field alone is what another site could have stored with a session of its own.
    expect(codeOf(await check(rawBody, { 'content-type': type }, rawBody))).not.toBe('passed');
  });

  test.each<[string, (token: string) => unknown, string]>([
    ['the field', (token) => ({ amount: '5', _csrf: token }), 'passed'],
    ['a field that is not there', () => ({ amount: '5' }), 'csrf.token_missing'],
    ['the field twice', (token) => ({ _csrf: [token, token] }), 'csrf.token_missing'],
    ['the field of a prototype', (token) => Object.create({ _csrf: token }), 'csrf.token_missing'],
    ['nothing', () => undefined, 'csrf.token_missing'],
  ])('as a host has parsed it, with %s', async (_name, make, expected) => {
    const token = await issue();
    const type = 'application/x-www-form-urlencoded';
    const headers = { 'content-type': type, cookie: `__Host-csrf=${token}` };
    const answer = await check('ignored', headers);
    if (!answer.ok) throw new Error('The body decides.');
    const [obligations] = [answer.obligations ?? []].flat();
    expect(codeOf((await obligations?.onMessage?.(make(token))) ?? {})).toBe(expected);
  });

  test.each([
    ['in a type that is not a form', 'text/plain'],
    ['in JSON', 'application/json'],
    ['in two types', 'application/x-www-form-urlencoded, text/plain'],
  ])('sends its field %s for nothing', async (_name, type) => {
    const token = await issue();
    const body = new TextEncoder().encode(`_csrf=${token}`);
    const headers = { 'content-type': type, cookie: `__Host-csrf=${token}` };
    expect(codeOf(await check(body, headers, body))).toBe('csrf.token_missing');
  });

  test('does not count beside a header that is wrong', async () => {
    const token = await issue();
    const body = new TextEncoder().encode(`_csrf=${token}`);
    const type = 'application/x-www-form-urlencoded';
    const headers = { 'content-type': type, cookie: `__Host-csrf=${token}`, 'x-csrf-token': 'x' };
    expect(codeOf(await check(body, headers, body))).toBe('csrf.token_invalid');
  });

  test('needs a name that a field can have', () => {
    const options = { secrets: [secret(1)], session: () => 'alice', formField: '' };
    expect(() => requireCsrfToken(options)).toThrow(ConfigurationError);
  });
});
