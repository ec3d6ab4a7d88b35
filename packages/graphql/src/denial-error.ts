import type { Denial } from '@apisec/core';
import { graphqlDenial, httpDenial } from '@apisec/core/host';
import { type ExecutionResult, GraphQLError, type GraphQLResolveInfo } from 'graphql';

/**
 * A denial as an error that a GraphQL server can throw or put into a response: message, code and
 * reason, never its cause. It has no stack, so that no server can show one.
 *
 * @param field where the denial stands for one field: its path and place are told.
 */
export function denialError(denial: Denial, field?: GraphQLResolveInfo): GraphQLError {
  const { message, extensions } = graphqlDenial(denial);
  const error = new GraphQLError(message, {
    extensions,
    // With its path the error counts as located; otherwise the executor would wrap it in one with a stack.
    ...(field && { nodes: field.fieldNodes, path: pathOf(field) }),
  });
  Object.defineProperty(error, 'stack', { value: undefined });
  return error;
}

function pathOf({ path }: GraphQLResolveInfo): (string | number)[] {
  const keys: (string | number)[] = [];
  for (let step: GraphQLResolveInfo['path'] | undefined = path; step; step = step.prev) {
    keys.push(step.key);
  }
  return keys.toReversed();
}

/** A denial as the result of an operation, with the status and the headers that servers take from `extensions.http`. */
export function deniedResult(denial: Denial): ExecutionResult {
  const { status, headers } = httpDenial({ ...denial, answer: undefined });
  const { 'content-type': _, ...sent } = Object.fromEntries(headers);
  return { errors: [denialError(denial)], extensions: { http: { status, headers: sent } } };
}
