// Runs core's suite and the conformance cases of fetch hosts on every runtime, and safeFetch where there is undici:
//   npm run test:runtimes [-- names] [--quick] [--write]
// --quick leaves out the files that take long and are the same everywhere; --write writes the table of
// docs/runtimes.md. The binaries come from npm, for Linux on x64, and are no part of the workspace: they weigh 850 MB.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { coreFiles, hostFiles } from './bundle.mjs';
import { departures } from './departures.mjs';
import { runtimes } from './runtimes.mjs';

const root = join(import.meta.dirname, '../..');
const args = process.argv.slice(2);
const names = args.filter((arg) => !arg.startsWith('--'));
const unknown = names.filter((name) => !Object.hasOwn(runtimes, name));
const give = (message) => {
  console.error(message);
  process.exit(1);
};
if (unknown.length > 0) {
  give(`Not a runtime: ${unknown.join(', ')}. There are: ${Object.keys(runtimes).join(', ')}.`);
}
const [isQuick, isWritten] = ['--quick', '--write'].map((flag) => args.includes(flag));
if (isWritten && (isQuick || names.length > 0)) {
  give('--write goes with all runtimes and all files, since it writes the whole table.');
}

const chosen = Object.keys(runtimes).filter((name) => names.length === 0 || names.includes(name));
for (const group of new Set(chosen.flatMap((name) => runtimes[name].group ?? []))) {
  const folder = join(import.meta.dirname, 'binaries', group);
  const install = ['install', '--ignore-workspace', '--frozen-lockfile', '--silent'];
  const { status } = spawnSync('pnpm', ['--dir', folder, ...install], { stdio: 'inherit' });
  if (status !== 0) give(`The runtimes of ${folder} could not be installed.`);
}

const { all, portable, quick } = coreFiles();
const core = isQuick ? quick : portable;
console.log(
  `${core.length} of ${all} test files of core, and the conformance cases of protect() and Hono.\n`,
);
// So that what was started ends as well.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
const base = mkdtempSync(join(tmpdir(), 'apisec-runtimes-'));

/** Runs one runtime, and answers its row of the table; undefined where it failed. */
async function rowOf(name) {
  const runtime = runtimes[name];
  const work = join(base, name);
  mkdirSync(work);
  let result;
  try {
    result = await runtime.run({ work, files: [...core, ...hostFiles] });
  } catch (cause) {
    result = { passed: 0, failed: [{ name: 'the run', error: String(cause?.stack ?? cause) }] };
  }
  const { passed, skipped = 0, ms = 0, files = {} } = result;
  const known = departures[name] ?? [];
  const departed = result.failed.filter((each) => known.some((end) => each.name.endsWith(end)));
  const failed = result.failed.filter((each) => !departed.includes(each));
  const title = `${runtime.title} ${runtime.version()}`;
  console.log(
    `${title}: ${passed} passed, ${failed.length} failed, ${departed.length} departures of the runtime, ${skipped} skipped (${Math.round(ms / 1000)} s)`,
  );
  for (const each of failed) {
    console.log(`  ${each.name}\n    ${each.error.replace(/\n/g, '\n    ')}`);
  }
  // A file that has not run at all fails in no test.
  if (failed.length > 0 || passed === 0 || skipped > 0) return undefined;
  const onHosts = hostFiles
    .map((file) => Object.entries(files).find(([path]) => file.endsWith(path))?.[1].passed ?? 0)
    .reduce((sum, count) => sum + count, 0);
  const cells = [passed - onHosts, onHosts, departed.length];
  return `| ${runtime.title} | ${runtime.version()} | ${cells.join(' | ')} |`;
}

const rows = new Map();
const waiting = [...chosen];
await Promise.all(
  Array.from({ length: Math.min(availableParallelism(), waiting.length) }, async () => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      rows.set(name, await rowOf(name));
    }
  }),
);
rmSync(base, { recursive: true, force: true });
const isBroken = chosen.some((name) => rows.get(name) === undefined);

if (isWritten && !isBroken) {
  const page = join(root, 'docs/runtimes.md');
  const text = readFileSync(page, 'utf8');
  const [before, , after] = text.split(/<!-- (?:begin|end) of the table -->/);
  writeFileSync(
    page,
    `${before}<!-- begin of the table -->

| runtime | version | core | \`protect()\` and Hono | departures of the runtime |
|---|---|--:|--:|--:|
${chosen.map((name) => rows.get(name)).join('\n')}

<!-- end of the table -->${after}`,
  );
}
process.exit(isBroken ? 1 : 0);
