import { assertConfiguration } from '../lib/configuration-error.ts';
import { isStorableText } from '../lib/storable-text.ts';
import type { ColumnInfo } from './column-types.ts';
import { eachPart, ITEM, type Sql, type SqlDialect, type SqlPart } from './sql-filter.ts';

/** A condition without parameters. */
export function constant(holds: boolean, dialect: SqlDialect): string {
  const [yes, no] = dialect === 'sqlite' ? ['1', '0'] : ['TRUE', 'FALSE'];
  return `(${holds ? yes : no})`;
}

/** The fields whose columns are of type `uuid`. */
export function uuidsOf(columns: ReadonlyMap<string, ColumnInfo>): ReadonlySet<string> {
  return new Set([...columns].filter(([, { type }]) => type === 'uuid').map(([field]) => field));
}

/**
 * Names that mean something inside `EXISTS`: a column without its table would be taken for one of them. In SQLite
 * they are the columns of `json_each`.
 */
const HIDDEN: Readonly<Record<SqlDialect, readonly string[]>> = {
  postgresql: [ITEM, 'value'],
  sqlite: [ITEM, 'key', 'value', 'type', 'atom', 'id', 'parent', 'fullkey', 'path', 'json', 'root'],
};

/** The quoted column of each field. */
export function quoteColumns(
  where: string,
  columns: ReadonlyMap<string, ColumnInfo>,
  table: string | undefined,
  dialect: SqlDialect,
): ReadonlyMap<string, string> {
  // Backticks in SQLite: there, a name in double quotes that names no column is taken for a text.
  const quote = (name: string): string => {
    assertConfiguration(
      typeof name === 'string' && name !== '' && name.length <= 63 && isStorableText(name),
      `${where}: ${JSON.stringify(name)} is not a valid name of a table or column.`,
    );
    return dialect === 'sqlite'
      ? `\`${name.replaceAll('`', '``')}\``
      : `"${name.replaceAll('"', '""')}"`;
  };
  assertConfiguration(table !== ITEM, `${where}: a table cannot be named ${ITEM} here.`);
  const prefix = table === undefined ? '' : `${quote(table)}.`;
  return new Map(
    [...columns].map(([field, { name }]) => {
      assertConfiguration(
        table !== undefined || !HIDDEN[dialect].includes(name.toLowerCase()),
        `${where}: the column ${JSON.stringify(name)} needs the name of its table: { table: 'documents' }.`,
      );
      return [field, prefix + quote(name)];
    }),
  );
}

/** The texts between slots, and the slots: what template functions of query builders take. */
export function template<S>(
  sql: Sql,
  slot: (part: Exclude<SqlPart, string>) => S,
): { readonly strings: readonly string[]; readonly slots: readonly S[] } {
  const strings: string[] = [''];
  const slots: S[] = [];
  eachPart(sql, (part) => {
    if (typeof part === 'string') {
      strings[strings.length - 1] += part;
    } else {
      slots.push(slot(part));
      strings.push('');
    }
  });
  return { strings, slots };
}
