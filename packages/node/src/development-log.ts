import { logDenials } from '@apisec/core';
import { type DenialLog, denialLogOption } from '@apisec/core/host';

/** One for all adapters of a process, so that its bound holds for all of them. */
let shared: DenialLog | undefined;

/**
 * The option `logDenials` of Node adapters: what was given, or while developing (`NODE_ENV` is `development`) text on
 * the terminal, so that whoever is denied by mistake sees why.
 *
 * @throws ConfigurationError for anything but what `logDenials()` gives, or `false`.
 */
export function nodeDenialLog(where: string, value: unknown): DenialLog | undefined {
  // The one place that reads it.
  if (value !== undefined || process.env['NODE_ENV'] !== 'development') {
    return denialLogOption(where, value);
  }
  return (shared ??= logDenials({ format: 'text' }));
}
