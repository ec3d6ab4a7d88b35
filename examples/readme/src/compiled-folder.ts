import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Block } from './blocks.ts';

const here = join(import.meta.dirname, '..');
const tsc = join(here, '../../node_modules/typescript/bin/tsc');

/** A folder of this package with blocks of pages as files, which the compiler checks as it does the tests. */
export interface CompiledFolder {
  readonly path: string;
  readonly write: (files: readonly Block[]) => void;
  /** What the compiler says: nothing where all is right. Throws otherwise. */
  readonly compile: (...options: readonly string[]) => string;
  readonly remove: () => void;
}

/** `name`: one that Git ignores. */
export function compiledFolder(
  name: string,
  include: readonly string[] = ['*.ts'],
): CompiledFolder {
  const path = join(here, name);
  return {
    path,
    write: (files) => {
      mkdirSync(path, { recursive: true });
      for (const { file, text } of files) writeFileSync(join(path, file), text);
      writeFileSync(
        join(path, 'tsconfig.json'),
        JSON.stringify({ extends: '../../../tsconfig.test.json', include }),
      );
    },
    compile: (...options) =>
      execFileSync(process.execPath, [tsc, '-p', path, ...options], { encoding: 'utf8' }),
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}
