import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readBlocks } from '../src/blocks.ts';

const root = join(import.meta.dirname, '../../..');
const tested = new Map(readBlocks(join(root, 'README.md')).map(({ file, text }) => [file, text]));

const packages = readdirSync(join(root, 'packages')).filter((name) => {
  const manifest = JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8'));
  return manifest.private !== true;
});

// A registry shows them; examples that are in the first README too are tested there.
test.each(packages)('@apisec/%s tells how it is used, as the first README does', (name) => {
  const blocks = readBlocks(join(root, 'packages', name, 'README.md'));
  expect(blocks).not.toEqual([]);
  for (const { file, text } of blocks) expect(tested.get(file) ?? text).toBe(text);
});
