import type { PGlite } from '@electric-sql/pglite';
import { boolean, pgTable, text } from 'drizzle-orm/pg-core';
import { drizzle } from 'drizzle-orm/pglite';
import {
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
} from 'kysely';
import initSqlJs, { type Database, type SqlValue } from 'sql.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openInProcess } from '../../../postgres/test/in-process.ts';
import { guard } from '../engine/guard.ts';
import { protect } from '../host/protect.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { field } from './field.ts';
import { plan } from './plan.ts';
import { relation } from './relation.ts';
import { require as requireRule } from './require.ts';
import { resource } from './resource.ts';
import { rule } from './rule.ts';
import type { Rule } from './rule-data.ts';
import { sharedFolders } from './shared-folders.ts';
import { subject } from './subject.ts';
import { toDrizzle } from './to-drizzle.ts';
import { toKysely } from './to-kysely.ts';
import { toPredicate } from './to-predicate.ts';
import { toSql } from './to-sql.ts';

/** What a token says; of any type, since nobody checks claims. */
interface Caller {
  readonly id?: unknown;
  readonly level?: unknown;
  readonly groups?: unknown;
}
interface Facts {
  readonly who: Caller;
}

const caller = subject({
  fields: {
    id: field.text({ optional: true }),
    level: field.text({ optional: true }),
    groups: field.list(field.text(), { optional: true }),
  },
  of: ({ who }: Facts) => ({ ...who }),
});
const post = resource({
  name: 'post',
  fields: {
    id: field.text(),
    tenant: field.text(),
    owner: field.text({ nullable: true }),
    title: field.text({ nullable: true }),
    prefix: field.text({ nullable: true }),
    secret: field.boolean({ nullable: true }),
    readers: field.list(field.text(), { nullable: true }),
    folder: field.text({ nullable: true }),
  },
  id: 'id',
  tenant: { field: 'tenant', of: (_: Facts) => 'acme' },
});

const rows = [
  ['r1', 'acme', 'alice', 'finance', 'fin', false, ['alice', 'bob'], 'team'],
  ['r2', 'acme', 'alice', 'Finance', null, true, ['alice'], 'team/year'],
  ['r3', 'acme', null, null, 'x', null, null, null],
  ['r4', 'acme', 'bob', 'finance ', 'finance', false, [], 'other'],
  ['r5', 'acme', 'bob', 'finânce', '', true, ['bob', null], 'team/year'],
  ['r6', 'acme', '', '', '', false, ['bob'], ''],
  ['foreign', 'globex', 'alice', 'finance', 'fin', false, ['alice'], 'team'],
] as const;
const columns = ['id', 'tenant', 'owner', 'title', 'prefix', 'secret', 'readers', 'folder'];
const texts = {
  id: 'text',
  tenant: 'text',
  owner: 'text',
  title: 'text',
  prefix: 'text',
  folder: 'text',
} as const;
const pgTypes = { ...texts, secret: 'boolean', readers: 'text[]' } as const;
const liteTypes = {
  id: 'TEXT',
  tenant: 'TEXT',
  owner: 'TEXT',
  title: 'TEXT',
  prefix: 'TEXT',
  folder: 'TEXT',
  secret: 'INTEGER',
  readers: 'TEXT',
} as const;
const objects = rows.map((row) => ({
  id: row[0],
  ...Object.fromEntries(row.map((value, at) => [columns[at] as string, value as unknown])),
})) as readonly { readonly id: string; readonly [name: string]: unknown }[];

const folders: Readonly<Record<string, string>> = { 'team/year': 'team' };
const viewer = relation(
  'viewer',
  sharedFolders({
    isShared: (user: string, folder) => user === 'alice' && folder === 'team',
    sharedWith: (user) => (user === 'alice' ? ['team'] : []),
    parentOf: (folder) => folders[folder],
    childrenOf: (above) =>
      Object.entries(folders).flatMap(([child, parent]) => (above.includes(parent) ? child : [])),
  }),
);
/** More than the relation may list, so that what it lists is not all. */
const banned = relation('banned', {
  check: (_user: string, folder: string) => folder !== 'other',
  list: () => ['team', 'team/year', ''],
  maxListed: 1,
});

type Of = Rule<Facts & { readonly post: object }>;
const { all, any, not, eq, ne, gt, isNull, exists, every, startsWith, related } = rule;
const alice: Caller = { id: 'alice', level: 'premium', groups: ['finance'] };
const nobody: Caller = {};
const published = not(eq(post.secret, true));

/** By the library that published it, with the number under which it did; and the rows that the rule does admit. */
const cases: readonly (readonly [string, Of, Caller, readonly string[]])[] = [
  [
    'casl#696: what forbids goes missing where it is said before what allows',
    all(published, ne(post.id, 'none')),
    alice,
    ['r1', 'r4', 'r6'],
  ],
  ['casl#696, the other way round', all(ne(post.id, 'none'), published), alice, ['r1', 'r4', 'r6']],
  [
    'casl#1010 and #1068: the list weighs what allows and forbids otherwise than the check',
    any(all(eq(post.owner, caller.id), not(startsWith(post.title, 'fin'))), eq(post.owner, 'bob')),
    alice,
    ['r2', 'r4', 'r5'],
  ],
  [
    'casl#536: "none" is read as "not every"',
    not(exists(post.readers, (each) => eq(each, 'alice'))),
    alice,
    ['r4', 'r6'],
  ],
  [
    'casl#1073: "every" holds for an empty list in the database, and not in memory',
    every(post.readers, (each) => eq(each, 'alice')),
    alice,
    ['r2'],
  ],
  [
    'feathers-casl#149: an operator that cannot be negated is left out, and with it what forbids',
    not(startsWith(post.title, 'fin')),
    alice,
    ['r2', 'r6'],
  ],
  [
    'cerbos#1009: an attribute that the caller lacks is an error in one reading, and no match in the other',
    any(eq(post.owner, caller.id), not(eq(caller.level, 'basic'))),
    nobody,
    [],
  ],
  [
    'cerbos#1214: a branch that the caller does not meet becomes true',
    any(
      all(eq(caller.level, 'basic'), eq(post.secret, true)),
      all(eq(caller.level, 'premium'), not(eq(post.secret, true))),
    ),
    alice,
    ['r1', 'r4', 'r6'],
  ],
  [
    'cerbos#1333: a list of the caller that is a text is passed over, and everything allowed',
    any(rule.in(post.title, caller.groups), rule.in(post.owner, caller.groups)),
    { id: 'alice', groups: 'finance' },
    [],
  ],
  [
    'cerbos#2369: a rule that only forbids allows what it does not know',
    not(eq(post.owner, 'bob')),
    alice,
    ['r1', 'r2', 'r6'],
  ],
  [
    'query-plan-adapters#272: a collation without case or accents, equal',
    eq(post.title, 'finance'),
    alice,
    ['r1'],
  ],
  [
    'query-plan-adapters#436: a collation that pads with blanks',
    rule.in(post.title, ['finance']),
    alice,
    ['r1'],
  ],
  [
    'query-plan-adapters#489: an order by language, where capitals come behind',
    gt(post.title, 'a'),
    alice,
    ['r1', 'r4', 'r5'],
  ],
  [
    'query-plan-adapters#491: a presence check is taken for always true',
    all(not(isNull(post.prefix)), eq(post.owner, caller.id)),
    alice,
    ['r1'],
  ],
  [
    'query-plan-adapters#495: an element that is null, under a negated "exists"',
    not(exists(post.readers, (each) => eq(each, 'carol'))),
    alice,
    ['r1', 'r2', 'r4', 'r6'],
  ],
  [
    'query-plan-adapters#495: an element that is null, under "every"',
    every(post.readers, (each) => ne(each, 'alice')),
    alice,
    ['r6'],
  ],
  [
    'query-plan-adapters#460: an object without a parent, under a negated relation',
    not(related(viewer, caller.id, post.folder)),
    alice,
    ['r4', 'r6'],
  ],
  [
    'query-plan-adapters#393: a beginning that is a column, negated over null',
    not(startsWith(post.title, post.prefix)),
    alice,
    [],
  ],
  [
    'query-plan-adapters#393: "not and", where one side is null',
    not(all(eq(post.owner, 'alice'), eq(post.secret, true))),
    alice,
    ['r1', 'r4', 'r5', 'r6'],
  ],
  [
    'zenstack#397: the object has no owner, and the caller no name',
    eq(post.owner, caller.id),
    nobody,
    [],
  ],
  [
    'zenstack#272: "no owner, or mine" finds the objects of others',
    any(isNull(post.owner), eq(post.owner, caller.id)),
    alice,
    ['r1', 'r2', 'r3'],
  ],
  [
    'openfga#576: a list has what lies below a parent of another kind, and the check denies it',
    related(viewer, caller.id, post.folder),
    alice,
    ['r1', 'r2', 'r5'],
  ],
  [
    'cancancan#570: one reader allows and another one forbids',
    all(
      exists(post.readers, (each) => eq(each, 'alice')),
      not(exists(post.readers, (each) => eq(each, 'bob'))),
    ),
    alice,
    ['r2'],
  ],
  [
    'cancan#644: what is forbidden last is taken for a list of everything',
    all(eq(post.owner, caller.id), not(ne(post.id, 'none'))),
    alice,
    [],
  ],
  [
    'Prisma, where a filter with the value undefined is none',
    eq(post.owner, caller.id),
    nobody,
    [],
  ],
  ['Prisma, where NOT of such a filter is none either', not(eq(post.owner, caller.id)), nobody, []],
  ['Hasura 1, where a comparison with null is true', eq(post.title, caller.level), nobody, []],
  [
    'MongoDB, where $ne finds what does not have the field',
    ne(post.title, 'finance'),
    alice,
    ['r2', 'r4', 'r5', 'r6'],
  ],
  [
    'MongoDB, where $nin finds it as well',
    not(rule.in(post.title, ['finance', 'Finance'])),
    alice,
    ['r4', 'r5', 'r6'],
  ],
  [
    'MongoDB, where a filter compares with a member of a list as with a value',
    not(exists(post.readers, (each) => eq(each, 'bob'))),
    alice,
    ['r2', 'r4'],
  ],
];

const table = pgTable('posts', {
  id: text('id').primaryKey(),
  tenant: text('tenant').notNull(),
  owner: text('owner'),
  title: text('title'),
  prefix: text('prefix'),
  secret: boolean('secret'),
  readers: text('readers').array(),
  folder: text('folder'),
});
const kysely = new Kysely<{ posts: Record<string, unknown> }>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
});

let pg: PGlite;
let lite: Database;

beforeAll(async () => {
  pg = await openInProcess();
  await pg.exec(`CREATE TABLE posts (id text PRIMARY KEY, tenant text NOT NULL, owner text, title text,
    prefix text, secret boolean, readers text[], folder text)`);
  lite = new (await initSqlJs()).Database();
  // With the collations that others have compared with.
  lite.run(`CREATE TABLE posts (id TEXT PRIMARY KEY, tenant TEXT COLLATE NOCASE, owner TEXT COLLATE NOCASE,
    title TEXT COLLATE NOCASE, prefix TEXT COLLATE RTRIM, secret INTEGER, readers TEXT, folder TEXT)`);
  for (const row of rows) {
    await pg.query('INSERT INTO posts VALUES ($1, $2, $3, $4, $5, $6, $7, $8)', [...row]);
    const stored = row.map((value) => (Array.isArray(value) ? JSON.stringify(value) : value));
    lite.run(
      'INSERT INTO posts VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
      stored.map((value) => (typeof value === 'boolean' ? Number(value) : value)) as SqlValue[],
    );
  }
}, 180_000);

afterAll(async () => {
  lite.close();
  await pg.close();
});

/** Each way to a list, and the single reads. */
const readings: Readonly<Record<string, (of: Of, facts: Facts) => Promise<readonly string[]>>> = {
  'toSql, PostgreSQL': async (of, facts) => {
    const where = toSql(post, { dialect: 'postgresql', columns: pgTypes })(
      await plan(of, post)(facts),
    );
    return idsOf(
      (await pg.query(`SELECT id FROM posts WHERE ${where.text}`, [...where.params])).rows,
    );
  },
  'toSql, SQLite': async (of, facts) => {
    const planned = await plan(of, post)(facts);
    const where = toSql(post, { dialect: 'sqlite', table: 'posts', columns: liteTypes })(planned);
    const params = where.params as unknown as SqlValue[];
    const [result] = lite.exec(`SELECT id FROM posts WHERE ${where.text}`, params);
    return (result?.values ?? []).map(([id]) => String(id));
  },
  toKysely: async (of, facts) => {
    const where = toKysely(post, { dialect: 'postgresql', table: 'posts', columns: pgTypes });
    const planned = await plan(of, post)(facts);
    const { sql, parameters } = kysely
      .selectFrom('posts')
      .select('id')
      .where(where(planned))
      .compile();
    return idsOf((await pg.query(sql, [...parameters])).rows);
  },
  toDrizzle: async (of, facts) => {
    const where = toDrizzle(post, { dialect: 'postgresql', table });
    const planned = await plan(of, post)(facts);
    return idsOf(await drizzle(pg).select({ id: table.id }).from(table).where(where(planned)));
  },
  toPredicate: async (of, facts) =>
    idsOf(objects.filter(toPredicate(post)(await plan(of, post)(facts)))),
  'single reads': async (of, facts) => {
    // A rule that says nothing of the object does not ask for its tenant either.
    const policy = requireRule(all(ne(post.id, ''), of) as Of);
    const admitted: string[] = [];
    for (const object of objects) {
      const outcome = await policy.check(new Request('https://api.example.com/'), {
        ...facts,
        post: object,
      });
      if (outcome.ok) admitted.push(object.id);
    }
    return admitted;
  },
};

function idsOf(list: readonly unknown[]): readonly string[] {
  return list.map((row) => (row as { readonly id: string }).id);
}

describe('published faults by which other libraries admitted too much', () => {
  test.each(cases)('%s', async (_name, of, who, expected) => {
    for (const [reading, read] of Object.entries(readings)) {
      expect([reading, (await read(of, { who })).toSorted()]).toEqual([reading, expected]);
    }
  });

  test('each has a name of its own, and most admit somebody, so that they can fail', () => {
    expect(new Set(cases.map(([name]) => name)).size).toBe(cases.length);
    expect(cases.filter(([, , , ids]) => ids.length > 0).length).toBeGreaterThan(20);
  });

  test('cerbos#917 and casl#170: an action without a rule is allowed for everything', () => {
    for (const none of [undefined, null, {}, []]) {
      expect(() => plan(none as never, post)).toThrow(ConfigurationError);
      expect(() => requireRule(none as never)).toThrow(ConfigurationError);
    }
    expect(() => protect(guard() as never, () => new Response())).toThrow(ConfigurationError);
  });

  test('query-plan-adapters#495: a condition without parts is {AND: []}, which is everything', () => {
    for (const empty of [all, any] as unknown as (() => unknown)[]) {
      expect(empty).toThrow(ConfigurationError);
    }
  });

  test('casl#810: a check of the type, without an object, passes', () => {
    const policy = requireRule(eq(post.owner, caller.id));
    for (const object of [undefined, null, {}, 'post', []]) {
      const facts = { who: alice, post: object } as never;
      const outcome = policy.check(new Request('https://api.example.com/'), facts);
      expect(outcome.ok).toBe(false);
    }
  });

  test('SpiceDB CVE-2023-35930: an incomplete list says who is banned', async () => {
    const notBanned = not(related(banned, caller.id, post.folder));
    const facts = { who: alice };
    expect(await plan(notBanned, post)(facts)).toMatchObject({
      kind: 'none',
      unavailable: [expect.any(Error)],
    });
    // One folder alone can be asked about.
    expect(await readings['single reads']?.(notBanned, facts)).toEqual(['r4']);
  });

  test('query-plan-adapters#302: a field that was not loaded counts as null', () => {
    const policy = requireRule(isNull(post.owner));
    const { owner: _, ...partial } = objects[2] as (typeof objects)[number];
    const check = (object: object) =>
      policy.check(new Request('https://api.example.com/'), { who: alice, post: object }).ok;
    expect([check(objects[2] as object), check(partial)]).toEqual([true, false]);
    const planned = plan(isNull(post.owner), post)({ who: alice });
    expect(toPredicate(post)(planned)(partial)).toBe(false);
  });
});
