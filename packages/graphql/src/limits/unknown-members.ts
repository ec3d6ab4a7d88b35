import type { Denial } from '@apisec/core';
import {
  type GraphQLInputType,
  type GraphQLType,
  isInputObjectType,
  isInputType,
  isListType,
  isNonNullType,
  typeFromAST,
} from 'graphql';
import type { OperationSource } from '../operation-call.ts';

/**
 * Denies variables with members that their types do not have (`message.malformed`). GraphQL.js would write the whole
 * object into each of 50 errors, which are many times as large as what was sent.
 */
export function deniedMembers({
  schema,
  operation,
  variables,
}: OperationSource): Denial | undefined {
  for (const { variable, type } of operation.variableDefinitions ?? []) {
    const name = variable.name.value;
    if (!Object.hasOwn(variables, name)) continue;
    // Its overloads say one kind of node each.
    const declared = typeFromAST(schema, type as never) as GraphQLType | undefined;
    if (declared && isInputType(declared) && hasUnknown(declared, variables[name])) {
      const detail = `The variable $${name.slice(0, 100)} has a member that its type does not have.`;
      return { kind: 'malformed', code: 'message.malformed', detail };
    }
  }
  return undefined;
}

/** Recursion is bounded as deep as variables may be nested, which was checked before. */
function hasUnknown(type: GraphQLInputType, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (isNonNullType(type)) return hasUnknown(type.ofType, value);
  if (isListType(type)) {
    const { ofType } = type;
    if (Array.isArray(value)) return value.some((item) => hasUnknown(ofType, item));
    return hasUnknown(ofType, value);
  }
  if (!isInputObjectType(type) || Array.isArray(value)) return false;
  const fields = type.getFields();
  return Object.entries(value).some(
    ([name, member]) =>
      !Object.hasOwn(fields, name) ||
      hasUnknown((fields[name] as { readonly type: GraphQLInputType }).type, member),
  );
}
