import type { AddressInfo } from 'node:net';
import { type Authorizer, authzenAuthorizer } from '@apisec/core';
import { createMongoAbility } from '@casl/ability';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { documentsApi } from '../src/api.ts';
import { authzenServer } from '../src/authzen-server.ts';
import { caslAuthorizer } from '../src/casl.ts';
import { cedarAuthorizer } from '../src/cedar.ts';
import { documents, people } from '../src/documents.ts';

const POLICIES = `
  permit(principal is User, action == Action::"read", resource is Document)
  when { resource.ownerId == principal.id || resource.department == principal.department };
`;
const all = (type: string) => (type === 'Document' ? documents.map(({ id }) => id) : []);
const find = (type: string, id: string) =>
  (type === 'Document' ? documents : type === 'User' ? people : []).find((each) => each.id === id);

const cedarBy = (policies: string) =>
  cedarAuthorizer({
    policies,
    all,
    find: ({ type, id }) => {
      const found = find(type, id);
      return found && { attrs: { ...found }, parents: [] };
    },
  });
const casl = caslAuthorizer({
  all,
  find: (type, id) => {
    const found = find(type, id);
    return found && { ...found };
  },
  abilityOf: (who) => {
    const person = people.find(({ id }) => id === who);
    return (
      person &&
      createMongoAbility([
        { action: 'read', subject: 'Document', conditions: { ownerId: person.id } },
        { action: 'read', subject: 'Document', conditions: { department: person.department } },
      ])
    );
  },
});

const key: string = crypto.randomUUID();
const server = authzenServer(cedarBy(POLICIES), key, 'https://pdp.example.com');
let url = '';
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

const authzen = (secret = key) =>
  authzenAuthorizer({
    url,
    insecureLoopback: true,
    headers: () => ({ authorization: `Bearer ${secret}` }),
  });

async function ask(authorizer: Authorizer, path: string, user: string) {
  const { read, list } = documentsApi(authorizer);
  const request = new Request(`https://api.example.com${path}`, { headers: { 'x-user': user } });
  const response = await (path === '/documents' ? list : read)(request);
  return { status: response.status, body: await response.json() };
}

const authorizers: readonly (readonly [string, () => Authorizer])[] = [
  ['Cedar', () => cedarBy(POLICIES)],
  ['CASL', () => casl],
  ['AuthZEN over HTTP', () => authzen()],
  [
    'AuthZEN with its metadata',
    () =>
      authzenAuthorizer({
        url: 'https://pdp.example.com',
        discover: true,
        headers: () => ({ authorization: `Bearer ${key}` }),
        // What DNS and TLS do for a decision point of that name.
        fetch: async (to, init) =>
          fetch(new Request(to, init).url.replace('https://pdp.example.com', url), init),
      }),
  ],
];

describe.each(authorizers)('decided by %s', (_name, make) => {
  test.each([
    ['ann', '1', 200],
    ['ann', '2', 403],
    ['ann', '3', 200],
    ['bob', '1', 403],
    ['bob', '2', 200],
    ['ann', 'none', 404],
    ['nobody', '1', 403],
    ['constructor', '1', 403],
    ['User::"ann"', '1', 403],
    ['ann" || true || "', '2', 403],
  ])('%s and document %s: %i', async (user, id, status) => {
    expect((await ask(make(), `/documents/${id}`, user)).status).toBe(status);
  });

  test.each([
    ['ann', ['1', '3']],
    ['bob', ['2']],
    ['nobody', []],
  ])('%s lists what a single read admits: %j', async (user, ids) => {
    const { status, body } = await ask(make(), '/documents', user);
    expect(status).toBe(200);
    expect(body.map(({ id }: { id: string }) => id)).toEqual(ids);
  });
});

describe('an outage denies with 503, a read and a list', () => {
  const down = (): never => {
    throw new Error('down');
  };
  test.each<[string, () => Authorizer]>([
    [
      'the server of policies is down',
      () => authzenAuthorizer({ url: 'http://127.0.0.1:1', insecureLoopback: true }),
    ],
    ['the server does not know this API', () => authzen('another key')],
    [
      'a Cedar policy that forbids cannot be evaluated',
      () => cedarBy(`${POLICIES} forbid(principal, action, resource) when { resource.secret };`),
    ],
    [
      'the abilities of CASL cannot be read',
      () => caslAuthorizer({ all, find: () => ({ ownerId: 'ann' }), abilityOf: down }),
    ],
  ])('%s', async (_name, make) => {
    expect(await ask(make(), '/documents/1', 'ann')).toMatchObject({
      status: 503,
      body: { code: 'relation.unavailable' },
    });
    expect(await ask(make(), '/documents', 'ann')).toMatchObject({ status: 503 });
  });
});

describe('the AuthZEN server', () => {
  const post = (path: string, body: string, authorization = `Bearer ${key}`) =>
    fetch(`${url}${path}`, { method: 'POST', body, headers: { authorization } });

  test('says where its endpoints are', async () => {
    const metadata = await (await fetch(`${url}/.well-known/authzen-configuration`)).json();
    expect(metadata).toMatchObject({
      policy_decision_point: 'https://pdp.example.com',
      access_evaluation_endpoint: 'https://pdp.example.com/access/v1/evaluation',
    });
  });

  test('answers several questions at once', async () => {
    const about = (id: string) => ({
      subject: { type: 'User', id: 'ann' },
      action: { name: 'read' },
      resource: { type: 'Document', id },
    });
    const answers = await authzen().evaluateAll([about('1'), about('2')]);
    expect(answers).toEqual([{ decision: true }, { decision: false }]);
  });

  test.each([
    ['what is not JSON', '{', 500],
    ['a question without a subject', '{}', 500],
    ['a body without end', 'x'.repeat(200_000), 413],
  ])('does not decide about %s', async (_name, body, status) => {
    expect((await post('/access/v1/evaluation', body)).status).toBe(status);
  });

  test.each([
    ['a stranger', '/access/v1/evaluation', 'Bearer x', 401],
    ['the name of every object', '/constructor', `Bearer ${key}`, 404],
  ])('does not answer %s', async (_name, path, authorization, status) => {
    expect((await post(path, '{}', authorization)).status).toBe(status);
  });
});

test('policies that Cedar cannot read cannot be constructed', () => {
  expect(() => cedarBy('permit(principal, action')).toThrow(/^Cedar policies: /);
});
