import { assertConfiguration } from '../lib/configuration-error.ts';
import type { Field, ScalarType } from './field.ts';
import type { Filter, FilterTerm } from './filter.ts';
import type { ResourceInfo } from './resource-info.ts';
import type { RuleValue } from './rule-data.ts';
import { FIRST_INSTANT, LAST_INSTANT } from './values.ts';

export type SqlDialect = 'postgresql' | 'sqlite';

/** Text of a condition, with slots for columns and parameters. Nothing of a value is ever in the text. */
export type SqlPart =
  | string
  | { readonly column: string }
  | { readonly param: string | number | boolean | readonly (string | number | boolean)[] };
/** Conditions in conditions, so that none is copied into the next. */
export type Sql = SqlPart | readonly Sql[];

/** How one database says what filters say. */
interface Dialect {
  /** A column as a scalar of its type. */
  readonly column: (type: ScalarType, column: Sql) => Sql;
  /** A value as a parameter of its type. */
  readonly value: (type: ScalarType, value: RuleValue) => Sql;
  /** Holds where the column has a value that JavaScript would read as one of its type. */
  readonly known: (type: ScalarType, column: Sql) => Sql;
  readonly compare: (type: ScalarType, left: Sql, sign: string, right: Sql) => Sql;
  readonly startsWith: (left: Sql, right: Sql) => Sql;
  readonly among: (type: ScalarType, left: Sql, values: readonly RuleValue[]) => Sql;
  /** A wider condition that an index of the column can answer, where the exact one cannot use it. */
  readonly indexed: (column: Sql, values: readonly string[], isUuid: boolean) => Sql | undefined;
  /** Holds where the driver gives a list, whatever is in it. */
  readonly listKnown: (column: Sql) => Sql;
  /** Holds where the column has a list that can be looked through. */
  readonly isList: (column: Sql) => Sql;
  readonly count: (column: Sql) => Sql;
  readonly items: (column: Sql) => Sql;
  readonly item: Sql;
  readonly itemKnown: (type: 'text' | 'integer') => Sql;
}

const MOST = String(Number.MAX_SAFE_INTEGER);

/** The name of an item inside `EXISTS`. A column of this name would be hidden by it, so none may have it. */
export const ITEM = 'apisec_item';

const CASTS: Readonly<Record<ScalarType, string>> = {
  text: '::text',
  integer: '::bigint',
  number: '::double precision',
  boolean: '::boolean',
  instant: '::timestamptz',
};

/** Milliseconds, because a Date holds no more; a column holds microseconds. */
const timestamp = (at: number): string => new Date(at).toISOString();

/** As PostgreSQL writes it, and as its drivers give it. */
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

const postgresql: Dialect = {
  column: (type, column) => [
    type === 'instant' ? ["date_trunc('milliseconds', ", column, ')'] : column,
    type === 'text' ? '::text' : '',
  ],
  value: (type, value) => [
    { param: type === 'instant' ? timestamp(Number(value)) : value },
    CASTS[type],
  ],
  known: (type, column) => {
    switch (type) {
      case 'integer':
        return [column, ` BETWEEN -${MOST} AND ${MOST}`];
      case 'number':
        // NaN is above infinity here.
        return ['(', column, " > '-Infinity'::float8 AND ", column, " < 'Infinity'::float8)"];
      case 'instant':
        return [
          '(',
          column,
          ` >= '${timestamp(FIRST_INSTANT)}'::timestamptz AND `,
          column,
          ` < '${timestamp(LAST_INSTANT)}'::timestamptz + interval '1 millisecond')`,
        ];
      case 'text':
      case 'boolean':
        return [column, ' IS NOT NULL'];
    }
  },
  // COLLATE "C" compares bytes, whatever the collation of the column says of case, accents and blanks.
  compare: (type, left, sign, right) =>
    type === 'text'
      ? ['(', left, ') COLLATE "C" ', sign, ' (', right, ') COLLATE "C"']
      : [left, ` ${sign} `, right],
  startsWith: (left, right) => ['starts_with((', left, ') COLLATE "C", (', right, ') COLLATE "C")'],
  among: (type, left, values) => {
    const param = type === 'instant' ? values.map((value) => timestamp(Number(value))) : values;
    const list: Sql = ['ANY(', { param }, `${CASTS[type]}[])`];
    return type === 'text' ? ['(', left, ') COLLATE "C" = ', list] : [left, ' = ', list];
  },
  indexed: (column, values, isUuid) => {
    if (isUuid && !values.every((value) => UUID.test(value))) return undefined;
    const type = isUuid ? 'uuid' : 'text';
    const [first = ''] = values;
    return values.length === 1
      ? [column, ' = ', { param: first }, `::${type}`]
      : [column, ' = ANY(', { param: values }, `::${type}[])`];
  },
  listKnown: (column) => [column, ' IS NOT NULL'],
  // What has two dimensions holds lists, and unnest would give what is in those.
  isList: (column) => ['(cardinality(', column, ') = 0 OR array_ndims(', column, ') = 1)'],
  count: (column) => ['cardinality(', column, ')'],
  items: (column) => ['unnest(', column, `) AS ${ITEM}(value)`],
  item: [`${ITEM}.value`],
  itemKnown: (type) =>
    type === 'integer'
      ? [`${ITEM}.value BETWEEN -${MOST} AND ${MOST}`]
      : [`${ITEM}.value IS NOT NULL`],
};

/** Texts that hold NUL, or half a surrogate pair, which SQLite reads as U+FFFD without it being one. */
const wellFormed = (value: Sql): Sql => [
  'instr(',
  value,
  ', char(0)) = 0 AND replace(',
  value,
  ", char(65533), '') NOT GLOB '*' || char(65533) || '*'",
];
const whole = (column: Sql, least: string, most: string): Sql => [
  '(typeof(',
  column,
  ") IN ('integer', 'real') AND ",
  column,
  ` BETWEEN ${least} AND ${most} AND `,
  column,
  ' = CAST(',
  column,
  ' AS INTEGER))',
];

const sqlite: Dialect = {
  column: (type, column) => (type === 'number' ? ['CAST(', column, ' AS REAL)'] : column),
  value: (_type, value) => [{ param: typeof value === 'boolean' ? Number(value) : value }],
  // A column holds what was put into it, whatever its type says.
  known: (type, column) => {
    switch (type) {
      case 'text':
        return ['(typeof(', column, ") = 'text' AND ", wellFormed(column), ')'];
      case 'integer':
        return whole(column, `-${MOST}`, MOST);
      case 'instant':
        return whole(column, String(FIRST_INSTANT), String(LAST_INSTANT));
      case 'number':
        return [
          '(typeof(',
          column,
          ") IN ('integer', 'real') AND ",
          column,
          ' > -9e999 AND ',
          column,
          ' < 9e999)',
        ];
      case 'boolean':
        return ['(typeof(', column, ") = 'integer' AND ", column, ' IN (0, 1))'];
    }
  },
  compare: (type, left, sign, right) => [
    left,
    type === 'text' ? ` COLLATE BINARY ${sign} ` : ` ${sign} `,
    right,
  ],
  startsWith: (left, right) => [
    'substr(',
    left,
    ', 1, length(',
    right,
    ')) COLLATE BINARY = ',
    right,
  ],
  among: (type, left, values) => {
    const collated = type === 'text' ? ' COLLATE BINARY IN (' : ' IN (';
    const plain = values.map((value) => (typeof value === 'boolean' ? Number(value) : value));
    // One parameter however many values; but reading a number from JSON may change its last digit.
    if (type !== 'number') {
      const param = JSON.stringify(plain);
      return [left, collated, 'SELECT value FROM json_each(', { param }, '))'];
    }
    const list = plain.flatMap((param, at) => (at === 0 ? [{ param }] : [', ', { param }]));
    return [left, collated, list, ')'];
  },
  // An index of a column with the usual collation answers the exact condition.
  indexed: () => undefined,
  listKnown: (column) => sqlite.isList(column),
  isList: (column) => [
    '(CASE WHEN typeof(',
    column,
    ") = 'text' AND json_valid(",
    column,
    ') THEN json_type(',
    column,
    ") = 'array' ELSE 0 END)",
  ],
  count: (column) => ['json_array_length(', column, ')'],
  items: (column) => ['json_each(', column, `) AS ${ITEM}`],
  item: [`${ITEM}.value`],
  itemKnown: (type) =>
    type === 'text'
      ? [`(${ITEM}.type = 'text' AND `, wellFormed([`${ITEM}.value`]), ')']
      : // The value of `true` is 1.
        [
          `(${ITEM}.type IN ('integer', 'real') AND `,
          whole([`${ITEM}.value`], `-${MOST}`, MOST),
          ')',
        ],
};

const DIALECTS: Readonly<Record<SqlDialect, Dialect>> = { postgresql, sqlite };

const SIGNS = { eq: '=', ne: '<>', lt: '<', le: '<=', gt: '>', ge: '>=' } as const;

/**
 * Renders filters of one resource as conditions that are true for the rows in them, and false or NULL for all others.
 */
export function filterRenderer(
  resource: ResourceInfo,
  dialect: SqlDialect,
  uuids: ReadonlySet<string>,
): (filter: Filter) => Sql {
  const sql = DIALECTS[dialect];

  const typeOf = (name: string): Field<unknown> => {
    const field = resource.fields.get(name);
    assertConfiguration(
      field !== undefined,
      `The ${resource.name} has no field ${JSON.stringify(name)}.`,
    );
    return field;
  };
  const term = (type: ScalarType, of: FilterTerm): Sql => {
    if ('field' in of) return sql.column(type, column(of.field));
    return 'item' in of ? sql.column(type, sql.item) : sql.value(type, of.value);
  };
  /** What must hold for a test of these terms to be certain. */
  const known = (type: ScalarType, terms: readonly FilterTerm[]): Sql[] =>
    // Items are known where they are asked about.
    terms.flatMap((of) => ('field' in of ? [sql.known(type, column(of.field))] : []));

  /** What an index can answer of a text that equals one of these. */
  const indexed = (left: FilterTerm, values: readonly RuleValue[]): Sql[] => {
    if (!('field' in left)) return [];
    // The values of a text are texts.
    const wide = sql.indexed(
      column(left.field),
      values as readonly string[],
      uuids.has(left.field),
    );
    return wide === undefined ? [] : [wide];
  };

  const render = (node: Filter): Sql => {
    switch (node.op) {
      case 'and':
        return group(node.of.map(render), ' AND ');
      case 'or':
        return group(node.of.map(render), ' OR ');
      case 'isNull':
        return [column(node.field), ' IS NULL'];
      case 'isKnown': {
        const { type } = typeOf(node.field);
        return type === 'list'
          ? sql.listKnown(column(node.field))
          : sql.known(type, column(node.field));
      }
      case 'isEmpty':
        return guarded(node.list, [sql.count(column(node.list)), ' = 0']);
      case 'isNotEmpty':
        return guarded(node.list, [sql.count(column(node.list)), ' > 0']);
      case 'exists':
      case 'forAll': {
        const parts = [
          sql.itemKnown(node.item),
          ...(node.where === true ? [] : [render(node.where)]),
        ];
        const inner = group(parts, ' AND ');
        const items = sql.items(column(node.list));
        return guarded(
          node.list,
          node.op === 'exists'
            ? ['EXISTS (SELECT 1 FROM ', items, ' WHERE ', inner, ')']
            : ['NOT EXISTS (SELECT 1 FROM ', items, ' WHERE ', inner, ' IS NOT TRUE)'],
        );
      }
      case 'in':
      case 'notIn': {
        const among = sql.among(node.type, term(node.type, node.left), node.values);
        const test = node.op === 'in' ? among : ['NOT (', among, ')'];
        const wide =
          node.op === 'in' && node.type === 'text' ? indexed(node.left, node.values) : [];
        return group([...wide, ...known(node.type, [node.left]), test], ' AND ');
      }
      case 'startsWith':
      case 'notStartsWith': {
        const test = sql.startsWith(term(node.type, node.left), term(node.type, node.right));
        const { right } = node;
        return group(
          [
            ...known(node.type, [node.left, right]),
            // Everything starts with nothing.
            ...('field' in right || 'item' in right
              ? [sql.compare('text', term('text', right), '<>', ["''"])]
              : []),
            node.op === 'startsWith' ? test : ['NOT (', test, ')'],
          ],
          ' AND ',
        );
      }
      case 'eq':
      case 'ne':
      case 'lt':
      case 'le':
      case 'gt':
      case 'ge': {
        const { type, left, right, op } = node;
        const test = sql.compare(type, term(type, left), SIGNS[op], term(type, right));
        const one =
          'value' in right
            ? ([left, right.value] as const)
            : 'value' in left
              ? ([right, left.value] as const)
              : undefined;
        const wide = op === 'eq' && type === 'text' && one ? indexed(one[0], [one[1]]) : [];
        return group([...wide, ...known(type, [left, right]), test], ' AND ');
      }
    }
  };
  /** SQLite would fail on what is not JSON, so nothing is asked of it; CASE keeps the order. */
  const guarded = (name: string, test: Sql): Sql => [
    '(CASE WHEN ',
    sql.isList(column(name)),
    ' THEN ',
    test,
    dialect === 'sqlite' ? ' ELSE 0 END)' : ' ELSE FALSE END)',
  ];
  return render;
}

function column(name: string): Sql {
  return { column: name };
}

function group(parts: readonly Sql[], operator: string): Sql {
  const joined: Sql[] = ['('];
  for (const part of parts) {
    if (joined.length > 1) joined.push(operator);
    joined.push(part);
  }
  joined.push(')');
  return joined;
}

/** Shows each part in order. */
export function eachPart(sql: Sql, visit: (part: SqlPart) => void): void {
  if (isList(sql)) for (const inner of sql) eachPart(inner, visit);
  else visit(sql);
}

function isList(sql: Sql): sql is readonly Sql[] {
  return Array.isArray(sql);
}
