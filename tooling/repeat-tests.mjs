// Runs the tests again and again, and says which did not pass each time: `npm run test:repeat`, or with a number of
// runs and what to hand to vitest, `npm run test:repeat -- 5 --project core`.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

const root = join(import.meta.dirname, '..');
const [first = '', ...others] = process.argv.slice(2);
const isCount = /^[1-9]\d*$/.test(first);
const runs = isCount ? Number(first) : 20;
const args = isCount ? others : process.argv.slice(2);

const work = mkdtempSync(join(tmpdir(), 'apisec-repeat-'));
process.on('exit', () => rmSync(work, { recursive: true, force: true }));

/** Test -> in how many runs it failed. */
const failures = new Map();
let broken = 0;
for (let run = 1; run <= runs; run++) {
  const report = join(work, `${run}.json`);
  const { status, stderr } = spawnSync(
    process.execPath,
    ['node_modules/vitest/vitest.mjs', 'run', '--reporter=json', `--outputFile=${report}`, ...args],
    // Where it is set a test that failed is run once more.
    { cwd: root, encoding: 'utf8', env: { ...process.env, CI: undefined } },
  );
  const failed = existsSync(report) ? failedIn(JSON.parse(readFileSync(report, 'utf8'))) : [];
  for (const name of failed) failures.set(name, (failures.get(name) ?? 0) + 1);
  // An error outside of every test, or no report at all, has no name to count.
  if (status !== 0 && failed.length === 0) {
    broken++;
    console.error(stderr);
  }
  console.log(
    `run ${run} of ${runs}: ${failed.length} failed${status === 0 ? '' : ', not passed'}`,
  );
}

for (const [name, times] of [...failures].toSorted((one, other) => other[1] - one[1])) {
  console.log(`  ${times} of ${runs}  ${times === runs ? 'fails    ' : 'is flaky '} ${name}`);
}
const isGood = failures.size === 0 && broken === 0;
console.log(
  isGood ? `tests: the same in ${runs} runs` : `tests: ${failures.size} did not pass each time`,
);
process.exitCode = isGood ? 0 : 1;

function failedIn({ testResults }) {
  return testResults.flatMap(({ name, status, assertionResults }) => {
    const failed = assertionResults.filter((each) => each.status === 'failed');
    const file = relative(root, name);
    // A file that does not load has no test that failed.
    if (failed.length === 0) return status === 'failed' ? [file] : [];
    return failed.map(({ fullName }) => `${file} > ${fullName}`);
  });
}
