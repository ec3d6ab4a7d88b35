import { expect, test } from 'vitest';
import subpaths from '../../../tooling/subpaths.json' with { type: 'json' };
import * as everything from '../src/index.ts';

/** Gathers what adapters and kits need, by design. */
const GATHERS = new Set(['host', 'testing']);

test('a subpath exports what the package exports, and nothing that only core itself needs', async () => {
  // These two have libraries as peers, and so subpaths alone.
  const known = new Set<string>([...Object.keys(everything), 'toDrizzle', 'toKysely']);
  const found: string[] = [];
  for (const [subpath, file] of Object.entries(subpaths.core)) {
    if (GATHERS.has(subpath)) continue;
    const names = Object.keys((await import(/* @vite-ignore */ `../src/${file}`)) as object);
    if (names.some((name) => !known.has(name))) found.push(subpath);
  }
  expect(found).toEqual([]);
});
