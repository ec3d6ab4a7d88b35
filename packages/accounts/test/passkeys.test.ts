import { login, memoryPasskeyStore, memoryTicketStore } from '@apisec/accounts';
import { type PasskeysOptions, passkeys } from '@apisec/accounts/passkeys';
import { ConfigurationError } from '@apisec/core';
import { describe, expect, test } from 'vitest';
import { type Misbehaviour, softAuthenticator } from './soft-authenticator.ts';

const ORIGIN = 'https://shop.example.com';
const RP = 'shop.example.com';
const MINUTE = 60_000;

function bench(options: Partial<PasskeysOptions> = {}) {
  const clock = { time: 1_700_000_000_000 };
  const now = () => clock.time;
  const events: unknown[] = [];
  const tickets = memoryTicketStore({ now });
  const store = memoryPasskeyStore();
  const keys = passkeys({
    rpId: RP,
    rpName: 'Shop',
    origins: [ORIGIN],
    store,
    tickets,
    record: (act) => events.push(act),
    now,
    ...options,
  });
  const begin = async (subject = 'alice') => {
    const asked = await keys.registrationOptions({ subject, name: `${subject}@example.com` });
    if (!asked.ok) throw new Error(asked.denial.code);
    return asked;
  };
  const enrol = async (subject = 'alice', device = softAuthenticator(ORIGIN, RP)) => {
    const { ticket, options: asked } = await begin(subject);
    const response = device.create(asked);
    const registered = await keys.register({ subject, ticket, response, label: 'Phone' });
    if (!registered.ok) throw new Error(registered.denial.code);
    return device;
  };
  const ask = (subject?: string) =>
    keys.authenticationOptions({ subject, userVerification: 'required' });
  const pass = (milliseconds: number) => {
    clock.time += milliseconds;
  };
  return { keys, store, tickets, begin, enrol, ask, pass, events, now };
}

const codeOf = (answer: { readonly ok: boolean }): string =>
  'denial' in answer ? (answer as { denial: { code: string } }).denial.code : 'ok';

describe('a passkey that is registered', () => {
  test('is asked for without attestation, discoverable, and not twice on one device', async () => {
    const { begin, enrol, keys } = bench();
    const device = await enrol();
    const { options } = await begin();
    expect(options).toMatchObject({
      attestation: 'none',
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      excludeCredentials: [{ id: device.id, transports: ['internal'] }],
    });
    // Nothing of the account is in what authenticators keep.
    expect(Buffer.from(options.user.id, 'base64url')).toHaveLength(32);
    expect(await keys.list('alice')).toMatchObject([{ id: device.id, label: 'Phone' }]);
  });

  test('is one of several of an account, which share a handle', async () => {
    const { begin, enrol, keys } = bench();
    await enrol();
    const { options } = await begin();
    await enrol();
    expect((await begin()).options.user.id).toBe(options.user.id);
    const [one, other] = await keys.list('alice');
    expect(await keys.remove('alice', one?.id ?? '')).toBe(true);
    expect(await keys.remove('mallory', other?.id ?? '')).toBe(false);
    expect(await keys.rename('alice', other?.id ?? '', 'Laptop')).toBe(true);
    expect(await keys.rename('alice', other?.id ?? '', 'a\0b')).toBe(false);
    expect(await keys.list('alice')).toMatchObject([{ label: 'Laptop' }]);
  });

  test.each<[string, Misbehaviour, string]>([
    ['for another challenge', { challenge: 'AAAA' }, 'passkey.invalid'],
    ['from another origin', { origin: 'https://evil.example' }, 'passkey.invalid'],
    ['from another scheme', { origin: 'http://shop.example.com' }, 'passkey.invalid'],
    ['for another domain', { rpId: 'evil.example' }, 'passkey.invalid'],
    ['as the answer to another question', { type: 'webauthn.get' }, 'passkey.invalid'],
    ['in a frame of another site', { crossOrigin: true }, 'passkey.malformed'],
    ['below another page', { topOrigin: 'https://evil.example' }, 'passkey.malformed'],
    ['without a user who was there', { flags: 0x44 }, 'passkey.invalid'],
    ['without a user who was verified', { flags: 0x41 }, 'passkey.invalid'],
    ['with certificates that nobody asked for', { fmt: 'packed', x5c: true }, 'passkey.malformed'],
    ['with a statement of a chip that nobody asked for', { fmt: 'tpm' }, 'passkey.malformed'],
    ['under the name of another one', { id: 'c3RvbGVu' }, 'passkey.invalid'],
  ])('%s is denied, and its ticket is used up', async (_, wrong, code) => {
    const { begin, keys } = bench();
    const { ticket, options } = await begin();
    const device = softAuthenticator(ORIGIN, RP);
    const answer = await keys.register({
      subject: 'alice',
      ticket,
      response: device.create(options, wrong),
    });
    expect(codeOf(answer)).toBe(code);
    expect(await keys.list('alice')).toEqual([]);
    const again = { subject: 'alice', ticket, response: device.create(options) };
    const second = code === 'passkey.invalid' ? 'passkey.ticket_unknown' : 'ok';
    expect(codeOf(await keys.register(again))).toBe(second);
  });

  test('belongs to the account that began, once, and in time', async () => {
    const { begin, keys, pass } = bench();
    const { ticket, options } = await begin();
    const response = softAuthenticator(ORIGIN, RP).create(options);
    const stolen = await keys.register({ subject: 'mallory', ticket, response });
    expect(codeOf(stolen)).toBe('passkey.ticket_unknown');
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => keys.register({ subject: 'alice', ticket, response })),
    );
    expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
    const late = await begin();
    pass(5 * MINUTE);
    const device = softAuthenticator(ORIGIN, RP);
    const request = {
      subject: 'alice',
      ticket: late.ticket,
      response: device.create(late.options),
    };
    expect(codeOf(await keys.register(request))).toBe('passkey.ticket_unknown');
  });

  test('cannot be registered for a second account', async () => {
    const { begin, enrol, keys } = bench();
    const device = await enrol('alice');
    const { ticket, options } = await begin('mallory');
    const request = { subject: 'mallory', ticket, response: device.create(options) };
    expect(codeOf(await keys.register(request))).toBe('passkey.already_registered');
  });

  test.each([
    [2, { maxPerAccount: 2 }],
    [20, {}],
  ])('is one of as many as an account may have: %i with %j', async (most, options) => {
    const { enrol, keys } = bench(options);
    for (let each = 0; each < most; each++) await enrol();
    const more = await keys.registrationOptions({ subject: 'alice', name: 'alice' });
    expect(codeOf(more)).toBe('passkey.too_many');
  });

  test('is not one too many where registrations were begun before, one by one or at once', async () => {
    const { begin, keys } = bench({ maxPerAccount: 2 });
    const requests = [];
    for (let each = 0; each < 6; each++) {
      const { ticket, options } = await begin();
      const response = softAuthenticator(ORIGIN, RP).create(options);
      requests.push({ subject: 'alice', ticket, response });
    }
    const [first, ...others] = requests;
    expect(codeOf(await keys.register(first as (typeof requests)[0]))).toBe('ok');
    const answers = await Promise.all(others.map((request) => keys.register(request)));
    expect((await keys.list('alice')).length).toBeLessThanOrEqual(2);
    expect(answers.filter(({ ok }) => ok)).toHaveLength((await keys.list('alice')).length - 1);
    expect(new Set(answers.map(codeOf))).toContain('passkey.too_many');
  });

  test.each([[['Phone']], [7], [null], ['x'.repeat(65)]])(
    'is not called what is not a name: %j',
    async (label) => {
      const { begin, enrol, keys } = bench();
      const { ticket, options } = await begin();
      const response = softAuthenticator(ORIGIN, RP).create(options);
      const request = { subject: 'alice', ticket, response, label: label as string };
      expect(codeOf(await keys.register(request))).toBe('passkey.malformed');
      const device = await enrol();
      expect(await keys.rename('alice', device.id, label as string)).toBe(false);
    },
  );
});

describe('a passkey that signs', () => {
  test('says whose it is, without anybody being named before', async () => {
    const { enrol, ask, keys } = bench();
    const device = await enrol();
    const { challenge, options } = await ask();
    expect(options.allowCredentials).toEqual([]);
    const response = device.get(options);
    const answer = await keys.authenticate({ response, challenge, requireUserVerification: true });
    const said = { ok: true, subject: 'alice', passkey: device.id, userVerified: true };
    expect(answer).toEqual(said);
  });

  test.each<[string, Misbehaviour, string]>([
    ['for another challenge', { challenge: 'AAAA' }, 'passkey.invalid'],
    ['from another origin', { origin: 'https://shop.example.com.evil.example' }, 'passkey.invalid'],
    ['for another domain', { rpId: 'evil.example' }, 'passkey.invalid'],
    ['as the answer to another question', { type: 'webauthn.create' }, 'passkey.invalid'],
    ['in a frame of another site', { crossOrigin: true }, 'passkey.malformed'],
    ['without a user who was there', { flags: 0x1c }, 'passkey.invalid'],
    ['without a user who was verified', { flags: 0x19 }, 'passkey.invalid'],
    ['as one that can be copied no longer', { flags: 0x05 }, 'passkey.invalid'],
    ['with the handle of another account', { userHandle: 'bWFsbG9yeQ' }, 'passkey.unknown'],
    ['without a handle, where nobody is named', { userHandle: null }, 'passkey.unknown'],
  ])('%s is denied', async (_, wrong, code) => {
    const { enrol, ask, keys } = bench();
    const device = await enrol();
    const { challenge, options } = await ask();
    const response = device.get(options, wrong);
    const answer = await keys.authenticate({ response, challenge, requireUserVerification: true });
    expect(codeOf(answer)).toBe(code);
  });

  test('with a signature of another key is denied', async () => {
    const { enrol, ask, keys } = bench();
    const [one, other] = [await enrol(), await enrol()];
    const { challenge, options } = await ask();
    const [mine, theirs] = [one.get(options), other.get(options)];
    const signature = (theirs['response'] as { signature: string }).signature;
    const response = { ...mine, response: { ...(mine['response'] as object), signature } };
    const answer = await keys.authenticate({ response, challenge, requireUserVerification: true });
    expect(codeOf(answer)).toBe('passkey.invalid');
  });

  test('is no second factor of another account', async () => {
    const { enrol, ask, keys } = bench();
    await enrol('alice');
    const device = await enrol('mallory');
    const { challenge, options } = await ask('alice');
    const response = device.get(options);
    const step = { response, challenge, subject: 'alice', requireUserVerification: false };
    expect(codeOf(await keys.authenticate(step))).toBe('passkey.unknown');
  });

  test('with a count that was seen before is denied and reported; of many at once, one is accepted', async () => {
    const { enrol, ask, keys, events } = bench();
    const device = await enrol('alice', softAuthenticator(ORIGIN, RP, { counts: true }));
    const { challenge, options } = await ask();
    const response = device.get(options);
    const step = { response, challenge, requireUserVerification: true };
    const answers = await Promise.all(Array.from({ length: 5 }, () => keys.authenticate(step)));
    expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
    expect(answers.filter((answer) => codeOf(answer) === 'passkey.counter')).toHaveLength(4);
    expect(events.slice(0, 2)).toMatchObject([
      { act: 'factor.enrolled', target: { id: 'alice' } },
      { act: 'factor.copied', target: { id: 'alice' }, data: { passkey: device.id } },
    ]);
    const copy = device.get(options, { counter: 1 });
    expect(codeOf(await keys.authenticate({ ...step, response: copy }))).toBe('passkey.counter');
  });

  test.each([
    [undefined],
    ['text'],
    [{}],
    [{ id: 'a', rawId: 'b', type: 'public-key' }],
    [{ id: 'a'.repeat(2_000), rawId: 'a'.repeat(2_000), type: 'public-key', response: {} }],
    [
      {
        id: 'a',
        rawId: 'a',
        type: 'public-key',
        response: { clientDataJSON: '!', authenticatorData: 'a', signature: 'a' },
      },
    ],
    [
      {
        id: 'a',
        rawId: 'a',
        type: 'public-key',
        response: { clientDataJSON: 'e'.repeat(1e6), authenticatorData: 'a', signature: 'a' },
      },
    ],
  ])('%o is malformed', async (response) => {
    const { keys } = bench();
    const step = { response, challenge: 'AAAA', requireUserVerification: true };
    expect(codeOf(await keys.authenticate(step))).toBe('passkey.malformed');
  });

  test('a store that fails is never taken for an unknown passkey', async () => {
    const { enrol, ask, store } = bench();
    const device = await enrol();
    const { options, challenge } = await ask();
    const get = () => Promise.reject(new Error('down'));
    const { keys } = bench({ store: { ...store, get } });
    const step = { response: device.get(options), challenge, requireUserVerification: true };
    expect(codeOf(await keys.authenticate(step))).toBe('passkey.unavailable');
  });
});

describe('a login with a passkey', () => {
  const at = { client: 'the cookie of this browser', peer: '192.0.2.1' };
  const setUp = async () => {
    const all = bench();
    const account = { subject: 'alice', passwordHash: 'hash' };
    const signIn = login({
      accounts: { byIdentifier: () => account, bySubject: () => account },
      tickets: all.tickets,
      passkeys: all.keys,
      passwords: {
        verify: (password) =>
          Promise.resolve(
            password === 'right'
              ? { ok: true }
              : { ok: false, denial: { kind: 'unauthenticated', code: 'password.wrong' } },
          ),
      },
      finish: ({ claims }) => claims,
      now: all.now,
    });
    return { ...all, signIn, device: await all.enrol() };
  };
  type Asked = Awaited<ReturnType<Awaited<ReturnType<typeof setUp>>['signIn']['passkeyOptions']>>;
  const askedOf = (answer: Asked) => {
    if (answer.status !== 'passkey') throw new Error(answer.denial.code);
    return {
      ticket: answer.ticket,
      options: answer.options as { challenge: string; allowCredentials?: unknown },
    };
  };

  test('is both factors at once, and names nobody before', async () => {
    const { signIn, device } = await setUp();
    const { ticket, options } = askedOf(await signIn.passkeyOptions(at));
    const step = { ...at, ticket, method: 'passkey' as const, response: device.get(options) };
    const answers = await Promise.all([1, 2, 3].map(() => signIn.next(step)));
    const done = answers.filter((answer) => answer.status === 'done');
    expect(done).toHaveLength(1);
    expect(done[0]).toMatchObject({ result: { acr: 'aal2', amr: ['mfa', 'pop', 'user'] } });
  });

  test('is the second factor after a password', async () => {
    const { signIn, device } = await setUp();
    const first = await signIn.password({ ...at, identifier: 'alice', password: 'right' });
    if (first.status !== 'requires_mfa') throw new Error(first.status);
    expect(first.methods).toEqual(['passkey']);
    const asked = askedOf(await signIn.passkeyOptions({ ...at, ticket: first.ticket }));
    const { ticket, options } = asked;
    expect(options.allowCredentials).toMatchObject([{ id: device.id }]);
    const response = device.get(options, { flags: 0x19, userHandle: null });
    const answer = await signIn.next({ ...at, ticket, method: 'passkey', response });
    expect(answer).toMatchObject({
      status: 'done',
      result: { acr: 'aal2', amr: ['pwd', 'pop', 'user', 'mfa'] },
    });
  });

  test('challenges that strangers ask for are bounded, and passwords go on', async () => {
    const { signIn } = await setUp();
    const ask = async (peer: string) => {
      const client = crypto.randomUUID();
      const answer = await signIn.passkeyOptions({ client, peer });
      return answer.status === 'denied' ? answer.denial : undefined;
    };
    for (let count = 0; count < 120; count++) expect(await ask('192.0.2.9')).toBe(undefined);
    const denial = await ask('192.0.2.9');
    expect(denial).toMatchObject({ kind: 'rate_limited', code: 'sign_in.too_many_challenges' });
    expect(denial?.retryAfterMs).toBeGreaterThan(0);
    expect(await ask('192.0.2.10')).toBe(undefined);
    const first = await signIn.password({
      ...at,
      peer: '192.0.2.9',
      identifier: 'alice',
      password: 'right',
    });
    if (first.status !== 'requires_mfa') throw new Error(first.status);
    const second = await signIn.passkeyOptions({ ...at, peer: '192.0.2.9', ticket: first.ticket });
    expect(second.status).toBe('passkey');
  });

  test('a challenge is signed once: a wrong answer asks for another one', async () => {
    const { signIn, device } = await setUp();
    const { ticket, options } = askedOf(await signIn.passkeyOptions(at));
    const wrong = device.get(options, { origin: 'https://evil.example' });
    const answer = await signIn.next({ ...at, ticket, method: 'passkey', response: wrong });
    if (answer.status !== 'denied' || answer.ticket === undefined) throw new Error(answer.status);
    const right = { ...at, ticket: answer.ticket, method: 'passkey' as const };
    const late = await signIn.next({ ...right, response: device.get(options) });
    expect(late).toMatchObject({ denial: { code: 'sign_in.method_unavailable' } });
    const next = askedOf(
      await signIn.passkeyOptions({ ...at, ticket: (late as { ticket: string }).ticket }),
    );
    const done = await signIn.next({
      ...at,
      ticket: next.ticket,
      method: 'passkey',
      response: device.get(next.options),
    });
    expect(done.status).toBe('done');
  });
});

test.each([
  [{ rpId: 'https://shop.example.com' }],
  [{ origins: [] }],
  [{ origins: ['http://shop.example.com'] }],
  [{ origins: ['https://shop.example.com/'] }],
  [{ origins: ['https://evil.example'] }],
  [{ origins: ['https://evilshop.example.com'] }],
  [{ store: undefined }],
  [{ tickets: {} }],
  [{ lifetime: 300 }],
  [{ maxPerAccount: 0 }],
  [{ attestation: 'direct' }],
])('%o cannot be constructed', (options) => {
  expect(() => bench(options as never)).toThrow(ConfigurationError);
});
