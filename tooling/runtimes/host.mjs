// Runs a bundle on Node, Bun or Deno: host.mjs <bundle> <file for the result>
import { writeFileSync } from 'node:fs';
import process from 'node:process';
import { pathToFileURL } from 'node:url';

const [bundle, file] = process.argv.slice(2);
// Some timers keep no process alive, and nothing else is left to wait for.
setInterval(() => {}, 1_000);
const { run } = await import(pathToFileURL(bundle).href);
// Not printed: tests take the console for themselves.
writeFileSync(file, JSON.stringify(await run()));
process.exit(0);
