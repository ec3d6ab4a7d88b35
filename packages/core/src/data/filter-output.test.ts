import * as fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { audit } from '../audit/audit.ts';
import type { AuditEvent } from '../audit/event.ts';
import { allowAnonymous } from '../authorization/allow-anonymous.ts';
import { enforce } from '../engine/enforce.ts';
import type { CallFacts, HttpFacts, Principal } from '../engine/facts.ts';
import { guard } from '../engine/guard.ts';
import { type BodyOutcome, listObligations } from '../engine/obligations.ts';
import { fetchBodies } from '../host/fetch-bodies.ts';
import { protect } from '../host/protect.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { type FilterOutputOptions, filterOutput } from './filter-output.ts';
import { type OutputShape } from './restricted-shape.ts';
import type { CallerFacts } from './visibility.ts';
import { visibleTo } from './visible-to.ts';

const facts: CallFacts = {
  call: { protocol: 'http', operation: 'GET /users' },
  peer: { address: '192.0.2.1', id: '192.0.2.1' },
};

function principal(roles: readonly string[] = [], scopes: readonly string[] = []): Principal {
  return {
    id: 'p',
    subject: 'p',
    issuer: 'i',
    tenant: 'a',
    roles: new Set(roles),
    scopes: new Set(scopes),
  };
}

function pick(object: object, names: readonly string[]): object {
  return Object.fromEntries(Object.entries(object).filter(([name]) => names.includes(name)));
}

function release(
  options: FilterOutputOptions,
  payload: unknown,
  caller: CallerFacts = {},
): BodyOutcome {
  const outcome = filterOutput(options).check(new Request('https://api.example.com/users'), {
    ...facts,
    ...caller,
  });
  if (!outcome.ok) return outcome;
  const answered = listObligations(outcome.obligations)[0]?.onRelease?.(payload);
  if (answered === undefined || answered instanceof Promise) throw new Error('answers at once');
  return untraced(answered);
}

/** What goes out; what the trace says of it is tested by itself. */
function untraced(outcome: BodyOutcome): BodyOutcome {
  if (!outcome.ok) return outcome;
  const { trace: _, ...sent } = outcome;
  return sent;
}

const user: OutputShape = {
  id: 'value',
  email: visibleTo({ roles: ['support', 'admin'] }, 'value'),
  salary: visibleTo({ roles: ['admin'], scopes: ['pay', 'read'] }, { amount: 'value' }),
  home: { city: 'value' },
  tags: ['value'],
};
const row = {
  id: 1,
  email: 'a@example.com',
  salary: { amount: 5, iban: 'x' },
  passwordHash: 'h',
  home: { city: 'Bonn', code: 9 },
  tags: ['x', null],
};

class WrittenDate extends Date {
  override toJSON(): never {
    return { hash: 'secret' } as never;
  }
}

class WrittenBytes extends Uint8Array {
  toJSON(): string {
    return 'secret';
  }
}
class NotedBytes extends Uint8Array {
  readonly note = 'secret';
}

describe('filterOutput', () => {
  // Covers: API3:2023, V8.2.3, V15.3.1
  test('lets go out only what the shape names, within objects and lists', () => {
    const dropped: number[] = [];
    const options = {
      shape: { users: [user], next: 'value' },
      onFiltered: (filtered: { dropped: number }) => dropped.push(filtered.dropped),
    } as const;
    expect(release(options, { users: [row, { id: 2, home: null }], debug: row })).toEqual({
      ok: true,
      value: {
        users: [
          { id: 1, home: { city: 'Bonn' }, tags: ['x', null] },
          { id: 2, home: null },
        ],
      },
    });
    // debug, email, salary, passwordHash and home.code.
    expect(dropped).toEqual([5]);
  });

  test('leaves out members that are undefined, as JSON does, and does not count them', () => {
    const dropped = vi.fn();
    const options = { shape: { id: 'value', name: 'value' }, onFiltered: dropped } as const;
    const outcome = release(options, { id: 1, name: undefined });
    expect(outcome).toStrictEqual({ ok: true, value: { id: 1 } });
    expect(dropped).not.toHaveBeenCalled();
  });

  test('does not report where nothing was taken out', () => {
    const onFiltered = () => {
      throw new Error('not to be called');
    };
    expect(release({ shape: { id: 'value' }, onFiltered }, { id: 1 }).ok).toBe(true);
  });

  test.each([
    ['without a principal', {}, []],
    ['without a role', { principal: principal() }, []],
    ['with one of the roles', { principal: principal(['support']) }, ['email']],
    [
      'with the role, but one scope too few',
      { principal: principal(['admin'], ['pay']) },
      ['email'],
    ],
    [
      'with the role and all scopes',
      { principal: principal(['admin'], ['pay', 'read']) },
      ['email', 'salary'],
    ],
    ['with the scopes alone', { principal: principal([], ['pay', 'read']) }, []],
  ])(
    'shows restricted members to callers %s only where they may see them',
    (_who, caller, seen) => {
      const outcome = release({ shape: user }, row, caller);
      expect(outcome.ok).toBe(true);
      const value = Object.keys((outcome as { value: object }).value);
      expect(value.filter((name) => name === 'email' || name === 'salary')).toEqual(seen);
    },
  );

  test('keeps members of any name within the shape of "*"', () => {
    const outcome = release(
      { shape: { '*': { id: 'value' } } },
      JSON.parse('{"a":{"id":1,"x":2},"constructor":{"id":2},"__proto__":{"id":3}}'),
    );
    expect(JSON.stringify(outcome)).toBe(
      '{"ok":true,"value":{"a":{"id":1},"constructor":{"id":2}}}',
    );
    expect(({} as { id?: unknown }).id).toBeUndefined();
  });

  const hostile = Object.defineProperty({}, 'id', {
    enumerable: true,
    get: () => {
      throw new Error('lazy relation');
    },
  });
  test.each([
    ['an object where a value is meant', { id: { $secret: 1 } }],
    ['a list where a value is meant', { id: [1] }],
    ['a function', { id: () => 1 }],
    ['a date that writes itself otherwise', { id: new WrittenDate(0) }],
    [
      'a date that says when otherwise',
      { id: Object.assign(new Date(0), { toISOString: () => ({ hash: 'secret' }) }) },
    ],
    ['a date that writes itself', { id: Object.assign(new Date(0), { toJSON: () => 'secret' }) }],
    ['bytes that write themselves', { id: new WrittenBytes(1) }],
    ['bytes in a list that write themselves', { tags: [new WrittenBytes(1)] }],
    ['a list where an object is meant', [{ id: 1 }]],
    ['a text where an object is meant', 'secret'],
    ['a map', new Map([['id', 1]])],
    ['bytes where an object is meant', new Uint8Array(4)],
    ['an object where a list is meant', { tags: { 0: 'x', length: 1 } }],
    ['a member that throws', hostile],
    ['more values than allowed', { tags: Array.from({ length: 100 }, () => 1) }],
    [
      'a list without entries and without end',
      { tags: Object.assign([], { length: 4_000_000_000 }) },
    ],
  ])('denies %s with 500 and passes nothing on', (_attack, payload) => {
    const outcome = release({ shape: { id: 'value', tags: ['value'] }, maxValues: 50 }, payload);
    expect(outcome).toMatchObject({
      ok: false,
      denial: { kind: 'internal', code: 'release.unfilterable' },
    });
  });

  test.each([
    ['plain bytes', Uint8Array.of(1, 2), '{"id":{"0":1,"1":2}}'],
    ['a buffer', Buffer.of(1, 2), '{"id":{"type":"Buffer","data":[1,2]}}'],
    ['bytes of a class with members', NotedBytes.of(1, 2), '{"id":{"0":1,"1":2}}'],
    [
      'bytes that say of what class they are',
      Object.assign(Uint8Array.of(1, 2), { constructor: NotedBytes }),
      '{"id":{"0":1,"1":2}}',
    ],
    [
      'bytes with another subarray',
      Object.assign(Uint8Array.of(1, 2), { subarray: () => new NotedBytes(1) }),
      '{"id":{"0":1,"1":2}}',
    ],
  ])('lets %s out as bytes alone', (_kind, bytes, text) => {
    const outcome = release({ shape: { id: 'value' } }, { id: bytes });
    expect(outcome.ok && JSON.stringify('value' in outcome && outcome.value)).toBe(text);
  });

  test('reads a member once, so that a getter has no second answer', () => {
    let reads = 0;
    const payload = Object.defineProperty({}, 'id', {
      enumerable: true,
      get: () => (reads++ === 0 ? 1 : { secret: 1 }),
    });
    expect(release({ shape: { id: 'value' } }, payload)).toEqual({ ok: true, value: { id: 1 } });
  });

  test('answers alike whatever objects and callers came before', () => {
    const shape: OutputShape = [
      { a: 'value', b: visibleTo({ roles: ['admin'] }, 'value'), c: { a: 'value' } },
    ];
    const policy = filterOutput({ shape });
    const item = fc.dictionary(
      fc.constantFrom('a', 'b', 'c', 'x', 'toString', '__proto__'),
      fc.constantFrom<unknown>(1, 'text', null),
      { noNullPrototype: true },
    );
    const inner = fc.option(
      fc.record({ a: fc.constant(1), b: fc.constant(2) }, { requiredKeys: [] }),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(item, inner)), fc.boolean(), (rows, isAdmin) => {
        const caller = { principal: principal(isAdmin ? ['admin'] : []) };
        const items = rows.map(([members, c]) => ({ ...members, c }));
        const outcome = policy.check(new Request('https://api.example.com/'), {
          ...facts,
          ...caller,
        });
        const released = listObligations(outcome.obligations)[0]?.onRelease?.(items);
        const answer = untraced(released as BodyOutcome);
        const wanted = items.map((each) => {
          const kept: [string, unknown][] = Object.entries(each).flatMap(([name, value]) => {
            if (name === 'c') return [[name, each.c && pick(each.c, ['a'])]];
            return name === 'a' || (name === 'b' && isAdmin) ? [[name, value]] : [];
          });
          return Object.fromEntries(kept);
        });
        expect(answer).toEqual({ ok: true, value: wanted });
        const names = (list: readonly object[]) => list.map((each) => Object.keys(each).toSorted());
        expect(names((answer as { value: object[] }).value)).toEqual(names(wanted));
      }),
    );
  });

  test('takes no member from a polluted Object.prototype, nor from that of a class', () => {
    class Row {
      id = 1;
    }
    Object.assign(Row.prototype, { email: 'inherited' });
    const shape: OutputShape = { id: 'value', email: 'value' };
    // biome-ignore lint/suspicious/noExplicitAny: what an attacker would do.
    (Object.prototype as any).email = 'polluted';
    try {
      expect(release({ shape }, { id: 1 })).toEqual({ ok: true, value: { id: 1 } });
      const answer = release({ shape }, new Row()) as { value: object };
      expect(Object.hasOwn(answer.value, 'email')).toBe(false);
    } finally {
      // biome-ignore lint/suspicious/noExplicitAny: what an attacker would do.
      delete (Object.prototype as any).email;
    }
  });

  test('takes no member from a prototype', () => {
    expect(release({ shape: { id: 'value' } }, Object.create({ id: 1 }))).toEqual({
      ok: true,
      value: {},
    });
  });
});

describe('filterOutput of lists', () => {
  const hidden = visibleTo({ roles: ['nobody'] }, { id: 'value' });

  test.each<[string, unknown[]]>([
    ['an object', ['a', { secret: 1 }]],
    ['a list', ['a', ['b']]],
    ['a function', ['a', () => 1]],
    ['a date that says something else', [Object.assign(new Date(0), { toJSON: () => 'x' })]],
  ])('denies a list of values with %s in it', (_name, payload) => {
    expect(release({ shape: ['value'] }, payload)).toMatchObject({
      denial: { code: 'release.unfilterable' },
    });
  });

  test('takes a member named __proto__ out of a dictionary', () => {
    const shape = { '*': { admin: 'value' } } as const;
    const payload = JSON.parse('{"__proto__":{"admin":true},"a":{"admin":false}}') as object;
    const { value } = release({ shape }, payload) as { value: object };
    expect(Object.keys(value)).toEqual(['a']);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  });

  test('lets values go out as they are', () => {
    const payload = ['a', 1, true, null, new Date(0), Uint8Array.of(1)];
    expect(release({ shape: ['value'] }, payload)).toEqual({ ok: true, value: payload });
  });

  test('denies a list in which one item is not of the shape', () => {
    expect(release({ shape: [{ id: 'value' }] }, [{ id: 1 }, 7])).toMatchObject({
      denial: { code: 'release.unfilterable' },
    });
  });

  test('leaves out items that the caller does not see, and keeps the places of those that are not there', () => {
    const gone = release({ shape: { all: [hidden] } }, { all: [{ id: 1 }, { id: 2 }] });
    expect((gone as { value: unknown }).value).toStrictEqual({ all: [] });
    const kept = release({ shape: { all: [{ id: 'value' }] } }, { all: [undefined, { id: 1 }] });
    expect((kept as { value: unknown }).value).toStrictEqual({ all: [undefined, { id: 1 }] });
  });

  test('lets as many values go out as may, and no more', () => {
    expect(release({ shape: ['value'], maxValues: 3 }, [1, 2]).ok).toBe(true);
    expect(release({ shape: ['value'], maxValues: 3 }, [1, 2, 3, 4, 5]).ok).toBe(false);
  });
});

describe('filterOutput with tenants', () => {
  const shape: OutputShape = { items: [{ id: 'value', parts: [{ id: 'value' }] }] };
  const tenantOf = ({ tenantId }: Readonly<Record<string, unknown>>) => tenantId;
  const own = { items: [{ id: 1, tenantId: 'a', parts: [{ id: 2, tenantId: 'a' }, { id: 3 }] }] };
  const foreign = { items: [own.items[0], { id: 4, parts: [{ id: 5, tenantId: 'b' }] }] };

  test('lets objects of the own tenant go out', () => {
    expect(release({ shape, tenant: { tenantOf } }, own, { principal: principal() })).toEqual({
      ok: true,
      value: { items: [{ id: 1, parts: [{ id: 2 }, { id: 3 }] }] },
    });
  });

  test.each([
    ['an object of another tenant deep within', foreign, { principal: principal() }],
    ['any tenant where the call has none', own, {}],
    [
      'a tenant that is not a text',
      { items: [{ id: 1, tenantId: ['a'] }] },
      { principal: principal() },
    ],
  ])('denies %s as a leak', (_attack, payload, caller) => {
    const outcome = release({ shape, tenant: { tenantOf } }, payload, caller);
    expect(outcome).toMatchObject({ ok: false, denial: { kind: 'internal', code: 'tenant.leak' } });
  });

  test('only reports leaks where that is asked for', () => {
    const leaks: unknown[] = [];
    const tenant = { tenantOf, insecureReportOnly: (leak: unknown) => leaks.push(leak) };
    expect(release({ shape, tenant }, foreign, { principal: principal() }).ok).toBe(true);
    expect(leaks).toEqual([{ operation: 'GET /users', where: 'payload.items[].parts[]' }]);
  });

  test('does not report what is not a leak, and denies what is not of the shape all the same', () => {
    const leaks: unknown[] = [];
    const tenant = { tenantOf, insecureReportOnly: (leak: unknown) => leaks.push(leak) };
    expect(release({ shape, tenant }, own, { principal: principal() }).ok).toBe(true);
    expect(release({ shape, tenant }, 7, { principal: principal() })).toMatchObject({
      denial: { code: 'release.unfilterable' },
    });
    expect(leaks).toEqual([]);
  });

  test('tells operators where the leak was, and where the payload was not of the shape', () => {
    expect(
      release({ shape, tenant: { tenantOf } }, foreign, { principal: principal() }),
    ).toMatchObject({
      denial: { cause: "GET /users: the object at payload.items[].parts[] is another tenant's" },
    });
    expect(release({ shape }, 7)).toMatchObject({
      denial: { cause: 'GET /users: payload is not of the shape' },
    });
  });

  test.each([7, '', ['a']])(
    'takes the tenant %j for no tenant, even where it is expected',
    (it) => {
      const tenant = { tenantOf, expected: () => it as never };
      expect(release({ shape, tenant }, { items: [{ id: 1, tenantId: it }] })).toMatchObject({
        denial: { code: 'tenant.leak' },
      });
    },
  );

  test('denies where the question itself fails', () => {
    const tenant = {
      tenantOf: () => {
        throw new Error('x');
      },
    };
    expect(release({ shape, tenant }, own)).toMatchObject({
      denial: { code: 'release.unfilterable' },
    });
  });
});

test('A response behind protect is filtered, an error page too, and one that cannot be is a 500 without it', async () => {
  const serve = (payload: unknown, status = 200) =>
    protect(
      guard<HttpFacts>()
        .use(filterOutput({ shape: { id: 'value' } }))
        .use(allowAnonymous()),
      () => Response.json(payload, { status }),
      { bodies: fetchBodies(), onFault: () => undefined },
    )(new Request('https://api.example.com/users'));
  expect(await (await serve({ id: 1, passwordHash: 'h' })).json()).toEqual({ id: 1 });
  const page = await serve({ id: 1, passwordHash: 'h' }, 404);
  expect([page.status, await page.json()]).toEqual([404, { id: 1 }]);
  const denied = await serve({ id: { passwordHash: 'h' } });
  expect(denied.status).toBe(500);
  expect(await denied.text()).not.toContain('passwordHash');
});

test('What was taken out of the answers of a call is counted in its audit event, in one line of its trace', async () => {
  const events: AuditEvent[] = [];
  const log = audit({ sinks: [(event) => void events.push(event)] });
  const filtered = guard<CallFacts>()
    .use(log)
    .use(filterOutput({ shape: [{ id: 'value' }] }))
    .use(allowAnonymous());
  const answered = async (...payloads: unknown[]): Promise<AuditEvent | undefined> => {
    const decision = await filtered.check(new Request('https://api.example.com/users'), facts);
    const enforcement = enforce(decision);
    for (const payload of payloads) {
      expect(await enforcement.onRelease?.(payload)).toMatchObject({ ok: true });
    }
    enforcement.complete({ outcome: 'succeeded', status: 200 });
    await log.flush();
    return events.at(-1);
  };
  // A stream has any number of them.
  const many = Array.from({ length: 1_000 }, (_, id) => [{ id, hash: 'x', salt: 'y' }]);
  const event = await answered(...many, [{ id: 1 }]);
  expect(event?.filtered).toBe(2_000);
  expect(event?.trace).toEqual([
    'audit',
    'filterOutput',
    'allowAnonymous',
    'filterOutput: passed, dropped: 2000',
  ]);
  const plain = await answered([{ id: 1 }]);
  expect([plain?.filtered, plain?.trace?.length]).toEqual([undefined, 3]);
});

test('An answer with an object of another tenant is a critical event of the audit', async () => {
  const events: AuditEvent[] = [];
  const log = audit({ sinks: [(event) => void events.push(event)] });
  const leaks = guard<HttpFacts>()
    .use(log)
    .use(
      filterOutput({
        shape: { id: 'value' },
        tenant: { tenantOf: ({ tenantId }) => tenantId, expected: () => 'a' },
      }),
    )
    .use(allowAnonymous());
  const handler = protect(leaks, () => Response.json({ id: 1, tenantId: 'b' }), {
    bodies: fetchBodies(),
    onFault: () => undefined,
  });
  expect((await handler(new Request('https://api.example.com/users'))).status).toBe(500);
  await log.flush();
  expect(events).toMatchObject([
    { event: 'authz_fail', severity: 'critical', outcome: 'denied', code: 'tenant.leak' },
  ]);
});

const faults: readonly (readonly [string, object, string])[] = [
  ['no shape', {}, 'filterOutput'],
  ['true for a member', { shape: { id: true } }, 'filterOutput'],
  ['a list of two shapes', { shape: ['value', 'value'] }, 'filterOutput'],
  ['__proto__ in the shape', { shape: JSON.parse('{"__proto__":"value"}') }, 'filterOutput'],
  ['an unknown option', { tenantOf: () => 'a' }, '"tenantOf" is not an option'],
  ['no values', { maxValues: 0 }, 'maxValues'],
  ['all values', { maxValues: 10_000_001 }, 'maxValues'],
  ['a listener that is none', { onFiltered: 'log' }, 'onFiltered must be a function'],
  ['a tenant that is not a function', { tenant: { tenantOf: 'tenantId' } }, 'tenant must be { ten'],
  ['no tenant', { tenant: {} }, 'tenant must be { tenantOf'],
  [
    'a tenant to expect',
    { tenant: { tenantOf: () => 'a', expected: 'a' } },
    'with functions alone',
  ],
  [
    'a report that is a word',
    { tenant: { tenantOf: () => 'a', insecureReportOnly: true } },
    'with functions alone',
  ],
  [
    'an unknown option of tenants',
    { tenant: { tenantOf: () => 'a', reportOnly: true } },
    'filterOutput, tenant: "reportOnly" is not an option',
  ],
];

test.each(faults)('filterOutput cannot be constructed with %s', (fault, options, message) => {
  const shape = fault === 'no shape' ? {} : { shape: 'value' };
  // Plain JavaScript can write all of these.
  const construct = () => filterOutput({ ...shape, ...options } as FilterOutputOptions);
  expect(construct).toThrow(ConfigurationError);
  expect(construct).toThrow(message);
});

test('filterOutput says what it needs and is there for', () => {
  expect(filterOutput({ shape: 'value' })).toMatchObject({
    purposes: ['output'],
    needs: ['call', 'bodies'],
    adds: [],
  });
});

test('filterOutput cannot be constructed with a shape that holds itself, and visibleTo not for nobody', () => {
  const shape: { self?: OutputShape } = {};
  shape.self = shape as OutputShape;
  expect(() => filterOutput({ shape })).toThrow(ConfigurationError);
  expect(() => visibleTo({}, 'value')).toThrow(ConfigurationError);
  expect(() => visibleTo({ roles: [] }, 'value')).toThrow(ConfigurationError);
});
