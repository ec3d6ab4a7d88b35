import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What benchmarks measured, one file of JSON each, so that charts can be drawn again without measuring. */
const folder = join(import.meta.dirname, '../measured');

/** @throws where nothing was measured under that name yet. */
export function readMeasured(name: string): unknown {
  return JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'));
}

export function writeMeasured(name: string, figures: object): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(figures, undefined, 2)}\n`);
}

/** Charts of the site, by the name of the measurement that they are drawn from. */
export function chartFile(name: string): string {
  return join(import.meta.dirname, `../../docs/public/${name}.svg`);
}
