import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { PGlite, type PGliteOptions } from '@electric-sql/pglite';

const cache = join(import.meta.dirname, '../../../node_modules/.cache/apisec');
let template: Promise<Blob> | undefined;

/** The files of an empty database, kept from one run to the next. */
async function readTemplate(): Promise<Blob> {
  // Its path names the version.
  const version = createHash('sha256')
    .update(createRequire(import.meta.url).resolve('@electric-sql/pglite'))
    .digest('hex')
    .slice(0, 16);
  const kept = join(cache, `pglite-${version}.tar`);
  try {
    return new Blob([await readFile(kept)]);
  } catch {
    const database = await PGlite.create();
    const files = await database.dumpDataDir('none');
    await database.close();
    await mkdir(cache, { recursive: true });
    // Other processes do the same at this moment, and none may read half of it.
    const own = `${kept}.${process.pid}`;
    await writeFile(own, Buffer.from(await files.arrayBuffer()));
    await rename(own, kept);
    return files;
  }
}

/** An empty database in this process: a copy, since to set one up takes seconds of the processor. */
export async function openInProcess(options: PGliteOptions = {}): Promise<PGlite> {
  template ??= readTemplate();
  return PGlite.create({ ...options, loadDataDir: await template });
}
