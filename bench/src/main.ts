import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { run } from 'mitata';
import { saveRun } from '../charts/run-report.ts';
import { record, runOf } from '../measurements.ts';
import { benchConsole } from './console/console.ts';
import { benchServers } from './servers/servers.ts';

/**
 * `npm run bench -- jwt` runs one file of this folder, without a name all of them, each in a process of its own.
 * What it measures is kept in `bench/measured/parts`, as JSON and Markdown. `npm run bench -- servers` measures whole
 * servers, `npm run bench -- console` the page in a browser.
 */
const wanted = process.argv.slice(2);
const there = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.replace(/\.ts$/, ''))
  .filter((name) => name !== 'main');

if (wanted[0] === 'servers') await benchServers(wanted.slice(1));
else if (wanted[0] === 'console') await benchConsole();
else {
  const unknown = wanted.filter((name) => !there.includes(name));
  if (unknown.length > 0) {
    console.error(`bench: there is no ${unknown.join(', ')}; there are ${there.join(', ')}`);
    process.exitCode = 2;
  } else if (wanted.length === 1) await bench(wanted[0] ?? '');
  else for (const name of wanted.length > 0 ? wanted : there) inOwnProcess(name);
}

async function bench(name: string): Promise<void> {
  await import(`./${name}.ts`);
  // Some files add benchmarks to mitata when they are imported.
  const { benchmarks } = await run();
  for (const { alias, runs } of benchmarks) {
    const rows = runs.flatMap(({ name: contender, stats }) =>
      stats === undefined
        ? []
        : [{ name: contender, value: stats.p50 / 1_000, best: stats.min / 1_000 }],
    );
    record(alias, 'µs', rows);
  }
  const measured = runOf(name);
  if (measured !== undefined) console.log(`\nwritten to ${saveRun(measured)}`);
}

function inOwnProcess(name: string): void {
  const { status } = spawnSync(
    process.execPath,
    [...process.execArgv, import.meta.filename, name],
    { stdio: 'inherit' },
  );
  if (status !== 0) process.exitCode = 1;
}
