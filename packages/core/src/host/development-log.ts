import { type DenialLog, denialLogOption } from '../engine/denial-log.ts';

/** There on Node, Bun, Deno and wherever a bundler writes a value in its place. */
declare const process: {
  readonly env: { readonly NODE_ENV?: string | undefined };
  readonly stderr?: { readonly isTTY?: boolean | undefined } | undefined;
};

/** One for all handlers of a process, so that its bound holds for all of them. */
let shared: Promise<DenialLog | undefined> | undefined;

/**
 * The option `logDenials` of hosts for any runtime: what was given, or while developing (`NODE_ENV` is `development`)
 * text on the terminal, so that whoever is denied by mistake sees why. Where `NODE_ENV` says nothing and standard error
 * is a terminal, the first denial of the process alone, and how to see the others.
 *
 * @throws ConfigurationError for anything but what `logDenials()` returns, or `false`.
 */
export function fetchDenialLog(
  where: string,
  value: unknown,
): DenialLog | undefined | Promise<DenialLog | undefined> {
  if (value !== undefined) return denialLogOption(where, value);
  try {
    // In one expression, and loaded only then: bundlers for production leave all of it out.
    if (process.env.NODE_ENV === 'development') {
      return (shared ??= import('../audit/log-denials.ts').then(
        ({ logDenials }) => logDenials({ format: 'text' }),
        () => undefined,
      ));
    }
    // Not on servers of others: they have no terminal.
    if (!process.env.NODE_ENV && process.stderr?.isTTY === true) {
      return import('../audit/first-denial.ts').then(
        ({ firstDenial }) => firstDenial(),
        () => undefined,
      );
    }
  } catch {
    // A runtime without environment, or Deno, where nobody allowed to read it.
  }
  return undefined;
}
