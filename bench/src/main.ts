import { readdirSync } from 'node:fs';
import { run } from 'mitata';
import { benchConsole } from './console/console.ts';
import { benchServers } from './servers/servers.ts';

/**
 * Each other file of this folder adds its benchmarks to mitata when it is imported. `npm run bench -- jwt` runs one,
 * `npm run bench -- servers` those of whole servers, `npm run bench -- console` those of the page in a browser.
 */
const wanted = process.argv.slice(2);
if (wanted[0] === 'servers') await benchServers(wanted.slice(1));
else if (wanted[0] === 'console') await benchConsole();
else {
  const names = readdirSync(import.meta.dirname)
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.replace(/\.ts$/, ''))
    .filter((name) => name !== 'main' && (wanted.length === 0 || wanted.includes(name)));

  for (const name of names) await import(`./${name}.ts`);
  await run();
}
