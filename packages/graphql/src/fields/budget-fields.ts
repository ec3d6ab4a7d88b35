import { isThenable } from '@apisec/core/host';
import {
  defaultFieldResolver,
  type GraphQLField,
  type GraphQLFieldResolver,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  getNamedType,
  isCompositeType,
  isListType,
  isNonNullType,
} from 'graphql';
import { denialError } from '../denial-error.ts';
import type { ExecutionBudget } from '../execution-limits.ts';
import { objectTypesOf } from './guarded-coordinates.ts';
import { operationOf } from './open-operations.ts';

type Resolver = GraphQLFieldResolver<unknown, unknown>;

const counted = new WeakSet<object>();

/**
 * Counts what each operation resolves, in place: calls of resolvers, and the objects and lists that they give. A value
 * that is only read from its object is not counted. Operations without a budget are left as they are.
 */
export function budgetFields(
  schema: GraphQLSchema,
  fieldResolver: Resolver = defaultFieldResolver,
): void {
  for (const type of objectTypesOf(schema)) {
    for (const field of Object.values(type.getFields())) {
      const isObject = isCompositeType(getNamedType(field.type));
      const lists = listsIn(field);
      const isRead = field.resolve === undefined && fieldResolver === defaultFieldResolver;
      if (counted.has(field) || (isRead && !isObject && lists === 0)) continue;
      counted.add(field);
      const { resolve = fieldResolver } = field;
      field.resolve = (source, args, contextValue, info) => {
        const budget = operationOf(contextValue, schema)?.control.budget;
        if (budget === undefined) return resolve(source, args, contextValue, info);
        const denial = budget.call();
        if (denial) throw denialError(denial, info);
        const weight = lists > 0 || isObject ? budget.weightOf(info.fieldNodes) : 0;
        const value = within(budget, info, () => resolve(source, args, contextValue, info));
        if (!isThenable(value))
          return within(budget, info, () => budget.count(value, lists, isObject, weight));
        return budget.wait(value).then(
          (late) => within(budget, info, () => budget.count(late, lists, isObject, weight)),
          (cause: unknown) => fail(budget, info, cause),
        );
      };
    }
  }
}

function within<Value>(budget: ExecutionBudget, info: GraphQLResolveInfo, run: () => Value): Value {
  try {
    return run();
  } catch (cause) {
    return fail(budget, info, cause);
  }
}

function fail(budget: ExecutionBudget, info: GraphQLResolveInfo, cause: unknown): never {
  const denial = budget.denial();
  throw denial ? denialError(denial, info) : cause;
}

function listsIn({ type }: GraphQLField<unknown, unknown>): number {
  let lists = 0;
  let inner: unknown = type;
  while (isListType(inner) || isNonNullType(inner)) {
    if (isListType(inner)) lists++;
    inner = inner.ofType;
  }
  return lists;
}
