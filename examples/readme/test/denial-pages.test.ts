import { expect, test } from 'vitest';
import { denialPages } from '../../../docs/.vitepress/denials.ts';

const pages = denialPages();

test('every code has a page that says what it means, why it usually comes and what to do', () => {
  expect(pages.length).toBeGreaterThan(100);
  for (const { code, meaning, cause, remedy } of pages) {
    for (const text of [meaning, cause, remedy]) expect(text.length, code).toBeGreaterThan(10);
  }
});

/** Areas whose words blame no caller: they tell of a provider, and of bounds that every stream has. */
const BLAMELESS = ['oauth', 'stream'];

// Words of an area tell callers what they did wrong. These answers are not their fault.
test('no page of a fault of the server has the words for mistakes of callers', () => {
  const isFault = ({ kinds }: (typeof pages)[number]): boolean =>
    kinds.length > 0 && kinds.every(({ status }) => status >= 500);
  const areaOf = (code: string): string => code.split('.')[0] ?? '';
  const forCallers = new Set(
    pages
      .filter((page) => page.kinds.length > 0 && !isFault(page))
      .filter(({ cause }) => !cause.startsWith('A fault of the server'))
      .map(({ cause }) => cause),
  );
  const blaming = pages
    .filter((page) => isFault(page) && forCallers.has(page.cause))
    .map(({ code }) => code)
    .filter((code) => !BLAMELESS.includes(areaOf(code)));
  expect(blaming).toEqual([]);
});
