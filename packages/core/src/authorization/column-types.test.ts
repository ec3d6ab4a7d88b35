import type { PGlite } from '@electric-sql/pglite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openInProcess } from '../../../postgres/test/in-process.ts';
import { assertColumns } from './assert-columns.ts';
import { field } from './field.ts';
import { plan } from './plan.ts';
import { require as requireRule } from './require.ts';
import { resource } from './resource.ts';
import { rule } from './rule.ts';
import type { Rule } from './rule-data.ts';
import { subject } from './subject.ts';
import { toSql } from './to-sql.ts';

// The types that `plan.test.ts` has no columns of: each admits in a list what it admits in a single read.
const A = '0b5f4a3e-0000-4000-8000-00000000000a';
const B = '0b5f4a3e-0000-4000-8000-00000000000b';
type Facts = { readonly who: { readonly id: unknown } };

const caller = subject({ fields: { id: field.text() }, of: ({ who }: Facts) => who });
const thing = resource({
  name: 'thing',
  fields: {
    id: field.text(),
    owner: field.text({ nullable: true }),
    title: field.text({ nullable: true }),
    size: field.integer({ nullable: true }),
    readers: field.list(field.text(), { nullable: true }),
    marks: field.list(field.integer(), { nullable: true }),
  },
  id: 'id',
  tenant: false,
});
const stored = {
  dialect: 'postgresql',
  table: 'things',
  columns: {
    id: 'uuid',
    owner: 'uuid',
    title: 'varchar',
    size: 'smallint',
    readers: 'uuid[]',
    marks: 'smallint[]',
  },
} as const;

let pg: PGlite;
let rows: { id: string }[];
beforeAll(async () => {
  pg = await openInProcess();
  // A collation for which letters of either case, with and without accents, are the same.
  await pg.exec(`
    CREATE COLLATION alike (provider = icu, locale = 'und-u-ks-level1', deterministic = false);
    CREATE TABLE things (id uuid PRIMARY KEY, owner uuid, title varchar(20) COLLATE alike,
      size smallint, readers uuid[], marks smallint[]);
    INSERT INTO things SELECT ('0b5f4a3e-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid,
      (ARRAY['${A}', '${B}', NULL])[n % 3 + 1]::uuid,
      (ARRAY['alice', 'Alice', 'alicé', 'alice ', E'e\\u0301', E'\\u00e9', '', NULL])[n % 8 + 1],
      (ARRAY[0, 7, -32768, 32767, NULL])[n % 5 + 1],
      CASE n % 4 WHEN 0 THEN '{}' WHEN 1 THEN ARRAY['${A}', '${B}']::uuid[] WHEN 2 THEN ARRAY[NULL]::uuid[] END,
      CASE n % 3 WHEN 0 THEN '{}' WHEN 1 THEN '{1,7}' END::smallint[]
    FROM generate_series(1, 60) AS n`);
  rows = (await pg.query<{ id: string }>('SELECT * FROM things')).rows;
}, 180_000);
afterAll(() => pg?.close());

const RULES: Readonly<Record<string, Rule<Facts & { readonly thing: object }>>> = {
  'owner is caller': rule.eq(thing.owner, caller.id),
  'owner is not caller': rule.ne(thing.owner, caller.id),
  'owner below caller': rule.lt(thing.owner, caller.id),
  'owner in': rule.in(thing.owner, [A, A.toUpperCase(), 'no uuid']),
  'owner starts with': rule.startsWith(thing.owner, '0b5f4a3e-0000'),
  'owner starts with upper case': rule.startsWith(thing.owner, '0B5F'),
  'caller in readers': rule.in(caller.id, thing.readers),
  'owner in readers': rule.in(thing.owner, thing.readers),
  'every reader': rule.every(thing.readers, (each) => rule.ne(each, caller.id)),
  'no reader': rule.not(rule.exists(thing.readers, (each) => rule.eq(each, A))),
  'title eq': rule.eq(thing.title, 'alice'),
  'title ne': rule.ne(thing.title, 'alice'),
  'title in': rule.in(thing.title, ['ALICE', 'alice', '\u00e9']),
  'title not in': rule.not(rule.in(thing.title, ['ALICE', 'alice', '\u00e9'])),
  'title below': rule.lt(thing.title, 'Alice'),
  'title starts with': rule.startsWith(thing.title, 'e'),
  'title starts with lower case': rule.startsWith(thing.title, 'al'),
  'size eq': rule.eq(thing.size, 7),
  'size above all': rule.lt(thing.size, 2 ** 40),
  'size in': rule.in(thing.size, [7, 2 ** 31]),
  'size in marks': rule.in(thing.size, thing.marks),
  'some mark': rule.exists(thing.marks, (each) => rule.gt(each, 2)),
};

describe('a list is what single reads admit, over uuid, smallint and a collation that ignores case', () => {
  const where = toSql(thing, stored);
  const callers = [A, B, A.toUpperCase(), `{${A}}`, 'no uuid', '', 7, null].map((id) => ({
    who: { id },
  }));

  test.each(Object.entries(RULES))('where %s', async (_name, of) => {
    const policy = requireRule(of);
    for (const facts of callers) {
      const { text, params } = where(
        await plan(of as Rule<Facts & { thing: object }>, thing)(facts),
      );
      const listed = await pg.query<{ id: string }>(`SELECT id FROM things WHERE ${text}`, [
        ...params,
      ]);
      const single: string[] = [];
      for (const row of rows) {
        const outcome = policy.check(new Request('https://api.example.com/'), {
          ...facts,
          thing: row,
        });
        // Rules without relations are decided at once.
        if (outcome instanceof Promise) throw new Error('A rule has waited.');
        if (outcome.ok) single.push(row.id);
      }
      expect([facts, listed.rows.map(({ id }) => id).toSorted()]).toEqual([
        facts,
        single.toSorted(),
      ]);
    }
  });

  test('the table is as it was declared', async () => {
    await expect(
      assertColumns(thing, stored, async (sql, params) => (await pg.query(sql, [...params])).rows),
    ).resolves.toBeUndefined();
  });

  test('and an index of uuids answers for the caller', async () => {
    await pg.exec('CREATE INDEX by_owner ON things (owner); SET enable_seqscan = off');
    const { text, params } = where(
      plan(rule.eq(thing.owner, caller.id), thing)({ who: { id: A } }),
    );
    const explained = await pg.query(`EXPLAIN SELECT id FROM things WHERE ${text}`, [...params]);
    expect(JSON.stringify(explained.rows)).toContain('by_owner');
  });
});
