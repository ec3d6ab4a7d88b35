import { assertConfiguration } from '../lib/configuration-error.ts';
import { assertKnownOptions, assertOneOf } from '../lib/options.ts';
import {
  type AttributesOf,
  defineSource,
  type FieldMap,
  isName,
  type ValueOf,
} from './attributes.ts';
import { keepResource, type ResourceInfo } from './resource-info.ts';

/** Which tenant a resource belongs to, and which one the caller acts in. */
export interface ResourceTenant<Fields extends FieldMap, Needs extends object> {
  /** The field that names the tenant of an object. */
  readonly field: keyof Fields & string;
  /** The tenant of the call, from the facts. Anything but a text that is not empty is undecidable. */
  readonly of: (facts: Readonly<Needs>) => unknown;
}

/** Options of {@link resource}. */
export interface ResourceOptions<
  Name extends string,
  Fields extends FieldMap,
  Needs extends object,
> {
  /** The name of the fact that an object is loaded into, like `document`. */
  readonly name: Name;
  /** What rules and lists can ask, and whether it may be missing. */
  readonly fields: Fields;
  /** The field that identifies an object: a text or an integer. */
  readonly id: keyof Fields & string;
  /**
   * How objects belong to tenants, or `false` where there are none. Every rule and every list then holds within
   * the caller's tenant; security hangs on it, so there is no default.
   */
  readonly tenant: ResourceTenant<Fields, Needs> | false;
  /**
   * What a caller learns of an object that exists but is not theirs to touch. `visible`: 403. `hidden`: the same
   * 404 as for one that does not exist. Objects of other tenants are always hidden. Default: `visible`.
   */
  readonly forbidden?: 'visible' | 'hidden' | undefined;
}

/** The values of an object, as its fields say. Further members are allowed. */
export type ObjectOf<Fields extends FieldMap> = {
  readonly [F in keyof Fields as null extends ValueOf<Fields[F]> ? never : F]: Readable<
    ValueOf<Fields[F]>
  >;
} & {
  readonly [F in keyof Fields as null extends ValueOf<Fields[F]> ? F : never]?:
    | Readable<ValueOf<Fields[F]>>
    | undefined;
};
type Readable<T> = T extends Date ? Date | number : T;

declare const OBJECT: unique symbol;
declare const TENANT: unique symbol;

/**
 * A kind of object, as selectors of its fields: `document.ownerId`. Made by {@link resource}.
 */
export type Resource<
  Name extends string,
  Fields extends FieldMap,
  Needs extends object,
> = AttributesOf<Fields, Needs & { readonly [N in Name]: object }> &
  ResourceLike<Name, ObjectOf<Fields>, Needs>;

/** What policies and lists take of a resource. */
export interface ResourceLike<out Name extends string, out O, in Needs extends object> {
  /** Only in types. */
  readonly [OBJECT]?: readonly [Name, O];
  readonly [TENANT]?: ((facts: Needs) => void) | undefined;
}

/**
 * Says what rules and lists can ask about one kind of object: its fields, which of them may be missing, its id and
 * its tenant. Answers one selector for each field; a name that is not there does not compile.
 *
 * @throws ConfigurationError for a field without a valid name or type, an id or tenant that is not such a field,
 * and without a word on tenants.
 * @example
 * const document = resource({
 *   name: 'document',
 *   fields: {
 *     id: field.text(),
 *     tenantId: field.text(),
 *     ownerId: field.text(),
 *     department: field.text({ nullable: true }),
 *     sharedWith: field.list(field.text()),
 *   },
 *   id: 'id',
 *   tenant: { field: 'tenantId', of: ({ principal }: { principal: Principal }) => principal.tenant },
 * });
 */
export function resource<
  const Name extends string,
  const Fields extends FieldMap,
  Needs extends object = object,
>(options: ResourceOptions<Name, Fields, Needs>): Resource<Name, Fields, Needs> {
  assertKnownOptions('resource', options, ['name', 'fields', 'id', 'tenant', 'forbidden']);
  const { name, fields, id, tenant, forbidden = 'visible' } = options;
  const where = `resource ${JSON.stringify(name)}`;
  assertConfiguration(
    isName(name) && !['subject', 'environment', 'action'].includes(name),
    `${where}: name must be a word like 'document', and not subject, environment or action.`,
  );
  assertOneOf(where, 'forbidden', forbidden, ['visible', 'hidden']);
  const { info, attributes } = defineSource(
    where,
    name,
    fields,
    (facts) => (Object.hasOwn(facts, name) ? (facts as Record<string, unknown>)[name] : undefined),
    [name],
  );
  const idField = info.fields.get(id);
  assertConfiguration(
    idField !== undefined &&
      (idField.type === 'text' || idField.type === 'integer') &&
      !idField.nullable &&
      !idField.optional,
    `${where}: id must name a field of field.text() or field.integer() that is never missing.`,
  );
  assertConfiguration(
    tenant === false || (typeof tenant === 'object' && tenant !== null),
    `${where}: tenant must be { field, of }, or false where there are no tenants.`,
  );
  if (tenant !== false) {
    assertKnownOptions(`${where}, tenant`, tenant, ['field', 'of']);
    assertConfiguration(
      info.fields.get(tenant.field)?.type === 'text' && typeof tenant.of === 'function',
      `${where}: tenant.field must name a field of field.text(), and tenant.of must be a function of the facts.`,
    );
  }
  const known: ResourceInfo = Object.freeze({
    ...info,
    name,
    id,
    // A policy's needs are checked where it is used.
    tenant:
      tenant === false ? undefined : (tenant as { field: string; of: (facts: object) => unknown }),
    hidden: forbidden === 'hidden',
  });
  keepResource(attributes, info, known);
  // One attribute for each field, as defineSource makes them.
  return attributes as unknown as Resource<Name, Fields, Needs>;
}
