/**
 * Thrown by factories and at mount, never while a call is served: something is configured so that it
 * could not protect. The message says how to fix it.
 */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
}

/** Throws {@link ConfigurationError} with `message` unless `condition` holds. */
export function assertConfiguration(condition: unknown, message: string): asserts condition {
  if (!condition) throw new ConfigurationError(message);
}
