import { GraphQLError } from 'graphql';

/** An error as it goes out. */
export interface ErrorLike {
  readonly message: string;
  readonly extensions?: Readonly<Record<string, unknown>> | undefined;
}

const MASKED = 'Internal server error';

/**
 * An error as strangers may read it. What a resolver threw that is not a `GraphQLError` was not made for callers: its
 * text is a cause (a host name, a query, a hint about guards), so it is replaced. Hints that name fields of the schema
 * (`Did you mean …`) are cut off.
 *
 * @param formatted as the server formatted it. What it says other than the error itself is the server's own choice.
 */
export function safeError<Formatted extends ErrorLike>(
  error: GraphQLError | undefined,
  formatted: Formatted,
): Formatted {
  const { message } = formatted;
  if (error !== undefined && isUnnamed(error) && message === error.message) {
    const extensions = { ...formatted.extensions, code: 'INTERNAL_SERVER_ERROR' };
    delete (extensions as { stacktrace?: unknown }).stacktrace;
    return { ...formatted, message: MASKED, extensions };
  }
  const hint = message.indexOf(' Did you mean ');
  return hint < 0 ? formatted : { ...formatted, message: message.slice(0, hint) };
}

/** True for what nobody wrote for callers. */
export function isUnnamed(error: GraphQLError): boolean {
  const { originalError } = error;
  return originalError !== undefined && originalError !== null && !isGraphqlError(originalError);
}

/** Not by `instanceof` alone: another copy of GraphQL.js has a class of its own. */
function isGraphqlError(error: Error): boolean {
  return error instanceof GraphQLError || error.name === 'GraphQLError';
}
