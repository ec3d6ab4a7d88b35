import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { importable, snippetsOf } from './snippets.ts';

const here = join(import.meta.dirname, '..');
const root = join(here, '../..');
const packages = importable(root);

/**
 * Runs blocks of a guide, or of another page of the site, one after the other, as they stand but for `instead`, and
 * answers what they declare, by block.
 */
export async function runGuide(
  guide: string,
  blocks: readonly number[],
  instead: Readonly<Record<string, string>> = {},
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const running = join(here, 'src/running');
  const inGuides = join(root, `docs/guides/${guide}.md`);
  const isGuide = existsSync(inGuides);
  const page = isGuide ? inGuides : join(root, `docs/${guide}.md`);
  const own = join(running, `${isGuide ? 'guides-' : ''}${guide}.ts`);
  const given = [join(running, 'common.ts'), ...(existsSync(own) ? [own] : [])];
  const snippets = snippetsOf(page, given, packages);
  const folder = join(here, `.running-${guide}`);
  mkdirSync(folder, { recursive: true });
  for (const { file, text } of snippets) {
    const changed = Object.entries(instead).reduce(
      (before, [from, to]) => before.replaceAll(from, to),
      text,
    );
    writeFileSync(join(folder, file), changed);
  }
  const declared: Readonly<Record<string, unknown>>[] = [];
  try {
    for (const at of blocks) {
      const file = snippets[at]?.file ?? '';
      declared.push(await import(/* @vite-ignore */ join(folder, file)));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return declared;
}
