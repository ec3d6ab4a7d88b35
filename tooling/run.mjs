// Stands behind the root scripts, so that a fresh clone needs nothing but Node and npm:
// it installs the workspace when that is missing or out of date, then runs the tool asked for.
// It may import nothing from node_modules: there may be none yet.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`apisec needs Node 20.19 or newer; this is ${process.versions.node}`);
  process.exit(1);
}

const root = join(import.meta.dirname, '..');
const read = (file) => {
  try {
    return readFileSync(join(root, file), 'utf8');
  } catch {
    return undefined;
  }
};

const pnpmVersion = /pnpm@([^+"]+)/.exec(JSON.parse(read('package.json')).packageManager)[1];
const windows = process.platform === 'win32';
const hasPnpm = () =>
  spawnSync('pnpm', ['--version'], { cwd: root, shell: windows, stdio: 'ignore' }).status === 0;
// `--yes` on the command line, because npx would stop and ask where npm is configured with yes=false.
const pnpm = (args) =>
  hasPnpm() ? ['pnpm', args] : ['npx', ['--yes', `pnpm@${pnpmVersion}`, ...args]];

function ensureInstalled() {
  // pnpm leaves a copy of the lockfile it installed from. Time stamps would not do: a git checkout
  // changes them, and an install that finds nothing to do does not.
  const installed = existsSync(join(root, 'node_modules/.modules.yaml'));
  if (installed && read('node_modules/.pnpm/lock.yaml') === read('pnpm-lock.yaml')) return;
  console.error('apisec: installing dependencies, this takes a few seconds …');
  const [command, args] = pnpm(['install', '--frozen-lockfile']);
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: root,
    shell: windows,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    // CI: pnpm must never stop to ask whether it may replace a node_modules made by something else.
    env: { ...process.env, CI: 'true' },
  });
  if (status === 0) return;
  console.error(`${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`);
  console.error(`apisec: \`${command} ${args.join(' ')}\` failed`);
  process.exit(status || 1);
}

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

const commands = {
  start: (args) => source('examples/demo/src/main.ts', args),
  test: (args) => node('node_modules/vitest/vitest.mjs', 'run', ...args),
  lint: (args) =>
    all(
      () => bin('biome', 'ci', ...colors, '.'),
      () => bin('oxlint', ...format, ...args),
      () => node('tooling/check-imports.mjs'),
    ),
  format: () => bin('biome', 'check', '--write', ...colors, '.'),
  // The first pass holds each package to its own limits (core knows no Node types), the second
  // covers the tests, examples, benchmarks and tooling.
  typecheck: () =>
    all(
      () => bin('tsc', '-b', 'tsconfig.build.json'),
      () => bin('tsc', '-p', 'tsconfig.test.json'),
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
  size: (args) => node('tooling/size.mjs', ...args),
  'check:pack': (args) => node('tooling/check-pack.mjs', ...args),
};

const [name, ...args] = process.argv.slice(2);
if (!Object.hasOwn(commands, name ?? '')) {
  console.error(`usage: node tooling/run.mjs <${Object.keys(commands).join(' | ')}> [arguments]`);
  process.exit(2);
}
ensureInstalled();
process.exitCode = await commands[name](args);
