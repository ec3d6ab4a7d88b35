import { assertConfiguration } from '../lib/configuration-error.ts';
import type { Field } from './field.ts';

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
