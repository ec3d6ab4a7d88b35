import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const root = join(import.meta.dirname, '..');
const longest = JSON.parse(
  readFileSync(join(import.meta.dirname, 'long-tests.json'), 'utf8'),
) as readonly string[];
const ranks = new Map(longest.map((file, at) => [join(root, file), at]));

const gone = longest.filter((file) => !existsSync(join(root, file)));
if (gone.length > 0)
  throw new Error(
    `tooling/long-tests.json: ${gone.join(', ')} is not there. Remove it, or write its new name.`,
  );

const rank = ({ moduleId }: TestSpecification): number => ranks.get(moduleId) ?? longest.length;

/**
 * Starts with the files that take longest. Vitest knows them from the run before, and goes by their size in a fresh
 * clone: then a small file that runs for long comes last, and every core but one waits for it. The list mixes them:
 * files that start browsers and other processes stand beside some that wait and some that compute.
 */
export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- vitest's own, which copies
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => rank(a) - rank(b));
  }
}
