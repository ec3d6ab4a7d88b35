import type { Denial } from '@apisec/core';
import { fault, httpDenial } from '@apisec/core/host';
import {
  type ExecutionArgs,
  type ExecutionResult,
  GraphQLError,
  type GraphQLSchema,
  getVariableValues,
  parse,
} from 'graphql';
import { checkBefore, checkDocument, resolveText } from './check-before.ts';
import { denialError } from './denial-error.ts';
import type { CompiledFields } from './fields/field-policies.ts';
import { guardedEvents, isAsyncIterable, releaseResult, shownResult } from './guarded-events.ts';
import { decide } from './guarded-operation.ts';
import { deniedErrors, FEW_ERRORS, validateFew } from './limits/deny-errors.ts';
import { withSignal } from './native-abort.ts';
import { openOperation } from './open-operation.ts';
import { sourceIn } from './operation-call.ts';
import { complete } from './operation-ending.ts';
import { deny, type OperationState } from './operation-state.ts';
import { isFailure, safeGraphqlError } from './safe-errors.ts';

/** An operation as its caller sent it. */
export interface SentOperation {
  readonly query?: string | undefined;
  readonly operationName?: string | null | undefined;
  readonly variables?: Readonly<Record<string, unknown>> | null | undefined;
  readonly extensions?: Readonly<Record<string, unknown>> | null | undefined;
}

/** What a server that executes operations itself has of one. */
export interface ExecutionHost {
  readonly schema: GraphQLSchema;
  readonly fields: CompiledFields | undefined;
  /** What loaders may hand to `factsOf`, beside the context value. */
  readonly carriers: readonly object[];
  /** What the user's own option makes of the operation; asked once it is admitted. */
  readonly context: (args: ExecutionArgs) => unknown;
  /** True once the caller is no longer there to read the answer. */
  readonly isGone: () => boolean;
}

/** The arguments to execute an operation with, or why it is not executed. */
export type PreparedExecution =
  | { readonly args: ExecutionArgs }
  | { readonly args?: undefined; readonly errors: readonly GraphQLError[] };

/**
 * Takes an operation as far as its execution, in servers that have no pipeline of their own: bounds, parses and
 * validates its document, decides it, and opens its fields. One that is not executed is completed, and leaves its
 * denial in `state`; the errors tell strangers nothing of the schema.
 */
export async function prepareExecution(
  state: OperationState,
  sent: SentOperation,
  { schema, fields, carriers, context, isGone }: ExecutionHost,
): Promise<PreparedExecution> {
  const { variables, operationName, extensions } = sent;
  const query = resolveText(state, { query: sent.query, extensions, body: sent });
  const isDenied = state.denial ?? (await checkBefore(state, query, variables));
  if (isDenied || query === undefined) return denied(state);
  let document: ReturnType<typeof parse>;
  try {
    document = parse(query, { maxTokens: state.plan.bounds.maxTokens });
  } catch (cause) {
    return unresolved(state, [cause as GraphQLError]);
  }
  if (checkDocument(state, document)) return denied(state);
  const hideSuggestions = !state.plan.showsErrors;
  const errors = validateFew(schema, document, hideSuggestions);
  if (deny(state, deniedErrors(errors))) return denied(state);
  if (errors.length > 0) return unresolved(state, errors);
  const source = sourceIn(schema, document, operationName, variables);
  if (!source) return unresolved(state, [new GraphQLError('There is no such operation.')]);
  if (await decide(state, source)) return denied(state);
  const sentValues = { ...(state.variables ?? variables) };
  const declared = source.operation.variableDefinitions ?? [];
  // The executor would do so as well, where a stream has begun already.
  const coerced = getVariableValues(schema, declared, sentValues, FEW_ERRORS);
  if (coerced.errors) return unresolved(state, coerced.errors);
  const args: ExecutionArgs = {
    schema,
    document,
    operationName: operationName ?? null,
    variableValues: sentValues,
  };
  try {
    args.contextValue = copyOf(await context(args));
  } catch {
    complete(state, { outcome: 'failed' });
    return { errors: [new GraphQLError('Internal server error')] };
  }
  // Over before it began: nobody would end it any more.
  if (isGone()) {
    complete(state, { outcome: 'aborted' });
    return { errors: [new GraphQLError('The caller has disconnected.')] };
  }
  openOperation(state, { contextValue: args.contextValue as object, fields, carriers });
  return { args: withSignal(args, state) };
}

/**
 * Guards what came of the execution: its events, or its one result. Leaves its denial in `state`.
 *
 * @param status of an answer over HTTP that is not denied; nothing for other transports.
 */
export async function guardResult(
  state: OperationState | undefined,
  result: unknown,
  now: () => number,
  status?: number,
): Promise<ExecutionResult | AsyncGenerator<ExecutionResult, void, void>> {
  if (!state) throw denialError(fault('guard.incomplete'));
  if (state.denial) return deniedResult(state, state.denial, status);
  if (isAsyncIterable(result)) return guardedEvents(state, result, now);
  // The incremental format of GraphQL 17, in which filters, limits and clients would not find the data.
  if (typeof result === 'object' && result !== null && 'initialResult' in result) {
    const cause = { executor: 'answers in parts, which must come as an iterable of them' };
    return deniedResult(state, fault('release.unfilterable', cause), status);
  }
  // What the executor answers is one or the other.
  const only = result as ExecutionResult;
  const { result: sent, denial } = await releaseResult(state, only);
  if (denial) return deniedResult(state, denial, status);
  const outcome = only.errors?.some(isFailure) ? 'failed' : 'succeeded';
  complete(state, status === undefined ? { outcome } : { outcome, status });
  return shownResult(state, sent);
}

function deniedResult(
  state: OperationState,
  denial: Denial,
  status: number | undefined,
): ExecutionResult {
  deny(state, denial);
  const shown =
    status === undefined ? {} : { status: httpDenial({ ...denial, answer: undefined }).status };
  complete(state, { outcome: 'denied', denial, ...shown });
  return { errors: [denialError(denial)] };
}

async function denied(state: OperationState): Promise<PreparedExecution> {
  await decide(state, undefined);
  const denial = (state.denial ??= fault('guard.incomplete'));
  complete(state, { outcome: 'denied', denial });
  return { errors: [denialError(denial)] };
}

async function unresolved(
  state: OperationState,
  errors: readonly GraphQLError[],
): Promise<PreparedExecution> {
  const denial = await decide(state, undefined);
  complete(state, denial ? { outcome: 'denied', denial } : { outcome: 'succeeded' });
  return { errors: denial ? [denialError(denial)] : errors.map(safeGraphqlError) };
}

/** A copy, so that operations share no decision. */
function copyOf(value: unknown): object {
  if (typeof value !== 'object' || value === null) return {};
  return Object.assign(
    Object.create(Object.getPrototypeOf(value) as object | null) as object,
    value,
  );
}
