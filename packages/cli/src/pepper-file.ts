import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isObject } from '@apisec/core/host';
import { UsageError } from './command.ts';
import { codeOf, readText } from './files.ts';
import { replace, whileLocked } from './secret-files.ts';

/** Which peppers are in the file, without a word of them. */
export interface WrittenPeppers {
  readonly file: string;
  /** New keys, and keys that are used, are hashed with it from now on. */
  readonly current: string;
  /** All that are kept, the oldest first. */
  readonly versions: readonly string[];
}

interface Peppers {
  readonly current: string;
  readonly keys: Readonly<Record<string, string>>;
}

const PEPPER_BYTES = 32;

/**
 * Adds a pepper for API keys to `peppers.json` (mode 600), and makes it the current one. Those that are there stay,
 * since keys are hashed with them.
 *
 * @throws UsageError for a file that does not hold peppers.
 */
export async function addPepper(folder: string): Promise<WrittenPeppers> {
  const file = join(folder, 'peppers.json');
  await mkdir(folder, { recursive: true });
  return whileLocked(file, async () => {
    const { keys } = await peppersOf(file);
    const numbers = Object.keys(keys).map((version) =>
      Number(/^v(\d{1,9})$/.exec(version)?.[1] ?? 0),
    );
    const current = `v${Math.max(0, ...numbers) + 1}`;
    const all = { ...keys, [current]: randomBytes(PEPPER_BYTES).toString('base64url') };
    await replace(file, { current, keys: all }, 0o600);
    return { file, current, versions: Object.keys(all) };
  });
}

async function peppersOf(file: string): Promise<Peppers> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(await readText(file));
  } catch (error) {
    if (codeOf(error, '') === 'ENOENT') return { current: '', keys: {} };
  }
  if (isPeppers(parsed)) return parsed;
  throw new UsageError(`${file} does not hold peppers, as apisec keys pepper writes them.`);
}

function isPeppers(value: unknown): value is Peppers {
  if (!isObject(value) || !isObject(value['keys'])) return false;
  const pepper = /^[\w-]{43,}$/;
  return (
    typeof value['current'] === 'string' &&
    Object.hasOwn(value['keys'], value['current']) &&
    Object.values(value['keys']).every((each) => typeof each === 'string' && pepper.test(each))
  );
}
