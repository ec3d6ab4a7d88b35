import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CallFacts, Principal } from '../engine/facts.ts';
import { type BodyOutcome, listObligations } from '../engine/obligations.ts';
import { COPY_SITES } from './copy-sites.ts';
import { type FilterOutputOptions, filterOutput } from './filter-output.ts';
import type { OutputShape } from './restricted-shape.ts';
import { visibleTo } from './visible-to.ts';

// Objects that were alike for a while are copied in another way than the first ones. Both must answer the same.

const principal: Principal = {
  id: 'p',
  subject: 'p',
  issuer: 'i',
  tenant: 'a',
  roles: new Set(),
  scopes: new Set(),
};
const facts: CallFacts & { principal: Principal } = {
  call: { protocol: 'http', operation: 'GET /users' },
  peer: { address: '192.0.2.1', id: '192.0.2.1' },
  principal,
};

type Release = (payload: unknown) => { readonly outcome: unknown; readonly dropped: number };

function prepare(options: FilterOutputOptions): Release {
  let dropped = 0;
  const policy = filterOutput({
    ...options,
    onFiltered: (filtered) => (dropped = filtered.dropped),
  });
  const outcome = policy.check(new Request('https://api.example.com/users'), facts);
  const release = listObligations(outcome.obligations)[0]?.onRelease;
  if (release === undefined) throw new Error('It filters what is released.');
  return (payload) => {
    dropped = 0;
    const { trace: _, ...sent } = release(payload) as BodyOutcome & { trace?: unknown };
    return { outcome: sent, dropped };
  };
}

/** A filter that has seen nothing, and one that has seen many objects like `usual`. */
function coldAndWarm(
  options: FilterOutputOptions,
  usual: () => object,
): readonly [Release, Release] {
  const warm = prepare(options);
  for (let round = 0; round < 3; round++) warm(Array.from({ length: 100 }, usual));
  return [prepare(options), warm];
}

const shape: OutputShape = [
  {
    id: 'value',
    email: 'value',
    home: { city: 'value' },
    tags: ['value'],
    pay: visibleTo({ roles: ['pay'] }, 'value'),
  },
];
const usual = () => ({
  id: 1,
  email: 'a',
  hash: 'h',
  home: { city: 'Bonn', code: 9 },
  tags: ['x'],
  pay: 5,
});

class Row {
  id = 1;
  email = 'a';
  hash = 'h';
  home = { city: 'Bonn', code: 9 };
  tags = ['x'];
  pay = 5;
}

function withMember(name: string, descriptor: PropertyDescriptor): () => object {
  return () =>
    Object.defineProperty(usual(), name, { enumerable: true, configurable: true, ...descriptor });
}

const hostile: readonly (readonly [string, () => unknown])[] = [
  ['an object like the others', usual],
  ['a member less', () => ({ id: 1, hash: 'h' })],
  ['no member', () => ({})],
  ['a member more', () => ({ ...usual(), secret: 1 })],
  ['another order', () => Object.fromEntries(Object.entries(usual()).toReversed())],
  ['null', () => null],
  ['undefined', () => undefined],
  ['a text', () => 'secret'],
  ['a list', () => [usual()]],
  ['a function', () => usual],
  ['an instance of a class', () => new Row()],
  ['an object without a prototype', () => Object.assign(Object.create(null), usual())],
  ['an object that inherits all of it', () => Object.create(usual())],
  ['a map with these members', () => Object.assign(new Map(), usual())],
  ['a date with these members', () => Object.assign(new Date(0), usual())],
  ['a list with these members', () => Object.assign([], usual())],
  ['a member that is hidden from loops', withMember('email', { value: 'a', enumerable: false })],
  [
    'a hidden member and another one',
    () => ({ ...withMember('email', { value: 'a', enumerable: false })(), x: 1 }),
  ],
  ['a getter', withMember('email', { get: () => 'b' })],
  ['a getter that answers an object', withMember('email', { get: () => ({ secret: 1 }) })],
  [
    'a getter that throws',
    withMember('email', {
      get: () => {
        throw new Error('lazy');
      },
    }),
  ],
  ['toJSON', () => ({ ...usual(), toJSON: () => 'secret' })],
  [
    'a member named __proto__',
    () => JSON.parse(`{"__proto__":{"email":"x"},${JSON.stringify(usual()).slice(1)}`),
  ],
  ['a member named constructor', () => ({ ...usual(), constructor: Map })],
  ['a symbol', () => ({ ...usual(), [Symbol('secret')]: 1 })],
  ['a proxy', () => new Proxy(usual(), {})],
  ['an object where a value is meant', () => ({ ...usual(), email: { $secret: 1 } })],
  ['a value where an object is meant', () => ({ ...usual(), home: 'secret' })],
  ['a text where a list is meant', () => ({ ...usual(), tags: 'secret' })],
  ['an object in a list of values', () => ({ ...usual(), tags: [{ secret: 1 }] })],
  ['a list with a hole', () => ({ ...usual(), tags: Object.assign([], { length: 2, 1: 'x' }) })],
  ['a list with members', () => ({ ...usual(), tags: Object.assign(['x'], { secret: 1 }) })],
  [
    'a bigint, a date and bytes',
    () => ({ ...usual(), id: 1n, email: new Date(0), tags: [new Uint8Array(1)] }),
  ],
  [
    'bytes with members, which JSON would write',
    () => ({ ...usual(), id: Object.assign(new Uint8Array(1), { secret: 1 }) }),
  ],
  [
    'a date that writes itself',
    () => ({ ...usual(), email: Object.assign(new Date(0), { toJSON: () => 'x' }) }),
  ],
  ['a symbol as a value', () => ({ ...usual(), email: Symbol('x') })],
  ['numbers that JSON does not have', () => ({ ...usual(), id: Number.NaN, email: -0 })],
  ['members that are null', () => ({ ...usual(), email: null, home: null, tags: null, pay: null })],
  [
    'an object that holds itself',
    () => {
      const self = usual();
      return Object.assign(self, { home: self });
    },
  ],
];

/** Also the order of members, of which the length and the digest of an answer depend. */
const written = (answer: unknown) =>
  JSON.stringify(answer, (_name, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value,
  );

describe('filterOutput, where objects were alike for a while,', () => {
  const [cold, warm] = coldAndWarm({ shape }, usual);

  test.each(hostile)('answers as at first to %s', (_what, make) => {
    for (const payload of [() => [make()], () => [usual(), make(), usual()]]) {
      const first = cold(payload());
      const later = warm(payload());
      expect(later.dropped).toBe(first.dropped);
      // Causes say where, and are the same too.
      expect(later.outcome).toEqual(first.outcome);
      expect(written(later.outcome)).toBe(written(first.outcome));
    }
  });

  test('answers to some of them with all members, and counts what it takes out', () => {
    expect(warm([usual(), usual()])).toEqual({
      outcome: {
        ok: true,
        value: [
          { id: 1, email: 'a', home: { city: 'Bonn' }, tags: ['x'] },
          { id: 1, email: 'a', home: { city: 'Bonn' }, tags: ['x'] },
        ],
      },
      dropped: 6,
    });
  });

  test('hands out objects of its own, that are plain', () => {
    const payload = [usual()];
    const { outcome } = warm(payload) as { outcome: { value: ReturnType<typeof usual>[] } };
    const [sent] = outcome.value;
    expect(Object.getPrototypeOf(sent)).toBe(Object.prototype);
    expect(sent?.home).not.toBe(payload[0]?.home);
    expect(sent?.tags).not.toBe(payload[0]?.tags);
  });

  test.each([true, false])(
    'takes no member of a polluted Object.prototype (enumerable: %s)',
    (enumerable) => {
      const usual = () => ({ id: 1, email: 'a' });
      const release = coldAndWarm({ shape: [{ id: 'value', email: 'value' }] }, usual);
      const member = { value: 'polluted', writable: true, enumerable, configurable: true };
      const everyObject: object = Object.prototype;
      Object.defineProperty(everyObject, 'email', member);
      try {
        for (const each of release) {
          expect(written(each([{ id: 1 }]).outcome)).toBe('{"ok":true,"value":[{"id":1}]}');
        }
      } finally {
        // biome-ignore lint/suspicious/noExplicitAny: what an attacker would do.
        delete (Object.prototype as any).email;
      }
    },
  );

  test('answers alike whatever members come', () => {
    const member = fc.constantFrom(
      'id',
      'email',
      'hash',
      'home',
      'tags',
      'pay',
      'constructor',
      'x',
    );
    const value = fc.oneof(
      fc.constantFrom<unknown>(1, 'a', null, undefined, true, 2n),
      fc.record({ city: fc.string() }),
      fc.array(fc.integer(), { maxLength: 2 }),
    );
    const row = fc.oneof(
      fc.dictionary(member, value, { noNullPrototype: true }),
      fc.record({ email: value, id: value }).map((some) => ({ ...usual(), ...some })),
    );
    fc.assert(
      fc.property(fc.array(row, { maxLength: 4 }), (rows) => {
        const [first, later] = [cold(rows), warm(rows)];
        expect(later).toEqual(first);
        expect(written(later)).toBe(written(first));
      }),
    );
  });
});

test('Members that somebody has put on bytes do not go out with them', () => {
  const bytes = () => Object.assign(Uint8Array.of(7, 8), { secret: 'hash' });
  const row = () => ({ id: bytes(), tags: [bytes()] });
  const [cold, warm] = coldAndWarm({ shape: [{ id: 'value', tags: ['value'] }] }, row);
  for (const release of [cold, warm]) {
    const { outcome } = release([row()]) as { outcome: { value: ReturnType<typeof row>[] } };
    expect(outcome.value[0]?.id).toEqual(Uint8Array.of(7, 8));
    expect(JSON.stringify(outcome)).not.toContain('hash');
  }
  // Those of Node stay what they are, and write themselves as such.
  expect(warm([{ id: Buffer.from('a'), tags: [] }]).outcome).toEqual({
    ok: true,
    value: [{ id: Buffer.from('a'), tags: [] }],
  });
});

test('An object of another tenant among similar objects is a leak, and its place is reported', () => {
  const tenant = { tenantOf: ({ tenantId }: Readonly<Record<string, unknown>>) => tenantId };
  const own = () => ({ id: 1, tenantId: 'a', home: { city: 'Bonn', tenantId: 'a' } });
  const [cold, warm] = coldAndWarm({ shape, tenant }, own);
  for (const release of [cold, warm]) {
    expect(release([own()])).toMatchObject({
      outcome: { value: [{ id: 1, home: { city: 'Bonn' } }] },
    });
    expect(release([own(), { ...own(), tenantId: 'b' }]).outcome).toMatchObject({
      denial: { code: 'tenant.leak', cause: expect.stringContaining('payload[]') },
    });
    expect(
      release([own(), { ...own(), home: { city: 'Bonn', tenantId: 'b' } }]).outcome,
    ).toMatchObject({
      denial: { code: 'tenant.leak', cause: expect.stringContaining('payload[].home') },
    });
  }
});

test('Objects that are alike count towards maxValues with all their members', () => {
  const [cold, warm] = coldAndWarm({ shape, maxValues: 1_000 }, usual);
  const most = (release: Release) => {
    let count = 0;
    while ((release(Array.from({ length: count + 1 }, usual)).outcome as BodyOutcome).ok) count++;
    return count;
  };
  // Each is an item with six members, of which one has two and another one item.
  expect([most(cold), most(warm)]).toEqual([100, 100]);
});

test('Objects with more members than a site copies go out whole, also when all sites are in use', () => {
  const names = Array.from({ length: 30 }, (_, at) => `member${at}`);
  const row = () => Object.fromEntries([...names, 'secret'].map((name) => [name, name]));
  for (let round = 0; round < COPY_SITES.length; round++) {
    const shape = [Object.fromEntries(names.map((name) => [name, 'value' as const]))] as const;
    const [cold, warm] = coldAndWarm({ shape }, row);
    const answer = warm([row(), row()]);
    expect(answer).toEqual(cold([row(), row()]));
    expect(answer.dropped).toBe(2);
    expect(written(answer)).toContain('"member29":"member29"');
  }
});

test('A filter keeps working when the shape of its objects changes, and changes again', () => {
  const shape: OutputShape = [{ a: 'value', b: 'value' }];
  const release = prepare({ shape });
  for (const extra of ['x', 'y', 'z', 'x']) {
    const row = () => ({ a: 1, [extra]: 2, b: 3 });
    for (let round = 0; round < 3; round++) release(Array.from({ length: 100 }, row));
    expect(release([row()])).toEqual({
      outcome: { ok: true, value: [{ a: 1, b: 3 }] },
      dropped: 1,
    });
  }
});

test('All sites are the same function', () => {
  expect(new Set(COPY_SITES.map((site) => site.toString().replaceAll(/\s+/g, ' '))).size).toBe(1);
});
