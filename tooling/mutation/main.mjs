// Mutation tests of core: `npm run mutation -- limits http/cors.ts --minutes 20`. Changes one file at a time in many
// small ways, and runs the tests of its folder that reach it; what no test notices is printed. A change that only tests
// of other folders would notice counts as unnoticed, so the true score is at least what is printed here.
import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, posix } from 'node:path';
import { parseArgs } from 'node:util';
import { instrument } from './instrument.mjs';

const root = join(import.meta.dirname, '../..');
const core = join(root, 'packages/core');
const out = join(root, '.stryker', String(process.pid));
const vitest = join(
  dirname(createRequire(import.meta.url).resolve('vitest/package.json')),
  'vitest.mjs',
);

/** Where a hole would be one: policies, and what reads what callers send. */
const DEFAULTS = [
  'abuse',
  'api-keys',
  'authorization',
  'crypto',
  'data',
  'engine',
  'http',
  'lib',
  'limits',
  'possession',
  'signatures',
  'tokens',
];

/** A change after which nothing is heard for so long made the tests loop for ever. */
const HUNG_AFTER_MS = 300_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: 'string', default: '60' },
    // Asks these test files alone, by path below `src`, where many reach a file and one says most.
    test: { type: 'string', multiple: true },
  },
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

/** The tests in the folder of a file, and below it, that reach it by imports within that folder, the nearest first. */
function testsOf(file) {
  const folder = dirname(file);
  const importers = new Map();
  for (const name of readdirSync(join(core, 'src', folder), { recursive: true })) {
    if (!name.endsWith('.ts')) continue;
    const importer = posix.join(folder, name.replaceAll('\\', '/'));
    for (const [, path] of readFileSync(join(core, 'src', importer), 'utf8').matchAll(
      /'(\.{1,2}\/[\w./-]+\.ts)'/g,
    )) {
      const imported = posix.join(dirname(importer), path);
      importers.set(imported, [...(importers.get(imported) ?? []), importer]);
    }
  }
  const reached = new Set([file, file.replace('.ts', '.test.ts')]);
  for (const name of reached)
    for (const importer of importers.get(name) ?? []) reached.add(importer);
  return [...reached].filter((name) => isTest(name) && existsSync(join(core, 'src', name)));
}

/** What one test file says of each change. */
async function ask(file, test, instrumented, mutants) {
  const journal = join(out, 'journal');
  const job = join(out, 'job.json');
  let open = mutants;
  const answers = new Map();
  while (open.length > 0) {
    rmSync(journal, { force: true });
    writeFileSync(
      job,
      JSON.stringify({
        file: join(core, 'src', file),
        test: posix.join('src', test),
        instrumented,
        mutants: open,
        journal,
      }),
    );
    const output = await run(job, journal);
    if (!existsSync(journal)) throw new Error(`${test} did not run:\n${output}`);
    let begun;
    let again;
    for (const line of readFileSync(journal, 'utf8').trim().split('\n')) {
      const { id, found } = JSON.parse(line);
      if (id === undefined) continue;
      begun = found === 'begun' ? id : undefined;
      again = found === 'again' ? id : undefined;
      if (found !== 'begun' && found !== 'again') answers.set(id, found);
    }
    // The run hung at this change, or ended with it.
    if (begun !== undefined) answers.set(begun, 'noticed');
    const rest = open.filter((id) => !answers.has(id));
    if (rest.length === open.length && again === undefined) throw new Error(`${test}:\n${output}`);
    open = again === undefined ? rest : [again, ...rest.filter((id) => id !== again)];
  }
  return answers;
}

function run(job, journal) {
  const child = spawn(
    process.execPath,
    [vitest, 'run', '--config', join(import.meta.dirname, 'vitest.config.mjs')],
    { env: { ...process.env, MUTATION_JOB: job }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  child.stdout.on('data', (text) => (output += text));
  child.stderr.on('data', (text) => (output += text));
  const watch = setInterval(() => {
    // Until the journal is there, nothing is changed yet, and the machine may be busy.
    if (!existsSync(journal) || Date.now() - statSync(journal).mtimeMs < HUNG_AFTER_MS) return;
    child.kill('SIGKILL');
  }, 1000);
  return new Promise((resolve) => {
    child.on('close', () => {
      clearInterval(watch);
      resolve(output);
    });
  });
}

/** What one test file says counts for more than what those before it say, further to the right. */
const WORTH = ['uncovered', 'static', 'survived', 'noticed'];

/** What the tests say of each change, until one notices it. */
async function mutate(file, tests) {
  const path = join(core, 'src', file);
  const source = readFileSync(path, 'utf8');
  const { content, mutants } = await instrument(path, source);
  const found = new Map(mutants.map(({ id }) => [id, 'uncovered']));
  for (const test of tests) {
    const open = [...found.keys()].filter((id) => found.get(id) !== 'noticed');
    for (const [id, answer] of await ask(file, test, content, open))
      if (WORTH.indexOf(answer) > WORTH.indexOf(found.get(id))) found.set(id, answer);
  }
  return { source, mutants: mutants.map((mutant) => ({ ...mutant, found: found.get(mutant.id) })) };
}

mkdirSync(out, { recursive: true });
const total = { noticed: 0, all: 0 };
const left = [];
for (const file of chosen(positionals.length > 0 ? positionals : DEFAULTS)) {
  const tests = values.test ?? testsOf(file);
  if (tests.length === 0 || Date.now() > deadline) {
    left.push(
      tests.length === 0 ? `${file}: no test of its folder reaches it` : `${file}: no time`,
    );
    continue;
  }
  const { mutants, source } = await mutate(file, tests);
  // What is computed once, when a module is loaded, would have to be loaded for each change.
  const counted = mutants.filter(({ found }) => found !== 'static');
  const noticed = counted.filter(({ found }) => found === 'noticed');
  total.noticed += noticed.length;
  total.all += counted.length;
  console.log(
    `${percent(noticed.length, counted.length)}  ${file} (${noticed.length}/${counted.length}; ${mutants.length - counted.length} at load left out)`,
  );
  const lines = source.split('\n');
  for (const { found, location, mutatorName, replacement = '' } of counted) {
    if (found === 'noticed') continue;
    const { line, column } = location.start;
    const was = lines[line].slice(column, column + 60).trim();
    const now = replacement.split('\n')[0].slice(0, 60);
    const mark = found === 'uncovered' ? '(not run) ' : '';
    console.log(`        ${line + 1}:${column + 1}  ${mark}${mutatorName}: ${was}  ->  ${now}`);
  }
}
for (const line of left) console.log(`   --   ${line}`);
console.log(`${percent(total.noticed, total.all)}  of ${total.all} changes were noticed`);
rmSync(out, { recursive: true, force: true });

function percent(part, whole) {
  return `${(whole === 0 ? 100 : (100 * part) / whole).toFixed(1).padStart(5)} %`;
}
