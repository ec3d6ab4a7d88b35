import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PASSWORD, start } from '../src/start.ts';
import { binary, openPage } from './chromium.ts';

let app: Awaited<ReturnType<typeof start>>;
beforeAll(async () => {
  app = await start();
});
afterAll(() => app?.close());

/** What an authenticator app shows (RFC 6238), `steps` from now. */
function codeOf(secret: string, steps = 0): string {
  const bits = secret
    .split('')
    .map((char) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(char).toString(2).padStart(5, '0'))
    .join('');
  const key = Buffer.from((bits.match(/[01]{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
  const mac = createHmac('sha1', key).update(counter).digest();
  const number = mac.readUInt32BE((mac.at(-1) ?? 0) & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, '0');
}

test('a script without a session gets 401, and another site is denied', async () => {
  const none = await fetch(`${app.origin}/account/sessions`);
  expect(none.status).toBe(401);
  const headers = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
  const foreign = await fetch(`${app.origin}/login/password`, { method: 'POST', headers });
  expect(foreign.status).toBe(403);
});

test('a browser is there, or nobody needs it', () => {
  expect(binary !== undefined || process.env['APISEC_REQUIRE_SERVICES'] !== '1').toBe(true);
});

test.runIf(binary !== undefined)(
  'in a real browser: password, code, passkey, sessions, and out of all of them',
  async () => {
    const page = await openPage(`${app.origin}/`);
    try {
      while ((await page.run('typeof withPassword')) !== 'function') {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      await page.send('WebAuthn.enable');
      await page.send('WebAuthn.addVirtualAuthenticator', {
        options: {
          protocol: 'ctap2',
          transport: 'internal',
          hasResidentKey: true,
          hasUserVerification: true,
          isUserVerified: true,
          automaticPresenceSimulation: true,
        },
      });
      const who = `'alice@example.com', ${JSON.stringify(PASSWORD)}`;
      expect(await page.run(`withPassword('alice@example.com', 'wrong')`)).toMatchObject({
        http: 401,
      });
      expect(await page.run(`withPassword(${who})`)).toMatchObject({
        body: { status: 'done', claims: { acr: 'aal1', amr: ['pwd'] } },
      });
      expect(await page.run('document.cookie')).toBe('');

      const enrolled = (await page.run(`ask('POST', '/account/totp', {})`)) as {
        readonly body: { readonly secret: string };
      };
      const { secret } = enrolled.body;
      const confirm = `ask('POST', '/account/totp/confirm', { code: '${codeOf(secret)}' })`;
      expect(await page.run(confirm)).toMatchObject({ body: { ok: true } });
      const waiting = (await page.run(`withPassword(${who})`)) as {
        readonly body: { readonly status: string; readonly ticket: string };
      };
      expect(waiting.body).toMatchObject({ status: 'requires_mfa', done: ['password'] });
      const step = { ticket: waiting.body.ticket, method: 'totp', code: codeOf(secret, 1) };
      expect(await page.run(`next(${JSON.stringify(step)})`)).toMatchObject({
        body: { status: 'done', claims: { acr: 'aal2', amr: ['pwd', 'otp', 'mfa'] } },
      });

      expect(await page.run('addPasskey()')).toMatchObject({ body: { ok: true } });
      expect(await page.run('withPasskey()')).toMatchObject({
        body: { status: 'done', claims: { acr: 'aal2' } },
      });
      const sessions = (await page.run(`ask('GET', '/account/sessions')`)) as { body: unknown[] };
      // Each login ended the session that the browser had before.
      expect(sessions.body).toMatchObject([{ isThis: true, amr: ['mfa', 'pop', 'user'] }]);
      expect(await page.run(`ask('POST', '/account/sign-out-everywhere', {})`)).toMatchObject({
        body: { ended: 1 },
      });
      expect(await page.run(`ask('GET', '/account/sessions')`)).toMatchObject({ http: 401 });
    } finally {
      await page.close();
    }
  },
  120_000,
);
