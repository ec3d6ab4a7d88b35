import { type TSchema, Type } from '@sinclair/typebox';
import { type } from 'arktype';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { protovalidateUser, typebox, users } from '../../test/schema-libraries.ts';
import { allowAnonymous } from '../authorization/allow-anonymous.ts';
import type { CallFacts, HttpFacts } from '../engine/facts.ts';
import { guard } from '../engine/guard.ts';
import { guardMessages, type MessageFacts } from '../engine/guard-messages.ts';
import { type BodyOutcome, listObligations } from '../engine/obligations.ts';
import { fetchBodies } from '../host/fetch-bodies.ts';
import { protect } from '../host/protect.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { droppedMembers, inspectInput } from './members.ts';
import type { StandardSchema } from './standard-schema.ts';
import { type ValidateInputOptions, validateInput } from './validate-input.ts';

const peer = { address: '192.0.2.1', id: '192.0.2.1' };
const http: CallFacts = { call: { protocol: 'http', operation: 'POST /users/:id' }, peer };

async function bodyThrough(options: ValidateInputOptions, body: unknown): Promise<BodyOutcome> {
  const outcome = await validateInput(options).check(
    new Request('https://api.example.com/users/7', { method: 'POST' }),
    http,
  );
  if (!outcome.ok) return outcome;
  const [obligations] = listObligations(outcome.obligations);
  return obligations?.onMessage?.(body) ?? { ok: true };
}

async function codeOf(options: ValidateInputOptions, body: unknown): Promise<string> {
  const outcome = await bodyThrough(options, body);
  return outcome.ok ? 'passed' : outcome.denial.code;
}

describe.each(users)('a body through %s', (_library, body) => {
  test('passes as the schema has read it', async () => {
    const outcome = await bodyThrough({ body }, { name: 'Ann', home: { city: 'Bonn' } });
    expect(outcome).toMatchObject({ ok: true, value: { name: 'Ann', home: { city: 'Bonn' } } });
  });

  test.each([
    ['a member that makes an administrator', '{"name":"Ann","isAdmin":true}'],
    ['a member of an object within', '{"name":"Ann","home":{"city":"Bonn","owner":"x"}}'],
    ['__proto__ as a member', '{"name":"Ann","__proto__":{"isAdmin":true}}'],
    ['__proto__ within', '{"name":"Ann","home":{"city":"Bonn","__proto__":{}}}'],
    ['constructor with a prototype', '{"name":"Ann","constructor":{"prototype":{"isAdmin":true}}}'],
    ['constructor as a text', '{"name":"Ann","constructor":"x"}'],
    ['toString, which every object inherits', '{"name":"Ann","toString":"x"}'],
  ])('is denied with %s', async (_attack, text) => {
    expect(await codeOf({ body }, JSON.parse(text))).toBe('input.unknown_member');
  });

  // Covers: V2.2.1, V2.2.2
  test('is denied with a wrong type, and the value is not sent back', async () => {
    const outcome = await bodyThrough({ body }, { name: 4711, home: { city: ['s3cret-city'] } });
    expect(outcome).toMatchObject({
      ok: false,
      denial: { kind: 'malformed', code: 'input.invalid' },
    });
    const text = JSON.stringify(outcome);
    expect(text).not.toContain('4711');
    expect(text).not.toContain('s3cret');
    expect(text).toContain('"pointer":"/name"');
  });

  test('is denied where there is none', async () => {
    expect(await codeOf({ body }, undefined)).toBe('input.invalid');
  });
});

test('a gRPC message is one, but has no members that its definition does not know', async () => {
  const policy = validateInput({ body: protovalidateUser });
  const grpc: CallFacts = { call: { protocol: 'grpc', operation: '/users.v1.Users/Create' }, peer };
  const outcome = await policy.check(new Request('https://api.example.com/'), grpc);
  const [obligations] = listObligations(outcome.obligations);
  const codeFor = async (message: object) => {
    const answer = await obligations?.onMessage?.(message);
    return answer?.ok === false ? answer.denial.code : 'passed';
  };
  const message = { $typeName: 'users.v1.User', name: 'Ann' };
  expect(await codeFor(message)).toBe('passed');
  expect(await codeFor({ name: 'Ann' })).toBe('passed');
  expect(await codeFor({ ...message, $unknown: [{ no: 9 }] })).toBe('input.unknown_member');
  expect(await codeFor({ name: 'Ann', isAdmin: true })).toBe('input.unknown_member');
  expect(await codeFor({ name: 'Ann', home: { city: 'Bonn', owner: 'x' } })).toBe(
    'input.unknown_member',
  );
  expect(await codeFor({ ...message, name: 'x'.repeat(21) })).toBe('input.invalid');
});

describe('JSON through protovalidate, which looks at rules and not at types,', () => {
  test.each([
    ['with an object where a text is meant', { name: 'Ann', home: { city: { $ne: null } } }],
    ['with a list where a message is meant', { name: 'Ann', home: [{ city: 'Bonn' }] }],
    ['that passes for a message', { $typeName: 'users.v1.User', name: 'Ann', isAdmin: true }],
    ['that is as it should be', { name: 'Ann' }],
  ])('%s is denied', async (_what, input) => {
    const outcome = await bodyThrough({ body: protovalidateUser }, input);
    expect(outcome).toMatchObject({
      ok: false,
      denial: {
        kind: 'internal',
        code: 'input.uncheckable',
        cause: expect.stringContaining('fromJson'),
      },
    });
  });

  test.each(['query', 'params'] as const)('in the %s cannot be constructed', (part) => {
    expect(() => validateInput({ [part]: protovalidateUser })).toThrow(/messages of gRPC/);
  });
});

describe('a body through TypeBox', () => {
  const home = Type.Object({ city: Type.String() });
  test.each<[string, TSchema, unknown, unknown]>([
    [
      'in a schema that refers to itself',
      Type.Recursive((self) => Type.Object({ id: Type.String(), kids: Type.Array(self) })),
      { id: 'a', kids: [{ id: 'b', kids: [] }] },
      { id: 'a', kids: [{ id: 'b', kids: [], isAdmin: true }] },
    ],
    [
      'of a module',
      Type.Module({ Home: home, User: Type.Object({ home: Type.Ref('Home') }) }).Import('User'),
      { home: { city: 'Bonn' } },
      { home: { city: 'Bonn', isAdmin: true } },
    ],
    [
      'in a tuple',
      Type.Object({ homes: Type.Tuple([home]) }),
      { homes: [{ city: 'Bonn' }] },
      { homes: [{ city: 'Bonn', isAdmin: true }] },
    ],
    [
      'of an alternative that was not chosen',
      Type.Union([
        Type.Object({ email: Type.String() }),
        Type.Object({ email: Type.String(), quota: Type.Integer({ maximum: 10 }) }),
      ]),
      { email: 'a@example.com', quota: 10 },
      { email: 'a@example.com', quota: 1e9 },
    ],
  ])('is denied with a member that is not known %s', async (_where, schema, honest, hostile) => {
    expect(await codeOf({ body: typebox(schema) }, honest)).toBe('passed');
    expect(await codeOf({ body: typebox(schema) }, hostile)).toBe('input.unknown_member');
  });
});

describe('a body', () => {
  const body = z.object({ name: z.string() });
  const anything = z.record(z.string(), z.unknown());

  // Covers: V15.3.6
  test('may have the members of a record, but not __proto__', async () => {
    expect(await codeOf({ body: anything }, { a: 1, constructor: 'fine' })).toBe('passed');
    expect(await codeOf({ body: anything }, JSON.parse('{"a":{"__proto__":1}}'))).toBe(
      'input.unknown_member',
    );
  });

  test('may have unknown members where the schema says so', async () => {
    expect(
      await codeOf({ body: z.looseObject({ name: z.string() }) }, { name: 'Ann', more: 1 }),
    ).toBe('passed');
  });

  test.each([
    [
      'zod',
      z.union([
        z.object({ kind: z.literal('admin'), power: z.number() }),
        z.object({ kind: z.literal('user') }),
      ]),
    ],
    ['arktype', type({ kind: "'admin'", power: 'number' }).or({ kind: "'user'" })],
  ] as const)(
    'of a union has only the members of its own alternative (%s)',
    async (_library, union) => {
      expect(await codeOf({ body: union }, { kind: 'admin', power: 1 })).toBe('passed');
      expect(await codeOf({ body: union }, { kind: 'user' })).toBe('passed');
      expect(await codeOf({ body: union }, { kind: 'user', power: 9 })).toBe(
        'input.unknown_member',
      );
    },
  );

  // Covers: API3:2023, V15.3.3
  test('is denied for unknown members in items of lists and in schemas that refer to themselves', async () => {
    const tree = z.object({
      id: z.string(),
      get children() {
        return z.array(tree);
      },
    });
    expect(await codeOf({ body: tree }, { id: 'a', children: [{ id: 'b', children: [] }] })).toBe(
      'passed',
    );
    const outcome = await bodyThrough(
      { body: tree },
      { id: 'a', children: [{ id: 'b', children: [], root: 1 }] },
    );
    expect(outcome).toMatchObject({
      denial: {
        problem: {
          extensions: {
            errors: [{ in: 'body', pointer: '/children/0/root', detail: expect.any(String) }],
          },
        },
      },
    });
  });

  // Covers: V2.2.1, V2.2.2
  test('that is a huge list or deeply nested is denied before the schema sees it', async () => {
    let seen = 0;
    const spy: StandardSchema = {
      '~standard': { version: 1, vendor: 'own', validate: (value) => (seen++, { value }) },
    };
    let deep: unknown = 'x';
    for (let level = 0; level < 400; level++) deep = [deep];
    expect(
      await codeOf(
        { body: spy },
        Array.from({ length: 10_001 }, () => 0),
      ),
    ).toBe('input.too_large');
    expect(await codeOf({ body: spy }, Object.assign([], { length: 4_000_000_000 }))).toBe(
      'input.too_large',
    );
    expect(await codeOf({ body: spy }, deep)).toBe('input.too_large');
    expect(seen).toBe(0);
    expect(await codeOf({ body: spy }, [[[1]]])).toBe('passed');
  });

  test('with a getter is denied, and the getter does not run', async () => {
    let ran = false;
    const message = Object.defineProperty({}, 'name', {
      enumerable: true,
      get: () => (ran = true),
    });
    expect(await codeOf({ body }, message)).toBe('input.invalid');
    expect(ran).toBe(false);
  });

  test('with a thousand faults is answered with a bounded list', async () => {
    const outcome = await bodyThrough(
      { body: z.array(z.string()), maxErrors: 5 },
      Array.from({ length: 1000 }, () => 1),
    );
    expect(outcome).toMatchObject({ ok: false, denial: { code: 'input.invalid' } });
    if (!outcome.ok) expect(outcome.denial.problem?.extensions?.['errors']).toHaveLength(5);
  });

  test('does not get long names of members back', async () => {
    const outcome = await bodyThrough({ body }, { name: 'Ann', ['x'.repeat(5000)]: 1 });
    expect(JSON.stringify(outcome).length).toBeLessThan(500);
  });

  test('is read by an asynchronous schema, and its faults deny', async () => {
    const free = z.object({ name: z.string().refine(async (name) => name !== 'taken') });
    expect(await codeOf({ body: free }, { name: 'Ann' })).toBe('passed');
    expect(await codeOf({ body: free }, { name: 'taken' })).toBe('input.invalid');
    // zod would run it twice, and leave the first rejection to the process.
    let runs = 0;
    const rejecting = z.object({
      home: z.lazy(() => z.string().refine(() => Promise.reject(new Error(`down ${++runs}`)))),
    });
    expect(await codeOf({ body: rejecting }, { home: 'Bonn' })).toBe('policy.threw');
    expect(runs).toBe(1);
    const failing: StandardSchema = {
      '~standard': { version: 1, vendor: 'own', validate: () => Promise.reject(new Error('down')) },
    };
    expect(await codeOf({ body: failing }, { name: 'Ann' })).toBe('policy.threw');
    const hanging = z.object({
      name: z.string().refine(() => new Promise<boolean>(() => undefined)),
    });
    expect(await codeOf({ body: hanging, timeout: '5ms' }, { name: 'Ann' })).toBe(
      'input.unavailable',
    );
  });

  test.each<[string, z.ZodType]>([
    ['a refinement', z.string().refine(() => Promise.reject(new Error('down')))],
    ['a check', z.string().superRefine(() => Promise.reject(new Error('down')))],
    ['a transform', z.string().transform(() => Promise.reject(new Error('down')))],
    ['its own type', z.custom(() => Promise.reject(new Error('down')))],
    ['a union', z.union([z.number(), z.string().refine(() => Promise.reject(new Error('down')))])],
    [
      'a trimmed text',
      z
        .string()
        .trim()
        .refine(() => Promise.reject(new Error('down'))),
    ],
    [
      'a default',
      z
        .string()
        .refine(() => Promise.reject(new Error('down')))
        .default('x'),
    ],
  ])(
    'whose schema rejects within %s is denied, and nothing is left unhandled',
    async (_what, one) => {
      expect(await codeOf({ body: z.object({ one }) }, { one: 'Bonn' })).toBe('policy.threw');
      const within = z.object({
        list: z.array(
          z.object({
            get one() {
              return one;
            },
          }),
        ),
      });
      expect(await codeOf({ body: within }, { list: [{ one: 'Bonn' }] })).toBe('policy.threw');
    },
  );

  test('of a schema without functions is validated at once', () => {
    const made = new Date(0);
    const plain = z.object({
      name: z
        .string()
        .trim()
        .max(9)
        .default(() => String(made.getTime())),
      at: z.iso.datetime().optional(),
      tags: z.record(z.string(), z.union([z.email(), z.literal('x')])).optional(),
    });
    const outcome = validateInput({ body: plain }).check(
      new Request('https://api.example.com/users/7', { method: 'POST' }),
      http,
    );
    const [obligations] =
      outcome instanceof Promise || !outcome.ok ? [] : listObligations(outcome.obligations);
    expect(obligations?.onMessage?.({ name: 'Ann', tags: { a: 'x' } })).toMatchObject({ ok: true });
  });

  test('that is a list where an object is meant is denied, also where the library takes it', async () => {
    const optional = type({ 'name?': 'string', 'home?': { 'city?': 'string' } });
    for (const list of [[], [{ isAdmin: true }], { home: [] }, { home: [{ isAdmin: true }] }]) {
      expect(await codeOf({ body: optional }, list)).toBe('input.invalid');
    }
    expect(await codeOf({ body: optional }, { home: { city: 'Bonn' } })).toBe('passed');
    const either = type({ 'name?': 'string' }).or('string[]');
    expect(await codeOf({ body: either }, ['a'])).toBe('passed');
  });

  test('is not sent back by the words of a narrowing', async () => {
    const narrow = type({
      name: type('string').narrow((name, context) => context.mustBe(`not ${name}`)),
    });
    const outcome = await bodyThrough({ body: narrow }, { name: 's3cret' });
    expect(outcome).toMatchObject({ ok: false, denial: { code: 'input.invalid' } });
    expect(JSON.stringify(outcome)).not.toContain('s3cret');
  });

  test('that the schema reshapes is denied as a fault, and passes where it is described', async () => {
    const renamed = z.object({ first: z.array(z.string()) }).transform(({ first }) => first.join());
    expect(await codeOf({ body: renamed }, { first: ['a'] })).toBe('input.uncheckable');
    expect(await bodyThrough({ body: renamed, reshapes: true }, { first: ['a'] })).toEqual({
      ok: true,
      value: 'a',
    });
    expect(await codeOf({ body: renamed, reshapes: true }, { first: ['a'], x: 1 })).toBe(
      'input.unknown_member',
    );
    const gone = z.string().transform(() => undefined);
    expect(await codeOf({ body: gone }, 'text')).toBe('input.uncheckable');
  });

  // Covers: V8.2.3
  test('may have more members for callers with a role or scope, and for nobody else', async () => {
    const policy = validateInput({
      body,
      bodyFor: [{ who: { roles: ['editor'] }, body: body.extend({ status: z.string() }) }],
    });
    const codeFor = async (roles?: readonly string[]) => {
      const principal = roles && {
        id: 'p',
        subject: 'p',
        issuer: 'i',
        scopes: new Set<string>(),
        roles: new Set(roles),
      };
      const request = new Request('https://api.example.com/', { method: 'POST' });
      const outcome = await policy.check(request, { ...http, principal });
      if (!outcome.ok) return outcome.denial.code;
      const message = { name: 'Ann', status: 'public' };
      const shown = await listObligations(outcome.obligations)[0]?.onMessage?.(message);
      return shown?.ok === false ? shown.denial.code : shown?.ok;
    };
    expect(await codeFor(['editor'])).toBe(true);
    expect(await codeFor(['reader'])).toBe('input.unknown_member');
    expect(await codeFor()).toBe('input.unknown_member');
  });

  test('has the first schema of bodyFor that fits its caller', async () => {
    const status = { who: { roles: ['editor'] }, body: body.extend({ status: z.string() }) };
    const pinned = { who: { roles: ['chief'] }, body: body.extend({ pinned: z.boolean() }) };
    const principal = {
      id: 'p',
      subject: 'p',
      issuer: 'i',
      scopes: new Set<string>(),
      roles: new Set(['editor', 'chief']),
    };
    const request = new Request('https://api.example.com/', { method: 'POST' });
    for (const [bodyFor, known] of [
      [
        [status, pinned],
        [true, false],
      ],
      [
        [pinned, status],
        [false, true],
      ],
    ] as const) {
      const outcome = await validateInput({ body, bodyFor }).check(request, { ...http, principal });
      const shown = listObligations(outcome.obligations)[0]?.onMessage;
      const messages = [
        { name: 'Ann', status: 'public' },
        { name: 'Ann', pinned: true },
      ];
      expect(await Promise.all(messages.map(async (each) => (await shown?.(each))?.ok))).toEqual(
        known,
      );
    }
  });

  test.each<[string, ValidateInputOptions, unknown, object]>([
    ['unknown members', { body }, { name: 'a', x: 1 }, { kind: 'malformed' }],
    ['too many values', { body, maxValues: 1 }, { name: 'a', x: 1 }, { kind: 'too_large' }],
    [
      'a schema that does not answer in time',
      { body: z.string().refine(() => new Promise(() => undefined)), timeout: '5ms' },
      'text',
      { kind: 'unavailable' },
    ],
    [
      'a schema that reshapes it',
      { body: z.object({ first: z.array(z.string()).transform((all) => all.join()) }) },
      { first: ['a'] },
      { kind: 'internal', cause: expect.stringContaining('/first') },
    ],
  ])('is denied for %s, with the right kind and a cause that says where', async (...row) => {
    const [, options, message, denial] = row;
    expect(await bodyThrough(options, message)).toMatchObject({ ok: false, denial });
  });

  test('of a GraphQL operation is denied, since literals are not in the variables', async () => {
    const call = { protocol: 'graphql', operation: 'mutation', fields: [] } as const;
    const outcome = await validateInput({ body }).check(new Request('https://api.example.com/'), {
      call,
      peer,
    });
    expect(outcome).toMatchObject({ ok: false, denial: { code: 'input.uncheckable' } });
  });

  test('is denied if its messages were decided before: they would be replaced', async () => {
    const messages = guardMessages(guard<CallFacts & MessageFacts>().use(allowAnonymous()));
    const front = guard().use(validateInput({ body })).use(messages).use(allowAnonymous());
    const behind = guard().use(messages).use(validateInput({ body })).use(allowAnonymous());
    const request = new Request('https://api.example.com/users/7', { method: 'POST' });
    expect(await front.check(request, http)).toMatchObject({ allowed: true });
    expect(await behind.check(request, http)).toMatchObject({
      denial: { code: 'input.uncheckable' },
    });
  });
});

describe('query, parameters and headers', () => {
  const policy = validateInput({
    query: z.object({ q: z.string().max(20), tag: z.array(z.string()).optional() }),
    params: z.object({ id: z.string().regex(/^\d+$/) }),
    headers: { names: ['x-region'], schema: z.object({ 'x-region': z.enum(['eu', 'us']) }) },
  });
  const check = async (path: string, region = 'eu') => {
    const outcome = await policy.check(
      new Request(`https://api.example.com${path}`, {
        headers: { 'x-region': region, accept: '*/*' },
      }),
      http,
    );
    return outcome.ok ? outcome.facts?.input : outcome.denial.code;
  };

  test('are there as a fact, as their schemas read them', async () => {
    expect(await check('/users/7?q=a&tag=x&tag=y')).toEqual({
      query: { q: 'a', tag: ['x', 'y'] },
      params: { id: '7' },
      headers: { 'x-region': 'eu' },
    });
  });

  test.each([
    ['an unknown parameter', '/users/7?q=a&admin=1', 'eu', 'input.unknown_member'],
    ['__proto__ as a parameter', '/users/7?q=a&__proto__=1', 'eu', 'input.unknown_member'],
    ['a parameter that is there twice', '/users/7?q=a&q=b', 'eu', 'input.invalid'],
    ['too many parameters', `/users/7?q=a${'&tag=x'.repeat(300)}`, 'eu', 'input.invalid'],
    ['a parameter of the path with another form', '/users/7%2F..?q=a', 'eu', 'input.invalid'],
    ['a path that does not decode', '/users/%E0%A4%A?q=a', 'eu', 'input.invalid'],
    ['a path that is not of the route', '/users/7/x?q=a', 'eu', 'input.invalid'],
    ['a header that is not on the list', '/users/7?q=a', 'mars', 'input.invalid'],
  ])('are denied with %s', async (_attack, path, region, code) => {
    expect(await check(path, region)).toBe(code);
  });
});

test('a parameter that the route has twice is denied: handlers get the one or the other', async () => {
  const policy = validateInput({ params: z.object({ id: z.string(), of: z.string().optional() }) });
  const codeAt = async (operation: string) => {
    const call = { protocol: 'http', operation } as const;
    const outcome = await policy.check(new Request('https://api.example.com/1/in/2'), {
      ...http,
      call,
    });
    return outcome.ok ? 'passed' : outcome.denial.code;
  };
  expect(await codeAt('GET /:id/in/:of')).toBe('passed');
  expect(await codeAt('GET /:id/in/:id')).toBe('input.invalid');
});

describe('parts and a body', () => {
  const query = z.object({ q: z.string().max(3) });
  const body = z.object({ name: z.string() });
  const ask = (options: ValidateInputOptions, path: string, facts: object = {}) =>
    validateInput(options).check(new Request(`https://api.example.com${path}`), {
      ...http,
      ...facts,
    });
  const read = async (options: ValidateInputOptions, path: string, facts: object = {}) => {
    const outcome = await ask(options, path, facts);
    return outcome.ok ? 'passed' : outcome.denial.code;
  };

  test('are both looked at', async () => {
    expect(await read({ query, body }, '/users/7?q=abcd')).toBe('input.invalid');
    expect(await read({ query, body }, '/users/7?q=abc&admin=1')).toBe('input.unknown_member');
    const outcome = await ask({ query, body }, '/users/7?q=abc');
    if (!outcome.ok) throw new Error(outcome.denial.code);
    expect(outcome.facts).toEqual({ input: expect.objectContaining({ query: { q: 'abc' } }) });
    const [obligations] = listObligations(outcome.obligations);
    expect(await obligations?.onMessage?.({ name: 7 })).toMatchObject({ ok: false });
    expect(await obligations?.onMessage?.({ name: 'Ann' })).toMatchObject({ ok: true });
  });

  test('say what they need and add', () => {
    const told = ({ needs, adds, purposes }: ReturnType<typeof validateInput>) => ({
      needs,
      adds,
      purposes,
    });
    const purposes = ['input'];
    expect(told(validateInput({ body }))).toEqual({
      needs: ['call', 'bodies'],
      adds: [],
      purposes,
    });
    expect(told(validateInput({ query }))).toEqual({ needs: ['call'], adds: ['input'], purposes });
  });

  test('cannot have a body in GraphQL, or behind guardMessages', async () => {
    const graphql = { call: { protocol: 'graphql', operation: 'Query.users' } };
    for (const facts of [graphql, { messages: {} }]) {
      expect(await read({ query }, '/users/7?q=a', facts)).toBe('passed');
      expect(await read({ query, body }, '/users/7?q=a', facts)).toBe('input.uncheckable');
      expect(await read({ body }, '/users/7', facts)).toBe('input.uncheckable');
    }
  });

  test('that cannot be read are reported by name, without a value', async () => {
    const outcome = await ask({ query }, `/users/7?q=${'a'.repeat(20_000)}`);
    const detail = 'The query cannot be read, or there is too much of it.';
    expect(outcome).toMatchObject({
      ok: false,
      denial: { problem: { extensions: { errors: [{ in: 'query', pointer: '', detail }] } } },
    });
  });

  test.each<[string, object, RegExp]>([
    ['nothing to look at', {}, /give a schema for body, query, params or headers/],
    ['a body for some alone', { query, bodyFor: [{ who: { roles: ['a'] }, body }] }, /needs body/],
    ['a body that is not a schema', { body: {} }, /the schema of body must implement/],
    ['headers without names', { headers: { names: [], schema: query } }, /in lower case/],
    ['headers in upper case', { headers: { names: ['X-A'], schema: query } }, /in lower case/],
    ['names that are not a list', { headers: { names: 'x-a', schema: query } }, /in lower case/],
    ['no errors to tell', { body, maxErrors: 0 }, /maxErrors/],
    ['half a level', { body, maxDepth: 1.5 }, /maxDepth must be a whole number/],
    ['more values than it may', { body, maxValues: 1_000_001 }, /maxValues/],
    ['a minute and more', { body, timeout: '61s' }, /timeout/],
    ['no answer about reshaping', { body, reshapes: 'yes' }, /reshapes/],
  ])('cannot be constructed with %s', (_what, options, message) => {
    expect(() => validateInput(options as ValidateInputOptions)).toThrow(message);
  });
});

test('A handler behind protect gets the parsed body, and the caller a list of errors', async () => {
  const serve = protect(
    guard<HttpFacts>()
      .use(
        validateInput({ body: z.object({ name: z.string().trim(), size: z.number().default(1) }) }),
      )
      .use(allowAnonymous()),
    async (request) => Response.json(await request.json()),
    { bodies: fetchBodies() },
  );
  const send = (body: string) =>
    serve(
      new Request('https://api.example.com/users', {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json' },
      }),
    );
  expect(await (await send('{"name":" Ann "}')).json()).toEqual({ name: 'Ann', size: 1 });
  const denied = await send('{"name":"Ann","isAdmin":true}');
  expect(denied.status).toBe(400);
  expect(await denied.json()).toMatchObject({
    code: 'input.unknown_member',
    errors: [{ in: 'body', pointer: '/isAdmin', detail: 'This member is not known.' }],
  });
  expect((await send('{"name":"Ann","name":"Bob"}')).status).toBe(400);
});

/** Without a description, as each of them is by default. */
const keeping = (vendor: string): StandardSchema => ({
  '~standard': { version: 1, vendor, validate: (value) => ({ value }) },
});

test.each([
  ['no schema', {}],
  ['bodies of certain callers alone', { bodyFor: [{ who: { roles: ['a'] }, body: z.string() }] }],
  ['a body for nobody', { body: z.string(), bodyFor: [{ who: {}, body: z.string() }] }],
  ['an unknown option', { boddy: z.object({}) }],
  ['what is not a schema', { body: { name: 'string' } }],
  ['an endless list of errors', { body: z.string(), maxErrors: Number.POSITIVE_INFINITY }],
  ['a NaN depth', { body: z.string(), maxDepth: Number.NaN }],
  ['a bare number of milliseconds', { body: z.string(), timeout: 5 }],
  ['reshapes without a description', { body: z.date(), reshapes: true }],
  ['a schema of TypeBox without a description', { body: keeping('typebox') }],
  ['a schema of yup, which keeps members', { body: keeping('yup') }],
  ['a schema of typia, which keeps members', { body: keeping('typia') }],
  ['headers in upper case', { headers: { names: ['X-Region'], schema: z.object({}) } }],
])('validateInput cannot be constructed with %s', (_fault, options) => {
  // Plain JavaScript can write all of these.
  expect(() => validateInput(options as ValidateInputOptions)).toThrow(ConfigurationError);
});

describe('an input is looked through before any schema sees it', () => {
  const bounds = { maxDepth: 3, maxValues: 6 };
  const getter = { get: () => 1, enumerable: true };

  test.each<[string, unknown]>([
    ['a list of as many values as may be', [1, 2, 3, 4, 5]],
    ['an object of as many members as may be', { a: 1, b: 2, c: 3, d: 4, e: 5 }],
    ['as many values at several places', { a: [1, 2], b: [3] }],
    ['lists as deep as they may be', [[[1]]]],
    ['objects as deep as they may be', { a: { a: { a: 1 } } }],
    // oxlint-disable-next-line no-sparse-arrays -- what a parser of forms may make.
    ['a list with a hole', [, 1]],
    ['a member named constructor', { constructor: 'x' }],
    ['one that is null', { constructor: null }],
    ['one that reaches nothing', { constructor: {} }],
    ['a prototype that nobody reaches', { other: { prototype: 1 } }],
    ['nothing', null],
  ])('and passes: %s', (_name, input) => {
    expect(inspectInput(input, bounds)).toBeUndefined();
  });

  const tooLarge = { problem: 'too_large' };
  test.each<[string, unknown, object]>([
    ['a value more in a list', [1, 2, 3, 4, 5, 6], tooLarge],
    ['a member more', { a: 1, b: 2, c: 3, d: 4, e: 5, f: 6 }, tooLarge],
    ['a value more somewhere else', { a: [1, 2], b: [3, 4] }, tooLarge],
    ['a list too deep', [[[[]]]], tooLarge],
    ['an object too deep', { a: { a: { a: {} } } }, tooLarge],
    [
      'a member that is computed',
      Object.defineProperty({}, 'a', getter),
      { problem: 'invalid', pointer: '/a' },
    ],
    [
      'an item that is computed',
      Object.defineProperty([], 0, getter),
      { problem: 'invalid', pointer: '/0' },
    ],
    [
      'the prototype of all objects',
      JSON.parse('{"a":[{"__proto__":{"admin":true}}]}'),
      { problem: 'unknown_member', pointer: '/a/0/__proto__' },
    ],
    [
      'the way to it',
      { a: { constructor: { prototype: { admin: true } } } },
      { problem: 'unknown_member', pointer: '/a/constructor' },
    ],
  ])('and denied with %s', (_name, input, problem) => {
    expect(inspectInput(input, bounds)).toEqual(problem);
  });
});

test.each<[string, unknown, unknown, number, readonly string[], string | undefined]>([
  ['a member of an item', [{ a: 1, b: 2 }], [{ a: 1 }], 5, ['/0/b'], undefined],
  ['no more than may be told', { a: 1, b: 2, c: 3 }, {}, 2, ['/a', '/b'], undefined],
  ['nothing inside what comes after', { a: 1, b: { c: 1 } }, { b: {} }, 1, ['/a'], undefined],
  ['nothing that was undefined', { a: undefined }, {}, 5, [], undefined],
  ['a list that is shorter', { a: [1, 2] }, { a: [1] }, 5, [], '/a'],
  ['a list that is an object', { a: [1] }, { a: { 0: 1 } }, 5, [], '/a'],
  ['an object that is a list', { a: {} }, { a: [] }, 5, [], '/a'],
  ['an object that is a text', { a: {} }, { a: 'x' }, 5, [], '/a'],
  ['an object that is a map', {}, new Map(), 5, [], ''],
])('what a schema has dropped: %s', (_name, input, output, most, unknown, reshaped) => {
  expect(droppedMembers(input, output, most)).toEqual({ unknown, reshaped });
});
