import { afterAll, beforeAll, expect, test } from 'vitest';
import { BILLS } from '../src/provider.ts';
import { start } from '../src/start.ts';

let services: Awaited<ReturnType<typeof start>>;
beforeAll(async () => {
  services = await start();
});
afterAll(() => services?.close());

const ask = async (url: string, authorization: string) => {
  const response = await fetch(url, { headers: { authorization } });
  return [response.status, await response.json()];
};

test('a service calls another one on behalf of its user, and both are named', async () => {
  const { orders, tokenOf } = services;
  expect(await ask(orders, `Bearer ${await tokenOf('alice')}`)).toEqual([
    200,
    { of: 'alice', by: { sub: 'orders' } },
  ]);
});

test('the token of a user for one service is not taken by the other', async () => {
  const [status, body] = await ask(services.bills, `Bearer ${await services.tokenOf('alice')}`);
  expect([status, body]).toMatchObject([401, { code: 'token.audience_mismatch' }]);
});

test('a job calls for itself with a token that is bound to its key', async () => {
  const response = await services.nightly.fetch(services.bills);
  expect([response.status, await response.json()]).toEqual([200, { of: 'nightly', by: 'itself' }]);
});

test('the token of the job is worth nothing without its key', async () => {
  const token = await services.nightly.token();
  if (!token.ok) throw new Error(token.denial.code);
  expect((await ask(services.bills, `DPoP ${token.accessToken}`))[0]).toBe(401);
  expect((await ask(services.bills, `Bearer ${token.accessToken}`))[0]).toBe(401);
});

test('the authorization server does not exchange a token of a job, a made-up token, or a token for another service', async () => {
  const { client, nightly, tokenOf } = services;
  const job = await nightly.token();
  const exchange = async (subjectToken: string, resource = BILLS) => {
    const exchanged = await client.exchangeToken({ subjectToken, resource: [resource] });
    return exchanged.ok ? 'ok' : exchanged.denial.code;
  };
  expect(await exchange(await tokenOf('alice'))).toBe('ok');
  expect(await exchange(job.ok ? job.accessToken : '')).toBe('oauth.grant_denied');
  expect(await exchange('made-up')).toBe('oauth.grant_denied');
  const elsewhere = await exchange(await tokenOf('alice'), 'https://evil.example.com');
  expect(elsewhere).toBe('oauth.client_denied');
});
