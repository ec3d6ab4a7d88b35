// What the sources of each package import, read from the text: shared by what checks imports and what draws them.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';

const root = join(import.meta.dirname, '..');
const IMPORT =
  /(?:^|\n)\s*(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]|\bimport\s*\(?\s*['"]([^'"]+)['"]/g;

// The texts of projects that `apisec init` writes import what those projects do.
const isOwn = (specifier) => specifier.startsWith('.');
const isSource = (file) =>
  file.endsWith('.ts') && !/\.(test|test-d)\.ts$|[\\/]templates[\\/]/.test(file);

/** The packages that have sources, by the names of their folders. */
export function packagesWithSource() {
  return readdirSync(join(root, 'packages'))
    .filter((name) => existsSync(join(root, 'packages', name, 'src')))
    .toSorted();
}

/**
 * Each source of a package, its path below `src` with slashes, and what it imports: files of its own by path, and other
 * packages.
 */
export function importsOf(name) {
  const source = join(root, 'packages', name, 'src');
  return readdirSync(source, { recursive: true })
    .filter(isSource)
    .toSorted((one, other) => (one < other ? -1 : 1))
    .map((entry) => {
      const file = entry.split(/[\\/]/).join('/');
      const text = readFileSync(join(source, entry), 'utf8');
      const wanted = [...text.matchAll(IMPORT)].map(
        ([, specifier = '', late]) => specifier || late,
      );
      return {
        file,
        files: wanted.filter(isOwn).map((specifier) => posix.join(dirname(file), specifier)),
        others: wanted.filter((specifier) => !isOwn(specifier)),
      };
    });
}

/** The package that a specifier names: `@apisec/core` for `@apisec/core/host`. */
export const packageOf = (specifier) =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

/** The first folder of a path below `src`, or the file where there is none. */
export const folderOf = (path) => (path.includes('/') ? path.slice(0, path.indexOf('/')) : path);
