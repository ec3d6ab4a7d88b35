import { type ExecutionResult, GraphQLError } from 'graphql';
import { isExecutorError } from './executor-errors.ts';

/** An error as it goes out. */
export interface ErrorLike {
  readonly message: string;
  readonly locations?: readonly unknown[] | undefined;
  readonly extensions?: Readonly<Record<string, unknown>> | undefined;
}

const MASKED = 'Internal server error';
/** Characters of a message, and places that it names: both may repeat what the caller sent, many times over. */
const MOST_CHARACTERS = 1_000;
const MOST_PLACES = 10;
/** Of an operation that was not executed: who sends one reads the first of them. */
export const MOST_ERRORS = 20;
const INTERNAL = 'INTERNAL_SERVER_ERROR';

/**
 * An error as strangers may read it. What a resolver threw that is not a `GraphQLError` was not made for callers: its
 * text is a cause (a host name, a query, a hint about guards), so it is replaced; and so is what the executor says of a
 * value that is not of its type, which it prints. Hints that name fields of the schema (`Did you mean …`) are cut off,
 * and so are stacks.
 *
 * @param formatted as the server formatted it. What it says other than the error itself is the server's own choice.
 */
export function safeError<Formatted extends ErrorLike>(
  error: GraphQLError | undefined,
  formatted: Formatted,
): Formatted {
  const { message } = formatted;
  if (error !== undefined && isInternal(error) && message === error.message) {
    const extensions: Record<string, unknown> = { ...formatted.extensions };
    delete extensions['stacktrace'];
    // Those of a scalar may say what its message says.
    if (isExecutorError(error))
      for (const name of Object.keys(error.extensions)) delete extensions[name];
    return { ...formatted, message: MASKED, extensions: { ...extensions, code: INTERNAL } };
  }
  const hint = message.indexOf(' Did you mean ');
  const { stacktrace, ...extensions } = formatted.extensions ?? {};
  const { locations } = formatted;
  const isLong = message.length > MOST_CHARACTERS || (locations?.length ?? 0) > MOST_PLACES;
  if (hint < 0 && stacktrace === undefined && !isLong) return formatted;
  const cut = message.slice(0, Math.min(hint < 0 ? message.length : hint, MOST_CHARACTERS));
  const safe = { ...formatted, message: cut, extensions };
  return locations ? { ...safe, locations: locations.slice(0, MOST_PLACES) } : safe;
}

/** True for what nobody wrote for callers. */
function isInternal(error: GraphQLError): boolean {
  const { originalError } = error;
  const isNamed = originalError == null || isGraphqlError(originalError);
  return !isNamed || isExecutorError(error);
}

/** True for what nobody meant to happen, also where the server has masked it already. */
export function isFailure(error: GraphQLError): boolean {
  return isInternal(error) || error.extensions?.['code'] === INTERNAL;
}

/** Not by `instanceof` alone: another copy of GraphQL.js has a class of its own. */
function isGraphqlError(error: Error): boolean {
  return error instanceof GraphQLError || error.name === 'GraphQLError';
}

/** What was thrown in place of a result, as one of its errors. */
export function asGraphqlError(cause: unknown): GraphQLError {
  const originalError = cause instanceof Error ? cause : new Error(String(cause));
  if (isGraphqlError(originalError)) return originalError as GraphQLError;
  return new GraphQLError(originalError.message, { originalError });
}

interface Errors {
  readonly errors?: readonly GraphQLError[] | undefined;
}

/** What the later parts of an incremental answer bring, in either format, has errors of its own. */
interface LaterPart {
  readonly incremental?: readonly Errors[] | undefined;
  readonly completed?: readonly Errors[] | undefined;
}

/** A result, or a part of one, with errors as strangers may read them. */
export function safeResult<Result extends ExecutionResult & LaterPart>(result: Result): Result {
  const { errors, incremental, completed } = result;
  if (!errors && !incremental && !completed) return result;
  return {
    ...result,
    ...(errors && { errors: shownErrors(result).map(safeGraphqlError) }),
    ...(incremental && { incremental: incremental.map(safePart) }),
    ...(completed && { completed: completed.map(safePart) }),
  };
}

function safePart<Part extends Errors>(part: Part): Part {
  return part.errors ? { ...part, errors: part.errors.map(safeGraphqlError) } : part;
}

/** All errors of an operation that was executed, and the first 20 of one that was not. */
export function shownErrors<Shown>({
  data,
  errors = [],
}: {
  readonly data?: unknown;
  readonly errors?: readonly Shown[] | undefined;
}): readonly Shown[] {
  return data === undefined ? errors.slice(0, MOST_ERRORS) : errors;
}

/** The same error where it may go out as it is. */
export function safeGraphqlError(error: GraphQLError): GraphQLError {
  const { message, extensions } = safeError<ErrorLike>(error, error);
  const { nodes, path } = error;
  if (message === error.message && (nodes?.length ?? 0) <= MOST_PLACES) return error;
  const safe = new GraphQLError(message, {
    nodes: nodes?.slice(0, MOST_PLACES) ?? null,
    path: path ?? null,
    extensions: extensions ?? {},
  });
  // No server can show one.
  Object.defineProperty(safe, 'stack', { value: undefined });
  return safe;
}
