import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname } from 'node:path';
import { drawGrowths, GROWTHS } from '../../charts/growth-report.ts';
import { chartFile, writeMeasured } from '../../charts/measured.ts';
import { compileServers } from './compile.ts';
import { CONNECTIONS, clientName } from './load.ts';
import { measureGrowth } from './measure-growth.ts';
import { readOptions } from './options.ts';
import { PLAN } from './plan.ts';
import { type Round, withRounds } from './round.ts';
import { type Row, summarize } from './summary.ts';
import { growthTable, hostTable } from './table.ts';

/** Whole servers, variant by variant in turns: what a call costs the process that serves it. */
export async function benchServers(args: readonly string[]): Promise<void> {
  const { hosts, growth, rounds, window, out, profile } = readOptions(args);
  const compiled = await compileServers();
  const profiled = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
  const rows: Row[] = [];
  const start = performance.now();
  console.log(
    `CPU time of the server process per call: medians of ${rounds} rounds of ${window.seconds} s CPU, ` +
      `${CONNECTIONS} connections, ${clientName()}, Node ${process.versions.node}\n`,
  );
  await withRounds(async (measure) => {
    for (const host of hosts) {
      const measured = new Map<string, Round[]>(PLAN[host].map((variant) => [variant, []]));
      for (let round = 0; round < rounds; round++) {
        // Variants take turns, so that a machine that is slow for a while is slow for all of them.
        for (const [variant, each] of measured) {
          each.push(
            await measure(host, variant, {
              ...window,
              process: { ...compiled, nodeOptions: profiled },
            }),
          );
        }
      }
      const summary = summarize(host, measured);
      rows.push(...summary);
      console.log(`${hostTable(summary)}\n`);
    }
  });
  const grown = growth ? await measureGrowth(compiled) : [];
  if (growth) {
    console.log(`${growthTable(grown)}\n`);
    const growths = { growth: grown.map((row) => ({ ...row, cpuMicros: round(row.cpuMicros) })) };
    writeMeasured(GROWTHS, growths);
    writeFileSync(chartFile(GROWTHS), drawGrowths(growths));
  }

  const machine = { node: process.versions.node, cpu: cpus()[0]?.model, cores: cpus().length };
  const run = { rounds, ...window, connections: CONNECTIONS, client: clientName() };
  mkdirSync(dirname(out), { recursive: true });
  writeFileSync(out, `${JSON.stringify({ machine, run, rows, growth: grown }, undefined, 2)}\n`);
  console.log(`${((performance.now() - start) / 1000).toFixed(0)} s; the figures are in ${out}`);
}

const round = (value: number): number => Math.round(value * 1_000) / 1_000;
