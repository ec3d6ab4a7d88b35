// What a user installs with each public package, as CycloneDX 1.6, and whether its licences permit that.
// `npm run sbom` writes .sbom/<package>.cdx.json; with --check it only looks at the licences.
import { existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { publicPackages } from './public-packages.mjs';

const root = join(import.meta.dirname, '..');
const PERMISSIVE = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  'MIT',
  'MIT-0',
]);

const json = (path) => JSON.parse(readFileSync(path, 'utf8'));
const lockfile = readFileSync(join(root, 'pnpm-lock.yaml'), 'utf8');
const integrities = new Map(
  [
    ...lockfile.matchAll(
      /^ {2}'?([^\s':]+@[^\s':(]+)'?:\n {4}resolution: \{integrity: (sha512-[^,}]+)/gm,
    ),
  ].map(([, id, integrity]) => [id, integrity]),
);

/** Where `name` is installed for the package in `folder`. */
function folderOf(name, folder) {
  for (let from = folder; ; from = dirname(from)) {
    const found = join(from, 'node_modules', name);
    if (existsSync(join(found, 'package.json'))) return realpathSync(found);
    if (from === dirname(from)) return undefined;
  }
}

const purlOf = ({ name, version }) => `pkg:npm/${name.replace('@', '%40')}@${version}`;

/** Everything that is installed with the package in `folder`, each once. Peers are the choice of the user. */
function installedWith(folder) {
  const found = new Map();
  const waiting = [folder];
  while (waiting.length > 0) {
    const next = waiting.pop();
    const manifest = json(join(next, 'package.json'));
    if (found.has(purlOf(manifest))) continue;
    const needs = [];
    for (const name of Object.keys({
      ...manifest.dependencies,
      ...manifest.optionalDependencies,
    })) {
      const there = folderOf(name, next);
      if (there) needs.push(there);
      else if (manifest.dependencies?.[name])
        throw new Error(`${manifest.name}: ${name} is not installed`);
    }
    found.set(purlOf(manifest), { manifest, needs });
    waiting.push(...needs);
  }
  return found;
}

function componentOf(manifest, type) {
  const integrity = integrities.get(`${manifest.name}@${manifest.version}`);
  const content =
    integrity && Buffer.from(integrity.slice('sha512-'.length), 'base64').toString('hex');
  return {
    type,
    'bom-ref': purlOf(manifest),
    name: manifest.name,
    version: manifest.version,
    purl: purlOf(manifest),
    ...(manifest.license && { licenses: [{ expression: manifest.license }] }),
    ...(content && { hashes: [{ alg: 'SHA-512', content }] }),
  };
}

function bomOf(installed) {
  const [[, subject], ...others] = [...installed];
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: { component: componentOf(subject.manifest, 'library') },
    components: others.map(([, { manifest }]) => componentOf(manifest, 'library')),
    dependencies: [...installed].map(([ref, { needs }]) => ({
      ref,
      dependsOn: needs.map((folder) => purlOf(json(join(folder, 'package.json')))).toSorted(),
    })),
  };
}

const isPermitted = (license) =>
  typeof license === 'string' &&
  license
    .replace(/[()]/g, '')
    .split(' OR ')
    .some((choice) => choice.split(' AND ').every((name) => PERMISSIVE.has(name)));

const problems = new Set();
const check = process.argv.includes('--check');
const out = join(root, '.sbom');
let packages = 0;
let components = 0;
for (const { folder: name, path: folder } of publicPackages()) {
  const installed = installedWith(folder);
  for (const { manifest } of installed.values()) {
    if (!isPermitted(manifest.license))
      problems.add(`${manifest.name} ${manifest.version} has the licence ${manifest.license}`);
  }
  packages++;
  components += installed.size - 1;
  if (check) continue;
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, `${name}.cdx.json`), `${JSON.stringify(bomOf(installed), null, 2)}\n`);
}
for (const problem of problems) console.error(`sbom: ${problem}, which nobody has allowed`);
console.log(
  `sbom: ${packages} packages with ${components} dependencies in all${check ? '' : `, in ${out}`}`,
);
process.exitCode = problems.size === 0 ? 0 : 1;
