import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Api, startApi } from '../src/api.ts';
import { type Authority, createAuthority, type Identity } from '../src/certificates.ts';
import {
  type Answer,
  type Call,
  caller,
  createDpopKey,
  type DpopKey,
  obtainToken,
  revokeToken,
} from '../src/client.ts';
import {
  API,
  type AuthorizationServer,
  OPAQUE_API,
  startAuthorizationServer,
} from '../src/provider.ts';

let authority: Authority;
let server: AuthorizationServer;
let api: Api;
let dpop: DpopKey;
let certificate: Identity;
let url: string;

beforeAll(async () => {
  authority = await createAuthority();
  server = await startAuthorizationServer(authority);
  api = await startApi(server, authority);
  dpop = await createDpopKey();
  certificate = await authority.client('bank');
  url = `${api.origin}/orders`;
});
afterAll(async () => {
  await api.close();
  await server.close();
});

const call = (request?: Call, target = url): Promise<Answer> => caller(authority)(target, request);
const bearer = (token: string): Call => ({ headers: { authorization: `Bearer ${token}` } });
const jwt = (): Promise<string> =>
  obtainToken(server, authority, { client: 'shop', resource: API });
const opaque = (): Promise<string> =>
  obtainToken(server, authority, { client: 'shop', resource: OPAQUE_API });
const bound = (): Promise<string> =>
  obtainToken(server, authority, { client: 'shop', resource: API, dpop });
const pinned = (): Promise<string> =>
  obtainToken(server, authority, { client: 'bank', resource: API, certificate });

const denied = (status: number, code: string): object => ({ status, body: { code } });

describe('a JWT', () => {
  test('is taken', async () => {
    expect(await call(bearer(await jwt()))).toMatchObject({
      status: 200,
      body: { for: 'shop', by: 'jwt' },
    });
  });

  test('is not taken with a changed signature', async () => {
    const token = await jwt();
    const changed = `${token.slice(0, -4)}${token.endsWith('AAAA') ? 'BBBB' : 'AAAA'}`;
    expect((await call(bearer(changed))).status).toBe(401);
  });
});

describe('an opaque token', () => {
  test('is taken', async () => {
    expect(await call(bearer(await opaque()))).toMatchObject({
      status: 200,
      body: { by: 'introspection' },
    });
  });

  test('is not taken when nobody issued it', async () => {
    expect(await call(bearer('x'.repeat(43)))).toMatchObject(denied(401, 'token.inactive'));
  });

  test('is not taken once it is revoked, within the stated delay', async () => {
    const token = await opaque();
    expect((await call(bearer(token))).status).toBe(200);
    await revokeToken(server, authority, token);
    await vi.waitFor(async () => expect((await call(bearer(token))).status).toBe(401), {
      timeout: 5_000,
      interval: 100,
    });
  });
});

describe('a token bound to a DPoP key', () => {
  const withProof = async (token: string, proof: Promise<string>): Promise<Call> => ({
    headers: { authorization: `DPoP ${token}`, dpop: await proof },
  });

  test('is taken with a proof, and the proof once', async () => {
    const token = await bound();
    const proved = await withProof(token, dpop.proof('GET', url, token));
    expect(await call(proved)).toMatchObject({ status: 200, body: { by: 'jwt' } });
    expect(await call(proved)).toMatchObject(denied(401, 'dpop.replayed'));
  });

  test('lets one of many equal proofs at once through', async () => {
    const token = await bound();
    const proved = await withProof(token, dpop.proof('GET', url, token));
    const answers = await Promise.all(Array.from({ length: 8 }, () => call(proved)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  test.each([
    ['as Bearer', async (token: string) => bearer(token)],
    [
      'with the proof of another key',
      async (token: string) => withProof(token, (await createDpopKey()).proof('GET', url, token)),
    ],
    [
      'with a proof for another path',
      async (token: string) => withProof(token, dpop.proof('GET', `${api.origin}/payouts`, token)),
    ],
    [
      'with a proof for another token',
      async (token: string) => withProof(token, dpop.proof('GET', url, await jwt())),
    ],
    [
      'without a proof',
      async (token: string): Promise<Call> => ({
        headers: { authorization: `DPoP ${token}` },
      }),
    ],
  ])('is not taken %s', async (_name, make) => {
    const answer = await call(await make(await bound()));
    expect(answer.status).toBe(401);
    expect(answer.challenge).toBeTruthy();
  });
});

describe('a token bound to a certificate', () => {
  test('is taken with it', async () => {
    expect(await call({ ...bearer(await pinned()), certificate })).toMatchObject({ status: 200 });
  });

  test('is not taken without it', async () => {
    expect(await call(bearer(await pinned()))).toMatchObject(denied(401, 'certificate.missing'));
  });

  test('is not taken with another one', async () => {
    const other = await authority.client('mallory');
    expect(await call({ ...bearer(await pinned()), certificate: other })).toMatchObject(
      denied(401, 'certificate.mismatch'),
    );
  });

  test('is not taken with one that nobody vouches for', async () => {
    const stranger = await (await createAuthority()).client('bank');
    expect(await call({ ...bearer(await pinned()), certificate: stranger })).toMatchObject(
      denied(401, 'certificate.missing'),
    );
  });
});

describe('an API key', () => {
  test('is taken', async () => {
    const key = await api.issueKey();
    expect(await call({ headers: { 'x-api-key': key } })).toMatchObject({
      status: 200,
      body: { by: 'api_key' },
    });
  });

  test('is not taken with a typo', async () => {
    const key = await api.issueKey();
    const typo = `${key.slice(0, -1)}${key.endsWith('a') ? 'b' : 'a'}`;
    expect(await call({ headers: { 'x-api-key': typo } })).toMatchObject(
      denied(401, 'api_key.malformed'),
    );
  });

  test('is not taken beside a token', async () => {
    const headers = { 'x-api-key': await api.issueKey(), authorization: `Bearer ${await jwt()}` };
    expect(await call({ headers })).toMatchObject(denied(400, 'credentials.multiple'));
  });
});

test('without credentials the API says what it takes', async () => {
  const answer = await call();
  expect(answer).toMatchObject(denied(401, 'credentials.missing'));
  expect(answer.challenge).toContain('Bearer');
});

test('money moves only after a second factor', async () => {
  const answer = await call({ ...bearer(await jwt()), method: 'POST' }, `${api.origin}/payouts`);
  expect(answer).toMatchObject(denied(401, 'authentication.insufficient'));
  expect(answer.challenge).toContain('error="insufficient_user_authentication"');
  expect(answer.challenge).toContain('acr_values="mfa"');
});

test('without the authorization server known tokens go on, and unknown ones wait', async () => {
  const ownServer = await startAuthorizationServer(authority);
  const ownApi = await startApi(ownServer, authority);
  const target = `${ownApi.origin}/orders`;
  const known = await obtainToken(ownServer, authority, { client: 'shop', resource: API });
  expect((await call(bearer(known), target)).status).toBe(200);
  await ownServer.close();
  expect((await call(bearer(known), target)).status).toBe(200);
  expect(await call(bearer('y'.repeat(43)), target)).toMatchObject(
    denied(503, 'introspection.unavailable'),
  );
  await ownApi.close();
});
