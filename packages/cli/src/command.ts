import type { ParseArgsConfig } from 'node:util';
import type { Terminal } from './terminal.ts';

/** What every command ends with. */
export const EXIT: { readonly ok: 0; readonly found: 1; readonly usage: 2 } = Object.freeze({
  /** Done, and nothing was found. */
  ok: 0,
  /** Done, and something was found: not covered, denied, a check that failed. */
  found: 1,
  /** Not done: a wrong option, a file or module that cannot be read, an address that does not answer. */
  usage: 2,
});

/** What a command is called with. */
export interface Invocation {
  readonly positionals: readonly string[];
  /** A flag: true where it was given. */
  readonly flag: (name: string) => boolean;
  /** The text of an option; undefined where it was not given. */
  readonly text: (name: string) => string | undefined;
  /** The texts of an option that may be repeated. */
  readonly texts: (name: string) => readonly string[];
  readonly terminal: Terminal;
}

/** One command, in a file of its own. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  /** How it is called, one line each. */
  readonly usage: readonly string[];
  readonly options: NonNullable<ParseArgsConfig['options']>;
  /** Answers one of {@link EXIT}. */
  readonly run: (invocation: Invocation) => Promise<number>;
}

/** A mistake of the user, or something missing: reported in one line, with exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
