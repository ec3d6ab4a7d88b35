import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
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

test('a policy imports no other policy and no guard', () => {
  const source = join(root, 'packages/core/src');
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !/^engine\/|\.test(?:-d)?\.ts$/.test(file))
    .map((file) => ({ file, text: readFileSync(join(source, file), 'utf8') }))
    .filter(({ text }) => /definePolicy[<(]/.test(text));
  expect(files.length).toBeGreaterThan(40);
  const policies = new Set([...files.map(({ file }) => file), 'engine/guard.ts']);
  const imported = files.flatMap(({ file, text }) =>
    [...text.matchAll(/ from '(\.[^']+)'/g)].flatMap(([, path = '']) => {
      const target = join(dirname(file), path);
      return policies.has(target) ? [`${file} -> ${target}`] : [];
    }),
  );
  expect(imported).toEqual([]);
});
