import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const here = join(import.meta.dirname, '..');
const root = join(here, '../..');
const folder = join(here, '.compile-time');
const page = readFileSync(join(root, 'docs/compile-time.md'), 'utf8');

/** Each block with the codes of the errors that it shows. */
const blocks = [...page.matchAll(/```ts twoslash\n([\s\S]*?)```/g)].map(([, code = ''], index) => ({
  file: `block-${index + 1}.ts`,
  code,
  errors: /^\/\/ @errors: ([\d ]+)$/m.exec(code)?.[1]?.split(' ').toSorted() ?? [],
}));

beforeAll(() => {
  mkdirSync(folder, { recursive: true });
  for (const { file, code } of blocks) writeFileSync(join(folder, file), code);
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: '../../../tsconfig.test.json', include: ['*.ts'] }),
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const compile = (): string => {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  try {
    return execFileSync(process.execPath, [tsc, '-p', folder, '--pretty', 'false'], {
      encoding: 'utf8',
    });
  } catch (cause) {
    return (cause as { readonly stdout: string }).stdout;
  }
};

test('each block fails to compile for the reasons that its page shows, and for no other', () => {
  const found = [...compile().matchAll(/(block-\d+\.ts)\(\d+,\d+\): error TS(\d+)/g)];
  const expected = blocks.map(({ file, errors }) => [file, errors] as const);
  expect(blocks.length).toBeGreaterThanOrEqual(5);
  expect(
    blocks.map(({ file }) => [
      file,
      found.flatMap(([, name, code]) => (name === file && code ? [code] : [])).toSorted(),
    ]),
  ).toEqual(expected);
}, 60_000);
