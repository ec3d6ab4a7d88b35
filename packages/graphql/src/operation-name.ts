import type { OperationDefinitionNode } from 'graphql';

/** The operation of a request that has none: it does not parse or validate, or is not known by its hash. */
export const UNRESOLVED = 'unresolved';

/**
 * What adapters supply as `call.operation`: `query ListOrders`, or just `query` where it has no name. The
 * name is the caller's choice.
 */
export function operationName(operation: OperationDefinitionNode | undefined): string {
  if (operation === undefined) return UNRESOLVED;
  return operation.name ? `${operation.operation} ${operation.name.value}` : operation.operation;
}
