import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Admission,
  type ApiKeys,
  allowAnonymous,
  fetchBodies,
  guard,
  type HttpFacts,
  type Peppers,
  type Policy,
  type ProtectOptions,
  protect,
  type StandardSchema,
  validateInput,
} from '@apisec/core';
import { testIssuer } from '@apisec/core/testing';
import { Type } from '@sinclair/typebox';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { main } from '../../../packages/cli/src/main.ts';
import { runGuide } from '../src/run-guide.ts';
import { ALICE, queries, row } from '../src/running/documents.ts';
import { provider } from '../src/running/provider.ts';
import type { Row } from '../src/settings/documents.ts';

beforeEach(() => {
  vi.stubGlobal('fetch', provider.fetch);
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

type Claims = Parameters<typeof provider.token>[0];

/** How a guard of a guide answers alice: with a status, and with the code of a denial. */
function asking(admission: unknown, more: ProtectOptions<readonly []> = {}) {
  const handler = () => Response.json({ code: 'in' });
  const serve = protect(admission as Admission<HttpFacts, object>, handler, more);
  return async (claims: Claims, path = '/', init: RequestInit = {}) => {
    const headers = new Headers(init.headers);
    headers.set('authorization', `Bearer ${await provider.token(claims)}`);
    const response = await serve(new Request(provider.audience + path, { ...init, headers }));
    const { code } = (await response.json()) as { readonly code: string };
    return `${response.status} ${code}`;
  };
}

test('the guide to roles admits by permissions, also by roles that its store assigns', async () => {
  const { store } = await import('../src/running/guides-roles.ts');
  const [declared, assigned] = await runGuide('roles', [0, 1]);
  const publish = asking(declared?.['publish']);
  expect(await publish({ roles: ['chief'] })).toBe('200 in');
  expect(await publish({ roles: ['editor'] })).toBe('403 permission.insufficient');
  const invite = asking(assigned?.['invite']);
  expect(await invite({ org_id: 'acme', roles: ['admin'] })).toBe('403 permission.insufficient');
  store.assign({ principal: ALICE, tenant: 'acme', role: 'admin' });
  expect(await invite({ org_id: 'acme' })).toBe('200 in');
  expect(await invite({ org_id: 'other' })).toBe('403 permission.insufficient');
  expect(await invite({})).toBe('403 roles.tenant_unknown');
});

test('the guide to attributes admits managers of the department, in working hours', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-11-30T09:00:00+01:00') });
  const [shown] = await runGuide('attributes', [0]);
  const ask = asking(shown?.['guarded'], { operation: () => 'GET /documents/:id' });
  const manager = { org_id: 'acme', department: 'sales', roles: ['manager'] };
  expect(await ask(manager, '/documents/d1')).toBe('200 in');
  expect(await ask({ ...manager, org_id: 'other' }, '/documents/d1')).toBe('404 object.not_found');
  expect(await ask({ ...manager, department: 'legal' }, '/documents/d1')).toBe(
    '403 document.other_department',
  );
  expect(await ask({ ...manager, roles: [] }, '/documents/d1')).toBe('403 rule.denied');
  vi.setSystemTime(Date.parse('2026-11-30T17:00:00+01:00'));
  expect(await ask(manager, '/documents/d1')).toBe('403 rule.denied');
});

test('the guide to providers takes their tokens, of listed tenants alone', async () => {
  const realm = testIssuer({ issuer: 'https://id.example.com/realms/shop', audience: 'orders' });
  const local = testIssuer({ issuer: 'http://localhost:8080/realms/shop', audience: 'account' });
  const acme = testIssuer({ issuer: 'https://id.example.com/acme', audience: provider.audience });
  const other = testIssuer({ issuer: 'https://id.example.com/other', audience: provider.audience });
  vi.stubGlobal('fetch', async (input: string | URL | Request) => {
    const all = [realm, local, acme, other, provider];
    for (const each of all) {
      // It answers by path alone.
      const isItsOwn = String(input instanceof Request ? input.url : input).startsWith(each.issuer);
      const response = await each.fetch(input);
      if (isItsOwn && response.ok) return response;
    }
    return new Response(null, { status: 404 });
  });
  const blocks = await runGuide('providers', [0, 1, 2, 3], {
    'declare const customers: ReadonlySet<string>;': "const customers = new Set(['acme']);",
  });
  const tokens = {
    keycloak: await realm.token(
      { typ: 'Bearer', azp: 'shop-web', scope: 'orders:read' },
      { typ: 'JWT' },
    ),
    local: await local.token({ typ: 'Bearer', azp: 'shop-web' }, { typ: 'JWT' }),
    untyped: await provider.token({ scp: 'orders:read', azp: 'shop' }, { typ: 'JWT' }),
    idToken: await provider.token({ azp: 'shop' }, { typ: 'JWT' }),
    acme: await acme.token({ tid: 'acme' }, { typ: 'JWT' }),
    bound: await acme.token({ tid: 'other' }, { typ: 'JWT' }),
    other: await other.token({ tid: 'other' }, { typ: 'JWT' }),
  };
  const judge = async (policy: unknown, token: string) => {
    const authorization = { headers: { authorization: `Bearer ${token}` } };
    const request = new Request(provider.audience, authorization);
    const outcome = await (policy as Policy<object, object, 'check'>).check(request, {});
    return outcome.ok ? 'taken' : outcome.denial.code;
  };
  const [orders, locally, untyped, tenants] = blocks;
  const realmOrders = orders?.['orders'] as Admission<HttpFacts, object>;
  const headers = { authorization: `Bearer ${tokens.keycloak}` };
  const call = protect(realmOrders, () => new Response('in'));
  expect((await call(new Request(provider.audience, { headers }))).status).toBe(200);
  expect({
    local: await judge(locally?.['authenticateLocally'], tokens.local),
    untyped: await judge(untyped?.['authenticateUntyped'], tokens.untyped),
    idToken: await judge(untyped?.['authenticateUntyped'], tokens.idToken),
    acme: await judge(tenants?.['authenticate'], tokens.acme),
    bound: await judge(tenants?.['authenticate'], tokens.bound),
    other: await judge(tenants?.['authenticate'], tokens.other),
  }).toEqual({
    local: 'taken',
    untyped: 'taken',
    idToken: 'token.type_refused',
    acme: 'taken',
    bound: 'token.issuer_unknown',
    other: 'token.issuer_unknown',
  });
});

test('the guide to validation denies unknown members, and drops what callers may not see', async () => {
  const { counted } = await import('../src/running/guides-validation.ts');
  const [input, typebox, pages, , output] = await runGuide('validation', [0, 1, 2, 3, 4]);
  const create = asking(input?.['createUser'], { bodies: fetchBodies() });
  const post = (body: object) =>
    create({ scope: 'users:write' }, '/users', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const alice = { name: 'Alice', email: 'alice@example.com' };
  expect(await post(alice)).toBe('200 in');
  expect(await post({ ...alice, isAdmin: true })).toBe('400 input.unknown_member');
  expect(await post({ name: 'Alice' })).toBe('400 input.invalid');

  const list = asking(pages?.['listOrders']);
  const reader = { scope: 'orders:read' };
  expect(await list(reader, '/orders?limit=100&sort=-total&status=open')).toBe('200 in');
  expect(await list(reader, '/orders?limit=101')).toBe('400 page.invalid');
  expect(await list(reader, '/orders?offset=5')).toBe('400 page.too_deep');

  const Named = Type.Object({ name: Type.String() });
  const schemaOf = typebox?.['typebox'] as (schema: unknown) => StandardSchema;
  const typed = asking(
    guard<HttpFacts>()
      .use(validateInput({ body: schemaOf(Named) }))
      .use(allowAnonymous()),
    { bodies: fetchBodies() },
  );
  const send = (body: object) =>
    typed({}, '/', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  expect(await send({ name: 'Alice' })).toBe('200 in');
  expect(await send({ name: 7 })).toBe('400 input.invalid');
  expect(await send({ name: 'Alice', isAdmin: true })).toBe('400 input.unknown_member');

  const user = {
    id: 1,
    name: 'Alice',
    salary: { amount: 7, currency: 'EUR' },
    teams: [],
    hash: 'h',
  };
  const show = protect(
    output?.['showUser'] as Admission<HttpFacts, object>,
    () => Response.json(user),
    { bodies: fetchBodies() },
  );
  const seen = async (claims: Claims) => {
    const headers = {
      authorization: `Bearer ${await provider.token({ scope: 'users:read', ...claims })}`,
    };
    return (await show(new Request(provider.audience, { headers }))).json();
  };
  const { hash: _hash, salary, ...rest } = user;
  expect(await seen({})).toEqual(rest);
  expect(await seen({ roles: ['payroll'] })).toEqual({ ...rest, salary });
  expect(counted).toEqual([
    ['dropped', 2, 'GET /'],
    ['dropped', 1, 'GET /'],
  ]);
});

test('the guide to versions answers the newest that fits, and says which are going', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.parse('2026-12-01') });
  const { counted } = await import('../src/running/guides-versions.ts');
  const [shown] = await runGuide('versions', [0]);
  const ask = asking(shown?.['orders']);
  const reader = { scope: 'orders:read' };
  expect(await ask(reader, '/v2/orders')).toBe('200 in');
  expect(await ask(reader, '/v1/orders')).toBe('200 in');
  expect(await ask(reader, '/v3/orders')).toBe('404 version.unknown');
  expect(await ask(reader, '/orders')).toBe('404 version.missing');
  const caller = ALICE;
  expect(counted).toEqual([
    ['2.1', 'current', caller],
    ['1', 'deprecated', caller],
  ]);
});

test('the guide to API keys takes keys with their scopes, open ones from their pages, and keys of before', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'apisec-peppers-'));
  const quiet = { write: () => true };
  expect(await main(['keys', 'pepper', '--out', folder], { stdout: quiet, stderr: quiet })).toBe(0);
  const [own, open, read, before] = await runGuide('api-keys', [0, 1, 2, 3], {
    'peppers.json': join(folder, 'peppers.json'),
    'await open.issue(': 'export const issued = await open.issue(',
  });
  rmSync(folder, { recursive: true });
  const peppers = read?.['peppers'] as Peppers;
  const { current, keys } = peppers;
  expect([Object.keys(keys), keys[current]?.length]).toEqual([[current], 32]);

  const ask = async (
    admission: unknown,
    key: string,
    more: Readonly<Record<string, string>> = {},
  ) => {
    const request = new Request(provider.audience, { headers: { 'x-api-key': key, ...more } });
    const decision = await (admission as Admission<HttpFacts, object>).check(request, {
      call: { protocol: 'http', operation: 'GET /' },
      peer: { id: '192.0.2.1', address: '192.0.2.1' },
    });
    return decision.allowed ? 'in' : decision.denial.code;
  };
  const made = own?.['keys'] as ApiKeys;
  const issue = async (scope: string) => {
    const owner = { type: 'user', id: 'u1' } as const;
    const issued = await made.issue({ name: 'a', owner, scopes: [scope] });
    if (!issued.ok) throw new Error(issued.problem);
    return issued.key;
  };
  expect(await ask(own?.['orders'], await issue('orders:read'))).toBe('in');
  expect(await ask(own?.['orders'], await issue('other'))).toBe('scope.insufficient');
  const issuedOpen = open?.['issued'] as { readonly key: string };
  const { key } = issuedOpen;
  expect(await ask(open?.['prices'], key, { origin: 'https://shop.example.com' })).toBe('in');
  expect(await ask(open?.['prices'], key, { origin: 'https://evil.example' })).toBe(
    'api_key.origin_not_allowed',
  );
  expect(await ask(own?.['orders'], key)).toBe('api_key.publishable');
  const moved = before?.['moved'] as ApiKeys;
  const verify = (text: string) => moved.verify(text);
  expect(await verify('old_a1b2c3d4e5f6_secret')).toMatchObject({ ok: true });
  expect(await verify('old_a1b2c3d4e5f6_guess')).toMatchObject({ ok: false });
});

test('the guide to objects loads what a call is about, and lists what its caller may see', async () => {
  const [one, , , , list, why] = await runGuide('objects-and-lists', [0, 1, 2, 3, 4, 5, 6, 7], {
    // There is no call yet.
    'const { document: loaded } = factsOf(request, share).messages.only();': '',
  });
  const edit = asking(one?.['edit'], { operation: () => 'GET /documents/:id' });
  expect(await edit({ org_id: 'acme' }, '/documents/d1')).toBe('200 in');
  expect(await edit({ org_id: 'acme', sub: 'bob' }, '/documents/d1')).toBe('403 object.not_owned');
  expect(await edit({ org_id: 'acme' }, '/documents/d2')).toBe('404 object.not_found');
  expect(await edit({ org_id: 'other' }, '/documents/d1')).toBe('404 object.not_found');

  // What bob owns, and what lies in a folder that is shared with him.
  expect(queries).toContainEqual({
    params: ['acme', 'acme', 'bob', 'bob', 'f1', ['f1']],
    text: expect.stringContaining('"owner_id"'),
  });
  const explain = why?.['explainDocument'] as (facts: object, of: Row) => Promise<object>;
  const { facts } = await import('../src/running/guides-objects-and-lists.ts');
  expect(why?.['listed']).toBe(true);
  expect(await explain(facts, { ...row, folderId: 'f2' })).toMatchObject({ listed: false });
  expect(list?.['planned']).toMatchObject({ kind: expect.not.stringMatching('none') });
});
