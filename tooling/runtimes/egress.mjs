// `safeFetch` on a runtime: works where connections go where it says, and makes no call elsewhere.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '../..');
const WORKS = ['honoured', 'inside', 'egress.address_not_allowed', 'egress.address_not_allowed'];
const REFUSES = [
  'egress.pinning_unsupported',
  'egress.pinning_unsupported',
  'egress.pinning_unsupported',
  'egress.address_not_allowed',
];

/**
 * @param {{ command: string, args: readonly string[], folder: string, honours: boolean }} runtime
 * @returns {Promise<string | undefined>} what is wrong
 */
export async function checkEgress({ command, args, folder, honours }) {
  const outfile = join(folder, 'egress.mjs');
  const file = join(folder, 'results.json');
  // As users install it: which undici that is, each runtime says itself.
  mkdirSync(join(folder, 'node_modules'), { recursive: true });
  const undici = realpathSync(join(root, 'packages/egress/node_modules/undici'));
  symlinkSync(undici, join(folder, 'node_modules/undici'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  await build({
    entryPoints: [join(import.meta.dirname, 'src/egress.ts')],
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'es2022',
    conditions: ['@apisec/source'],
    external: ['undici'],
    outfile,
    logLevel: 'error',
  });
  const child = spawn(command, [...args, outfile, file], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const code = await new Promise((resolve) => child.once('exit', resolve));
  if (code !== 0) return `it ended with ${code}`;
  const found = readFileSync(file, 'utf8');
  const expected = JSON.stringify({
    results: honours ? WORKS : REFUSES,
    calls: honours ? 1 : 0,
  });
  return found === expected ? undefined : `expected ${expected}\ngot ${found}`;
}
