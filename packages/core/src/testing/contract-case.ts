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

/** How many times as long the times of a case are when it is run again. */
const SLOWER = [1, 3, 9];
/** What a case of {@link inTime} may take beside its waits, with times as they are. */
const IN_TIME_MS = 100;

/**
 * Runs a case that has to be quicker than a time of the store. Where the store's clock goes on by itself, a busy
 * machine may be too slow for that, and a failure says nothing about the store: the case runs again on longer times.
 * One that fails although it was in time fails at once.
 */
export async function inTime<Store>(
  subject: StoreSubject<Store>,
  /** The same store, with all times that it is given or answers that many times as long. */
  slower: (store: Store, times: number) => Store,
  run: (store: Store, subject: StoreSubject<Store>) => Promise<void>,
): Promise<void> {
  for (const times of SLOWER) {
    const began = performance.now();
    let waited = 0;
    const pass = async (milliseconds: number): Promise<void> => {
      waited += milliseconds * times;
      await subject.pass(milliseconds * times);
    };
    try {
      return await run(slower(await subject.create(), times), { ...subject, pass });
    } catch (cause) {
      const isInTime = performance.now() - began - waited < IN_TIME_MS * times;
      if (isInTime || times === SLOWER.at(-1)) throw cause;
    }
  }
}

/** A store to test whose records end by a clock of its own, and what that shows. */
export interface ClockedStoreSubject<Store> extends StoreSubject<Store> {
  /** Epoch milliseconds on the store's clock. */
  readonly now: () => number;
  /**
   * The same records, as a process sees them whose clock is ahead by so many milliseconds, or behind. Without it, as
   * in stores of one process, nothing is tested with clocks that differ.
   */
  readonly createApart?: ((aheadMs: number) => MaybePromise<Store>) | undefined;
}

/** Processes whose clocks differ, and for how long what they keep is there. */
export async function assertLastsApart<Store>(
  store: Store,
  { now, pass, createApart }: ClockedStoreSubject<Store>,
  /** Adds a record that the process says ends then. */
  add: (store: Store, id: string, endsAt: number) => Promise<boolean>,
  has: (store: Store, id: string) => Promise<boolean>,
): Promise<void> {
  if (createApart === undefined) return;
  const offs = [-DAY, -30_000, 30_000, DAY];
  const apart = await Promise.all(
    offs.map(async (off) => ({ off, process: await createApart(off) })),
  );
  const at = now();
  for (const { off, process } of apart) {
    assertThat(await add(process, `short ${off}`, at + off + 1_000), `added by ${off}`);
    assertThat(await add(process, `long ${off}`, at + off + 60_000), `added by ${off}`);
  }
  const seen = async (id: string): Promise<string> => {
    const stores = [store, ...apart.map(({ process }) => process)];
    return String(await Promise.all(stores.map((each) => has(each, id))));
  };
  const all = (there: boolean): string => [store, ...offs].map(() => there).join();
  for (const off of offs) assertSame(await seen(`long ${off}`), all(true), `long ${off}`);
  await pass(1_100);
  for (const off of offs) {
    assertSame(await seen(`short ${off}`), all(false), `short ${off}, after its end`);
    assertSame(await seen(`long ${off}`), all(true), `long ${off}, after the end of others`);
  }
}

const DAY = 86_400_000;

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
