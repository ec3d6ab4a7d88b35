import { assertConfiguration } from '../lib/configuration-error.ts';
import { assertKnownOptions } from '../lib/options.ts';

/** What one value can be. */
export type ScalarType = 'text' | 'integer' | 'number' | 'boolean' | 'instant';
export type FieldType = ScalarType | 'list';

/**
 * What an attribute holds, and whether it may be missing, said once. A value of another type is never guessed at:
 * whatever a rule asks of it is undecidable, and what is undecidable admits nobody.
 */
export interface Field<out T> {
  readonly type: FieldType;
  /** Of a list: what it holds. */
  readonly item?: 'text' | 'integer' | undefined;
  /** It may be null. */
  readonly nullable: boolean;
  /** It may be absent, which is then the same as null: a database knows no difference. */
  readonly optional: boolean;
  /** Only in types. */
  readonly value?: T | undefined;
}

/** Options of a field that may be missing. */
export interface MissingOptions {
  /** It may be null. An absent one is undecidable. */
  readonly nullable?: boolean | undefined;
  /** It may be absent or null, which is the same. */
  readonly optional?: boolean | undefined;
}

type Missing = { readonly nullable: true } | { readonly optional: true };

interface FieldFactory<Base> {
  <T extends Base = Base>(options: Missing): Field<T | null>;
  <T extends Base = Base>(): Field<T>;
}

function makeField(type: ScalarType): (options?: MissingOptions) => Field<never> {
  return (options = {}) => fieldOf(`field.${type}`, { type }, options);
}

function fieldOf(
  where: string,
  what: Pick<Field<never>, 'type' | 'item'>,
  options: MissingOptions,
): Field<never> {
  assertKnownOptions(where, options, ['nullable', 'optional']);
  const { nullable = false, optional = false } = options;
  assertConfiguration(
    typeof nullable === 'boolean' && typeof optional === 'boolean',
    `${where}: nullable and optional must be true or false.`,
  );
  return Object.freeze({ ...what, nullable, optional });
}

/**
 * The types of attributes.
 *
 * - `text`: well-formed Unicode without NUL, compared by code points, so case, accents and blanks count;
 * - `integer`: a whole number that JavaScript holds exactly (below 2^53);
 * - `number`: a finite number; a column of `double precision`, or `REAL` in SQLite. Not `real` or `numeric` of
 *   PostgreSQL, whose numbers the database compares before a driver has rounded them or made them texts;
 * - `boolean`;
 * - `instant`: a `Date` or epoch milliseconds;
 * - `list`: an array or a set of texts or integers.
 *
 * @example
 * field.text()
 * field.text<'draft' | 'published'>()
 * field.instant({ nullable: true })
 * field.list(field.text())
 */
// Each factory makes the field that its type says: the value is there in types only.
export const field: {
  readonly text: FieldFactory<string>;
  readonly integer: FieldFactory<number>;
  readonly number: FieldFactory<number>;
  readonly boolean: FieldFactory<boolean>;
  readonly instant: FieldFactory<Date>;
  readonly list: {
    <T extends string | number>(item: Field<T>, options: Missing): Field<readonly T[] | null>;
    <T extends string | number>(item: Field<T>): Field<readonly T[]>;
  };
} = Object.freeze({
  text: makeField('text'),
  integer: makeField('integer'),
  number: makeField('number'),
  boolean: makeField('boolean'),
  instant: makeField('instant'),
  list: (item: Field<unknown>, options: MissingOptions = {}) => {
    assertConfiguration(
      (item?.type === 'text' || item?.type === 'integer') && !item.nullable && !item.optional,
      'field.list: a list holds field.text() or field.integer(), neither of them nullable.',
    );
    return fieldOf('field.list', { type: 'list', item: item.type }, options);
  },
}) as never;
