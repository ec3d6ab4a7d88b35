import type { Reporter, TestModule } from 'vitest/node';

/**
 * Ends a run with one plain line, `N passed, N failed, N skipped`, which scripts can read. Above it are the tests that
 * passed only when they were run again.
 */
export default class CountReporter implements Reporter {
  onTestRunEnd(modules: ReadonlyArray<TestModule>, unhandledErrors: ReadonlyArray<unknown>): void {
    let passed = 0;
    let failed = 0;
    let skipped = 0;
    for (const module of modules) {
      const tests = [...module.children.allTests()];
      for (const test of tests) {
        if (test.diagnostic()?.flaky === true) {
          process.stdout.write(
            `\npassed only when run again: ${module.relativeModuleId} > ${test.fullName}\n`,
          );
        }
      }
      const states = tests.map((test) => test.result().state);
      // A file that does not even load has no failed test: without this it would count as nothing.
      if (module.state() === 'failed' && !states.includes('failed')) failed++;
      for (const state of states) {
        if (state === 'passed') passed++;
        else if (state === 'failed') failed++;
        else skipped++;
      }
    }
    // An error outside every test fails the run, so the line must not look clean.
    if (failed === 0 && unhandledErrors.length > 0) failed = unhandledErrors.length;
    process.stdout.write(`\n${passed} passed, ${failed} failed, ${skipped} skipped\n`);
  }
}
