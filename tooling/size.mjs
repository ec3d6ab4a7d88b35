// Two promises about what ends up in a user's bundle: ceilings for typical imports, and that
// importing one policy never drags in another one's code. Measured on source, so no build comes first.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..');
const core = 'packages/core/src';
// Folders of policies: the engine must do without each of them.
const SUBJECTS = [
  'crypto',
  'tokens',
  'possession',
  'signatures',
  'api-keys',
  'limits',
  'abuse',
  'http',
  'authorization',
  'tenancy',
  'data',
  'audit',
  'contracts',
  'testing',
].map((folder) => `${core}/${folder}/`);

// `limit` is gzipped bytes. `without` are modules (prefixes of paths below the root, or package names)
// that must leave no code in the bundle, `withoutText` strings that must not occur in it.
const BUNDLES = [
  {
    entry: 'tooling/size/engine.ts',
    limit: 3_930,
    without: ['jose', ...SUBJECTS],
    withoutText: ['node:', 'Buffer'],
  },
  {
    entry: 'tooling/size/combinators.ts',
    limit: 5_200,
    without: ['jose', ...SUBJECTS],
    withoutText: ['node:', 'Buffer'],
  },
  {
    entry: 'tooling/size/edge.ts',
    limit: 32_250, // docs/decisions/015: what is reached, and why not the 15,000 that were hoped for
    without: [`${core}/possession/`, `${core}/api-keys/`, `${core}/abuse/`, `${core}/wire/grpc.ts`],
    withoutText: ['node:', 'Buffer'],
  },
];

// Subpaths that need cryptography on tokens. Everything else must do without jose.
// The memory store that a policy uses unless it is given another.
const isDefaultStore = (module) => /\/memory-[a-z-]+-store\.ts$/.test(module);
// Subpaths that gather what other files offer.
const MAY_USE_ANY = new Set(['./host', './testing']);
// Subpaths that build guards.
const MAY_USE_GUARD = new Set([
  './guard',
  './coverage',
  './host',
  './testing',
  './any-of',
  './all-of',
  './when',
  './optional',
  './protect',
  './facts-of',
]);
const MAY_USE_JOSE = new Set([
  './host',
  './authenticate-introspection',
  './authenticate-jwt',
  './decrypt-tokens',
  './discover-issuer',
  './local-jwks',
  './remote-jwks',
  './require-certificate-binding',
  './require-dpop',
  './testing',
]);
// Subpaths that are built from another feature's file on purpose, with the reason.
const REMOTE = [`${core}/crypto/remote-jwks.ts`];
const MAY_SHARE = {
  // Rules and plans of resources are what it narrows to the tenant.
  './tenant-scope': [`${core}/authorization/require.ts`, `${core}/authorization/resource.ts`],
  './azure-b2c': [...REMOTE, `${core}/tokens/providers/entra-id.ts`],
  './entra-id': REMOTE,
  './firebase': REMOTE,
  './google-iap': REMOTE,
  './supabase': REMOTE,
  './workos': REMOTE,
  './authenticate-introspection': [`${core}/tokens/discover-issuer.ts`], // keys of signed answers
  './entra-id-tenants': [
    `${core}/tokens/providers/entra-id.ts`,
    `${core}/tokens/tenant-issuers.ts`,
    `${core}/crypto/remote-jwks.ts`,
  ],
  './authenticate-jwt': [`${core}/tokens/discover-issuer.ts`], // where keys come from unless told
};

async function bundle(entry) {
  const result = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'neutral',
    target: 'es2022',
    conditions: ['@apisec/source', 'workerd', 'worker', 'import'],
    mainFields: ['module', 'main'],
    // As bundlers for production do.
    define: { 'process.env.NODE_ENV': '"production"' },
    logLevel: 'silent',
  });
  const [output] = Object.values(result.metafile.outputs);
  return {
    text: result.outputFiles[0].text,
    size: gzipSync(result.outputFiles[0].contents, { level: 9 }).length,
    // What tree shaking left nothing of does not count.
    modules: Object.entries(output.inputs)
      .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
      .toSorted(([, a], [, b]) => b.bytesInOutput - a.bytesInOutput)
      .map(([file, { bytesInOutput }]) => ({ file, bytes: bytesInOutput })),
  };
}

const isOf = (module, what) =>
  module.startsWith(what) ||
  module.includes(`/node_modules/${what}/`) ||
  module.startsWith(`node_modules/${what}/`);

const problems = [];
const kb = (bytes) => `${(bytes / 1000).toFixed(2)} kB`;
const row = (name, ...cells) => console.log(`  ${name.padEnd(34)} ${cells.join('  ')}`);

console.log('gzipped bundles');
for (const { entry, limit, without, withoutText } of BUNDLES) {
  let made;
  try {
    made = await bundle(entry);
  } catch (error) {
    problems.push(`${entry}: ${error.errors?.map((e) => e.text).join('; ') ?? error.message}`);
    continue;
  }
  row(entry, kb(made.size).padStart(9), `of ${kb(limit)}`);
  if (made.size > limit) {
    problems.push(
      `${entry}: ${kb(made.size)} is more than ${kb(limit)} (--explain shows the parts)`,
    );
  }
  for (const { file } of made.modules) {
    if (without.some((what) => isOf(file, what))) problems.push(`${entry}: has code of ${file}`);
  }
  // In a TypeScript file esbuild takes a name that does not exist for a type and drops it in silence.
  const wanted = readFileSync(join(root, entry), 'utf8').match(/(?<=^export \{)[^}]*/m)[0];
  const exported = made.text.slice(made.text.lastIndexOf('export{'));
  for (const name of wanted.match(/\w+/g)) {
    if (!new RegExp(`\\b${name}[,}]`).test(exported))
      problems.push(`${entry}: there is no export ${name}`);
  }
  for (const text of withoutText) {
    if (made.text.includes(text))
      problems.push(`${entry}: contains the text ${JSON.stringify(text)}`);
  }
  if (process.argv.includes('--explain'))
    for (const { file, bytes } of made.modules) row('', `${bytes} B`.padStart(9), file);
}

const manifest = JSON.parse(readFileSync(join(root, 'packages/core/package.json'), 'utf8'));
const subpaths = Object.entries(manifest.exports)
  .filter(([subpath, target]) => subpath !== '.' && typeof target === 'object')
  .map(([subpath, target]) => [subpath, join('packages/core', target['@apisec/source'])])
  .filter(([, file]) => existsSync(join(root, file)));
// A file behind a subpath: other subpaths must not carry its code.
const PUBLIC = new Set(subpaths.map(([, file]) => file));
console.log('gzipped subpaths of @apisec/core');
for (const [subpath, file] of subpaths) {
  let made;
  try {
    made = await bundle(file);
  } catch (error) {
    problems.push(`${subpath}: ${error.errors?.map((e) => e.text).join('; ') ?? error.message}`);
    continue;
  }
  row(subpath, kb(made.size).padStart(9));
  for (const { file: module } of made.modules) {
    if (module === file || MAY_SHARE[subpath]?.includes(module)) continue;
    // What one subject needs lies in its folder, so neighbours may share; other subjects must not be dragged in.
    const isPublic =
      PUBLIC.has(module) &&
      dirname(module) !== dirname(file) &&
      !module.startsWith(`${core}/engine/`);
    const foreign =
      (isPublic && !isDefaultStore(module) && !MAY_USE_ANY.has(subpath)) ||
      (module === `${core}/engine/guard.ts` && !MAY_USE_GUARD.has(subpath)) ||
      (isOf(module, 'jose') && !MAY_USE_JOSE.has(subpath));
    if (foreign) problems.push(`${subpath}: drags in ${module}`);
  }
}

if (problems.length > 0) {
  console.error(
    `\nsize: ${problems.length} problem(s)\n${problems.map((p) => `  ${p}`).join('\n')}`,
  );
  process.exitCode = 1;
} else {
  console.log('\nsize: within every ceiling');
}
