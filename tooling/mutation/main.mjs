// Mutation tests of core: `npm run mutation -- limits http/cors.ts --minutes 20`. Changes one file at a time in many small
// ways, and runs the tests of its folder that import it; what no test notices is printed. A change that only tests
// of other folders would notice counts as unnoticed, so the true score is at least what is printed here.
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { parseArgs } from 'node:util';

const root = join(import.meta.dirname, '../..');
const core = join(root, 'packages/core');
const out = join(root, '.stryker');

/** Where a hole would be one: policies, and what reads what callers send. */
const DEFAULTS = ['abuse', 'api-keys', 'authorization', 'data', 'engine', 'http', 'lib', 'limits'];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { minutes: { type: 'string', default: '60' } },
});
const deadline = Date.now() + Number(values.minutes) * 60_000;
if (!Number.isFinite(deadline)) throw new TypeError('--minutes is a number');

const isTest = (file) => file.endsWith('.test.ts');
const isSource = (file) => file.endsWith('.ts') && !/\.(test|test-d)\.ts$/.test(file);

/** The sources that the arguments name, by path below `src`. */
function chosen(names) {
  return names.flatMap((name) => {
    const path = join(core, 'src', name);
    if (!existsSync(path)) throw new TypeError(`packages/core/src/${name} is not there`);
    if (!statSync(path).isDirectory()) return [name];
    return readdirSync(path, { recursive: true })
      .filter(isSource)
      .map((file) => posix.join(name, file.replaceAll('\\', '/')))
      .toSorted();
  });
}

/** The tests beside a file, in its folder, that import it or are named after it. */
function testsOf(file) {
  const folder = dirname(file);
  const base = posix.basename(file, '.ts');
  return readdirSync(join(core, 'src', folder))
    .filter(isTest)
    .filter(
      (test) =>
        test === `${base}.test.ts` ||
        readFileSync(join(core, 'src', folder, test), 'utf8').includes(`'./${base}.ts'`),
    )
    .map((test) => posix.join('src', folder, test));
}

function mutate(file, tests) {
  const report = join(out, 'report.json');
  rmSync(report, { force: true });
  mkdirSync(out, { recursive: true });
  const config = join(out, 'config.json');
  writeFileSync(
    config,
    JSON.stringify({
      testRunner: 'vitest',
      plugins: [import.meta.resolve('@stryker-mutator/vitest-runner')],
      vitest: { configFile: join(import.meta.dirname, 'vitest.config.mjs'), related: false },
      mutate: [`src/${file}`],
      coverageAnalysis: 'perTest',
      // What is computed once, when a module is loaded, would run every test for each change.
      ignoreStatic: true,
      // As deep below the root as core itself, so that what it names by `../..` is there.
      tempDirName: '../../.stryker',
      // Stryker reads tsconfig.json with a compiler of its own choice; the sandbox needs none.
      tsconfigFile: 'none.json',
      disableTypeChecks: false,
      concurrency: 1,
      timeoutMS: 20_000,
      reporters: ['json'],
      jsonReporter: { fileName: report },
    }),
  );
  const bin = join(import.meta.dirname, 'node_modules/@stryker-mutator/core/bin/stryker.js');
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [bin, 'run', config, '--logLevel', 'warn'],
    { cwd: core, encoding: 'utf8', env: { ...process.env, MUTATION_TESTS: tests.join() } },
  );
  if (!existsSync(report)) throw new Error(`${file} (${status}):\n${stdout}\n${stderr}`);
  return Object.values(JSON.parse(readFileSync(report, 'utf8')).files)[0];
}

const total = { noticed: 0, all: 0 };
const left = [];
for (const file of chosen(positionals.length > 0 ? positionals : DEFAULTS)) {
  const tests = testsOf(file);
  if (tests.length === 0 || Date.now() > deadline) {
    left.push(
      tests.length === 0 ? `${file}: no test of its folder imports it` : `${file}: no time`,
    );
    continue;
  }
  const { mutants, source } = mutate(file, tests);
  const counted = mutants.filter(({ status }) =>
    ['Killed', 'Timeout', 'Survived', 'NoCoverage'].includes(status),
  );
  const noticed = counted.filter(({ status }) => status === 'Killed' || status === 'Timeout');
  total.noticed += noticed.length;
  total.all += counted.length;
  console.log(
    `${percent(noticed.length, counted.length)}  ${file} (${noticed.length}/${counted.length})`,
  );
  const lines = source.split('\n');
  for (const { status, location, mutatorName, replacement = '' } of counted) {
    if (status === 'Killed' || status === 'Timeout') continue;
    const { line, column } = location.start;
    const was = lines[line - 1].slice(column - 1, column + 50).trim();
    const now = replacement.split('\n')[0].slice(0, 50);
    console.log(`        ${line}:${column}  ${mutatorName}: ${was}  ->  ${now}`);
  }
}
for (const line of left) console.log(`   --   ${line}`);
console.log(`${percent(total.noticed, total.all)}  of ${total.all} changes were noticed`);

function percent(part, whole) {
  return `${(whole === 0 ? 100 : (100 * part) / whole).toFixed(1).padStart(5)} %`;
}
