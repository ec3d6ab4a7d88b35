import type { Denial, MaybePromise } from '@apisec/core';
import type { GraphQLResolveInfo, GraphQLSchema } from 'graphql';

/** Decides one field of one operation, before its resolver: answers the denial, or nothing. */
export type FieldGate = (
  coordinate: string,
  source: unknown,
  args: Readonly<Record<string, unknown>>,
  info: GraphQLResolveInfo,
) => MaybePromise<Denial | undefined>;

/** An operation whose fields may be resolved, each as `decide` says. */
export interface OpenOperation {
  readonly schema: GraphQLSchema;
  readonly decide: FieldGate;
  /** How many errors each coordinate has added to the answer. */
  readonly errors: Map<string, number>;
  /** What another plugin opened for the same context value. */
  readonly earlier: OpenOperation | undefined;
}

const OPEN = Symbol('apisec.open');
/** For context values that take no member. */
const elsewhere = new WeakMap<object, OpenOperation>();

/** Lets an operation, known by its context value, resolve gated fields of this schema, each as `decide` says. */
export function openFields(contextValue: object, schema: GraphQLSchema, decide: FieldGate): void {
  const earlier = operationsOf(contextValue);
  const operation: OpenOperation = { schema, decide, errors: new Map(), earlier };
  if (Object.hasOwn(contextValue, OPEN)) (contextValue as Carrier)[OPEN] = operation;
  else if (!Object.isExtensible(contextValue)) elsewhere.set(contextValue, operation);
  // A member rather than a WeakMap, whose values would reach their key: such a map is dear to collect. Not enumerable,
  // so that a copy of the context value opens nothing.
  else Object.defineProperty(contextValue, OPEN, { value: operation, writable: true });
}

/** What was opened for a context value, whatever that is. */
export function operationsOf(contextValue: unknown): OpenOperation | undefined {
  if (typeof contextValue !== 'object' || contextValue === null) return undefined;
  return Object.hasOwn(contextValue, OPEN)
    ? (contextValue as Carrier)[OPEN]
    : elsewhere.get(contextValue);
}

interface Carrier {
  [OPEN]?: OpenOperation;
}
