import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compiledFolder } from '../src/compiled-folder.ts';

const root = join(import.meta.dirname, '../../..');
const project = compiledFolder('.compile-time');
const page = readFileSync(join(root, 'docs/compile-time.md'), 'utf8');

/** Each block with the codes of the errors that it shows. */
const blocks = [...page.matchAll(/```ts twoslash\n([\s\S]*?)```/g)].map(([, text = ''], index) => ({
  file: `block-${index + 1}.ts`,
  text,
  errors: /^\/\/ @errors: ([\d ]+)$/m.exec(text)?.[1]?.split(' ').toSorted() ?? [],
}));

beforeAll(() => project.write(blocks));
afterAll(project.remove);

const compile = (): string => {
  try {
    return project.compile('--pretty', 'false');
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
