// Runs the tests of one file as ever, and then again for each change of the source under test, in the same process:
// Stryker's instrumentation holds every change behind a switch, so that nothing is loaded anew. What was found goes
// line by line into the journal that main.mjs reads, and which also tells at which change a run hung.
import { appendFileSync, readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { TestRunner } from 'vitest';

const job = JSON.parse(readFileSync(process.env['MUTATION_JOB'], 'utf8'));
const record = (line) => appendFileSync(job.journal, `${JSON.stringify(line)}\n`);
const switches = (globalThis['__stryker__'] ??= {});
// Tests replace timers and clocks.
const { setTimeout, clearTimeout } = globalThis;
const now = () => performance.now();

const { getTestFn, getSuiteHooks } = TestRunner;

export default class MutationRunner extends TestRunner {
  onBeforeTryTask(test) {
    super.onBeforeTryTask(test);
    if (switches.activeMutant === undefined) switches.currentTestId = test.id;
  }

  onAfterRunTask(test) {
    switches.currentTestId = undefined;
    super.onAfterRunTask(test);
  }

  async onAfterRunSuite(suite) {
    if (suite.filepath !== undefined) await this.askAboutAll(suite);
    await super.onAfterRunSuite(suite);
  }

  async askAboutAll(file) {
    const tests = testsOf(file);
    const passed = tests.filter(({ result }) => result?.state === 'pass');
    const coverage = switches.mutantCoverage ?? { static: {}, perTest: {} };
    switches.mutantCoverage = { static: {}, perTest: {} };
    const ends = await beginAll(file);

    // Only tests that pass time after time can show what a change does.
    const steady = [];
    for (const test of passed) {
      const startedAt = now();
      if (!(await this.fails(test))) steady.push({ test, took: now() - startedAt });
    }
    steady.sort((a, b) => a.took - b.took);
    record({ steady: steady.length, of: tests.length });

    let isFresh = true;
    for (const id of job.mutants) {
      const hitsOf = ({ test }) => coverage.perTest[test.id]?.[id] ?? 0;
      const covering = steady.filter((each) => hitsOf(each) > 0);
      if (covering.length === 0) {
        record({ id, found: coverage.static[id] ? 'static' : 'uncovered' });
        continue;
      }
      record({ id, found: 'begun' });
      const failing = await this.firstFailing(id, covering, hitsOf);
      if (failing === undefined) {
        record({ id, found: 'survived' });
      } else if (!(await this.fails(failing.test))) {
        record({ id, found: 'noticed', by: failing.test.name });
      } else {
        // The change left something behind, or one before it did. What fails right after loading is due to this one.
        record(isFresh ? { id, found: 'noticed' } : { id, found: 'again' });
        return;
      }
      isFresh = false;
    }
    for (const end of ends.toReversed()) await end();
  }

  async firstFailing(id, covering, hitsOf) {
    for (const each of covering) {
      switches.activeMutant = id;
      switches.hitCount = 0;
      switches.hitLimit = hitsOf(each) * 100 + 10_000;
      const failed = await this.fails(each.test, each.took * 20 + 5_000);
      switches.activeMutant = undefined;
      switches.hitCount = undefined;
      if (failed) return each;
    }
    return undefined;
  }

  async fails(test, withinMs = 30_000) {
    const startedAt = now();
    let timer;
    const late = new Promise((resolve) => {
      timer = setTimeout(() => resolve(true), withinMs);
    });
    try {
      const failed = await Promise.race([late, this.failsInTime(test)]);
      // What never waits keeps the timer from firing.
      return failed || now() - startedAt > withinMs;
    } finally {
      clearTimeout(timer);
      switches.currentTestId = undefined;
    }
  }

  async failsInTime(test) {
    const suites = suitesOf(test);
    const cleanups = [];
    let failed = false;
    try {
      this.onBeforeTryTask(test);
      for (const suite of suites.toReversed()) {
        for (const hook of getSuiteHooks(suite).beforeEach) {
          cleanups.push(await hook(test.context, suite));
        }
      }
      await getTestFn(test)();
      this.onAfterTryTask(test);
    } catch {
      failed = true;
    }
    try {
      for (const suite of suites) {
        for (const hook of getSuiteHooks(suite).afterEach.toReversed())
          await hook(test.context, suite);
      }
      for (const cleanup of cleanups) if (typeof cleanup === 'function') await cleanup();
    } catch {
      failed = true;
    }
    return failed !== Boolean(test.fails);
  }
}

function testsOf(task) {
  return task.type === 'test' ? [task] : (task.tasks ?? []).flatMap(testsOf);
}

/** The suites around a test, innermost first. */
function suitesOf(test) {
  const suites = [];
  for (let suite = test.suite; suite; suite = suite.suite) suites.push(suite);
  return [...suites, test.file];
}

/** Runs `beforeAll` of every suite; returns what ends them. */
async function beginAll(suite) {
  const { beforeAll, afterAll } = getSuiteHooks(suite);
  const ends = afterAll.map((hook) => () => hook(suite.context ?? {}, suite));
  for (const hook of beforeAll) {
    const end = await hook(suite.context ?? {}, suite);
    if (typeof end === 'function') ends.push(end);
  }
  for (const task of suite.tasks) if (task.type === 'suite') ends.push(...(await beginAll(task)));
  return ends;
}
