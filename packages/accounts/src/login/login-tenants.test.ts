import { memoryCounterStore, resetFailures } from '@apisec/core';
import { expect, test } from 'vitest';
import { memoryTicketStore } from '../tickets/memory-ticket-store.ts';
import { type LoginAccount, type LoginOptions, login, type SignedIn } from './login.ts';
import { loginRoutes } from './login-routes.ts';

const acme = { client: 'the cookie of this browser', peer: '192.0.2.1', tenant: 'acme' };
const other = { ...acme, tenant: 'other' };
const right = { identifier: 'alice@example.com', password: 'right' };
const wrong = { ...right, password: 'wrong' };

/** Each tenant has an Alice of its own, with codes by mail. */
function bench(options: Partial<LoginOptions<SignedIn>> = {}) {
  const sent: string[] = [];
  const of = (tenant: string | undefined): LoginAccount => ({
    subject: `alice of ${tenant}`,
    passwordHash: `hash of ${tenant}`,
    codes: ['mail'],
  });
  const signIn = login<SignedIn>({
    accounts: {
      byIdentifier: (identifier, tenant) =>
        identifier === 'alice@example.com' ? of(tenant) : undefined,
      bySubject: (subject, tenant) => (subject === of(tenant).subject ? of(tenant) : undefined),
    },
    tickets: memoryTicketStore(),
    passwords: {
      verify: async (password, hash) =>
        password === 'right' && hash !== undefined
          ? { ok: true }
          : { ok: false, denial: { kind: 'unauthenticated', code: 'password.wrong' } },
    },
    senders: { mail: ({ code }) => sent.push(code) },
    rememberDevices: '30d',
    finish: (signedIn) => signedIn,
    ...options,
  });
  const ticketOf = (answer: { readonly status: string; readonly ticket?: string | undefined }) => {
    if (answer.ticket === undefined) throw new Error(`no ticket: ${JSON.stringify(answer)}`);
    return answer.ticket;
  };
  const done = async (step: object = {}) => {
    const first = await signIn.password({ ...acme, ...right, ...step });
    const ticket = ticketOf(
      await signIn.sendCode({ ...acme, ticket: ticketOf(first), channel: 'mail' }),
    );
    const code = sent.at(-1) ?? '';
    const answer = await signIn.next({ ...acme, ticket, method: 'mail', code, remember: true });
    if (answer.status !== 'done') throw new Error(JSON.stringify(answer));
    return answer;
  };
  return { signIn, sent, ticketOf, done };
}

const codeOf = (answer: { readonly status: string }): string =>
  'denial' in answer ? (answer as { denial: { code: string } }).denial.code : answer.status;

test('a login signs in to its own tenant, and says to which', async () => {
  const { signedIn } = await bench().done();
  expect(signedIn).toMatchObject({ subject: 'alice of acme', tenant: 'acme' });
});

test.each(['alice@example.com', 'nobody@example.com'])(
  'guesses at %s in one tenant lock nobody out of another',
  async (identifier) => {
    const { signIn } = bench();
    const guess = (at: typeof acme) => signIn.password({ ...at, ...wrong, identifier });
    for (let n = 0; n < 4; n++) await guess(acme);
    expect(codeOf(await guess(acme))).toBe('failures.throttled');
    expect(codeOf(await guess(other))).toBe('password.wrong');
  },
);

test('support ends the lock of one tenant', async () => {
  const store = memoryCounterStore();
  const { signIn } = bench({ throttle: { store, name: 'logins' } });
  for (let n = 0; n < 5; n++) {
    await signIn.password({ ...acme, ...wrong });
    await signIn.password({ ...other, ...wrong });
  }
  for (const account of [
    ['subject', 'alice of acme'],
    ['identifier', 'alice@example.com'],
  ]) {
    await resetFailures({ store, name: 'logins', account, tenant: 'acme' });
  }
  expect(codeOf(await signIn.password({ ...acme, ...right }))).toBe('requires_mfa');
  expect(codeOf(await signIn.password({ ...other, ...right }))).toBe('failures.throttled');
});

test('a ticket of one tenant is worth nothing in another, and stays', async () => {
  const { signIn, sent, ticketOf } = bench();
  const begun = ticketOf(await signIn.password({ ...acme, ...right }));
  for (const at of [other, { client: acme.client, peer: acme.peer }]) {
    const asked = await signIn.sendCode({ ...at, ticket: begun, channel: 'mail' });
    expect(codeOf(asked)).toBe('sign_in.client_mismatch');
  }
  const ticket = ticketOf(await signIn.sendCode({ ...acme, ticket: begun, channel: 'mail' }));
  const step = { ticket, method: 'mail' as const, code: sent.at(-1) ?? '' };
  expect(codeOf(await signIn.next({ ...other, ...step }))).toBe('sign_in.client_mismatch');
  expect(codeOf(await signIn.next({ ...acme, ...step }))).toBe('done');
});

test('a device that is remembered in one tenant is not in another, also of one person', async () => {
  const account = { subject: 'alice', passwordHash: 'hash', codes: ['mail'] as const };
  const { signIn, done } = bench({
    accounts: { byIdentifier: () => account, bySubject: () => account },
  });
  const device = (await done()).device?.token;
  expect(codeOf(await signIn.password({ ...acme, ...right, device }))).toBe('done');
  expect(codeOf(await signIn.password({ ...other, ...right, device }))).toBe('requires_mfa');
});

test('a passkey signs in to no tenant in which its account does not exist', async () => {
  const passkeys = {
    list: async () => [],
    authenticationOptions: async () => ({ challenge: 'c', options: {} }),
    authenticate: async () => ({ ok: true, subject: 'alice of acme', userVerified: true }) as const,
  };
  const { signIn } = bench({ passkeys });
  const signInTo = async (at: typeof acme) => {
    const asked = await signIn.passkeyOptions(at);
    if (asked.status !== 'passkey') throw new Error(asked.denial.code);
    const { ticket } = asked;
    return codeOf(await signIn.next({ ...at, ticket, method: 'passkey', response: {} }));
  };
  expect(await signInTo(acme)).toBe('done');
  expect(await signInTo(other)).toBe('sign_in.ticket_unknown');
});

test('a step-up is one of the tenant that asked for it', async () => {
  const { signIn, ticketOf } = bench();
  const subject = 'alice of acme';
  expect(codeOf(await signIn.stepUp({ ...other, subject }))).toBe('sign_in.ticket_unknown');
  const ticket = ticketOf(await signIn.stepUp({ ...acme, subject }));
  const step = { ticket, method: 'mail' as const, code: '000000' };
  expect(codeOf(await signIn.next({ ...other, ...step }))).toBe('sign_in.client_mismatch');
});

test.each([[''], [7], [['acme']], ['a'.repeat(2_000)]])('%o is not a tenant', async (tenant) => {
  const answer = await bench().signIn.password({ ...acme, ...right, tenant: tenant as string });
  expect(codeOf(answer)).toBe('sign_in.malformed');
});

test('the routes of a login sign in to the tenant that they are called for', async () => {
  const routes = loginRoutes(bench().signIn, {
    origin: 'https://shop.example.com',
    begin: () => ({ ok: true }),
  });
  const post = async (step: string, body: object, tenant: string, cookie = '') => {
    const response = await routes.fetch(
      new Request(`https://shop.example.com/login/${step}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin', cookie },
        body: JSON.stringify(body),
      }),
      { peer: { id: '192.0.2.1' }, tenant },
    );
    const said = (await response.json()) as { readonly code?: string; readonly ticket?: string };
    return { said, cookie: response.headers.getSetCookie()[0]?.split(';')[0] ?? '' };
  };
  const { said, cookie } = await post('password', right, 'acme');
  const asked = { ticket: said.ticket, channel: 'mail' };
  expect((await post('code', asked, 'other', cookie)).said.code).toBe('sign_in.client_mismatch');
  expect((await post('code', asked, 'acme', cookie)).said).toMatchObject({ status: 'sent' });
});
