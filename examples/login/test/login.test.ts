import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hasChromium, launchChromium, testThatChromiumIsThere } from '../../../tooling/chromium.ts';
import { PASSWORD, start } from '../src/start.ts';

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

testThatChromiumIsThere();

test.runIf(hasChromium)(
  'in a real browser: password, code, passkey, sessions, and out of all of them',
  async () => {
    const browser = await launchChromium();
    try {
      const page = await browser.newPage();
      await page.goto(`${app.origin}/`);
      const devtools = await page.context().newCDPSession(page);
      await devtools.send('WebAuthn.enable');
      await devtools.send('WebAuthn.addVirtualAuthenticator', {
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
      expect(await page.evaluate(`withPassword('alice@example.com', 'wrong')`)).toMatchObject({
        http: 401,
      });
      expect(await page.evaluate(`withPassword(${who})`)).toMatchObject({
        body: { status: 'done', claims: { acr: 'aal1', amr: ['pwd'] } },
      });
      expect(await page.evaluate('document.cookie')).toBe('');

      const enrolled = await page.evaluate<{ readonly body: { readonly secret: string } }>(
        `ask('POST', '/account/totp', {})`,
      );
      const { secret } = enrolled.body;
      const confirm = `ask('POST', '/account/totp/confirm', { code: '${codeOf(secret)}' })`;
      expect(await page.evaluate(confirm)).toMatchObject({ body: { ok: true } });
      const waiting = await page.evaluate<{
        readonly body: { readonly status: string; readonly ticket: string };
      }>(`withPassword(${who})`);
      expect(waiting.body).toMatchObject({ status: 'requires_mfa', done: ['password'] });
      const step = { ticket: waiting.body.ticket, method: 'totp', code: codeOf(secret, 1) };
      expect(await page.evaluate(`next(${JSON.stringify(step)})`)).toMatchObject({
        body: { status: 'done', claims: { acr: 'aal2', amr: ['pwd', 'otp', 'mfa'] } },
      });

      expect(await page.evaluate('addPasskey()')).toMatchObject({ body: { ok: true } });
      expect(await page.evaluate('withPasskey()')).toMatchObject({
        body: { status: 'done', claims: { acr: 'aal2' } },
      });
      // Offered where the name is typed, while nobody has clicked on anything.
      await page.reload();
      expect(await page.evaluate('offered')).toMatchObject({
        body: { status: 'done', claims: { acr: 'aal2' } },
      });
      expect(await page.evaluate('again()')).toMatchObject({
        body: { status: 'done', claims: { acr: 'aal2', amr: ['mfa', 'pop', 'user'] } },
      });
      const sessions = await page.evaluate<{ readonly body: unknown[] }>(
        `ask('GET', '/account/sessions')`,
      );
      // Each login and the step-up ended the session that the browser had before.
      expect(sessions.body).toMatchObject([{ isThis: true, amr: ['mfa', 'pop', 'user'] }]);
      expect(await page.evaluate(`ask('POST', '/account/sign-out-everywhere', {})`)).toMatchObject({
        body: { ended: 1 },
      });
      expect(await page.evaluate(`ask('GET', '/account/sessions')`)).toMatchObject({ http: 401 });
    } finally {
      await browser.close();
    }
  },
  120_000,
);
