import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { drawChart, fillIn, results, table } from '../scale/report.ts';

/** Simulates many nodes and failures on a virtual clock, and writes what came of it into docs/limits. */
const folder = join(import.meta.dirname, '../../docs/limits');
const all = results();
const numbers = table(all);
writeFileSync(join(folder, 'admitted.svg'), drawChart(all));
const page = join(folder, 'README.md');
writeFileSync(page, fillIn(readFileSync(page, 'utf8'), numbers));
console.log(`${numbers}\n\nwritten to ${folder}`);
