import {
  type AuditEvent,
  allowAnonymous,
  audit,
  guard,
  type HttpFacts,
  protect,
} from '@apisec/core';
import { describe, expect, test } from 'vitest';
import { memoryTicketStore } from '../tickets/memory-ticket-store.ts';
import { type LoginAccount, login, type SignedIn } from './login.ts';
import { type LoginRoutesOptions, loginRoutes } from './login-routes.ts';

const ORIGIN = 'https://shop.example.com';
const from = { peer: { id: '192.0.2.1' } };

function setUp(options: Partial<LoginRoutesOptions<SignedIn>> = {}) {
  const sent: string[] = [];
  const faults: unknown[] = [];
  const state = { isDown: false };
  const alice: LoginAccount = { subject: 'alice', passwordHash: 'h', codes: ['mail'] };
  const bob: LoginAccount = { subject: 'bob', passwordHash: 'h' };
  const rows = [alice, bob];
  const routes = loginRoutes(
    login<SignedIn>({
      accounts: {
        byIdentifier: (name) => {
          if (state.isDown) throw new Error('10.0.0.7 is down');
          return rows.find(({ subject }) => subject === name);
        },
        bySubject: (name) => rows.find(({ subject }) => subject === name),
      },
      tickets: memoryTicketStore(),
      passwords: {
        verify: async (password, hash) =>
          password === 'right' && hash !== undefined
            ? { ok: true }
            : {
                ok: false,
                denial: { kind: 'unauthenticated', code: 'password.wrong', detail: 'Not right.' },
              },
      },
      senders: { mail: ({ code }) => sent.push(code) },
      rememberDevices: '30d',
      finish: (signedIn) => signedIn,
    }),
    {
      origin: ORIGIN,
      begin: ({ result }) => ({
        ok: true,
        setCookie: `session=of-${result.subject}`,
        body: { amr: result.claims.amr },
      }),
      onFault: (cause) => faults.push(cause),
      ...options,
    },
  );
  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    routes.fetch(
      new Request(`${ORIGIN}/login/${path}`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'sec-fetch-site': 'same-origin',
          ...headers,
        },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
      from,
    );
  return { routes, post, sent, faults, state };
}

interface Said {
  readonly status?: string | number;
  readonly code?: string;
  readonly ticket?: string;
  readonly methods?: readonly string[];
  readonly amr?: readonly string[];
}
const saidIn = async (response: Response): Promise<Said> => (await response.json()) as Said;
/** The cookies that an answer sets, as a browser sends them. */
const cookiesOf = (response: Response): string =>
  response.headers
    .getSetCookie()
    .filter((each) => !each.endsWith('Max-Age=0'))
    .map((each) => each.split(';')[0])
    .join('; ');

/** A password that is right, of an account with a second factor. */
async function begin(post: ReturnType<typeof setUp>['post'], cookie = '') {
  const body = { identifier: 'alice', password: 'right' };
  const response = await post('password', body, cookie === '' ? {} : { cookie });
  return { said: await saidIn(response.clone()), response, cookie: cookiesOf(response) };
}

describe('the routes of a login', () => {
  test('lead from a password over a code to a session, in the browser that began', async () => {
    const { post, sent } = setUp();
    const { said, response, cookie } = await begin(post);
    expect(said).toMatchObject({ status: 'requires_mfa', methods: ['mail'], done: ['password'] });
    expect(response.headers.getSetCookie()).toEqual([
      expect.stringMatching(
        /^__Host-Http-login-client=[\w-]{32}; Path=\/; HttpOnly; SameSite=Strict; Secure$/,
      ),
    ]);
    expect(response.headers.get('cache-control')).toBe('no-store');
    const asked = await saidIn(
      await post('code', { ticket: said.ticket, channel: 'mail' }, { cookie }),
    );
    expect(asked.status).toBe('sent');
    const step = { ticket: asked.ticket, method: 'mail', code: sent[0] };
    const elsewhere = await post('next', step);
    expect(await saidIn(elsewhere)).toMatchObject({ status: 401, code: 'sign_in.client_mismatch' });
    const done = await post('next', step, { cookie });
    expect(await saidIn(done)).toEqual({ status: 'done', amr: ['pwd', 'otp', 'mfa'] });
    expect(cookiesOf(done)).toBe('session=of-alice');
    expect(done.headers.get('set-cookie')).toContain('__Host-Http-login-client=;');
    expect(done.headers.get('cache-control')).toBe('no-store');
    expect((await saidIn(await post('next', step, { cookie }))).code).toBe(
      'sign_in.ticket_unknown',
    );
  });

  test('are done at once for an account without a second factor', async () => {
    const { post } = setUp();
    const response = await post('password', { identifier: 'bob', password: 'right' });
    expect(await saidIn(response)).toEqual({ status: 'done', amr: ['pwd'] });
    expect(cookiesOf(response)).toBe('session=of-bob');
  });

  test('answer wrong passwords as problem details and begin nothing', async () => {
    const { post } = setUp();
    for (const identifier of ['alice', 'nobody']) {
      const response = await post('password', { identifier, password: 'wrong' });
      expect(response.headers.get('content-type')).toBe('application/problem+json');
      expect(await saidIn(response)).toMatchObject({ status: 401, code: 'password.wrong' });
      expect(response.headers.getSetCookie()).toEqual([]);
    }
  });

  test('give the ticket to go on with after a wrong code', async () => {
    const { post, sent } = setUp();
    const { said, cookie } = await begin(post);
    const { ticket } = await saidIn(
      await post('code', { ticket: said.ticket, channel: 'mail' }, { cookie }),
    );
    const wrong = sent[0] === '000000' ? '000001' : '000000';
    const denied = await saidIn(
      await post('next', { ticket, method: 'mail', code: wrong }, { cookie }),
    );
    expect(denied).toMatchObject({ status: 401, code: 'sign_in.code_wrong' });
    const step = { ticket: denied.ticket, method: 'mail', code: sent[0] };
    expect((await saidIn(await post('next', step, { cookie }))).status).toBe('done');
  });

  test('step a running session up, in the browser that asked', async () => {
    const { routes, post, sent } = setUp({
      begin: ({ signedIn: { kind, session, claims } }) => ({
        ok: true,
        body: { kind, session, claims },
      }),
    });
    const running = { subject: 'alice', session: 's1', amr: ['pwd', 7, 'x'.repeat(99)] };
    const headers = { 'sec-fetch-site': 'same-origin' };
    const ask = (init: RequestInit = { method: 'POST', headers }) =>
      routes.stepUp(new Request(`${ORIGIN}/account/again`, init), from, running);
    const asked = await ask();
    const cookie = cookiesOf(asked);
    expect(asked.headers.get('cache-control')).toBe('no-store');
    const { ticket, methods } = await saidIn(asked);
    expect(methods).toEqual(['mail']);
    const code = async (headersOfStep: Record<string, string>) =>
      saidIn(await post('code', { ticket, channel: 'mail' }, headersOfStep));
    expect((await code({})).code).toBe('sign_in.client_mismatch');
    const step = { ticket: (await code({ cookie })).ticket, method: 'mail', code: sent[0] };
    expect(await (await post('next', step, { cookie })).json()).toMatchObject({
      status: 'done',
      kind: 'step_up',
      session: 's1',
      claims: { acr: 'aal2', amr: ['pwd', 'otp', 'mfa'] },
    });
    const foreign = await ask({ method: 'POST', headers: { 'sec-fetch-site': 'cross-site' } });
    expect(foreign.status).toBe(403);
    expect((await ask({ headers })).status).toBe(405);
  });

  test('step up no session of an account that is gone, whatever its amr is said to be', async () => {
    const { routes } = setUp();
    const init = { method: 'POST', headers: { 'sec-fetch-site': 'same-origin' } };
    for (const amr of [undefined, 'pwd', { length: 1e9 }, [[]]]) {
      const running = { subject: 'nobody', session: 's1', amr };
      const response = await routes.stepUp(new Request(`${ORIGIN}/again`, init), from, running);
      expect((await saidIn(response)).code).toBe('sign_in.ticket_unknown');
    }
  });

  test('remember a device where that is asked for, and only its own account', async () => {
    const { post, sent } = setUp();
    const { said, cookie } = await begin(post);
    const { ticket } = await saidIn(
      await post('code', { ticket: said.ticket, channel: 'mail' }, { cookie }),
    );
    const step = { ticket, method: 'mail', code: sent[0], remember: true };
    const done = await post('next', step, { cookie });
    const device = done.headers.getSetCookie().find((each) => each.includes('login-device')) ?? '';
    expect(device).toMatch(/; HttpOnly; SameSite=Strict; Secure; Max-Age=25(91999|92000)$/);
    const again = await begin(post, device.split(';')[0]);
    expect(again.said).toMatchObject({ status: 'done', amr: ['pwd'] });
    const other = await begin(post, '__Host-Http-login-device=made-up');
    expect(other.said.status).toBe('requires_mfa');
  });

  test.each([
    ['another site', { 'sec-fetch-site': 'cross-site' }, 403],
    ['a page of another origin', { 'sec-fetch-site': '', origin: 'https://evil.example' }, 403],
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }, 400],
    ['text that only looks like JSON', { 'content-type': 'text/plain' }, 400],
  ])('deny a call of %s, also with the right password', async (_name, headers, status) => {
    const { post } = setUp();
    const response = await post('password', { identifier: 'bob', password: 'right' }, headers);
    expect([response.status, cookiesOf(response)]).toEqual([status, '']);
  });

  test.each([
    ['password', '[]'],
    ['password', 'null'],
    ['password', '{'],
    ['password', '{"identifier":"bob","password":"right","password":"right"}'],
    ['password', { identifier: 'bob', password: ['right'] }],
    ['password', { identifier: { $ne: '' }, password: 'right' }],
    ['password', { identifier: 'bob', password: 'right', more: 'x'.repeat(70_000) }],
    ['next', { method: 'totp', code: '000000' }],
    ['next', { ticket: 't', method: 'totp', code: 0 }],
    ['next', { ticket: 't', method: '__proto__', code: '000000' }],
    ['next', { ticket: 't', method: 'passkey', response: 'text' }],
    ['next', { ticket: 't', method: 'password' }],
    ['passkey', { ticket: 7 }],
    ['code', { ticket: 't', channel: 'fax' }],
    ['code', { channel: 'mail' }],
  ])('deny what is not a step: %s %j', async (path, body) => {
    const { post } = setUp();
    const response = await post(path, body);
    expect([response.status, (await saidIn(response)).code]).toEqual([400, 'sign_in.malformed']);
  });

  test('are nothing but these, and by POST alone', async () => {
    const { routes, post } = setUp();
    for (const path of ['', 'constructor', 'password/', 'passwords']) {
      expect((await post(path, {})).status).toBe(404);
    }
    const get = await routes.fetch(new Request(`${ORIGIN}/login/password`), from);
    expect(get.status).toBe(405);
  });

  test('begin no session where that is denied, and do not say why', async () => {
    const cause = new Error('10.0.0.7 is down');
    const { post, faults } = setUp({
      begin: () => ({
        ok: false,
        denial: { kind: 'unavailable', code: 'session.unavailable', cause },
      }),
    });
    const response = await post('password', { identifier: 'bob', password: 'right' });
    expect([response.status, cookiesOf(response)]).toEqual([503, '']);
    expect(await response.text()).not.toContain('10.0.0.7');
    expect(faults).toEqual([cause]);
  });

  test('deny with 503 while accounts or the beginning of sessions fail', async () => {
    const { post, state } = setUp({
      begin: () => {
        throw new Error('10.0.0.7 is down');
      },
    });
    const body = { identifier: 'bob', password: 'right' };
    expect(await saidIn(await post('password', body))).toMatchObject({
      status: 503,
      code: 'sign_in.unavailable',
    });
    state.isDown = true;
    const response = await post('password', body);
    expect(response.status).toBe(503);
    expect(await response.text()).not.toContain('10.0.0.7');
  });

  test('record what they do by the audit of the guard in front of them', async () => {
    const events: AuditEvent[] = [];
    const log = audit({ sinks: [(event) => void events.push(event)] });
    const { routes } = setUp();
    const open = guard().use(log).use(allowAnonymous());
    const serve = protect(open, (request, facts) => routes.fetch(request, facts), {
      peer: () => ({ address: '192.0.2.7', id: '192.0.2.7' }),
    });
    for (const password of ['wrong', 'right']) {
      await serve(
        new Request(`${ORIGIN}/login/password`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' },
          body: JSON.stringify({ identifier: 'bob', password }),
        }),
      );
    }
    await log.flush();
    expect(events.filter(({ kind }) => kind === 'act')).toMatchObject([
      { act: 'login.failed', event: 'authn_login_fail', peer: '192.0.2.7' },
      { act: 'login.succeeded', event: 'authn_login_success', peer: '192.0.2.7' },
    ]);
  });

  test('count failures by the peer that a guard knows', async () => {
    const { routes } = setUp();
    const handler = protect(guard<HttpFacts>().use(allowAnonymous()), routes.fetch, {
      peer: () => ({ id: '192.0.2.7', address: '192.0.2.7' }),
    });
    const attempt = async (name: number) => {
      const request = new Request(`${ORIGIN}/login/password`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', origin: ORIGIN },
        body: JSON.stringify({ identifier: `name ${name}`, password: 'wrong' }),
      });
      return (await handler(request)).status;
    };
    const answers: number[] = [];
    for (let name = 0; name < 30; name++) answers.push(await attempt(name));
    expect(answers[0]).toBe(401);
    expect(answers.at(-1)).toBe(429);
  });

  test('answer a caller whose peer nobody knows with 500', async () => {
    const { routes } = setUp();
    const request = new Request(`${ORIGIN}/login/password`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: ORIGIN },
      body: JSON.stringify({ identifier: 'bob', password: 'right' }),
    });
    const response = await routes.fetch(request, { peer: { id: undefined } });
    expect([response.status, (await saidIn(response)).code]).toEqual([500, 'failures.key_missing']);
    expect(cookiesOf(response)).toBe('');
  });

  test.each([
    ['no origin', { origin: undefined }, /origin/],
    ['an origin with a path', { origin: 'https://shop.example.com/login' }, /origin/],
    ['nothing to begin', { begin: undefined }, /begin/],
    ['a base that ends in a slash', { base: '/login/' }, /base/],
    ['an unknown option', { cookies: 'none' }, /"cookies" is not an option/],
  ])('cannot be constructed with %s', (_name, options, message) => {
    expect(() => setUp(options as never)).toThrow(message);
  });
});
