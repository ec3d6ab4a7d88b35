import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Principal } from '../engine/facts.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { authorizerRelation } from './authorizer-relation.ts';
import { authzenAuthorizer } from './authzen-authorizer.ts';
import { field } from './field.ts';
import { plan } from './plan.ts';
import { relation } from './relation.ts';
import { require as requireRule } from './require.ts';
import { resource } from './resource.ts';
import { rule } from './rule.ts';
import { toPredicate } from './to-predicate.ts';

interface Asked {
  readonly path: string;
  readonly body: Record<string, never>;
  readonly authorization: string | undefined;
}

let server: Server;
let url: string;
let asked: Asked[];
/** Answers what a decision point with three documents would; tests put something else in its place. */
let answer: (asked: Asked) => unknown;

const reads = (body: { subject?: { id?: string }; resource?: { id?: string } }) =>
  body.subject?.id === 'issuer|alice' && ['d1', 'd2'].includes(body.resource?.id ?? '');
const honest = ({ path, body }: Asked): unknown => {
  if (path === '/access/v1/evaluation') return { decision: reads(body) };
  if (path === '/access/v1/evaluations') {
    const { evaluations } = body as unknown as { evaluations: object[] };
    return { evaluations: evaluations.map((each) => ({ decision: reads(each) })) };
  }
  const { subject, page } = body as unknown as {
    subject: { id: string };
    page?: { token: string };
  };
  if (subject.id !== 'issuer|alice') return { results: [] };
  return page === undefined
    ? { results: [{ type: 'document', id: 'd1' }], page: { next_token: 'more' } }
    : { results: [{ type: 'document', id: 'd2' }], page: { next_token: '' } };
};

beforeAll(async () => {
  server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      const body = JSON.parse(text === '' ? '{}' : text) as Record<string, never>;
      const { authorization } = incoming.headers;
      asked.push({ path: incoming.url ?? '', body, authorization });
      const said = answer(asked.at(-1) as Asked);
      if (said === undefined) return;
      const status = typeof said === 'number' ? said : 200;
      outgoing.writeHead(status, { 'content-type': 'application/json', location: '/elsewhere' });
      // Only its status says no.
      if (typeof said === 'number') outgoing.end('{"decision":true}');
      else outgoing.end(typeof said === 'string' ? said : JSON.stringify(said));
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  asked = [];
  answer = honest;
});

const question = (id = 'd1', subject = 'issuer|alice') => ({
  subject: { type: 'user', id: subject },
  action: { name: 'read' },
  resource: { type: 'document', id },
});
const client = (more: object = {}) =>
  authzenAuthorizer({ url, insecureLoopback: true, timeout: '30s', ...more });

describe('authzenAuthorizer with discover', () => {
  const WELL_KNOWN = '/.well-known/authzen-configuration';
  let metadata: () => unknown;
  const served = (asked: Asked): unknown =>
    asked.path.startsWith(WELL_KNOWN)
      ? metadata()
      : honest({ ...asked, path: asked.path.replace('/pdp/', '/access/v1/') });
  const full = (base = url) => ({
    policy_decision_point: base,
    access_evaluation_endpoint: `${url}/pdp/evaluation`,
    access_evaluations_endpoint: `${url}/pdp/evaluations`,
    search_resource_endpoint: `${url}/pdp/search/resource`,
  });
  const paths = () => asked.map(({ path }) => path);
  beforeEach(() => {
    metadata = full;
    answer = served;
  });

  test('asks where the metadata says, which it reads once in ten minutes', async () => {
    let time = 0;
    const pdp = client({ discover: true, now: () => time });
    expect(await pdp.evaluate(question())).toEqual({ decision: true });
    expect(await pdp.evaluateAll([question('d3')])).toEqual([{ decision: false }]);
    expect(await pdp.searchResources({ ...question(), resource: { type: 'document' } })).toEqual([
      'd1',
      'd2',
    ]);
    expect(new Set(paths())).toEqual(
      new Set([WELL_KNOWN, '/pdp/evaluation', '/pdp/evaluations', '/pdp/search/resource']),
    );
    expect(paths().filter((path) => path === WELL_KNOWN)).toHaveLength(1);
    time = 600_000;
    await pdp.evaluate(question());
    expect(paths().filter((path) => path === WELL_KNOWN)).toHaveLength(2);
    // A clock that is set back keeps nothing longer.
    time = 0;
    await pdp.evaluate(question());
    expect(paths().filter((path) => path === WELL_KNOWN)).toHaveLength(3);
  });

  test('reads the metadata of one below a path between host and path (RFC 8615)', async () => {
    metadata = () => full(`${url}/tenant1`);
    await client({ url: `${url}/tenant1/`, discover: true }).evaluate(question());
    expect(paths()).toEqual([`${WELL_KNOWN}/tenant1`, '/pdp/evaluation']);
  });

  test('goes on where it has asked before while the metadata cannot be read', async () => {
    let time = 0;
    const pdp = client({ discover: true, now: () => time });
    await pdp.evaluate(question());
    metadata = () => 500;
    time = 600_000;
    expect(await pdp.evaluate(question())).toEqual({ decision: true });
    await pdp.evaluate(question());
    expect(paths().filter((path) => path === WELL_KNOWN)).toHaveLength(2);
    metadata = full;
    time += 30_000;
    await pdp.evaluate(question());
    expect(paths().filter((path) => path === WELL_KNOWN)).toHaveLength(3);
  });

  test.each<[string, () => unknown]>([
    ['none', () => 404],
    ['what is not JSON', () => 'hello'],
    ['those of another decision point', () => full('https://evil.example')],
    ['no word on whose they are', () => ({ ...full(), policy_decision_point: undefined })],
    ['no evaluation', () => ({ ...full(), access_evaluation_endpoint: undefined })],
    [
      'an endpoint elsewhere',
      () => ({ ...full(), access_evaluation_endpoint: 'https://evil.example/evaluation' }),
    ],
    [
      'an endpoint elsewhere for what is not asked',
      () => ({ ...full(), search_resource_endpoint: 'https://evil.example/search' }),
    ],
    ['an endpoint that is a list', () => ({ ...full(), access_evaluation_endpoint: [`${url}/x`] })],
    [
      'an endpoint with a password',
      () => ({ ...full(), access_evaluation_endpoint: `${url.replace('//', '//a:b@')}/x` }),
    ],
  ])('asks nobody where the metadata are %s', async (_name, given) => {
    metadata = given;
    await expect(client({ discover: true }).evaluate(question())).rejects.toThrow(
      /^authzenAuthorizer: /,
    );
    expect(paths()).toEqual([WELL_KNOWN]);
  });

  test('rejects what the decision point does not offer', async () => {
    metadata = () => ({
      policy_decision_point: url,
      access_evaluation_endpoint: `${url}/pdp/evaluation`,
    });
    const pdp = client({ discover: true });
    expect(await pdp.evaluate(question())).toEqual({ decision: true });
    await expect(pdp.evaluateAll([question()])).rejects.toThrow(/offers no evaluations/);
    await expect(
      pdp.searchResources({ ...question(), resource: { type: 'document' } }),
    ).rejects.toThrow(/offers no searchResources/);
  });
});

describe('authzenAuthorizer', () => {
  test('asks with the shapes of AuthZEN 1.0, as whom the headers say', async () => {
    const pdp = client({ headers: () => ({ authorization: 'Bearer t' }) });
    expect(await pdp.evaluate(question())).toEqual({ decision: true });
    expect(await pdp.evaluate(question('d3'))).toEqual({ decision: false });
    expect(asked[0]).toEqual({
      path: '/access/v1/evaluation',
      body: question(),
      authorization: 'Bearer t',
    });
  });

  test('asks many questions at once, and takes the answers in their order', async () => {
    const all = await client().evaluateAll([question('d1'), question('d9'), question('d2')]);
    expect(all.map(({ decision }) => decision)).toEqual([true, false, true]);
    expect(asked).toHaveLength(1);
    answer = () => ({ evaluations: [{ decision: true }] });
    await expect(client().evaluateAll([question('d9'), question('d1')])).rejects.toThrow(
      /the number of answers/,
    );
    answer = () => ({ evaluations: Array.from({ length: 3 }, () => ({ decision: true })) });
    await expect(client().evaluateAll([question('d9'), question('d1')])).rejects.toThrow(
      /the number of answers/,
    );
    answer = () => ({ evaluations: { 0: { decision: true }, length: 1 } });
    await expect(client().evaluateAll([question('d9')])).rejects.toThrow(/the number of answers/);
    answer = () => ({ evaluations: [null] });
    await expect(client().evaluateAll([question('d9')])).rejects.toThrow(/has no decision/);
  });

  test('searches page by page, and no further than it may', async () => {
    const search = { ...question(), resource: { type: 'document' } };
    expect(await client().searchResources(search)).toEqual(['d1', 'd2']);
    answer = () => ({ results: [], page: { next_token: 'again' } });
    await expect(client({ maxPages: 3 }).searchResources(search)).rejects.toThrow(
      /more than 3 pages/,
    );
    answer = () => ({ results: [{ type: 'invoice', id: 'd1' }] });
    await expect(client().searchResources(search)).rejects.toThrow(/not a resource of the type/);
  });

  test.each<[string, unknown]>([
    ['with 500', 500],
    ['with 403', 403],
    ['never', undefined],
    ['with what is not JSON', '<html>'],
    ['with a text for true', { decision: 'true' }],
    ['with a number for true', { decision: 1 }],
    ['without a decision', {}],
    ['with a list', [{ decision: true }]],
    ['with two decisions', '{"decision":false,"decision":true}'],
    ['with the same member in two spellings', '{"decision":false,"\\u0064ecision":true}'],
    ['with a decision within a decision', { decision: { decision: true } }],
    ['with 201', 201],
    ['with a redirect', 302],
    ['with 10 MB', `{"decision":true,"x":"${'a'.repeat(10_000_000)}"}`],
  ])('a decision point that answers %s rejects', async (_name, said) => {
    answer = () => said;
    const pdp = client(said === undefined ? { timeout: '50ms' } : {});
    await expect(pdp.evaluate(question())).rejects.toThrow(Error);
  });

  test('a decision is not kept where nobody says for how long', async () => {
    const pdp = client();
    expect(await pdp.evaluate(question())).toEqual({ decision: true });
    expect(await pdp.evaluate(question())).toEqual({ decision: true });
    expect(asked).toHaveLength(2);
  });

  test('a decision is kept for its time, by everything that was asked', async () => {
    let time = 0;
    const pdp = client({ cache: { ttl: '1s' }, now: () => time });
    await pdp.evaluate(question());
    await pdp.evaluate(question());
    expect(asked).toHaveLength(1);
    const base = question();
    const others = [
      { ...base, subject: { ...base.subject, id: 'issuer|bob' } },
      { ...base, subject: { ...base.subject, type: 'service' } },
      { ...base, subject: { ...base.subject, properties: { tenant: 'globex' } } },
      { ...base, action: { name: 'write' } },
      { ...base, action: { name: 'read', properties: { fields: ['salary'] } } },
      { ...base, resource: { ...base.resource, id: 'd2' } },
      { ...base, resource: { ...base.resource, type: 'invoice' } },
      { ...base, context: { ip: '192.0.2.1' } },
    ];
    for (const other of others) await pdp.evaluate(other);
    expect(asked).toHaveLength(1 + others.length);
    time = 1_000;
    await pdp.evaluate(question());
    expect(asked).toHaveLength(2 + others.length);
  });

  test('a kept decision is not kept longer by a clock that is set back, or a slow answer', async () => {
    let time = 10_000;
    const pdp = client({ cache: { ttl: '1s' }, now: () => time });
    answer = (given) => {
      time += 400;
      return honest(given);
    };
    await pdp.evaluate(question());
    time = 11_000;
    await pdp.evaluate(question());
    expect(asked).toHaveLength(2);
    time = 5_000;
    await pdp.evaluate(question());
    expect(asked).toHaveLength(3);
  });

  test('a kept decision is the same for all who get it', async () => {
    const pdp = client({ cache: { ttl: '1m' } });
    answer = () => ({ decision: true, context: { reasons: { a: 1 } } });
    const { context } = await pdp.evaluate(question());
    expect(() => Object.assign(context?.['reasons'] as object, { a: 2 })).toThrow(TypeError);
    expect(await pdp.evaluate(question())).toEqual(answer(asked[0] as Asked));
  });

  test('large answers fill the cache as large questions do', async () => {
    const pdp = client({ cache: { ttl: '1m', maxEntries: 4 } });
    answer = () => ({ decision: true, context: { reason: 'x'.repeat(100_000) } });
    await pdp.evaluate(question());
    await pdp.evaluate(question());
    expect(asked).toHaveLength(2);
  });

  test('headers that never come keep nobody waiting', async () => {
    const pdp = client({ timeout: '20ms', headers: () => new Promise(() => {}) });
    await expect(pdp.evaluate(question())).rejects.toThrow(/within 20 ms/);
    expect(asked).toEqual([]);
  });

  // OpenFGA has published this four times: CVE-2026-41131, GHSA-57j5-qwp2-vqp6, GHSA-h6c8-cww8-35hf,
  // GHSA-32q6-rr98-cjqv.
  const noon = Date.UTC(2026, 0, 1, 12);
  test.each<[string, unknown, unknown]>([
    ['two instants', new Date(noon), new Date(noon + 1)],
    ['two URLs', new URL('https://a.example'), new URL('https://b.example')],
    ['an object and the list of its pairs', { a: 1 }, [['a', 1]]],
    ['a number and its text', 1, '1'],
    ['null and an empty object', null, {}],
    ['an empty list and an empty object', [], {}],
    ['a list and its text', ['a', 'b'], 'a,b'],
    ['a member that holds a separator, and two members', { 'a":1,"b': 1 }, { a: 1, b: 1 }],
    ['a prototype as a name', JSON.parse('{"__proto__":{"a":1}}'), {}],
  ])('openfga: %s in a condition are not one question', async (_name, one, other) => {
    const pdp = client({ cache: { ttl: '1m' } });
    for (const value of [one, other, one, other]) {
      await pdp.evaluate({ ...question(), context: { value } });
    }
    expect(asked).toHaveLength(2);
  });

  test('a set, as roles and scopes are, is asked about as the list of its members', async () => {
    const pdp = client({ cache: { ttl: '1m' } });
    for (const roles of [new Set(['admin']), new Set(['guest']), new Set(['admin'])]) {
      await pdp.evaluate({ ...question(), context: { roles } });
    }
    expect(
      asked.map(({ body }) => (body as { context?: { roles?: unknown } }).context?.roles),
    ).toEqual([['admin'], ['guest']]);
  });

  test.each<[string, unknown]>([
    ['a map', new Map([['role', 'admin']])],
    ['not a number', Number.NaN],
    ['a number without end', [Number.POSITIVE_INFINITY]],
    ['a bigint', 1n],
    ['a function', { is: () => true }],
  ])(
    'a value that JSON cannot represent is not sent as something else: %s',
    async (_name, value) => {
      const pdp = client({ cache: { ttl: '1m' } });
      const { subject, action, resource } = question();
      const asking = { ...question(), context: { value } };
      await expect(pdp.evaluate(asking)).rejects.toThrow(TypeError);
      await expect(pdp.evaluateAll([asking])).rejects.toThrow(TypeError);
      const search = { subject, action, resource: { type: resource.type }, context: { value } };
      await expect(pdp.searchResources(search)).rejects.toThrow(TypeError);
      expect(asked).toEqual([]);
    },
  );

  test('a polluted Object.prototype decides nothing', async () => {
    answer = () => ({ context: {} });
    Reflect.defineProperty(Object.prototype, 'decision', { value: true, configurable: true });
    try {
      await expect(client().evaluate(question())).rejects.toThrow(/has no decision/);
      const silent = { evaluate: () => ({}) as never, evaluateAll: () => [{}] as never };
      const about = { subject: 'user', action: 'read', resource: 'document' };
      const { check, checkMany } = authorizerRelation(silent, about);
      await expect(check('issuer|alice', 'd1')).rejects.toThrow(/neither true nor false/);
      await expect(checkMany?.('issuer|alice', ['d1'])).rejects.toThrow(/neither true nor false/);
    } finally {
      Reflect.deleteProperty(Object.prototype, 'decision');
    }
  });

  test('a question is the same in whatever order its members come', async () => {
    const pdp = client({ cache: { ttl: '1m' } });
    const { subject, action, resource } = question();
    await pdp.evaluate({ subject, action, resource, context: { a: 1, b: { c: 2, d: 3 } } });
    await pdp.evaluate({ resource, context: { b: { d: 3, c: 2 }, a: 1 }, action, subject });
    expect(asked).toHaveLength(1);
  });

  test('a failure is not kept', async () => {
    const pdp = client({ cache: { ttl: '1m' } });
    answer = () => 500;
    await expect(pdp.evaluate(question())).rejects.toThrow(/500/);
    answer = honest;
    expect(await pdp.evaluate(question())).toEqual({ decision: true });
  });

  test.each<[string, object]>([
    ['http', { url: 'http://pdp.example.com' }],
    [
      'http to this machine without saying so',
      { url: 'http://127.0.0.1:1', insecureLoopback: false },
    ],
    ['no URL', { url: '/access' }],
    ['a time without a unit', { timeout: 5 }],
    ['a cache without a time', { cache: {} }],
    ['an unknown option', { retries: 3 }],
    ['a text for yes', { discover: 'true' }],
  ])('cannot be constructed with %s', (_name, wrong) => {
    expect(() => client(wrong)).toThrow(ConfigurationError);
  });
});

describe('a rule that a decision point decides', () => {
  const document = resource({
    name: 'document',
    fields: { id: field.text() },
    id: 'id',
    tenant: false,
  });
  const principal = (id: string): Principal => ({
    id,
    subject: id,
    issuer: 'issuer',
    scopes: new Set(),
    roles: new Set(),
  });
  const facts = (id: string, object = 'd1') => ({
    principal: principal(id),
    document: { id: object },
  });
  const request = new Request('https://api.example.com/documents/d1');
  const canRead = () =>
    rule.related(
      relation(
        'reads',
        authorizerRelation(client(), { subject: 'user', action: 'read', resource: 'document' }),
      ),
      rule.caller.id,
      document.id,
    );

  test('admits whom it admits, and lists what it finds', async () => {
    const policy = requireRule(canRead());
    expect(await policy.check(request, facts('issuer|alice'))).toEqual({ ok: true });
    expect(await policy.check(request, facts('issuer|alice', 'd3'))).toMatchObject({ ok: false });
    expect(await policy.check(request, facts('issuer|bob'))).toMatchObject({
      denial: { kind: 'forbidden', code: 'rule.denied' },
    });
    const planned = await plan(canRead(), document)({ principal: principal('issuer|alice') });
    const inPlan = toPredicate(document)(planned);
    expect(['d1', 'd2', 'd3'].filter((id) => inPlan({ id }))).toEqual(['d1', 'd2']);
  });

  test('denies with 503 while it is down, for a read and for a list', async () => {
    answer = () => 500;
    expect(await requireRule(canRead()).check(request, facts('issuer|alice'))).toMatchObject({
      denial: { kind: 'unavailable', code: 'relation.unavailable', retryAfterMs: 1_000 },
    });
    expect(await plan(canRead(), document)({ principal: principal('issuer|alice') })).toMatchObject(
      {
        kind: 'none',
        unavailable: [expect.any(Error)],
      },
    );
  });

  test('an authorizer that cannot search lists nothing', async () => {
    const both = authorizerRelation(
      { evaluate: () => ({ decision: true }) },
      { subject: 'user', action: 'read', resource: 'document' },
    );
    expect(await both.check('alice', 'd1')).toBe(true);
    await expect(both.list('alice')).rejects.toThrow(/cannot search/);
  });
});
