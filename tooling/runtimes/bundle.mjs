// Bundles core's suite, as far as it needs nothing but the web platform, and the conformance cases of fetch hosts.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '../..');
const src = join(import.meta.dirname, 'src');

/** Stands for modules that the runtime lacks, and that no test calls there. */
const absent = (filter) => ({
  name: 'absent',
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter }, ({ path }) => ({ path, namespace: 'absent' }));
    onLoad({ filter: /./, namespace: 'absent' }, () => ({ contents: 'module.exports = {};' }));
  },
});
/** gRPC runs on Node alone. The others are parts of Node that fake timers look for and do without. */
const EVERYWHERE = /^(?:@grpc\/.+|util|timers|timers\/promises)$/;
const WITHOUT_NODE = new RegExp(`${EVERYWHERE.source}|^node:`);

/** Needs Node, in the test itself: certificates, files, servers; or vitest, which loads modules anew. */
const needsNode = (file) =>
  /from '(?:node:|@electric-sql|sql\.js|helmet)|from '[./]+(?:test\/)?(?:key-server|vectors)\.ts'|vi\.resetModules/.test(
    readFileSync(file, 'utf8'),
  );

/** The conformance cases, on hosts that speak fetch. */
export const hostFiles = [join(src, 'hosts.test.ts')];

/** Test files of core: how many there are, those that any runtime can load, and the quick ones of these. */
export function coreFiles() {
  const all = walk(join(root, 'packages/core/src')).toSorted();
  const portable = all.filter((file) => !needsNode(file));
  return { all: all.length, portable, quick: portable.filter((file) => !isSlow(file)) };
}

/** Take most of the time, with plain language alone: nothing of the runtime can make them differ. */
const SLOW = [
  'abuse/deny-peers.test.ts',
  'abuse/detect-enumeration.test.ts',
  'abuse/throttle-failures.test.ts',
  'api-keys/api-keys.test.ts',
  'audit/audit.test.ts',
  'data/validate-input.test.ts',
  'engine/combine.test.ts',
  'limits/leased-limit-store.test.ts',
  'limits/limit-law.test.ts',
  'limits/limit-quota.test.ts',
  'limits/memory-counter-store.test.ts',
  'limits/memory-limit-store.test.ts',
  'testing/test-issuer.test.ts',
];
const isSlow = (file) => SLOW.some((end) => file.endsWith(end));

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
 * @param {{ outfile: string, conditions?: readonly string[], hasNode?: boolean }} options `hasNode`: the runtime has
 * the modules of Node.
 */
export async function bundleSuite(files, { outfile, conditions = [], hasNode = false }) {
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
    alias: { vitest: join(src, 'vitest.ts') },
    plugins: [absent(hasNode ? EVERYWHERE : WITHOUT_NODE)],
    external: ['node:*'],
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
