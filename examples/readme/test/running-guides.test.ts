import { protect } from '@apisec/core';
import { startIdentityProvider } from 'apisec-example-identity-provider';
import { afterEach, expect, test, vi } from 'vitest';
import { Browser } from '../../../packages/oauth/test/browser.ts';
import { runGuide } from '../src/run-guide.ts';

const ends: (() => unknown)[] = [];
afterEach(() => {
  for (const end of ends.splice(0).toReversed()) end();
});

test('the guide to devices signs a user in who enters the code elsewhere', async () => {
  const { issuer, close } = await startIdentityProvider({
    apis: {},
    clients: [
      {
        client_id: 'tv',
        token_endpoint_auth_method: 'none',
        redirect_uris: [],
        response_types: [],
        grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
      },
    ],
    features: { deviceFlow: { enabled: true } },
  });
  ends.push(close);
  const lines: string[] = [];
  const entered: Promise<void>[] = [];
  vi.spyOn(console, 'log').mockImplementation((line: string) => {
    lines.push(line);
    const [, page = '', code = ''] = /^Open (\S+) and enter (\S+)$/.exec(line) ?? [];
    if (page !== '') entered.push(enterCode(page, code));
  });
  ends.push(() => vi.restoreAllMocks());
  await runGuide('device', [0], {
    "issuer: 'https://id.example.com',": `issuer: '${issuer}', insecureLoopback: true,`,
  });
  await Promise.all(entered);
  expect(entered).toHaveLength(1);
  expect(lines.slice(1)).toEqual(['Signed in.']);
}, 60_000);

test('the guide to second factors enrols an app, asks for its code, steps up and recovers', async () => {
  // Codes change with the clock.
  vi.useFakeTimers({ toFake: ['Date'] });
  ends.push(() => vi.useRealTimers());
  const given = await import('../src/running/guides-second-factors.ts');
  const blocks = await runGuide('second-factors', [0, 1, 2, 3, 4, 5]);
  const [, , loggedIn, stepUp, recovery] = blocks;
  expect(loggedIn?.['first']).toMatchObject({
    status: 'requires_mfa',
    methods: ['totp', 'backup_code'],
  });
  expect(loggedIn?.['answer']).toMatchObject({
    status: 'done',
    signedIn: { subject: 'alice', claims: { acr: 'aal2', amr: ['pwd', 'otp', 'mfa'] } },
    device: { token: expect.any(String) },
  });

  const issuer = 'https://shop.example.com';
  const started = await given.browser.start(new Request(issuer), {
    issuer,
    subject: 'alice',
    clientId: 'page',
    claims: { amr: ['pwd'] },
  });
  const cookie = (started.ok && started.setCookie.split(';')[0]) || '';
  const from = { 'sec-fetch-site': 'same-origin', 'cf-connecting-ip': '192.0.2.1' };
  const post = { method: 'POST', headers: { cookie, ...from } };
  const again = stepUp?.['again'] as (request: Request) => Promise<Response>;
  expect((await again(new Request(`${issuer}/again`, post))).status).toBe(200);
  expect(given.steppedUp).toMatchObject([{ subject: 'alice', amr: ['pwd'], peer: '192.0.2.1' }]);
  const payments = stepUp?.['payments'] as Parameters<typeof protect>[0];
  const pay = protect(payments, () => new Response());
  // Signed in with a password alone.
  expect((await pay(new Request(`${issuer}/payments`, post))).status).toBe(401);

  expect(recovery?.['begun']).toMatchObject({ ok: true, readyAt: expect.any(Number) });
  expect(recovery?.['done']).toMatchObject({ denial: { code: 'recovery.unknown' } });
  expect(given.heard).toMatchObject([{ kind: 'begun', subject: 'alice' }]);
  // Nobody is locked, so there is nothing to lift.
  expect(given.acts.map(({ act }) => act)).toEqual([]);
});

test('the guide to passkeys registers one, and signs in with it', async () => {
  const browser = await import('../src/running/guides-passkeys.ts');
  vi.stubGlobal('PublicKeyCredential', browser.PublicKeyCredential);
  vi.stubGlobal('navigator', browser.navigator);
  ends.push(() => vi.unstubAllGlobals());
  const [, registered, , signedIn] = await runGuide('passkeys', [0, 1, 2, 3]);
  expect(registered?.['added']).toMatchObject({ ok: true, passkey: { label: 'Phone' } });
  // What the page of the guide sends is what was registered.
  expect(browser.sent).toMatchObject([{ type: 'public-key' }]);
  expect(signedIn?.['answer']).toMatchObject({
    status: 'done',
    signedIn: { subject: 'alice', claims: { acr: 'aal2' } },
  });
});

/** Enters a code at the page of the provider, and agrees. */
async function enterCode(page: string, code: string): Promise<void> {
  const browser = new Browser();
  const read = async (url: string): Promise<string> =>
    (await (await browser.open(url)).response?.text()) ?? '';
  const send = async (form: Readonly<Record<string, string>>): Promise<string> => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const body = new URLSearchParams(form).toString();
    const response = await browser.request(page, { method: 'POST', headers, body });
    const next = response.headers.get('location');
    return next === null ? response.text() : read(new URL(next, page).href);
  };
  const fields = (html: string) =>
    Object.fromEntries(
      [...html.matchAll(/name="(\w+)" value="([^"]*)"/g)].map((at) => at.slice(1)),
    );
  const shown = fields(await send({ ...fields(await read(page)), user_code: code }));
  await send({ ...shown, confirm: 'yes' });
}
