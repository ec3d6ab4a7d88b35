import { expect, test } from 'vitest';
import { expiringRows } from './expiring-rows.ts';

interface Row {
  readonly id: string;
  readonly group: string;
  readonly until: number;
}

function store(capacity = 10) {
  const clock = { now: 0 };
  const dropped: string[] = [];
  const rows = expiringRows<Row>({
    where: 'memoryRows',
    capacity,
    now: () => clock.now,
    endsAt: ({ until }) => until,
    groupsOf: ({ group }) => [group],
    onDrop: ({ id }) => dropped.push(id),
  });
  return { rows, clock, dropped };
}

const row = (id: string, until = 100, group = 'a'): Row => ({ id, group, until });

test('a row is there until it ends, and its id is free again then', () => {
  const { rows, clock, dropped } = store();
  expect(rows.insert(row('1'))).toBe(true);
  expect(rows.insert(row('1'))).toBe(false);
  clock.now = 99;
  expect(rows.get('1')).toEqual(row('1'));
  clock.now = 100;
  expect([rows.get('1'), rows.inGroup('a')]).toEqual([undefined, []]);
  expect(dropped).toEqual(['1']);
  expect(rows.insert(row('1', 200))).toBe(true);
});

test('keeps a copy that callers cannot change', () => {
  const { rows } = store();
  const given = { id: '1', group: 'a', until: 100 };
  rows.insert(given);
  given.until = 1;
  expect(rows.get('1')?.until).toBe(100);
  expect(Object.isFrozen(rows.get('1'))).toBe(true);
});

test('rows are found by their group as long as they are there', () => {
  const { rows, clock } = store();
  rows.insert(row('1'));
  rows.insert(row('2', 50));
  rows.insert(row('3', 100, 'b'));
  rows.replace(row('1', 80));
  const ids = (group: string) => rows.inGroup(group).map(({ id }) => id);
  expect([ids('a'), ids('b'), ids('c')]).toEqual([['1', '2'], ['3'], []]);
  clock.now = 50;
  expect(ids('a')).toEqual(['1']);
  rows.drop(row('1'));
  expect(ids('a')).toEqual([]);
});

test('a full store takes no row, forgets none, and looks for ended ones once a second', () => {
  const { rows, clock } = store(2);
  rows.insert(row('1', 500));
  rows.insert(row('2', 5_000));
  expect(() => rows.insert(row('3', 5_000))).toThrow('memoryRows: full.');
  clock.now = 999;
  // The first has ended; the store looked less than a second ago.
  expect(() => rows.insert(row('3', 5_000))).toThrow('memoryRows: full.');
  clock.now = 1_000;
  expect(rows.insert(row('3', 5_000))).toBe(true);
  expect(() => rows.insert(row('4', 5_000))).toThrow('memoryRows: full.');
  expect([rows.get('2')?.id, rows.get('3')?.id]).toEqual(['2', '3']);
});

test('a full store looks for ended rows also after its clock was set back', () => {
  const { rows, clock } = store(1);
  rows.insert(row('1', 5_000));
  expect(() => rows.insert(row('2', 5_000))).toThrow('memoryRows: full.');
  clock.now = -10_000;
  rows.replace(row('1', -9_000));
  clock.now = -9_000;
  expect(rows.insert(row('2', 5_000))).toBe(true);
});
