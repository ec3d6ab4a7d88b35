import {
  DirectiveLocation,
  type DirectiveNode,
  type DocumentNode,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  isCompositeType,
  Kind,
  type SelectionSetNode,
  TypeNameMetaFieldDef,
  type TypeNode,
} from 'graphql';
import { fieldOf } from './field-cost.ts';

/**
 * Whether a document has more than `most` of the errors of validation that are cheap to find: fields, types and
 * directives that the schema does not have, and directives that are repeated or stand in a place of others. Linear in
 * the document, and ends at the first that is too many; validation has read all fragments of an operation by then,
 * looks through the schema for names to suggest, and writes each error.
 */
export function hasManyErrors(
  schema: GraphQLSchema,
  { definitions }: DocumentNode,
  most: number,
): boolean {
  let errors = 0;
  const typeOf = (name: string): GraphQLNamedType | undefined => {
    const type = schema.getType(name);
    if (type === undefined) errors++;
    return type;
  };
  const readDirectives = (
    directives: readonly DirectiveNode[] | undefined,
    location: DirectiveLocation,
  ): void => {
    if (!directives?.length) return;
    const once = new Set<string>();
    for (const { name } of directives) {
      if (errors > most) return;
      const directive = schema.getDirective(name.value);
      if (!directive?.locations.includes(location)) errors++;
      if (!directive || directive.isRepeatable) continue;
      if (once.has(name.value)) errors++;
      once.add(name.value);
    }
  };
  // Recursion is bounded by the nesting of the text. Below what is not known no field is one more error.
  const read = ({ selections }: SelectionSetNode, parent: GraphQLNamedType | undefined): void => {
    for (const selection of selections) {
      if (errors > most) return;
      readDirectives(selection.directives, LOCATIONS[selection.kind]);
      if (selection.kind === Kind.INLINE_FRAGMENT) {
        const condition = selection.typeCondition?.name.value;
        read(selection.selectionSet, condition === undefined ? parent : typeOf(condition));
      } else if (selection.kind === Kind.FIELD) {
        const name = selection.name.value;
        const field = isCompositeType(parent) ? fieldOf(schema, parent, name) : undefined;
        const isUnknown = field === undefined && name !== TypeNameMetaFieldDef.name;
        if (isUnknown && isCompositeType(parent)) errors++;
        if (selection.selectionSet) read(selection.selectionSet, field && getNamedType(field.type));
      }
    }
  };
  for (const definition of definitions) {
    if (definition.kind === Kind.OPERATION_DEFINITION) {
      const { operation, selectionSet, variableDefinitions = [] } = definition;
      readDirectives(definition.directives, OPERATIONS[operation]);
      for (const { type, directives } of variableDefinitions) {
        typeOf(nameIn(type));
        readDirectives(directives, DirectiveLocation.VARIABLE_DEFINITION);
      }
      read(selectionSet, schema.getRootType(operation) ?? undefined);
    } else if (definition.kind === Kind.FRAGMENT_DEFINITION) {
      readDirectives(definition.directives, DirectiveLocation.FRAGMENT_DEFINITION);
      read(definition.selectionSet, typeOf(definition.typeCondition.name.value));
    }
    if (errors > most) return true;
  }
  return false;
}

const LOCATIONS = {
  [Kind.FIELD]: DirectiveLocation.FIELD,
  [Kind.FRAGMENT_SPREAD]: DirectiveLocation.FRAGMENT_SPREAD,
  [Kind.INLINE_FRAGMENT]: DirectiveLocation.INLINE_FRAGMENT,
} as const;
const OPERATIONS = {
  query: DirectiveLocation.QUERY,
  mutation: DirectiveLocation.MUTATION,
  subscription: DirectiveLocation.SUBSCRIPTION,
} as const;

/** Brackets in a type were bounded before parsing. */
function nameIn(type: TypeNode): string {
  return type.kind === Kind.NAMED_TYPE ? type.name.value : nameIn(type.type);
}
