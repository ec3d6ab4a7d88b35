import { randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { UsageError } from './command.ts';
import { codeOf } from './files.ts';

/** Does something to a file while nobody else does it. @throws UsageError while somebody else does. */
export async function whileLocked<Done>(file: string, work: () => Promise<Done>): Promise<Done> {
  const lock = `${file}.lock`;
  await create(
    lock,
    {},
    0o600,
    `Somebody else changes ${file}. If nobody does, and a run was killed, remove ${lock}.`,
  );
  try {
    return await work();
  } finally {
    await rm(lock, { force: true });
  }
}

/** A new file. @throws UsageError where it is there already. */
export async function create(
  file: string,
  content: object,
  mode: number,
  taken = `${file} is there already, and is left alone.`,
): Promise<void> {
  try {
    await write(file, content, mode);
  } catch (error) {
    if (codeOf(error, '') !== 'EEXIST') throw error;
    throw new UsageError(taken);
  }
}

/** Whoever reads it meanwhile sees the old file or the new one, never a part. */
export async function replace(file: string, content: object, mode: number): Promise<void> {
  const draft = `${file}.${randomUUID()}`;
  try {
    await write(draft, content, mode);
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw new UsageError(`${file} cannot be written (${codeOf(error, 'unknown')}).`);
  }
}

async function write(file: string, content: object, mode: number): Promise<void> {
  const handle = await open(file, 'wx', mode);
  try {
    await handle.writeFile(`${JSON.stringify(content, null, 2)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
