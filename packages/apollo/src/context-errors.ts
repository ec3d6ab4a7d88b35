import { report } from '@apisec/core/host';
import { isFailure } from '@apisec/graphql';
import { GraphQLError } from 'graphql';

const MASKED = 'Internal server error';
/** How Apollo begins what it makes of a value that is not an error. */
const NO_ERROR = 'Unexpected error value: ';

/**
 * Keeps from the caller what a context function has thrown, unless it was made for callers. Apollo sends the text of the
 * error, which it shows to plugins and to nobody else before, so the text is replaced in it; `onFault` gets a copy.
 */
export async function maskContextError(
  error: Error,
  onFault: ((cause: unknown) => void) | undefined,
): Promise<void> {
  if (isForCallers(error)) return;
  const copy = new Error(error.message, { cause: error.cause });
  copy.name = error.name;
  if (error.stack !== undefined) copy.stack = error.stack;
  report(onFault, copy);
  // Other plugins see it first as it is, wherever they stand.
  await Promise.resolve();
  for (const [name, value] of Object.entries({
    message: MASKED,
    stack: `${error.name}: ${MASKED}`,
  })) {
    Object.defineProperty(error, name, { value, configurable: true, writable: true });
  }
}

function isForCallers(error: Error): boolean {
  const isMade = error instanceof GraphQLError && !error.message.startsWith(NO_ERROR);
  return isMade && !(error.originalError && isFailure(error));
}
