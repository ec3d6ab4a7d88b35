import { expect, test } from 'vitest';
import { jsonScan } from './scan-json.ts';
import { parseStrictJson } from './strict-json.ts';

const bounds = { maxDepth: 32, maxKeys: 1_000, maxStringLength: 1_000, maxArrayLength: 1_000 };
/** Whole and byte by byte, which must agree. */
const scanJson = (text: string) => {
  const bytes = new TextEncoder().encode(text);
  const whole = jsonScan(bounds);
  const problem = whole.push(bytes) ?? whole.end();
  const scan = jsonScan(bounds);
  let first: typeof problem;
  for (const byte of bytes) first ??= scan.push(Uint8Array.of(byte));
  expect(first ?? scan.end()).toBe(problem);
  return problem;
};
const row = (names: readonly string[]) => `{${names.map((name) => `"${name}":1`).join(',')}}`;
const many = Array.from({ length: 20 }, (_, at) => `n${at}`);

// What was learnt of one object must not hide a member that the next one has twice.
test.each<[string, string[], boolean]>([
  ['rows with the same names', [row(['a', 'b']), row(['a', 'b'])], true],
  ['rows with other names', [row(['a', 'b']), row(['b', 'a']), row(['c'])], true],
  ['a shorter row, then a longer one', [row(['a']), row(['a', 'b', 'c'])], true],
  [
    'a name twice behind names that are as before',
    [row(['a', 'b', 'c']), row(['a', 'b', 'a'])],
    false,
  ],
  ['a name twice at once', [row(['a', 'b']), row(['a', 'a'])], false],
  ['an escaped name that is there as it is', [row(['a']), row(['a', '\\u0061'])], false],
  ['an escape that looks like the name before', [row(['\\\\u0061']), row(['\\u0061', 'a'])], false],
  ['the same with the name first', [row(['\\\\u0061', 'b']), row(['a', '\\u0061'])], false],
  ['a backslash that is not an escape of it', [row(['\\\\u0061', 'a'])], true],
  ['many names', [row(many), row(many.toReversed())], true],
  ['many names as before, and one of them again', [row(many), row([...many, 'n3'])], false],
  ['many names, and then one of them again', [row(many), row([...many.slice(0, 12), 'n3'])], false],
  ['an object within one that goes on', [`{"a":${row(['b'])},"b":${row(['a'])}}`], true],
  ['an object within one that repeats itself', [`{"a":${row(['b'])},"a":1}`], false],
])('%s: unambiguous %s', (_name, rows, isGood) => {
  const text = `[${rows.join(',')}]`;
  expect(scanJson(text)).toBe(isGood ? undefined : 'duplicate_key');
  expect(parseStrictJson(text) !== undefined).toBe(isGood);
});

test.each([
  ['0', true],
  ['-0.5', true],
  ['1'.repeat(300), true],
  ['2'.repeat(309), false],
  [`${'2'.repeat(309)}.5`, false],
  ['1e308', true],
  ['1e309', false],
  ['-1e309', false],
])('the number %s fits into a double: %s', (text, fits) => {
  expect(scanJson(text)).toBe(fits ? undefined : 'malformed');
  expect(parseStrictJson(text) !== undefined).toBe(fits);
});
