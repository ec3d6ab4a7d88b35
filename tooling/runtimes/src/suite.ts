// What the bundle runs, the same on every runtime.
import { startTests, type VitestRunner } from '@vitest/runner';

/** What came of it. */
export interface SuiteResult {
  readonly passed: number;
  readonly skipped: number;
  readonly failed: readonly { readonly name: string; readonly error: string }[];
  readonly ms: number;
  readonly files: Readonly<Record<string, { readonly passed: number; readonly ms: number }>>;
}

type Files = Readonly<Record<string, () => Promise<unknown>>>;

interface TaskLike {
  readonly type: string;
  readonly name: string;
  readonly mode?: string;
  readonly tasks?: readonly TaskLike[];
  readonly result?: {
    readonly state?: string;
    readonly duration?: number;
    readonly errors?: readonly { readonly stack?: string; readonly message?: string }[];
  };
}

/** Runs test files, one after the other. */
export async function runSuite(files: Files): Promise<SuiteResult> {
  const started = Date.now();
  const runner = {
    config: {
      root: '/',
      name: 'core',
      setupFiles: [],
      passWithNoTests: false,
      testTimeout: 30_000,
      hookTimeout: 60_000,
      retry: 0,
      maxConcurrency: 1,
      includeTaskLocation: false,
      allowOnly: false,
      sequence: { concurrent: false, shuffle: false, seed: 1, hooks: 'stack', setupFiles: 'list' },
      diffOptions: undefined,
      chaiConfig: undefined,
      tags: [],
      tagsFilter: undefined,
      strictTags: false,
    },
    onBeforeRunTask: (task: TaskLike) => {
      if (Reflect.get(globalThis, 'SHOW_TESTS')) console.log(task.name);
    },
    importFile: async (path: string) => {
      const file = files[path];
      if (!file) throw new Error(`There is no ${path}.`);
      return file();
    },
  } as unknown as VitestRunner;
  const paths = Object.keys(files).map((filepath) => ({ filepath, tags: [] }) as never);
  const done = (await startTests(paths, runner)) as unknown as readonly TaskLike[];
  const failed: { name: string; error: string }[] = [];
  const find = (task: TaskLike, path: string): void => {
    const name = path === '' ? task.name : `${path} > ${task.name}`;
    const { state, errors } = task.result ?? {};
    if (state === 'fail' && errors?.length) {
      failed.push({ name, error: String(errors[0]?.stack ?? errors[0]?.message).slice(0, 600) });
    }
    for (const inner of task.tasks ?? []) find(inner, name);
  };
  for (const file of done) find(file, '');
  const tests = done.flatMap(testsOf);
  const passing = tests.filter(({ result }) => result?.state === 'pass');
  const skipped = tests.filter(({ result }) => !['pass', 'fail'].includes(result?.state ?? ''));
  const perFile = done.map((file) => {
    const all = testsOf(file);
    const passed = all.filter(({ result }) => result?.state === 'pass').length;
    const ms = all.reduce((sum, { result }) => sum + (result?.duration ?? 0), 0);
    return [file.name, { passed, ms: Math.round(ms) }] as const;
  });
  return {
    passed: passing.length,
    skipped: skipped.length,
    failed,
    ms: Date.now() - started,
    files: Object.fromEntries(perFile),
  };
}

function testsOf(task: TaskLike): readonly TaskLike[] {
  return task.type === 'test' ? [task] : (task.tasks ?? []).flatMap(testsOf);
}
