import { type ExecutionResult, GraphQLError } from 'graphql';

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
 * text is a cause (a host name, a query, a hint about guards), so it is replaced. Hints that name fields of the schema
 * (`Did you mean …`) are cut off, and so are stacks.
 *
 * @param formatted as the server formatted it. What it says other than the error itself is the server's own choice.
 */
export function safeError<Formatted extends ErrorLike>(
  error: GraphQLError | undefined,
  formatted: Formatted,
): Formatted {
  const { message } = formatted;
  if (error !== undefined && isUnnamed(error) && message === error.message) {
    const extensions = { ...formatted.extensions, code: INTERNAL };
    delete (extensions as { stacktrace?: unknown }).stacktrace;
    return { ...formatted, message: MASKED, extensions };
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
export function isUnnamed(error: GraphQLError): boolean {
  const { originalError } = error;
  return originalError !== undefined && originalError !== null && !isGraphqlError(originalError);
}

/** True for what nobody meant to happen, also where the server has masked it already. */
export function isFailure(error: GraphQLError): boolean {
  return isUnnamed(error) || error.extensions?.['code'] === INTERNAL;
}

/** Not by `instanceof` alone: another copy of GraphQL.js has a class of its own. */
function isGraphqlError(error: Error): boolean {
  return error instanceof GraphQLError || error.name === 'GraphQLError';
}

/** A result with errors as strangers may read them. */
export function safeResult(result: ExecutionResult): ExecutionResult {
  const { errors } = result;
  return errors ? { ...result, errors: shownErrors(result).map(safeGraphqlError) } : result;
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
