import { report } from '@apisec/core/host';
import { isFailure } from '@apisec/graphql';
import { GraphQLError } from 'graphql';

const MASKED = 'Internal server error';
/** How Apollo begins what it makes of a value that is not an error. */
const NO_ERROR = 'Unexpected error value: ';

/** What errors said before their text was replaced: one may be thrown again and again. */
const originals = new WeakMap<Error, Error>();

/**
 * Keeps from the caller what a context function has thrown, unless it was made for callers. Apollo sends the text of
 * the error, which it shows to plugins and to nobody else before, so the text is replaced in it; `onFault` gets a copy.
 */
export async function maskContextError(
  thrown: Error,
  onFault: ((cause: unknown) => void) | undefined,
): Promise<void> {
  if (isForCallers(thrown)) return;
  const original = originals.get(thrown) ?? copyOf(thrown);
  originals.set(thrown, original);
  report(onFault, original);
  // Other plugins see it first as it is, wherever they stand.
  await Promise.resolve();
  for (const [name, value] of Object.entries({
    message: MASKED,
    stack: `${thrown.name}: ${MASKED}`,
  })) {
    Object.defineProperty(thrown, name, { value, configurable: true, writable: true });
  }
}

function copyOf({ name, message, stack, cause }: Error): Error {
  const copy = new Error(message, { cause });
  copy.name = name;
  if (stack !== undefined) copy.stack = stack;
  return copy;
}

function isForCallers(error: Error): boolean {
  const isMade = error instanceof GraphQLError && !error.message.startsWith(NO_ERROR);
  return isMade && !(error.originalError && isFailure(error));
}
