import { logDenials } from '@apisec/core';
import { type DenialLog, denialLogOption, firstDenial } from '@apisec/core/host';

/** One for all adapters of a process, so that its bound holds for all of them. */
let shared: DenialLog | undefined;

/**
 * The option `logDenials` of Node adapters: what was given, or while developing (`NODE_ENV` is `development`) text on
 * the terminal, so that whoever is denied by mistake sees why. Where `NODE_ENV` says nothing, the first denial of the
 * process alone, and how to see the others.
 *
 * @throws ConfigurationError for anything but what `logDenials()` returns, or `false`.
 */
export function nodeDenialLog(where: string, value: unknown): DenialLog | undefined {
  if (value !== undefined) return denialLogOption(where, value);
  const mode = nodeEnvironment();
  if (mode === 'development') return (shared ??= logDenials({ format: 'text' }));
  return mode === undefined || mode === '' ? firstDenial() : undefined;
}

/** The one place that reads it. */
function nodeEnvironment(): string | undefined {
  try {
    return process.env['NODE_ENV'];
  } catch {
    // Deno, where nobody allowed to read the environment: it may be production.
    return 'production';
  }
}
