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
 * - `number`: a finite number; a column of `double precision` or `REAL`;
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

/** Something that rules can ask about: one named value of the subject, the resource or the environment. */
export interface Attribute<out T, in Needs extends object> {
  /** Whose it is: `subject`, `environment`, the name of a resource, or one of `@action`, `@item` and `@now`. */
  readonly source: string;
  readonly name: string;
  readonly field: Field<T>;
  /** Only in types: what must be known to read it. */
  readonly needs?: ((facts: Needs) => void) | undefined;
}

/** Selectors of all fields, by their names. */
export type AttributesOf<Fields extends FieldMap, Needs extends object> = {
  readonly [Name in keyof Fields]: Attribute<ValueOf<Fields[Name]>, Needs>;
};

export type FieldMap = Readonly<Record<string, Field<unknown>>>;
export type ValueOf<F> = F extends Field<infer T> ? T : never;

/** How a source is read from facts; undefined where they do not have it. */
export type ReadSource = (facts: object) => unknown;

/** What {@link defineSource} keeps beside the selectors. */
export interface SourceInfo {
  readonly name: string;
  readonly fields: ReadonlyMap<string, Field<unknown>>;
  readonly read: ReadSource;
  /** Names of the facts that it reads, where that is known. */
  readonly needs?: readonly string[] | undefined;
}

const sources = new WeakMap<object, SourceInfo>();

/** The source that an attribute belongs to. */
export function sourceOf(attribute: object): SourceInfo | undefined {
  return sources.get(attribute);
}

/** True for what {@link defineSource} made, and so for nothing that a caller could send. */
export function isAttribute(value: unknown): value is Attribute<unknown, never> {
  return typeof value === 'object' && value !== null && sources.has(value);
}

/** Names that can stand in a path, and that no object has by itself. */
const NAME = /^[A-Za-z][A-Za-z0-9_]{0,62}$/;

export function isName(name: unknown): name is string {
  return typeof name === 'string' && NAME.test(name) && !(name in Object.prototype);
}

/** Makes the selectors of a source. They have no prototype, so a typo is undefined and never a method. */
export function defineSource(
  where: string,
  name: string,
  fields: FieldMap,
  read: ReadSource,
  needs?: readonly string[],
): { readonly info: SourceInfo; readonly attributes: Readonly<Record<string, object>> } {
  const prototype: unknown =
    typeof fields === 'object' && fields !== null ? Object.getPrototypeOf(fields) : undefined;
  assertConfiguration(
    prototype === Object.prototype || prototype === null,
    `${where}: fields must be an object of fields: { ownerId: field.text() }.`,
  );
  const entries = Object.entries(fields);
  assertConfiguration(entries.length > 0, `${where}: fields must name at least one field.`);
  const attributes = Object.create(null) as Record<string, object>;
  const info: SourceInfo = { name, fields: new Map(entries), read, needs };
  for (const [key, value] of entries) {
    assertConfiguration(
      isName(key) && key !== 'then',
      `${where}: ${JSON.stringify(key)} is not a valid field name. Write letters, digits and '_', ` +
        'beginning with a letter, and no name that every object has.',
    );
    assertConfiguration(
      typeof value?.type === 'string' && typeof value.nullable === 'boolean',
      `${where}: field "${key}" must be made by field.text(), field.integer(), … .`,
    );
    const attribute = Object.freeze({ source: name, name: key, field: value });
    sources.set(attribute, info);
    attributes[key] = attribute;
  }
  return { info, attributes: Object.freeze(attributes) };
}

/** Makes the one attribute of a source that is not read from facts. */
export function defineAttribute<T, Needs extends object>(
  source: string,
  name: string,
  what: Field<T>,
): Attribute<T, Needs> {
  const attribute: Attribute<T, Needs> = Object.freeze({ source, name, field: what });
  sources.set(attribute, { name: source, fields: new Map([[name, what]]), read: () => undefined });
  return attribute;
}
