import { readFile } from 'node:fs/promises';
import { UsageError } from './command.ts';

/**
 * What a file of JSON holds.
 *
 * @throws UsageError without the text of the parser, which quotes what it could not read.
 */
export async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch {
    throw new UsageError(`${file} cannot be read as JSON.`);
  }
}

/** Why a file cannot be read, as its code alone; `otherwise` where there is none. */
export function codeOf(error: unknown, otherwise: string): string {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : otherwise;
}
