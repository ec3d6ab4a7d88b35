import { main } from 'apisec';

/**
 * Writes a project as `apisec init` does, with the arguments behind `npm create apisec`; answers the exit code: 0, or 2
 * where nothing was written.
 *
 * @example
 * process.exitCode = await create(['express', 'my-api']);
 */
export function create(args: readonly string[]): Promise<number> {
  return main(['init', ...args]);
}
