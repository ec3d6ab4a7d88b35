import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { UsageError } from './command.ts';

/** A module of the user, and how to import what it depends on. */
export interface LoadedModule {
  readonly path: string;
  /** An export, by the first of these names that it has. */
  readonly pick: (...names: readonly string[]) => unknown;
  /** A package as the module itself would import it. */
  readonly require: (name: string) => Promise<Readonly<Record<string, unknown>>>;
}

/**
 * Imports a module of the user. Its code runs: that is how it makes the application.
 *
 * @throws UsageError when it cannot be imported.
 */
export async function loadModule(file: string | undefined): Promise<LoadedModule> {
  if (file === undefined) throw new UsageError('name the module that makes your application.');
  const path = resolve(file);
  const exports = await importAll(pathToFileURL(path).href, file);
  return {
    path,
    pick: (...names) => {
      const name = names.find((each) => Object.hasOwn(exports, each));
      return name === undefined ? undefined : exports[name];
    },
    require: (name) => importBeside(path, name),
  };
}

/**
 * A package as the module at this path, or one in the folder there, would import it.
 *
 * @throws UsageError where it is not installed there.
 */
export async function importBeside(
  path: string,
  name: string,
): Promise<Readonly<Record<string, unknown>>> {
  let found: string;
  try {
    found = createRequire(join(path, 'package.json')).resolve(name);
  } catch {
    throw new UsageError(`${name} is needed for ${path}, and is not installed there.`);
  }
  return importAll(pathToFileURL(found).href, name);
}

const LONGEST_MS = 60_000;

/**
 * What code of the user answers.
 *
 * @throws UsageError where it has not answered within a minute.
 */
export async function finished<Answer>(
  work: Answer | PromiseLike<Answer>,
  name: string,
): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const problem = `${name} has not finished within ${LONGEST_MS / 1_000} seconds.`;
    timer = setTimeout(() => reject(new UsageError(problem)), LONGEST_MS).unref();
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function importAll(url: string, name: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    // A module is a record of its exports.
    return (await finished(import(url), name)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    const isTypes = error instanceof Error && 'code' in error && error.code === UNKNOWN;
    const hint = isTypes ? ' Run TypeScript by node --import tsx, or by Node 22.18 and later.' : '';
    throw new UsageError(`${name} cannot be imported: ${why}${hint}`);
  }
}

const UNKNOWN = 'ERR_UNKNOWN_FILE_EXTENSION';
