import type { Denial, MaybePromise } from '@apisec/core';
import type { GraphQLResolveInfo, GraphQLSchema } from 'graphql';
import type { ExecutionBudget } from '../execution-limits.ts';

/** Decides one field of one operation, before its resolver: answers the denial, or nothing. */
export type FieldGate = (
  coordinate: string,
  source: unknown,
  args: Readonly<Record<string, unknown>>,
  info: GraphQLResolveInfo,
) => MaybePromise<Denial | undefined>;

/** What an operation is ended by while it runs. */
export interface OperationControl {
  readonly budget: ExecutionBudget | undefined;
  /** Made when somebody asks for it. */
  abort: AbortController | undefined;
  /** True once nobody waits for the answer. */
  readonly isOver: boolean;
}

/** An operation whose fields may be resolved, each as `decide` says. */
export interface OpenOperation {
  /** The context value that it was opened for: a copy, and what inherits from it, opens nothing. */
  readonly owner: object;
  readonly schema: GraphQLSchema;
  readonly decide: FieldGate;
  readonly control: OperationControl;
  /** How many errors each coordinate has added to the answer, or to that of one event. */
  readonly errors: Map<string, number>;
  /** What another plugin opened for the same context value. */
  readonly earlier: OpenOperation | undefined;
}

const OPEN = Symbol('apisec.open');
/** For context values that take no member. */
const elsewhere = new WeakMap<object, OpenOperation>();

/** Lets an operation, known by its context value, resolve gated fields of this schema, each as `decide` says. */
export function openFields(
  contextValue: object,
  schema: GraphQLSchema,
  decide: FieldGate,
  control: OperationControl = { budget: undefined, abort: undefined, isOver: false },
): void {
  const earlier = operationsOf(contextValue);
  const operation: OpenOperation = {
    owner: contextValue,
    schema,
    decide,
    control,
    errors: new Map(),
    earlier,
  };
  // A member rather than a WeakMap, whose values would reach their key: such a map is dear to collect. Assigned, since
  // to define it takes a microsecond.
  if (Object.hasOwn(contextValue, OPEN) || Object.isExtensible(contextValue)) {
    (contextValue as Carrier)[OPEN] = operation;
  } else elsewhere.set(contextValue, operation);
}

/** What was opened for a context value, whatever that is. */
export function operationsOf(contextValue: unknown): OpenOperation | undefined {
  if (typeof contextValue !== 'object' || contextValue === null) return undefined;
  const operation = (contextValue as Carrier)[OPEN];
  return operation?.owner === contextValue ? operation : elsewhere.get(contextValue);
}

/** What was opened last for a context value and this schema. */
export function operationOf(
  contextValue: unknown,
  schema: GraphQLSchema,
): OpenOperation | undefined {
  let operation = operationsOf(contextValue);
  while (operation && operation.schema !== schema) operation = operation.earlier;
  return operation;
}

/**
 * How many errors one coordinate may add to one answer. What is denied beyond that is null without an error of its
 * own where the schema allows null: a denied list must not cost more than the list.
 */
const MAX_ERRORS = 10;

/** Counts an error of a coordinate; false where it would be one too many. */
export function countError({ errors }: OpenOperation, coordinate: string): boolean {
  const count = (errors.get(coordinate) ?? 0) + 1;
  errors.set(coordinate, count);
  return count <= MAX_ERRORS;
}

/**
 * For resolvers: a signal that is aborted when the operation is over before its answer, since its deadline has passed,
 * its budget is used up, or the caller has disconnected. Hand it to `fetch` and to database clients. Of a context value
 * that no guard opened it is never aborted.
 *
 * @example
 * orders: (_source, _args, context) => fetch(url, { signal: signalOf(context) })
 */
export function signalOf(contextValue: unknown): AbortSignal {
  const control = operationsOf(contextValue)?.control;
  return control === undefined ? new AbortController().signal : signalIn(control);
}

/** Aborted when the operation is over, which may be so already. */
export function signalIn(control: OperationControl): AbortSignal {
  const abort = (control.abort ??= new AbortController());
  if (control.isOver) abort.abort();
  return abort.signal;
}

interface Carrier {
  [OPEN]?: OpenOperation;
}
