import { readdirSync } from 'node:fs';
import { run } from 'mitata';

/** Each other file of this folder adds its benchmarks to mitata when it is imported. `pnpm bench jwt` runs one. */
const wanted = process.argv.slice(2);
const names = readdirSync(import.meta.dirname)
  .map((file) => file.replace(/\.ts$/, ''))
  .filter((name) => name !== 'main' && (wanted.length === 0 || wanted.includes(name)));

for (const name of names) await import(`./${name}.ts`);
await run();
