import * as fc from 'fast-check';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { FilterRun } from './filter-run.ts';
import type { Members, OutputFilter } from './output-filter.ts';

// When objects are copied by a site of their own, and that a site answers what the filter says. There are few sites in
// a process, so each test loads the modules anew.

async function load() {
  vi.resetModules();
  const [{ objectFilter }, filters, { startRun, fail }, { COPY_SITES, SLOTS }] = await Promise.all([
    import('./object-filter.ts'),
    import('./output-filter.ts'),
    import('./filter-run.ts'),
    import('./copy-sites.ts'),
  ]);
  return { objectFilter, OutputFilter: filters.OutputFilter, startRun, fail, COPY_SITES, SLOTS };
}

let modules: Awaited<ReturnType<typeof load>>;
/** What filters of values were asked about. */
let asked: unknown[] = [];
beforeEach(async () => {
  modules = await load();
  asked = [];
});

/** What a shape says: the names of plain values, and objects in objects. */
interface Shape {
  readonly [name: string]: 'value' | Shape;
}

const BOUND = 10_000;
const run = (ownedBy?: FilterRun['ownedBy']) => modules.startRun(BOUND, [], ownedBy);

function filterOf(shape: Shape, where = 'payload'): OutputFilter {
  const named = Object.entries(shape).map(([name, of]) => {
    const at = `${where}.${name}`;
    if (of !== 'value') return [name, filterOf(of, at)] as const;
    const value = new modules.OutputFilter(
      at,
      (each, of) => {
        asked.push(each);
        return typeof each === 'object' && each !== null ? modules.fail(of, 'shape', at) : each;
      },
      true,
    );
    return [name, value] as const;
  });
  return modules.objectFilter(new Map(named), where);
}

const apply = (filter: OutputFilter, value: unknown, of = run()) => ({
  value: filter.apply(value, of, filter),
  dropped: of.dropped,
  left: of.left,
  failed: of.failed,
});

const isPlanned = (filter: OutputFilter, value: object): boolean =>
  filter.apply !== filter.general && filter.names.join() === Object.keys(value).join();

/** How many such objects in turn it takes until a site copies them. */
function untilPlanned(filter: OutputFilter, ...values: readonly object[]): number | undefined {
  for (let count = 1; count <= 400; count++) {
    for (const value of values) {
      apply(filter, value);
      if (isPlanned(filter, value)) return count;
    }
  }
  return undefined;
}

const objectOf = (names: readonly string[], value: unknown = 'x'): Members =>
  Object.fromEntries(names.map((name) => [name, value]));
const numbered = (prefix: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, at) => `${prefix}${at}`);
const shapeOf = (...names: readonly string[]): Shape =>
  Object.fromEntries(names.map((name) => [name, 'value'] as const));

describe('objects are copied by a site', () => {
  test('after 66 that are alike', () => {
    expect(untilPlanned(filterOf(shapeOf('a', 'b')), { a: 1, x: 2, b: 3 })).toBe(66);
  });

  test('again after they have changed for good, but not a third time', () => {
    const filter = filterOf(shapeOf('a', 'b'));
    expect(untilPlanned(filter, { a: 1, b: 2 })).toBe(66);
    // Their members are looked at anew once in sixteen times.
    expect(untilPlanned(filter, { b: 1, a: 2 })).toBe(81);
    expect(untilPlanned(filter, { a: 1 })).toBe(undefined);
    expect(filter.names).toEqual(['b', 'a']);
  });

  test.each<[string, readonly object[]]>([
    ['two kinds in turn', [{ a: 1 }, { b: 1 }]],
    [
      'another order in turn',
      [
        { a: 1, b: 1 },
        { b: 1, a: 1 },
      ],
    ],
    ['a member more in turn', [{ a: 1 }, { a: 1, b: 1 }]],
    ['two kinds, one rarer', [{ a: 1 }, { a: 1 }, { a: 1 }, { b: 1 }]],
    ['with none of the members', [{ x: 1, y: 2 }]],
    ['with no member at all', [{}]],
    ['nine members, for a shape of two', [objectOf(numbered('m', 8).concat('a'))]],
    ['a name that is long, and not of the shape', [{ a: 1, ['x'.repeat(65)]: 1 }]],
  ])('never: %s', (_what, values) => {
    expect(untilPlanned(filterOf(shapeOf('a', 'b')), ...values)).toBe(undefined);
  });

  test.each<[string, Shape, object]>([
    ['eight members, for a shape of two', shapeOf('a', 'b'), objectOf(['a', ...numbered('m', 7)])],
    [
      'a name of 64 characters that is not of the shape',
      shapeOf('a'),
      { a: 1, ['x'.repeat(64)]: 1 },
    ],
    ['a longer one that is', shapeOf('y'.repeat(65)), { ['y'.repeat(65)]: 1 }],
  ])('as others: %s', (_what, shape, value) => {
    expect(untilPlanned(filterOf(shape), value)).toBe(66);
  });

  test('never where names are chosen by callers', () => {
    const any = new modules.OutputFilter('payload.*', (value) => value, true);
    const filter = modules.objectFilter(new Map([['*', any]]), 'payload');
    expect(untilPlanned(filter, { a: 1, b: 2 })).toBe(undefined);
    expect(apply(filter, { a: 1, b: 2 }).value).toEqual({ a: 1, b: 2 });
  });

  test('until all sites are in use, where each copies eight members', () => {
    const { COPY_SITES, SLOTS } = modules;
    expect([COPY_SITES.length, SLOTS]).toEqual([40, 8]);
    const planned = (members: number): boolean => {
      const names = numbered('m', members);
      const value = objectOf(names);
      const filter = filterOf(shapeOf(...names));
      const count = untilPlanned(filter, value);
      expect(apply(filter, value).value).toEqual(value);
      return count === 66;
    };
    // Three of them copy 17 members.
    expect(Array.from({ length: 13 }, () => planned(17))).toEqual(Array(13).fill(true));
    expect(planned(9)).toBe(false);
    expect(planned(8)).toBe(true);
    expect(planned(1)).toBe(false);
  });
});

/** A filter of this shape whose site is in use. */
function planned(shape: Shape, value: object): OutputFilter {
  const filter = filterOf(shape);
  expect(untilPlanned(filter, value)).toBe(66);
  asked = [];
  return filter;
}

describe('a site', () => {
  test('asks the filter of a member only about what is not a text, a number or a boolean', () => {
    const filter = planned(shapeOf('a', 'b', 'c', 'd', 'e'), objectOf(['a', 'b', 'c', 'd', 'e']));
    const value = { a: 'x', b: 1, c: true, d: null, e: 2n };
    expect(apply(filter, value).value).toEqual(value);
    expect(asked).toEqual([null, 2n]);
  });

  test('is as strict where it is not in use yet', () => {
    const filter = filterOf(shapeOf('a', 'b', 'c', 'd', 'e'));
    const value = { a: 'x', b: 1, c: true, d: null, e: 2n };
    expect(apply(filter, value).value).toEqual(value);
    expect(asked).toEqual([null, 2n]);
  });

  test('takes no text for an object', () => {
    const usual = { id: 1, home: { city: 'Bonn' } };
    const filter = planned({ id: 'value', home: { city: 'value' } }, usual);
    for (const home of ['secret', 1, true, () => usual, Symbol('secret')]) {
      expect(apply(filter, { id: 1, home })).toMatchObject({
        value: expect.not.objectContaining({ home }),
        failed: { reason: 'shape', where: 'payload.home' },
      });
    }
  });

  test.each<[string, () => unknown]>([
    ['a list', () => []],
    ['a list without the prototype of one', () => Object.setPrototypeOf([1], null) as unknown],
    ['a map', () => Object.assign(new Map(), { a: 1 })],
    ['a set', () => new Set(['secret'])],
    ['a date', () => new Date(0)],
    ['bytes', () => Uint8Array.of(1)],
    ['a view of bytes', () => new DataView(new ArrayBuffer(1))],
    ['a text', () => 'secret'],
  ])('leaves %s to the filter, which lets none out', (_what, make) => {
    const usual = { a: 1 };
    const filter = planned(shapeOf('a'), usual);
    for (const each of [filter, filterOf(shapeOf('a'))]) {
      expect(apply(each, make())).toMatchObject({
        value: undefined,
        failed: { reason: 'shape', where: 'payload' },
      });
    }
  });

  test.each([null, undefined])('leaves %s as it is', (nothing) => {
    const filter = planned(shapeOf('a'), { a: 1 });
    for (const each of [filter, filterOf(shapeOf('a'))]) {
      expect(apply(each, nothing)).toEqual({
        value: nothing,
        dropped: 0,
        left: BOUND,
        failed: undefined,
      });
    }
  });

  test('copies own members of what has another prototype, and none that it inherits', () => {
    const filter = planned(shapeOf('a', 'b'), { a: 1, b: 2 });
    for (const each of [filter, filterOf(shapeOf('a', 'b'))]) {
      const child = Object.assign(Object.create({ b: 'inherited' }), { a: 1 });
      expect(apply(each, child)).toMatchObject({ value: { a: 1 }, left: BOUND - 1 });
    }
  });

  test('ends with the bound, and says where', () => {
    const usual = { a: 1, b: 2, x: 3 };
    const filter = planned(shapeOf('a', 'b'), usual);
    for (const each of [filter, filterOf(shapeOf('a', 'b'))]) {
      const enough = modules.startRun(3, [], undefined);
      expect(apply(each, usual, enough)).toMatchObject({ value: { a: 1, b: 2 }, left: 0 });
      expect(apply(each, usual, modules.startRun(2, [], undefined))).toEqual({
        value: undefined,
        dropped: expect.any(Number),
        left: -1,
        failed: { reason: 'shape', where: 'payload' },
      });
    }
  });

  test('answers nothing at all where a member may not go out', () => {
    const usual = { a: 1, b: { c: 1 } };
    const filter = planned({ a: 'value', b: { c: 'value' } }, usual);
    const cold = filterOf({ a: 'value', b: { c: 'value' } });
    const failed = { reason: 'shape', where: 'payload.b.c' };
    const bad = { a: 1, b: { c: {} } };
    expect(apply(cold, bad)).toMatchObject({ value: undefined, failed });
    expect(apply(filter, bad).failed).toEqual(failed);
  });

  test('asks whose an object is before it copies anything', () => {
    const usual = { a: 1, x: 2 };
    const filter = planned(shapeOf('a'), usual);
    for (const each of [filter, filterOf(shapeOf('a'))]) {
      expect(
        apply(
          each,
          usual,
          run(() => true),
        ).value,
      ).toEqual({ a: 1 });
      expect(
        apply(
          each,
          usual,
          run(() => false),
        ),
      ).toEqual({
        value: undefined,
        dropped: 0,
        left: -1,
        failed: { reason: 'tenant', where: 'payload' },
      });
    }
  });

  test('lets out no __proto__, whatever the shape says of others', () => {
    const any = new modules.OutputFilter('payload.*', (value) => value, true);
    const filter = modules.objectFilter(new Map([['*', any]]), 'payload');
    const answer = apply(filter, JSON.parse('{"a":1,"__proto__":"secret"}'));
    expect(answer).toMatchObject({ value: { a: 1 }, dropped: 1 });
    const planned = objectOf(['a']);
    expect(Object.getPrototypeOf(answer.value)).toBe(Object.getPrototypeOf(planned));
  });
});

/** What a shape lets out of an object, written down once more in the plainest way. */
function expected(shape: Shape, value: object): { value: Members; dropped: number; seen: number } {
  const answer = { value: {} as Members, dropped: 0, seen: 0 };
  for (const [name, each] of Object.entries(value)) {
    answer.seen++;
    const of = Object.hasOwn(shape, name) ? shape[name] : undefined;
    if (of === undefined) answer.dropped++;
    else if (of === 'value' || each === null) {
      if (each !== undefined) answer.value[name] = each;
    } else {
      // Objects of these tests have an object there.
      const inner = expected(of, each as object);
      answer.value[name] = inner.value;
      answer.dropped += inner.dropped;
      answer.seen += inner.seen;
    }
  }
  return answer;
}

describe('whatever a shape says, a site copies what the shape lets out', () => {
  const plain = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.constantFrom<unknown>(null, undefined, 2n, Number.NaN, ''),
  );
  const kinds = fc.array(fc.constantFrom('value', 'object', 'secret'), {
    maxLength: 23,
    size: 'max',
  });
  const home = { city: 'value', code: 'value' } as const;

  test('with as many sites as it takes', async () => {
    let sites = 0;
    await fc.assert(
      fc.asyncProperty(
        kinds,
        fc.infiniteStream(plain),
        fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
        async (all, values, skips) => {
          modules = await load();
          const names = ['value', ...all].map((kind, at) => `${kind}${at}`);
          const shape: Shape = Object.fromEntries(
            names.flatMap((name) => {
              if (name.startsWith('secret')) return [];
              return [[name, name.startsWith('object') ? home : 'value'] as const];
            }),
          );
          const next = () => values.next().value;
          const make = (only: (at: number) => boolean = () => true) =>
            Object.fromEntries(
              names.flatMap((name, at) => {
                if (!only(at)) return [];
                const isObject = name.startsWith('object');
                return [[name, isObject ? { city: next(), hash: 1, code: next() } : next()]];
              }),
            );
          const filter = filterOf(shape);
          for (let count = 0; count < 66; count++) apply(filter, make());
          // Objects with more names than that are not remembered.
          if (names.length <= Object.keys(shape).length * 4) {
            expect(isPlanned(filter, make())).toBe(true);
            for (let part: OutputFilter | undefined = filter; part; part = part.next) sites++;
          }
          const few = make((at) => skips[at % skips.length] === true);
          for (const value of [make(), few, make()]) {
            const { value: letOut, dropped, seen } = expected(shape, value);
            const answer = apply(filter, value);
            expect(answer).toEqual({
              value: letOut,
              dropped,
              left: BOUND - seen,
              failed: undefined,
            });
            expect(Object.keys(answer.value as object)).toEqual(Object.keys(letOut));
          }
        },
      ),
      { numRuns: 40 },
    );
    // Each run has at least one member that goes out, so few need none.
    expect(sites).toBeGreaterThan(10);
  });
});
