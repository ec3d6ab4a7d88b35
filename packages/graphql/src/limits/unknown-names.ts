import {
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
 * Whether a document names more than `most` fields and types that the schema does not have: each is an error of
 * validation. Linear in the document, and ends at the first that is too many; validation has read all fragments of an
 * operation by then, and looks through the schema for names to suggest.
 */
export function hasUnknownNames(
  schema: GraphQLSchema,
  { definitions }: DocumentNode,
  most: number,
): boolean {
  let unknown = 0;
  const typeOf = (name: string): GraphQLNamedType | undefined => {
    const type = schema.getType(name);
    if (type === undefined) unknown++;
    return type;
  };
  // Recursion is bounded by the nesting of the text. Below what is not known there are no errors.
  const read = ({ selections }: SelectionSetNode, parent: GraphQLNamedType | undefined): void => {
    for (const selection of selections) {
      if (unknown > most) return;
      if (selection.kind === Kind.INLINE_FRAGMENT) {
        const condition = selection.typeCondition?.name.value;
        read(selection.selectionSet, condition === undefined ? parent : typeOf(condition));
      } else if (selection.kind === Kind.FIELD && isCompositeType(parent)) {
        const name = selection.name.value;
        const field = fieldOf(schema, parent, name);
        if (field === undefined && name !== TypeNameMetaFieldDef.name) unknown++;
        if (field && selection.selectionSet) read(selection.selectionSet, getNamedType(field.type));
      }
    }
  };
  for (const definition of definitions) {
    if (definition.kind === Kind.OPERATION_DEFINITION) {
      for (const { type } of definition.variableDefinitions ?? []) typeOf(nameIn(type));
      read(definition.selectionSet, schema.getRootType(definition.operation) ?? undefined);
    } else if (definition.kind === Kind.FRAGMENT_DEFINITION) {
      read(definition.selectionSet, typeOf(definition.typeCondition.name.value));
    }
    if (unknown > most) return true;
  }
  return false;
}

/** Brackets in a type were bounded before parsing. */
function nameIn(type: TypeNode): string {
  return type.kind === Kind.NAMED_TYPE ? type.name.value : nameIn(type.type);
}
