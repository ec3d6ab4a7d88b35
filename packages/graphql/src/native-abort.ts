import {
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  GraphQLError,
  OperationTypeNode,
  versionInfo,
} from 'graphql';
import { signalIn } from './fields/open-operations.ts';
import type { OperationState } from './operation-state.ts';
import { asGraphqlError } from './safe-errors.ts';

/**
 * Lets GraphQL 17 hear that an operation is over, so that it resolves no further fields for nobody; 16 takes no such
 * signal. The events of a subscription are ended by their own iterator.
 */
export function withSignal(args: ExecutionArgs, state: OperationState): ExecutionArgs {
  const isStream = state.source?.operation.operation === OperationTypeNode.SUBSCRIPTION;
  if (versionInfo.major < 17 || isStream) return args;
  return Object.assign(args, { abortSignal: signalIn(state) });
}

/**
 * The same for executors of Yoga's users: its own takes the signal under another name, whatever GraphQL.js is there.
 */
export function setSignals(args: object, state: OperationState | undefined): void {
  if (!state) return;
  const signal = signalIn(state);
  Object.assign(args, { signal, abortSignal: signal });
}

/**
 * Executes an operation. Executors reject one that was aborted, which no server expects: it becomes an error. GraphQL
 * 17 does so while resolvers run on; where nobody waits for the answer, the operation is over when they are, so that it
 * keeps what it holds until then.
 */
export async function executeUntilOver<Args = ExecutionArgs, Result = ExecutionResult>(
  args: Args,
  state: OperationState | undefined,
  run: (args: Args) => Result | PromiseLike<Result> = execute as never,
): Promise<Result | ExecutionResult> {
  try {
    return await run(args);
  } catch (cause) {
    if (!state?.isOver) throw cause;
    const { abortedResult } = (cause ?? {}) as { readonly abortedResult?: unknown };
    if (state.disconnected) await Promise.resolve(abortedResult).catch(() => undefined);
    return { data: null, errors: [new GraphQLError('The operation is over.')] };
  }
}

/**
 * Leaves what an executor or a source of events throws to its operation alone: servers of connections would end the
 * whole connection, and tell its caller why.
 */
export async function executeOrFail<Result>(
  run: () => Result,
): Promise<Awaited<Result> | ExecutionResult> {
  try {
    return await run();
  } catch (cause) {
    return { errors: [asGraphqlError(cause)] };
  }
}
