// Stands behind the root scripts, so that a fresh clone needs nothing but Node and npm:
// it installs the workspace when that is missing or out of date, then runs the tool asked for.
// It may import nothing from node_modules: there may be none yet.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { ensureInstalled, pnpm } from './install.mjs';

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`apisec needs Node 20.19 or newer; this is ${process.versions.node}`);
  process.exit(1);
}

const root = join(import.meta.dirname, '..');
const windows = process.platform === 'win32';

const ignore = () => {};

function run(command, args, env = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: 'inherit',
      shell: windows && command !== process.execPath,
      env: { ...process.env, ...env },
    });
    // The terminal's Ctrl-C reaches the child by itself; the parent only has to outlive it.
    const forward = (signal) => child.kill(signal);
    process.on('SIGINT', ignore);
    process.on('SIGTERM', forward);
    const done = (code) => {
      process.off('SIGINT', ignore);
      process.off('SIGTERM', forward);
      resolve(code);
    };
    child.on('error', (error) => {
      console.error(`apisec: cannot run ${command}: ${error.message}`);
      done(1);
    });
    child.on('exit', (code, signal) => done(code ?? 128 + constants.signals[signal]));
  });
}

// Both linters colour a CI log whatever NO_COLOR says, and make it unreadable.
const terminal = process.stdout.isTTY === true;
const colors = terminal ? [] : ['--colors=off'];
const format = terminal ? [] : ['--format=unix'];

const node = (...args) => run(process.execPath, args);
// The condition makes workspace packages resolve to their TypeScript source: no build comes first.
const source = (file, args) => {
  if (!existsSync(join(root, file))) {
    console.error(`apisec: ${file} does not exist`);
    return 1;
  }
  return node('--conditions=@apisec/source', '--import', 'tsx', file, ...args);
};

/** Runs every step, so that one complaint does not hide the next; fails if any failed. */
async function all(...steps) {
  let worst = 0;
  for (const step of steps) worst = (await step()) || worst;
  return worst;
}

// What package managers put on the path, found without one.
const bin = (name, ...args) => {
  const path = join(root, 'node_modules/.bin', windows ? `${name}.cmd` : name);
  return run(path, args);
};

/** Whose tests say what of core is covered: its own, and those of packages that call what core has for them. */
const COVERING = ['core', 'conformance', 'hono', 'grpc', 'accounts', 'cli'];

const commands = {
  install: () => 0,
  start: (args) => source('examples/demo/src/main.ts', args),
  test: (args) => node('node_modules/vitest/vitest.mjs', 'run', ...args),
  'test:slow': (args) =>
    node('node_modules/vitest/vitest.mjs', 'run', '--config', 'vitest.slow.config.ts', ...args),
  // Of core; the report is in coverage/.
  coverage: (args) =>
    node(
      'node_modules/vitest/vitest.mjs',
      'run',
      ...COVERING.map((name) => `--project=${name}`),
      '--testTimeout=300000',
      '--coverage',
      '--coverage.reportOnFailure',
      '--coverage.include=packages/core/src/**/*.ts',
      '--coverage.thresholds.lines=95',
      '--coverage.thresholds.branches=95',
      ...args,
    ),
  mutation: (args) => node('tooling/mutation/main.mjs', ...args),
  'test:repeat': (args) => node('tooling/repeat-tests.mjs', ...args),
  'test:runtimes': (args) => node('tooling/runtimes/main.mjs', ...args),
  lint: (args) =>
    all(
      () => bin('biome', 'ci', ...colors, '.'),
      () => bin('oxlint', ...format, ...args),
      () => node('tooling/check-imports.mjs'),
      () => node('tooling/copy-sites.mjs', '--check'),
    ),
  format: () => bin('biome', 'check', '--write', ...colors, '.'),
  // The first pass holds each package to its own limits (core knows no Node types), the second
  // covers the tests, examples, benchmarks and tooling, the third the site.
  typecheck: () =>
    all(
      () => bin('tsc', '-b', 'tsconfig.build.json'),
      () => bin('tsc', '-p', 'tsconfig.test.json'),
      () => bin('tsc', '-p', 'docs/tsconfig.json'),
    ),
  build: (args) => {
    const [command, rest] = pnpm(['exec', 'turbo', 'run', 'build', ...args]);
    return run(command, rest, { TURBO_TELEMETRY_DISABLED: '1' });
  },
  // The packages as they are published: the loader that runs source gives every closure a name at run time,
  // which costs more than most of what is measured.
  bench: async (args) =>
    (await bin('tsc', '-b', 'tsconfig.build.json')) ||
    node('--import', 'tsx', 'bench/src/main.ts', ...args),
  // The site; `docs dev` serves it while it is written, with the reference as it was made last.
  docs: async ([how = 'build', ...args]) =>
    (how === 'dev' && existsSync(join(root, 'docs/api/index.md'))
      ? 0
      : (await node('docs/reference/build.mjs')) ||
        (await node('--import', 'tsx', 'docs/playground/build.ts'))) ||
    node('docs/node_modules/vitepress/bin/vitepress.js', how, 'docs', ...args),
  release: (args) => node('tooling/release.mjs', ...args),
  sbom: (args) => node('tooling/sbom.mjs', ...args),
  api: (args) => node('docs/reference/api-reports.mjs', ...args),
  size: (args) => node('tooling/size.mjs', ...args),
  'check:advisories': (args) => node('tooling/check-advisories.mjs', ...args),
  'check:pack': (args) => node('tooling/check-pack.mjs', ...args),
  'check:start': (args) => node('tooling/check-start.mjs', ...args),
  'check:requirements': (args) => node('tooling/check-requirements.mjs', ...args),
};

/** Before anything is installed, so that `--help` answers at once. */
function answerUsage(flags) {
  const unknown = flags.find((flag) => !['--serve', '--help', '-h'].includes(flag));
  if (unknown === undefined && !flags.includes('--help') && !flags.includes('-h')) return;
  const write = unknown === undefined ? console.log : console.error;
  if (unknown !== undefined) write(`apisec: the demo does not know ${unknown}\n`);
  write(`npm start               one policy, six transports: calls each, prints one table
npm start -- --serve    keeps the six servers up, prints calls to paste
npm start -- --help     prints this`);
  process.exit(unknown === undefined ? 0 : 2);
}

const [name, ...args] = process.argv.slice(2);
if (!Object.hasOwn(commands, name ?? '')) {
  console.error(`usage: node tooling/run.mjs <${Object.keys(commands).join(' | ')}> [arguments]`);
  process.exit(2);
}
if (name === 'start') answerUsage(args);
await ensureInstalled();
process.exitCode = await commands[name](args);
