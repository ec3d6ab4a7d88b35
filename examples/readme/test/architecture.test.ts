import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../../..');

test('the maps of the architecture page show what the sources import', () => {
  const args = ['tooling/architecture-map.mjs', '--check'];
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  expect([stderr, status]).toEqual(['', 0]);
});

test('the map of core shows each of its folders, and so does the table below it', () => {
  const page = readFileSync(join(root, 'docs/architecture.md'), 'utf8');
  const map = readFileSync(join(root, 'docs/public/core.svg'), 'utf8');
  const source = join(root, 'packages/core/src');
  const folders = readdirSync(source, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'testing')
    .map(({ name }) => name);
  expect(folders.length).toBeGreaterThan(10);
  for (const folder of folders) {
    expect(map).toContain(`${folder}: `);
    expect(page).toContain(`\`${folder}\``);
  }
});
