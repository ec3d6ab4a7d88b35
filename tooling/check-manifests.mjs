// Every manifest says where its source, its issues and its documentation are, and which Node it needs.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const folders = ['packages', 'examples', 'tooling']
  .flatMap((folder) => readdirSync(join(root, folder)).map((name) => `${folder}/${name}`))
  .concat('bench', 'docs')
  .filter((folder) => existsSync(join(root, folder, 'package.json')));
const read = (path) => JSON.parse(readFileSync(join(root, path), 'utf8'));
const { bugs, repository, engines } = read('package.json');

const problems = folders.flatMap((folder) => {
  const manifest = read(`${folder}/package.json`);
  const wanted = {
    bugs,
    engines: { node: manifest.engines?.node },
    homepage: `${repository.url.slice('git+'.length, -'.git'.length)}/tree/main/${folder}#readme`,
    license: 'MIT',
    repository: { ...repository, directory: folder },
  };
  return Object.entries(wanted)
    .filter(([name, value]) => JSON.stringify(manifest[name]) !== JSON.stringify(value))
    .map(([name, value]) => `${folder}/package.json: ${name} must be ${JSON.stringify(value)}`)
    .concat(
      manifest.engines?.node
        ? []
        : `${folder}/package.json: engines.node is missing, like ${engines.node}`,
    );
});
for (const problem of problems) console.error(problem);
console.log(problems.length === 0 ? 'manifests: complete' : 'manifests: see above');
process.exitCode = problems.length === 0 ? 0 : 1;
