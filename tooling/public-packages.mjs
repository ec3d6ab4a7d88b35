// The packages that are published, for everything that goes through them.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

/** Folder, its path and the manifest of each public package, of this repository or of a clone of it. */
export function publicPackages(from = root) {
  return readdirSync(join(from, 'packages'))
    .toSorted()
    .map((folder) => ({ folder, path: join(from, 'packages', folder) }))
    .filter(({ path }) => existsSync(join(path, 'package.json')))
    .map((each) => ({
      ...each,
      manifest: JSON.parse(readFileSync(join(each.path, 'package.json'), 'utf8')),
    }))
    .filter(({ manifest }) => manifest.private !== true);
}
