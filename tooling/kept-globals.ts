import { afterAll, expect } from 'vitest';

// Files share a process: what one leaves replaced, like a timer that never ends, makes the next one fail or hang.
const NAMES = [
  'setTimeout',
  'clearTimeout',
  'setInterval',
  'setImmediate',
  'Date',
  'fetch',
] as const;

interface Kept {
  readonly values: ReadonlyMap<string, unknown>;
  /** The file before this one. */
  file: string | undefined;
}

const globals = globalThis as unknown as Record<string | symbol, unknown>;
const key = Symbol.for('apisec.kept-globals');
globals[key] ??= { values: new Map(NAMES.map((name) => [name, globals[name]])), file: undefined };
const kept = globals[key] as Kept;

function putBack(): string[] {
  const replaced = NAMES.filter((name) => globals[name] !== kept.values.get(name));
  for (const name of replaced) globals[name] = kept.values.get(name);
  return replaced;
}

// Spies are restored behind the last hook of a file: what comes back then, like a fake timer, is no fault of this one.
const before = putBack();
if (before.length > 0) console.error(`${kept.file} left ${before.join(', ')} replaced.`);

afterAll(() => {
  kept.file = expect.getState().testPath;
  const replaced = putBack();
  if (replaced.length > 0) throw new Error(`This file leaves ${replaced.join(', ')} replaced.`);
});
