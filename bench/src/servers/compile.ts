import { join } from 'node:path';
import { build } from 'esbuild';

const HERE = import.meta.dirname;
/** Below the package, so that what it imports is found. */
const COMPILED = join(HERE, '../../node_modules/.cache/servers');

/** How a process of the benchmark is started. */
export interface ProcessOptions {
  /** Where the files are that processes begin with. */
  readonly folder: string;
  readonly extension: '.ts' | '.js';
  readonly nodeOptions: readonly string[];
}

/** From source, as tests run. */
export const FROM_SOURCE: ProcessOptions = {
  folder: HERE,
  extension: '.ts',
  nodeOptions: ['--conditions=@apisec/source', '--import', 'tsx'],
};

/** Compiled: a loader that reads TypeScript has a part in each `require` of the frameworks, and its own thread. */
export async function compileServers(): Promise<ProcessOptions> {
  await build({
    entryPoints: ['server-process.ts', 'growth-process.ts'].map((file) => join(HERE, file)),
    outdir: COMPILED,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
  });
  return { folder: COMPILED, extension: '.js', nodeOptions: [] };
}
