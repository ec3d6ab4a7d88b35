import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { run } from 'mitata';
import { saveRun } from '../charts/run-report.ts';
import { type Row, record, runOf } from '../measurements.ts';
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

/** What mitata answers, in nanoseconds. */
interface MitataRun {
  readonly layout: readonly { readonly name: string | number | null }[];
  readonly benchmarks: readonly {
    readonly group: number;
    readonly runs: readonly {
      readonly name: string;
      readonly stats?: { readonly p50: number; readonly min: number };
    }[];
  }[];
}

async function bench(name: string): Promise<void> {
  await import(`./${name}.ts`);
  // Some files add benchmarks to mitata when they are imported, in groups. Its types do not tell of these.
  const { benchmarks, layout } = (await run()) as unknown as MitataRun;
  const tables = new Map<string, Row[]>();
  for (const { group, runs } of benchmarks) {
    const title = String(layout[group]?.name || name);
    const rows = tables.get(title) ?? [];
    for (const { name: contender, stats } of runs) {
      if (stats === undefined) continue;
      rows.push({ name: contender, value: stats.p50 / 1_000, best: stats.min / 1_000 });
    }
    tables.set(title, rows);
  }
  for (const [title, rows] of tables) record(title, 'µs', rows);
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
