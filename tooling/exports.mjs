// Regenerates `exports` and `publishConfig.exports` of every package from `subpaths.json`. `--check` fails
// when a manifest is out of date; a name without a file is an error.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

// Which file each public subpath is: by name, so that a file is never public by accident.
const SUBPATHS = JSON.parse(readFileSync(join(import.meta.dirname, 'subpaths.json'), 'utf8'));

const SUBPATH = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

function sources(name, dir) {
  return Object.entries(SUBPATHS[name] ?? {})
    .map(([subpath, file]) => {
      if (!SUBPATH.test(subpath))
        throw new Error(`tooling/subpaths.json: ${subpath}: use kebab-case`);
      if (!existsSync(join(dir, 'src', file))) {
        throw new Error(`tooling/subpaths.json: ./${subpath} of ${name} has no file src/${file}`);
      }
      return [subpath, file];
    })
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
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
