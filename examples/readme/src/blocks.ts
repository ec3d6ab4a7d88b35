import { readFileSync } from 'node:fs';

/** A code block that is a file: its name stands behind the language, as in "```ts policy.ts". */
export interface Block {
  readonly file: string;
  readonly text: string;
}

const FENCE = /^```(\w+)(?: (\S+))?\n([^]*?)^```$/gm;

/**
 * Every block of a Markdown file.
 *
 * @throws Error when a block of code has no file name: then nothing would run it.
 */
export function readBlocks(path: string): readonly Block[] {
  return [...readFileSync(path, 'utf8').matchAll(FENCE)].map(
    ([, language, file, text = '']): Block => {
      if (file === undefined) throw new Error(`A ${language} block in ${path} has no file name.`);
      return { file, text };
    },
  );
}
