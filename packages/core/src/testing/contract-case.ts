import type { MaybePromise } from '../lib/maybe-promise.ts';

/** One promise of a store contract, for any test runner: it rejects where the store does not keep it. */
export interface ContractCase<Subject> {
  readonly name: string;
  readonly run: (subject: Subject) => Promise<void>;
}

/** A store to test, and its clock. */
export interface StoreSubject<Store> {
  /** An empty store. */
  readonly create: () => MaybePromise<Store>;
  /** Lets this many milliseconds pass on the store's clock: moves a clock of the test, or really waits. */
  readonly pass: (milliseconds: number) => MaybePromise<void>;
}

/** Fails a case. */
export function assertThat(condition: boolean, message: string): void {
  if (!condition) throw new Error(message);
}

/** Fails a case unless both are the same, or numbers closer than `tolerance`. */
export function assertSame(actual: unknown, expected: unknown, what: string, tolerance = 0): void {
  const close =
    typeof actual === 'number' &&
    typeof expected === 'number' &&
    Math.abs(actual - expected) <= tolerance;
  assertThat(
    Object.is(actual, expected) || close,
    `${what}: expected ${String(expected)}, got ${String(actual)}`,
  );
}

/** Keys that an attacker might choose to be taken for somebody else. All of them differ. */
export const hostileKeys: readonly string[] = Object.freeze([
  'a',
  'A',
  'a ',
  ' a',
  'a:b',
  'a:',
  ':a',
  'a::b',
  'a/b',
  'a,b',
  'a|b',
  'a\0b',
  'a\0',
  '\0a',
  '{a}',
  '{a}b',
  '{a}{b}',
  '{',
  '}',
  '{}',
  '}{',
  '1:a',
  '01:a',
  '*',
  'a*',
  '?',
  '[a]',
  'a\nb',
  'a\r\nb',
  '\u00e4',
  'a\u0308',
  '\u00c4',
  '\ud800',
  '\ud801',
  '\udc00',
  '\ufffd',
  '\u{1f600}',
  '__proto__',
  'constructor',
  'null',
  'undefined',
  '0',
  '-0',
  '%61',
  'YQ==',
  '\u202ea',
  '\ufeffa',
  'x'.repeat(8_192),
  `${'x'.repeat(8_191)}y`,
  `y${'x'.repeat(8_191)}`,
  '{'.repeat(8_192),
]);
