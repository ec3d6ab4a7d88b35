import {
  type AuthenticatedFacts,
  explainRow,
  field,
  require,
  resource,
  toPredicate,
  toSql,
} from '@apisec/core';
import { toDrizzle } from '@apisec/core/to-drizzle';
import { toKysely } from '@apisec/core/to-kysely';
import { PGlite } from '@electric-sql/pglite';
import { char, pgTable, text } from 'drizzle-orm/pg-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  checkTable,
  type Document,
  drizzleList,
  kyselyList,
  sqlList,
  stored,
} from '../src/lists.ts';
import { document, readable, visible } from '../src/policy.ts';

/** Rows that filters of others get wrong: null, another case, blanks, patterns, texts that look like SQL. */
const odd = ['ann', 'Ann', 'ann ', 'ann%', "ann' OR '1'='1", 'a_n', 'ànn', 'bob'];
const rows: readonly Document[] = ['acme', 'globex'].flatMap((tenantId) =>
  odd.flatMap((ownerId, at) =>
    [null, 'sales', 'Sales'].map((department, column) => ({
      id: `${tenantId}-${at}-${column}`,
      tenantId,
      ownerId,
      department,
      status: column === 1 && at % 2 === 0 ? 'published' : 'draft',
      readers: at === 7 ? ['ann', 'x'] : at === 6 ? ['ann%'] : [],
    })),
  ),
);

let db: PGlite;
beforeAll(async () => {
  db = await PGlite.create();
  await db.exec(`CREATE TABLE documents (
    id text PRIMARY KEY, tenant_id text NOT NULL, owner_id text NOT NULL, department text,
    status text NOT NULL, readers text[] NOT NULL
  )`);
  for (const row of rows) {
    const values = [row.id, row.tenantId, row.ownerId, row.department, row.status, row.readers];
    await db.query('INSERT INTO documents VALUES ($1, $2, $3, $4, $5, $6)', values);
  }
}, 120_000);
afterAll(() => db?.close());

const as = (
  subject: string,
  tenant: string | undefined,
  department?: unknown,
): AuthenticatedFacts => ({
  principal: {
    id: subject,
    subject,
    issuer: 'https://id.example.com',
    tenant,
    scopes: new Set(),
    roles: new Set(),
  },
  authentication: { method: 'jwt', scheme: 'Bearer', claims: { department } },
});
const CALLERS: readonly (readonly [string, AuthenticatedFacts, number])[] = [
  ['ann of sales', as('ann', 'acme', 'sales'), 9],
  ['ann without a department', as('ann', 'acme'), 6],
  ['ann whose department is null', as('ann', 'acme', null), 6],
  ['ann of the other company', as('ann', 'globex', 'sales'), 9],
  ['a pattern', as('ann%', 'acme'), 6],
  ['a condition', as("ann' OR '1'='1", 'acme'), 3],
  ['nobody of a company', as('ann', undefined, 'sales'), 0],
];

const request = new Request('https://api.example.com/');
const read = require(readable);
/** What single reads admit, one by one. */
function singleReads(facts: AuthenticatedFacts): readonly string[] {
  const ids: string[] = [];
  for (const row of rows) {
    const { ok } = read.check(request, { ...facts, document: row });
    if (ok) ids.push(row.id);
  }
  return ids.toSorted();
}

describe.each(CALLERS)('the list of %s', (_name, facts, count) => {
  test('is what single reads admit, through SQL, Kysely, Drizzle and in memory', async () => {
    const expected = singleReads(facts);
    expect(expected).toHaveLength(count);
    const planned = visible(facts);
    const lists = { SQL: sqlList(db), Kysely: kyselyList(db), Drizzle: drizzleList(db) };
    for (const [name, list] of Object.entries(lists)) {
      expect((await list(planned)).toSorted(), name).toEqual(expected);
    }
    const filter = toPredicate(document);
    expect(
      rows
        .filter(filter(planned))
        .map(({ id }) => id)
        .toSorted(),
    ).toEqual(expected);
  });

  test('is explained row by row', async () => {
    const explain = explainRow(readable, document);
    const expected = singleReads(facts);
    for (const row of rows) {
      const { listed, rule, cause } = await explain(facts, row as never);
      expect([row.id, listed]).toEqual([row.id, expected.includes(row.id)]);
      if (!listed) expect(rule?.reasons.map(({ code }) => code) ?? cause).toBeTruthy();
    }
  });
});

test('a draft of the department is missing because it is a draft', async () => {
  const explain = explainRow(readable, document);
  const row = { ...rows[1], ownerId: 'eve', status: 'draft' } as never;
  const { rule } = await explain(as('ann', 'acme', 'sales'), row);
  expect(rule?.reasons.map(({ code }) => code)).toContain('document.draft');
  expect(rule?.reasons.map(({ code }) => code)).not.toContain('document.other_department');
});

test('a column that would be compared otherwise cannot be constructed', () => {
  const padded = pgTable('documents', { id: text('id'), owner: char('owner', { length: 8 }) });
  const padding = resource({
    name: 'document',
    fields: { id: field.text(), owner: field.text() },
    id: 'id',
    tenant: false,
  });
  expect(() => toDrizzle(padding, { dialect: 'postgresql', table: padded })).toThrow('owner');
  const columns = { id: 'text', owner: 'char(8)' } as never;
  expect(() => toSql(padding, { ...stored, columns })).toThrow(/owner: .* pads texts with blanks/);
  expect(() => toKysely(padding, { ...stored, columns })).toThrow(/owner: .* pads texts/);
});

test('a migration that changes a column is found when the server starts', async () => {
  await expect(checkTable(db)).resolves.toBeUndefined();
  await db.exec('ALTER TABLE documents ALTER COLUMN owner_id TYPE char(40)');
  try {
    await expect(checkTable(db)).rejects.toThrow(/ownerId: a column of type "character" cannot/);
  } finally {
    await db.exec('ALTER TABLE documents ALTER COLUMN owner_id TYPE text USING rtrim(owner_id)');
  }
  await expect(checkTable(db)).resolves.toBeUndefined();
});
