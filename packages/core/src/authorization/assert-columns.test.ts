import type { PGlite } from '@electric-sql/pglite';
import { citext } from '@electric-sql/pglite/contrib/citext';
import initSqlJs, { type Database, type SqlValue } from 'sql.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openInProcess } from '../../../postgres/test/in-process.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import { type AskDatabase, assertColumns } from './assert-columns.ts';
import type { SqlColumn } from './column-types.ts';
import { field } from './field.ts';
import { resource } from './resource.ts';
import { toKysely } from './to-kysely.ts';
import { toSql } from './to-sql.ts';

const item = resource({
  name: 'item',
  fields: {
    id: field.text(),
    size: field.integer({ nullable: true }),
    score: field.number({ nullable: true }),
    open: field.boolean({ nullable: true }),
    made: field.instant({ nullable: true }),
    readers: field.list(field.text(), { nullable: true }),
    marks: field.list(field.integer(), { nullable: true }),
  },
  id: 'id',
  tenant: false,
});

const pgColumns = {
  id: 'text',
  size: 'bigint',
  score: 'double precision',
  open: 'boolean',
  made: { name: 'made_at', type: 'timestamptz' },
  readers: 'text[]',
  marks: 'integer[]',
} as const;
const pgStored = { dialect: 'postgresql', table: 'items', columns: pgColumns } as const;
const liteColumns = {
  id: 'TEXT',
  size: 'INTEGER',
  score: 'REAL',
  open: 'BOOLEAN',
  made: { name: 'made_at', type: 'INTEGER' },
  readers: 'TEXT',
  marks: 'TEXT',
} as const;
const liteStored = { dialect: 'sqlite', table: 'items', columns: liteColumns } as const;

let pg: PGlite;
let lite: Database;
const askPg: AskDatabase = async (statement, params) =>
  (await pg.query(statement, [...params])).rows;
const askLite: AskDatabase = (statement, params) => {
  const [result] = lite.exec(statement, params as SqlValue[]);
  return (result?.values ?? []).map((values) =>
    Object.fromEntries(values.map((value, at) => [result?.columns[at], value])),
  );
};

beforeAll(async () => {
  pg = await openInProcess({ extensions: { citext } });
  lite = new (await initSqlJs()).Database();
  await pg.exec(`CREATE EXTENSION citext; CREATE DOMAIN handle AS text; CREATE SCHEMA "o""ther"`);
  // A bound against hanging: a database that is compiled first takes long on a busy machine.
}, 180_000);
afterAll(async () => {
  lite.close();
  await pg.close();
});

/** The columns of the table, with some of them of another type. */
const tableOf = (types: Readonly<Record<string, string>>) =>
  Object.entries(types)
    .map(([name, type]) => `${name} ${type}`)
    .join(', ');
const PG_TABLE = {
  id: 'text',
  size: 'bigint',
  score: 'double precision',
  open: 'boolean',
  made_at: 'timestamptz',
  readers: 'text[]',
  marks: 'integer[]',
};
const LITE_TABLE = {
  id: 'VARCHAR(20)',
  size: 'INT',
  score: 'DOUBLE',
  open: 'BOOLEAN',
  made_at: 'INTEGER',
  readers: 'TEXT',
  marks: 'CLOB',
};

/** What other types do to rows, by the database, the column and the type. */
const HOSTILE_TYPES: readonly (readonly ['postgresql' | 'sqlite', string, string, RegExp])[] = [
  ['postgresql', 'id', 'citext', /either case/],
  ['postgresql', 'id', 'char(20)', /pads texts/],
  ['postgresql', 'id', 'handle', /"handle" cannot/],
  ['postgresql', 'id', 'uuid', /of type uuid, not text/],
  ['postgresql', 'id', 'integer', /"integer" cannot/],
  ['postgresql', 'size', 'numeric(20,0)', /not those of JavaScript/],
  ['postgresql', 'size', 'text', /"text" cannot/],
  ['postgresql', 'size', 'smallint', /of type smallint, not bigint/],
  ['postgresql', 'marks', 'bigint[]', /of type bigint\[\], not integer\[\]/],
  ['postgresql', 'score', 'real', /round away/],
  ['postgresql', 'score', 'numeric', /not those of JavaScript/],
  ['postgresql', 'open', 'integer', /"integer" cannot/],
  ['postgresql', 'made_at', 'timestamp', /another instant in each session/],
  ['postgresql', 'made_at', 'timestamp(3)', /another instant in each session/],
  ['postgresql', 'made_at', 'date', /another instant in each session/],
  ['postgresql', 'made_at', 'text', /"text" cannot/],
  ['postgresql', 'readers', 'jsonb', /another order/],
  ['postgresql', 'readers', 'citext[]', /either case/],
  ['postgresql', 'readers', 'text', /"text" cannot/],
  ['postgresql', 'marks', 'numeric[]', /not those of JavaScript/],
  ['sqlite', 'id', 'NUMERIC', /"NUMERIC" cannot/],
  ['sqlite', 'id', 'STRING', /"STRING" cannot/],
  ['sqlite', 'id', 'BLOB', /"BLOB" cannot/],
  ['sqlite', 'size', 'TEXT', /"TEXT" cannot/],
  ['sqlite', 'score', 'NUMERIC', /"NUMERIC" cannot/],
  // The letters INT make it a whole number.
  ['sqlite', 'score', 'FLOATING POINT', /"INTEGER" cannot/],
  ['sqlite', 'open', 'TEXT', /"TEXT" cannot/],
  ['sqlite', 'made_at', 'DATETIME', /"DATETIME" cannot/],
  ['sqlite', 'made_at', 'TEXT', /"TEXT" cannot/],
  ['sqlite', 'readers', 'JSON', /"JSON" cannot/],
];

describe('assertColumns', () => {
  test('finds nothing in the tables that were declared', async () => {
    await pg.exec(`CREATE TABLE items (${tableOf(PG_TABLE)})`);
    lite.run(`CREATE TABLE items (${tableOf(LITE_TABLE)})`);
    await expect(assertColumns(item, pgStored, askPg)).resolves.toBeUndefined();
    await expect(assertColumns(item, liteStored, askLite)).resolves.toBeUndefined();
  });

  test('takes a view that casts what the table holds', async () => {
    await pg.exec(`
      CREATE TABLE raw (${tableOf({ ...PG_TABLE, id: 'citext', score: 'numeric' })});
      CREATE VIEW cast_items AS SELECT id::varchar(9) AS id, size, score::float8 AS score, open,
        made_at::timestamptz(3) AS made_at, readers::varchar(9)[] AS readers, marks FROM raw`);
    await expect(
      assertColumns(item, { ...pgStored, table: 'cast_items' }, askPg),
    ).resolves.toBeUndefined();
  });

  test('looks into the named schema, whatever its name', async () => {
    await pg.exec(`CREATE TABLE "o""ther"."I.tems" (${tableOf({ ...PG_TABLE, open: 'text' })})`);
    const elsewhere = { ...pgStored, schema: 'o"ther', table: 'I.tems' };
    await expect(assertColumns(item, elsewhere, askPg)).rejects.toThrow(/open: a column/);
    await expect(assertColumns(item, { ...elsewhere, table: 'i.tems' }, askPg)).rejects.toThrow(
      /there is no table/,
    );
  });

  test.each(HOSTILE_TYPES)('on %s finds that %s is %s', async (dialect, column, type, message) => {
    const table = 'hostile';
    const [stored, ask, types] =
      dialect === 'sqlite'
        ? ([{ ...liteStored, table }, askLite, LITE_TABLE] as const)
        : ([{ ...pgStored, table }, askPg, PG_TABLE] as const);
    const ddl = `DROP TABLE IF EXISTS hostile; CREATE TABLE hostile (${tableOf({ ...types, [column]: type })})`;
    if (dialect === 'sqlite') lite.run(ddl);
    else await pg.exec(ddl);
    const checked = assertColumns(item, stored, ask);
    await expect(checked).rejects.toThrow(ConfigurationError);
    await expect(checked).rejects.toThrow(message);
    await expect(checked).rejects.toThrow(column === 'made_at' ? 'made:' : `${column}:`);
  });

  test('names each column that is missing or wrong, and finds a column of SQLite in another case', async () => {
    lite.run('CREATE TABLE few (ID TEXT, Size TEXT)');
    const checked = assertColumns(item, { ...liteStored, table: 'few' }, askLite);
    await expect(checked).rejects.toThrow(/size: .* score: the table has no column "score"/);
    await expect(checked).rejects.not.toThrow(/ id:/);
  });

  test('takes no database in another encoding', async () => {
    const latin: AskDatabase = (statement) =>
      statement.includes('encoding') ? [{ encoding: 'LATIN1' }] : [];
    await expect(assertColumns(item, pgStored, latin)).rejects.toThrow(/must be UTF-8, not LATIN1/);
    await expect(assertColumns(item, pgStored, () => [])).rejects.toThrow(/not undefined/);
    const wide = new (await initSqlJs()).Database();
    wide.run(`PRAGMA encoding = 'UTF-16le'; CREATE TABLE items (${tableOf(LITE_TABLE)})`);
    const ask: AskDatabase = (statement, params) => {
      const [result] = wide.exec(statement, params as SqlValue[]);
      return (result?.values ?? []).map(([name, type]) => ({ name, type, encoding: name }));
    };
    await expect(assertColumns(item, liteStored, ask)).rejects.toThrow(/not UTF-16le/);
    wide.close();
  });
});

describe('a renderer must know the type of each column', () => {
  const renderers = { toSql, toKysely };

  test.each(
    HOSTILE_TYPES.filter(([, , , message]) => !message.source.startsWith('of type')).flatMap(
      ([dialect, column, type, message]) =>
        (['toSql', 'toKysely'] as const).map(
          (name) => [name, dialect, column, type, message] as const,
        ),
    ),
  )('%s on %s cannot be constructed where %s is %s', (name, dialect, column, type) => {
    const known = column === 'made_at' ? 'made' : column;
    const stored = dialect === 'sqlite' ? liteStored : pgStored;
    const columns = { ...stored.columns, [known]: { name: column, type } };
    const construct = () => renderers[name](item, { ...stored, columns });
    expect(construct).toThrow(ConfigurationError);
    expect(construct).toThrow(`${name}, columns: ${known}: a column of type "${type}" cannot hold`);
  });

  test.each<[string, unknown, RegExp]>([
    ['no columns', undefined, /must say the type of each column/],
    ['a field without its column', { ...pgColumns, open: undefined }, /open is missing.*'boolean'/],
    ['a field that is inherited', Object.create(pgColumns), /id is missing/],
    ['a column without a type', { ...pgColumns, open: { name: 'open' } }, /type undefined cannot/],
    ['the name in the place of the type', { ...pgColumns, id: 'item_id' }, /"item_id" cannot/],
    ['types of the other dialect', liteColumns, /Use text or varchar or uuid/],
    ['an option that is not one', { ...pgColumns, id: { type: 'text', as: 'x' } }, /not an option/],
  ])('and cannot be constructed with %s', (_name, columns, message) => {
    for (const renderer of [toSql, toKysely]) {
      const construct = () => renderer(item, { ...pgStored, columns: columns as never });
      expect(construct).toThrow(ConfigurationError);
      expect(construct).toThrow(message);
    }
  });

  test('a missing or unknown column does not compile', () => {
    const columns: SqlColumn = 'text';
    // @ts-expect-error: a renderer without columns
    expect(() => toSql(item, { dialect: 'postgresql' })).toThrow();
    // @ts-expect-error: a field without its column
    expect(() => toSql(item, { dialect: 'postgresql', columns: { id: columns } })).toThrow();
    // @ts-expect-error: a type that is not exact
    const padded: SqlColumn = 'char(8)';
    expect(padded).toBe('char(8)');
  });
});
