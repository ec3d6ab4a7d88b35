import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';

/** A root field as an operation selects it. */
export interface RootField {
  /** Schema coordinate, for example `Query.orders`. */
  readonly coordinate: string;
  /** The name in the response: the alias, where there is one. */
  readonly responseName: string;
  /** The selection, where there is one. */
  readonly node?: FieldNode | undefined;
}

/**
 * Every root field that an operation can reach, also through fragments and under aliases: what a
 * coverage table must list. Linear in the document.
 *
 * Fields under `@skip` and `@include` count as selected, whatever the variables say. A root `__typename`
 * counts only where nothing else is selected, so that no operation is without a field.
 */
export function collectRootFields(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): readonly RootField[] {
  const root = schema.getRootType(operation.operation)?.name ?? operation.operation;
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) {
      fragments.set(definition.name.value, definition);
    }
  }
  const found: RootField[] = [];
  const spread = new Set<string>();
  // A list of what is still to do instead of recursion: nesting must not overflow the stack.
  const pending: SelectionSetNode[] = [operation.selectionSet];
  for (let set = pending.pop(); set !== undefined; set = pending.pop()) {
    for (const selection of set.selections) {
      if (selection.kind === Kind.FIELD) {
        const name = selection.name.value;
        const responseName = selection.alias?.value ?? name;
        if (name !== '__typename') {
          found.push({ coordinate: `${root}.${name}`, responseName, node: selection });
        }
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        pending.push(selection.selectionSet);
      } else if (!spread.has(selection.name.value)) {
        spread.add(selection.name.value);
        const fragment = fragments.get(selection.name.value);
        if (fragment) pending.push(fragment.selectionSet);
      }
    }
  }
  return found.length > 0
    ? found
    : [{ coordinate: `${root}.__typename`, responseName: '__typename' }];
}

/**
 * Every root field that a schema serves, for `coverage(…).assertCovered`. The introspection fields
 * (`Query.__schema`, `Query.__type`) are not among them: add those that you list.
 *
 * @example
 * api.assertCovered(listRootFields(schema));
 */
export function listRootFields(schema: GraphQLSchema): readonly string[] {
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
  return roots.flatMap((type) =>
    type ? Object.keys(type.getFields()).map((field) => `${type.name}.${field}`) : [],
  );
}
