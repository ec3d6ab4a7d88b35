import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isInterfaceType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';

/** A field of a root type as an operation selects it. */
export interface RootField {
  /** Schema coordinate, for example `Query.orders`. */
  readonly coordinate: string;
  /** The name in the response: the alias, where there is one. */
  readonly responseName: string;
  /** The selection, where there is one. */
  readonly node?: FieldNode | undefined;
  /** True where a field leads back to a root type (`{ viewer { orders } }`): it may then run any number of times. */
  readonly below?: boolean | undefined;
}

/** A selection set, and the type that its fields are looked up in. */
interface Pending {
  readonly set: SelectionSetNode;
  readonly type: GraphQLNamedType | undefined;
  /** True at the top of the operation, where each field runs once. */
  readonly top: boolean;
}

/**
 * Every field of a root type that an operation can reach: at the top and wherever a field leads back to a root
 * type, also through interfaces, fragments and under aliases. That is what a coverage table must list. Linear in
 * the document.
 *
 * Fields under `@skip` and `@include` count as selected, whatever the variables say. A root `__typename`
 * counts only where nothing else is selected, so that no operation is without a field.
 */
export function collectRootFields(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): readonly RootField[] {
  const rootType = schema.getRootType(operation.operation) ?? undefined;
  const root = rootType?.name ?? operation.operation;
  const roots = rootTypesOf(schema);
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) {
      fragments.set(definition.name.value, definition);
    }
  }
  const found: RootField[] = [];
  // A fragment at the top says what runs there; anywhere else it is seen once, since its type is its own.
  const spread = { top: new Set<string>(), below: new Set<string>() };
  // A list of what is still to do instead of recursion: nesting must not overflow the stack.
  const pending: Pending[] = [{ set: operation.selectionSet, type: rootType, top: true }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { set, type, top } = next;
    const owners = top ? [root] : ownersOf(schema, roots, type);
    for (const selection of set.selections) {
      if (selection.kind === Kind.FIELD) {
        const name = selection.name.value;
        const responseName = selection.alias?.value ?? name;
        if (name !== '__typename') {
          for (const owner of owners) {
            const coordinate = `${owner}.${name}`;
            found.push({
              coordinate,
              responseName,
              node: selection,
              below: top ? undefined : true,
            });
          }
        }
        if (selection.selectionSet) {
          const inner = fieldType(type, name);
          if (inner) pending.push({ set: selection.selectionSet, type: inner, top: false });
        }
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        const condition = selection.typeCondition?.name.value;
        const inner = condition === undefined ? type : schema.getType(condition);
        pending.push({ set: selection.selectionSet, type: inner, top });
      } else {
        const name = selection.name.value;
        const seen = top ? spread.top : spread.below;
        if (seen.has(name)) continue;
        seen.add(name);
        const fragment = fragments.get(name);
        if (fragment === undefined) continue;
        const inner = schema.getType(fragment.typeCondition.name.value);
        pending.push({ set: fragment.selectionSet, type: inner, top });
      }
    }
  }
  return found.some(({ below }) => !below)
    ? found
    : [{ coordinate: `${root}.__typename`, responseName: '__typename' }, ...found];
}

/**
 * Every root field that a schema serves, for `coverage(…).assertCovered`. The introspection fields
 * (`Query.__schema`, `Query.__type`) are not among them: add those that you list.
 *
 * @example
 * api.assertCovered(listRootFields(schema));
 */
export function listRootFields(schema: GraphQLSchema): readonly string[] {
  return rootTypesOf(schema).flatMap((type) =>
    Object.keys(type.getFields()).map((field) => `${type.name}.${field}`),
  );
}

/** The root types of a schema, each once: one type may serve several kinds of operation. */
export function rootTypesOf(schema: GraphQLSchema): readonly GraphQLObjectType[] {
  const known = rootTypes.get(schema);
  if (known) return known;
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
  const each = [...new Set(roots)].filter((type) => type !== null && type !== undefined);
  rootTypes.set(schema, each);
  return each;
}

const rootTypes = new WeakMap<GraphQLSchema, readonly GraphQLObjectType[]>();

/** The root types that an object may be of where a selection has this type. */
function ownersOf(
  schema: GraphQLSchema,
  roots: readonly GraphQLObjectType[],
  type: GraphQLNamedType | undefined,
): readonly string[] {
  if (isObjectType(type)) return roots.includes(type) ? [type.name] : NONE;
  if (!isAbstractType(type)) return NONE;
  return roots.filter((root) => schema.isSubType(type, root)).map(({ name }) => name);
}

const NONE: readonly string[] = Object.freeze([]);

/** Nothing leads out of introspection, so its fields need no type. */
function fieldType(type: GraphQLNamedType | undefined, name: string): GraphQLNamedType | undefined {
  if (!isObjectType(type) && !isInterfaceType(type)) return undefined;
  const fields = type.getFields();
  return Object.hasOwn(fields, name) ? getNamedType(fields[name]?.type) : undefined;
}
