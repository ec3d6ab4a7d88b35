import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { callCli } from './run-cli.ts';

const root = join(import.meta.dirname, '../../..');
const docs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.md') && !/node_modules|decisions/.test(path))
  .map((path) => `docs/${path}`);
const readmes = readdirSync(join(root, 'packages'))
  .map((name) => `packages/${name}/README.md`)
  .filter((page) => existsSync(join(root, page)));

/**
 * What stands behind `npx apisec`: on a line of its own up to a redirection or a comment, in a sentence up to its end.
 */
const COMMAND = /(?:^ {4}(?:[^`\n]*\| )?npx apisec |`npx apisec )([a-z][^`\n]*)/gm;

const shown = [...docs, ...readmes].flatMap((page) =>
  [...readFileSync(join(root, page), 'utf8').matchAll(COMMAND)].map(([, written = '']) => {
    const [words = ''] = written.split(/ {2,}| [<>] /);
    const [command = ''] = words.split(' ');
    const [, ...more] = words.replace(/'[^']*'|"[^"]*"/g, 'text').split(' ');
    return { page, words, command, options: more.filter((word) => word.startsWith('--')) };
  }),
);

test('the pages show each command of the command line', () => {
  expect([...new Set(shown.map(({ command }) => command))].toSorted()).toEqual([
    'attack',
    'audit',
    'coverage',
    'diff',
    'doctor',
    'explain',
    'init',
    'keys',
    'limits',
  ]);
});

test.each(shown)('$page: "npx apisec $words" has options that its command knows', async (row) => {
  const { code, out } = await callCli(row.command, '--help');
  expect(code).toBe(0);
  for (const option of row.options) expect(out).toMatch(new RegExp(`${option}(?![\\w-])`));
});
