// What users get is the tarball, not the tree: this packs every public package, has the packaging
// linters read it, and uses it from an empty project the way a user would. With `-- --all` also with each compiler and
// runner of tests that docs/requirements.md names, which takes minutes more.
import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pnpm } from './install.mjs';
import { publicPackages } from './public-packages.mjs';
import { COMPILERS, RUNNERS } from './requirements/tools.mjs';

const root = join(import.meta.dirname, '..');
const isAll = process.argv.includes('--all');
const bin = (name) => join(root, 'node_modules/.bin', name);
const json = (path) => JSON.parse(readFileSync(path, 'utf8'));

const problems = [];
function run(what, command, args, options = {}) {
  return new Promise((resolve) => {
    const env = { ...process.env, NO_COLOR: '1' };
    const child = spawn(command, args, { cwd: root, ...options, env });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => (output += text));
    }
    const end = (ok, problem = '') => {
      if (!ok) problems.push(`${what}\n${output}${problem}`);
      console.log(`  ${ok ? 'ok    ' : 'FAILED'} ${what}`);
      resolve(ok);
    };
    child.once('error', ({ message }) => end(false, message));
    child.once('close', (status) => end(status === 0));
  });
}

/** Does a task for each of a list, as many at once as there are processors; answers in the list's order. */
async function forEach(list, task) {
  const done = [];
  const left = [...list.entries()];
  const work = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [at, each] = next;
      done[at] = await task(each);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return done;
}

function finish() {
  if (problems.length === 0) {
    console.log('\npack: every tarball is good');
    return;
  }
  console.error(`\npack: ${problems.length} problem(s)\n\n${problems.join('\n\n')}`);
  process.exitCode = 1;
}

const all = publicPackages().map(({ path, manifest }) => ({ dir: path, manifest }));
const packages = all.filter(({ dir, manifest }) => {
  const there = existsSync(join(dir, 'src/index.ts'));
  if (!there) problems.push(`${manifest.name}: has no src/index.ts, so it was not packed`);
  return there;
});

const work = mkdtempSync(join(tmpdir(), 'apisec-pack-'));
process.on('exit', () => rmSync(work, { recursive: true, force: true }));

async function pack() {
  // A file whose source is gone would otherwise still be packed.
  for (const { dir } of packages) rmSync(join(dir, 'dist'), { recursive: true, force: true });
  if (!(await run('build', bin('tsc'), ['-b', 'tsconfig.build.json']))) return [];
  const packed = await forEach(packages, async ({ dir, manifest }) => {
    const { name } = manifest;
    const out = join(work, 'tarballs', name.replace(/^.*\//, ''));
    mkdirSync(out, { recursive: true });
    const made = await run(`pack ${name}`, ...pnpm(['pack', '--pack-destination', out]), {
      cwd: dir,
    });
    return made ? { name, dir, tarball: join(out, readdirSync(out)[0]) } : undefined;
  });
  return packed.filter((each) => each !== undefined);
}

async function inspect({ name, dir, tarball }) {
  const unpacked = join(work, 'unpacked', name.replace(/^.*\//, ''));
  mkdirSync(unpacked, { recursive: true });
  spawnSync('tar', ['-xzf', tarball, '-C', unpacked, '--strip-components=1']);
  const files = readdirSync(unpacked, { recursive: true }).map(String);
  const complain = (message) => problems.push(`${name}: ${message}`);
  for (const file of files) {
    if (/\.(test|test-d)\.|\.tsbuildinfo$/.test(file)) complain(`${file} must not be published`);
  }
  for (const file of [
    'LICENSE',
    'README.md',
    'package.json',
    'dist/index.js',
    'dist/index.d.ts',
    'src/index.ts',
  ]) {
    if (!files.includes(file)) complain(`${file} is missing from the tarball`);
  }
  const text = readFileSync(join(unpacked, 'package.json'), 'utf8');
  const manifest = JSON.parse(text);
  // devDependencies stay in a packed manifest and may say what they like: nobody installs them.
  const shipped = JSON.stringify({ ...manifest, devDependencies: undefined });
  for (const word of ['@apisec/source', 'workspace:', 'catalog:']) {
    if (shipped.includes(word)) complain(`the published package.json still says ${word}`);
  }
  for (const [subpath, target] of Object.entries(manifest.exports)) {
    for (const file of typeof target === 'string' ? [target] : Object.values(target)) {
      if (!existsSync(join(unpacked, file)))
        complain(`${subpath} points to ${file}, which is not there`);
    }
  }
  await run(`publint ${name}`, bin('publint'), ['run', tarball, '--strict']);
  await run(`attw ${name}`, bin('attw'), [tarball, '--profile', 'esm-only', '--format', 'ascii']);
  const entries = Object.entries(manifest.exports)
    .filter(([, target]) => typeof target === 'object')
    .map(([subpath]) => name + subpath.slice(1));
  const peers = Object.keys(manifest.peerDependencies ?? {}).map((peer) => {
    const { version } = json(join(dir, 'node_modules', peer, 'package.json'));
    return [peer, version];
  });
  return { name, entries, peers };
}

/** Subpaths whose optional peers publish declarations that only compile with skipLibCheck. */
const LAX_PEERS = new Set([
  '@apisec/core/to-drizzle',
  '@apisec/core/to-kysely',
  '@apisec/graphql/yoga',
]);

const typesOf = (
  list,
) => `${list.map((entry, i) => `import * as m${i} from '${entry}';`).join('\n')}
export const all: readonly object[] = [${list.map((_, i) => `m${i}`).join(', ')}];\n`;
const isLax = (entry) => LAX_PEERS.has(entry);
/** By its path: with `--all` several packages have a command of this name. */
const compilerIn = (project) => join(project, 'node_modules/typescript/bin/tsc');

async function smoke(packed, inspected) {
  const project = join(work, 'project');
  mkdirSync(project);
  const entries = inspected.flatMap((each) => each.entries);
  const version = (name) => json(join(root, 'node_modules', name, 'package.json')).version;
  const types = json(join(root, 'packages/express/node_modules/@types/express/package.json'));
  const scaffolded = (name) =>
    json(join(root, 'packages/cli/node_modules', name, 'package.json')).version;
  writeFileSync(
    join(project, 'package.json'),
    JSON.stringify({
      private: true,
      type: 'module',
      dependencies: {
        ...Object.fromEntries(packed.map(({ name, tarball }) => [name, `file:${tarball}`])),
        ...Object.fromEntries(inspected.flatMap(({ peers }) => peers)),
        // As a TypeScript user of Express and Node has them.
        '@types/express': types.version,
        '@types/node': version('@types/node'),
        typescript: version('typescript'),
        ...(isAll && { ...COMPILERS, ...RUNNERS }),
        // What projects of `npm create apisec` install besides.
        '@grpc/proto-loader': scaffolded('@grpc/proto-loader'),
        '@hono/node-server': scaffolded('@hono/node-server'),
      },
    }),
  );
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error', '--prefer-offline'];
  const install = ['install', '--ignore-scripts', '--yes', ...quiet];
  if (!(await run('npm install of the tarballs', 'npm', install, { cwd: project }))) return;

  const list = JSON.stringify(entries);
  const verdict = `if (empty.length) throw new Error('nothing exported by ' + empty.join(', '));`;
  writeFileSync(
    join(project, 'import.mjs'),
    `const empty = [];
for (const entry of ${list}) if (!Object.keys(await import(entry)).length) empty.push(entry);
${verdict}\n`,
  );
  writeFileSync(
    join(project, 'require.cjs'),
    `const empty = [];
for (const entry of ${list}) if (!Object.keys(require(entry)).length) empty.push(entry);
${verdict}\n`,
  );
  const node = (file) =>
    run(`${file}: ${entries.length} entries`, process.execPath, [file], { cwd: project });
  await node('import.mjs');
  await node('require.cjs');

  writeFileSync(join(project, 'types.ts'), typesOf(entries.filter((entry) => !isLax(entry))));
  writeFileSync(join(project, 'lax-types.ts'), typesOf(entries.filter(isLax)));
  const tsc = compilerIn(project);
  for (const [module, moduleResolution] of [
    ['nodenext', 'nodenext'],
    ['esnext', 'bundler'],
  ]) {
    const file = `tsconfig.${moduleResolution}.json`;
    const compilerOptions = {
      module,
      moduleResolution,
      target: 'es2022',
      lib: ['es2023', 'dom', 'dom.iterable'],
      types: ['node'],
      strict: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      // Our declarations are what is checked here, so they may not hide behind skipLibCheck.
      skipLibCheck: false,
    };
    writeFileSync(join(project, file), JSON.stringify({ compilerOptions, files: ['types.ts'] }));
    await run(`types under ${moduleResolution}`, process.execPath, [tsc, '-p', file], {
      cwd: project,
    });
    // Declarations of these peers do not compile by themselves; ours that use them are checked beside them.
    const lax = `tsconfig.lax-${moduleResolution}.json`;
    const laxOptions = { ...compilerOptions, skipLibCheck: true };
    writeFileSync(
      join(project, lax),
      JSON.stringify({ compilerOptions: laxOptions, files: ['lax-types.ts'] }),
    );
    await run(
      `types beside lax peers under ${moduleResolution}`,
      process.execPath,
      [tsc, '-p', lax],
      {
        cwd: project,
      },
    );
    if (!isAll) continue;
    for (const [name, wanted] of Object.entries(COMPILERS)) {
      const other = join(project, 'node_modules', name, 'bin/tsc');
      for (const config of [file, lax]) {
        await run(`${wanted}, ${config}`, process.execPath, [other, '-p', config], {
          cwd: project,
        });
      }
    }
  }
  if (isAll) await runTests(project, list);
  await createProjects(project);
}

/** Every entry, imported by a test of each runner. */
async function runTests(project, list) {
  const test = `test.each(${list})('%s', async (entry) => {
  expect(Object.keys(await import(entry)).length).toBeGreaterThan(0);
}, 60_000);\n`;
  const imports = "import { expect, test } from 'vitest';\n";
  writeFileSync(join(project, 'entries.test.mjs'), imports + test);
  writeFileSync(join(project, 'entries.jest.mjs'), test);
  const module = (...path) => join(project, 'node_modules', ...path);
  const vitest = [module('vitest/vitest.mjs'), 'run', 'entries.test.mjs'];
  await run('vitest', process.execPath, vitest, { cwd: project });
  const config = { transform: {}, testMatch: ['**/entries.jest.mjs'] };
  const jest = ['--experimental-vm-modules', module('jest/bin/jest.js'), '--config'];
  await run('Jest', process.execPath, [...jest, JSON.stringify(config)], { cwd: project });
}

/** Projects of `npm create apisec`, by the packed packages: each compiles, and passes its own tests. */
async function createProjects(project) {
  const bin = (name) => join(project, 'node_modules/.bin', name);
  await forEach(['express', 'fastify', 'hono', 'apollo', 'grpc', 'fetch'], async (framework) => {
    const create = (...args) =>
      run(`create-apisec ${args.join(' ')}`, bin('create-apisec'), args, { cwd: project });
    const typed = `${framework}-ts`;
    if (await create(framework, typed)) {
      const cwd = join(project, typed);
      await run(`${typed} compiles`, process.execPath, [compilerIn(project), '--noEmit'], { cwd });
    }
    if (!(await create(framework, framework, '--javascript'))) return;
    const cwd = join(project, framework);
    const { dependencies } = json(join(cwd, 'package.json'));
    for (const [name, range] of Object.entries(dependencies)) {
      if (!/^\^\d/.test(range)) problems.push(`create-apisec: ${framework} wants ${name} ${range}`);
    }
    await run(`tests of ${framework}`, process.execPath, ['test/server.test.js'], { cwd });
  });
}

const packed = await pack();
if (packed.length > 0) await smoke(packed, await forEach(packed, inspect));
finish();
