// Bundles core's suite, as far as it needs nothing but the web platform, and the conformance cases on `protect`.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '../..');
const src = join(import.meta.dirname, 'src');

/** Parts of Node that fake timers look for and do without. */
const absent = Object.fromEntries(
  ['util', 'timers', 'timers/promises'].map((name) => [name, join(src, 'nothing.ts')]),
);

/** Needs Node, in the test itself: certificates, files, servers. */
const needsNode = (file) =>
  /from '(?:node:|@electric-sql|sql\.js|helmet)|from '[./]+(?:test\/)?(?:key-server|vectors)\.ts'/.test(
    readFileSync(file, 'utf8'),
  );

/** Test files of core: those that any runtime can load, and how many there are. */
export function coreFiles() {
  const all = walk(join(root, 'packages/core/src')).toSorted();
  return { all: all.length, portable: all.filter((file) => !needsNode(file)) };
}

function walk(folder) {
  return readdirSync(folder, { recursive: true })
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => join(folder, file));
}

const NEUTRAL = {
  bundle: true,
  format: 'esm',
  platform: 'neutral',
  mainFields: ['module', 'main'],
  target: 'es2022',
  logLevel: 'error',
};

/**
 * @param {readonly string[]} files
 * @param {{ outfile: string, conditions?: readonly string[] }} options
 */
export async function bundleSuite(files, { outfile, conditions = [] }) {
  const entries = files.map((file) => {
    const name = JSON.stringify(relative(root, file));
    return `${name}: () => import(${JSON.stringify(file)})`;
  });
  const contents = [
    `import ${JSON.stringify(join(src, 'buffer.ts'))};`,
    `import { runSuite } from ${JSON.stringify(join(src, 'suite.ts'))};`,
    `const files = { ${entries.join(',\n')} };`,
    'export const run = () => runSuite(files);',
  ].join('\n');
  await build({
    stdin: { contents, resolveDir: import.meta.dirname, loader: 'ts' },
    outfile,
    ...NEUTRAL,
    conditions: ['@apisec/source', ...conditions, 'import'],
    alias: { vitest: join(src, 'vitest.ts'), ...absent },
    define: { 'process.env.NODE_ENV': '"test"' },
    keepNames: true,
  });
}

/** Bundles a worker as its platform would. */
export async function bundleWorker(file, outfile) {
  await build({
    entryPoints: [file],
    outfile,
    ...NEUTRAL,
    conditions: ['@apisec/source', 'workerd', 'worker', 'import'],
  });
}
