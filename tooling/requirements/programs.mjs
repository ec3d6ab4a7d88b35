// The programs and settings that check-requirements.mjs tries: each prints the status of an honest call, then that of
// one with a token of another API.
import { join } from 'node:path';

/** @returns {Record<string, string | object>} by file, for the folder `work` */
export function programsIn(work) {
  const files = {};
  const write = (file, content) => void (files[file] = content);
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
  write('vitest/app.test.mjs', `import { expect, test } from 'vitest';\n${IMPORTS}\n${JEST}`);
  // Jest's `expect` in the words of node:assert.
  write(
    'node-test.mjs',
    `import assert from 'node:assert/strict';
import { test } from 'node:test';
const expect = (value) => ({ toBe: (expected) => assert.equal(value, expected) });
${IMPORTS}\n${JEST}`,
  );
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
            tsconfig: {
              allowJs: true,
              module: 'commonjs',
              target: 'es2022',
              isolatedModules: true,
            },
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
export default { input: 'fetch.mjs', output: { dir: 'out', entryFileNames: 'rollup.mjs' }, plugins: [resolve()], onwarn() {} };`,
  );

  return files;
}
