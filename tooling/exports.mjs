// Regenerates `exports` and `publishConfig.exports` of every package from its source tree, so that
// a new policy file is a new subpath and nobody has to remember it. `--check` fails when out of date.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

// In these folders one file is one public factory is one subpath.
const FOLDERS = ['policies', 'credentials', 'keys', 'limits'];
// Subpaths whose file is named after something wider than one factory; a file that does not exist is left out.
const NAMED = {
  conformance: { certificates: 'certificates.ts', 'mutual-tls': 'mutual-tls.ts' },
  core: {
    guard: 'guard.ts',
    'define-policy': 'policy.ts',
    pass: 'outcome.ts',
    deny: 'outcome.ts',
    'any-of': 'combine.ts',
    'all-of': 'combine.ts',
    when: 'combine.ts',
    optional: 'optional.ts',
    'facts-of': 'carriers.ts',
    coverage: 'coverage.ts',
    enforce: 'enforce.ts',
    explain: 'explain.ts',
    'memory-api-key-store': 'stores/memory-api-key-store.ts',
    'leased-limit-store': 'stores/leased-limit-store.ts',
    'memory-counter-store': 'stores/memory-counter-store.ts',
    'memory-limit-store': 'stores/memory-limit-store.ts',
    protect: 'protect.ts',
    testing: 'testing/index.ts',
    'memory-lease-store': 'stores/memory-lease-store.ts',
    'memory-refresh-token-store': 'stores/memory-refresh-token-store.ts',
    'memory-replay-store': 'stores/memory-replay-store.ts',
    'memory-totp-store': 'stores/memory-totp-store.ts',
    'memory-revocation-store': 'stores/memory-revocation-store.ts',
    'protected-resource-metadata': 'protected-resource-metadata.ts',
  },
};

const SUBPATH = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

function sources(name, dir) {
  const found = new Map();
  const add = (key, file) => {
    if (!SUBPATH.test(key)) throw new Error(`packages/${name}/src/${file}: name it in kebab-case`);
    if (found.has(key)) {
      throw new Error(
        `packages/${name}: ${found.get(key)} and ${file} would share the subpath ./${key}`,
      );
    }
    found.set(key, file);
  };
  for (const folder of FOLDERS) {
    const path = join(dir, 'src', folder);
    if (!existsSync(path)) continue;
    for (const file of readdirSync(path)) {
      if (!file.endsWith('.ts') || /\.(test|test-d|d)\.ts$/.test(file) || file === 'index.ts')
        continue;
      add(file.slice(0, -'.ts'.length), `${folder}/${file}`);
    }
  }
  for (const [key, file] of Object.entries(NAMED[name] ?? {})) {
    if (existsSync(join(dir, 'src', file))) add(key, file);
  }
  return [...found].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

function exportsOf(name, dir) {
  const dev = {};
  const published = {};
  const put = (key, file) => {
    const built = file.replace(/\.ts$/, '');
    const conditions = { types: `./dist/${built}.d.ts`, default: `./dist/${built}.js` };
    dev[key] = { '@apisec/source': `./src/${file}`, ...conditions };
    published[key] = conditions;
  };
  put('.', 'index.ts');
  for (const [key, file] of sources(name, dir)) put(`./${key}`, file);
  dev['./package.json'] = './package.json';
  published['./package.json'] = './package.json';
  return { dev, published };
}

const check = process.argv.includes('--check');
const stale = [];
for (const name of readdirSync(join(root, 'packages')).toSorted()) {
  const dir = join(root, 'packages', name);
  const path = join(dir, 'package.json');
  if (!existsSync(path)) continue;
  const manifest = JSON.parse(readFileSync(path, 'utf8'));
  const { dev, published } = exportsOf(name, dir);
  const before = JSON.stringify([manifest.exports, manifest.publishConfig?.exports]);
  manifest.exports = dev;
  if (!manifest.private)
    manifest.publishConfig = { access: 'public', ...manifest.publishConfig, exports: published };
  if (JSON.stringify([manifest.exports, manifest.publishConfig?.exports]) === before) continue;
  stale.push(name);
  if (!check) writeFileSync(path, `${JSON.stringify(manifest, null, 2)}\n`);
}

if (stale.length === 0) {
  console.log('exports: up to date');
} else if (check) {
  console.error(`exports: out of date in ${stale.join(', ')}; run \`npm run exports\``);
  process.exitCode = 1;
} else {
  console.log(`exports: rewrote ${stale.join(', ')}`);
}
