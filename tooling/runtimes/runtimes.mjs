// The runtimes: where their binaries are, and how each runs a bundle.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, get } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { chromium } from 'playwright-core';
import { bundleSuite } from './bundle.mjs';
import { checkEdgeApp } from './edge-app.mjs';
import { checkEgress } from './egress.mjs';
import { checkWebSockets } from './web-sockets.mjs';
import { serveOnWorkerd } from './workerd.mjs';

/**
 * @typedef {{ name: string, error: string }} Failure
 * @typedef {{ passed: number, skipped?: number, failed: Failure[], ms?: number, files?: Record<string, { passed:
 * number, ms: number }> }} Result
 * @typedef {{ work: string, files: readonly string[] }} Task `work`: a folder of this run's own. `files`: of tests.
 * @typedef {{ title: string, group: 'web' | 'node' | undefined, version: () => string, run: (task: Task) =>
 * Promise<Result> }} Runtime
 */

const bin = (group, ...path) =>
  join(import.meta.dirname, 'binaries', group, 'node_modules', ...path);
const version = (command, ...args) =>
  /\d+\.\d+[\d.]*/.exec(spawnSync(command, args, { encoding: 'utf8' }).stdout ?? '')?.[0] ?? '';
const pinned = (group, name) =>
  JSON.parse(readFileSync(bin(group, name, 'package.json'), 'utf8')).version;

/** Runs a command that writes the result into the file which it is given last. */
async function resultOf(command, args, work) {
  const file = join(work, 'result.json');
  const child = spawn(command, [...args, file], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, NO_COLOR: '1' },
  });
  process.once('exit', () => child.kill());
  const code = await new Promise((resolve, reject) =>
    child.once('exit', resolve).once('error', reject),
  );
  if (code !== 0) throw new Error(`it ended with ${code}`);
  return JSON.parse(readFileSync(file, 'utf8'));
}

const onProcess =
  (command, ...args) =>
  async ({ work, files }) => {
    const suite = join(work, 'suite.mjs');
    await bundleSuite(files, { outfile: suite, hasNode: true });
    return resultOf(command, [...args, join(import.meta.dirname, 'host.mjs'), suite], work);
  };

/** The suite, and `safeFetch` as one more test. `honours`: its undici connects as it is told. */
const onNodeLike =
  (honours, command, ...args) =>
  async (task) => {
    const result = await onProcess(command, ...args)(task);
    const folder = join(task.work, 'egress');
    const problem = await checkEgress({ command, args, folder, honours });
    if (problem === undefined) return { ...result, passed: result.passed + 1 };
    return { ...result, failed: [...result.failed, { name: 'safeFetch', error: problem }] };
  };

/** The same, and WebSockets on the server of the runtime. */
const onServer =
  (honours, command, ...args) =>
  async (task) => {
    const result = await onNodeLike(honours, command, ...args)(task);
    const sockets = await checkWebSockets({ command, args, folder: task.work });
    return {
      ...result,
      passed: result.passed + sockets.passed,
      failed: [...result.failed, ...sockets.failed],
    };
  };

async function inEdgeVm({ work, files }) {
  const suite = join(work, 'suite.js');
  await bundleSuite(files, { outfile: suite });
  // The VM takes scripts alone, and tests await at their top: the module becomes the body of an async function.
  const [body, exports = ''] = readFileSync(suite, 'utf8').split(/^export \{([^}]*)\};?$/m);
  writeFileSync(
    suite,
    `globalThis.suite = (async () => {\n${body}\nreturn {${exports.replace(/(\w+) as (\w+)/g, '$2: $1')}};\n})();`,
  );
  const module = bin('node', '@edge-runtime/vm/dist/index.js');
  const host = join(import.meta.dirname, 'edge-vm.mjs');
  return resultOf(process.execPath, [host, module, suite], work);
}

/** The first call runs the suite; what the suite sends by the worker's binding to itself is answered by its subject. */
const WORKER = `import { env } from 'cloudflare:workers';
globalThis.apisecWorker = { fetch: (request) => env.SELF.fetch(request, { redirect: 'manual' }), handler: undefined };
export default { fetch: async (request, environment, context) => {
  const { handler } = globalThis.apisecWorker;
  if (handler) return handler(request, environment, context);
  const { run } = await import('suite.mjs');
  return Response.json(await run());
} };`;

/** Not by `fetch`, which gives up after five minutes. */
async function answerOf(url) {
  const [response] = await once(get(url), 'response');
  const body = await text(response);
  if (response.statusCode !== 200) throw new Error(body);
  return body;
}

async function onWorkerd({ work, files }) {
  const conditions = ['workerd', 'worker'];
  await bundleSuite(files, { outfile: join(work, 'suite.mjs'), conditions });
  writeFileSync(join(work, 'worker.mjs'), WORKER);
  const server = await serveOnWorkerd({
    binary: workerd,
    folder: work,
    modules: { 'worker.mjs': 'worker.mjs', 'suite.mjs': 'suite.mjs' },
    self: true,
  });
  try {
    return JSON.parse(await answerOf(`http://127.0.0.1:${server.port}/`));
  } finally {
    server.close();
  }
}

async function onChromium({ work, files }) {
  const suite = join(work, 'suite.mjs');
  await bundleSuite(files, { outfile: suite });
  const server = createServer((request, response) => {
    const isSuite = request.url === '/suite.mjs';
    response.writeHead(200, { 'content-type': isSuite ? 'text/javascript' : 'text/html' });
    response.end(isSuite ? readFileSync(suite) : '<!doctype html><title>suite</title>');
  });
  await new Promise((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage();
    page.setDefaultTimeout(0);
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    return await page.evaluate(async () => {
      // Pages may not say who they are (Cookie, Host, Origin), and servers are told: tests need a request that says it.
      globalThis.Request = class extends Request {
        #headers;
        constructor(input, init) {
          super(input, init);
          this.#headers = new Headers(init?.headers ?? input.headers);
        }
        get headers() {
          return this.#headers;
        }
      };
      return (await import('/suite.mjs')).run();
    });
  } finally {
    await browser.close();
    server.close();
  }
}

const chromiumPath = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find((path) => spawnSync(path, ['--version']).status === 0);
const bun = bin('web', '@oven/bun-linux-x64/bin/bun');
const deno = bin('web', '@deno/linux-x64-glibc/deno');
const workerd = bin('web', '@cloudflare/workerd-linux-64/bin/workerd');
const DENO = ['run', '--allow-all', '--no-remote', '--no-lock', '--node-modules-dir=manual'];

const node = (major) => {
  const command = bin('node', `node${major}`, 'bin/node');
  return {
    title: `Node ${major}`,
    group: 'node',
    version: () => version(command, '--version'),
    run: onNodeLike(true, command),
  };
};

/** @type {Readonly<Record<string, Runtime>>} */
export const runtimes = {
  node20: node(20),
  node22: node(22),
  node24: node(24),
  node26: node(26),
  bun: {
    title: 'Bun',
    group: 'web',
    version: () => version(bun, '--version'),
    // Its `undici` is a part of Bun, which connects as it likes: there safeFetch must refuse to call.
    run: onServer(false, bun, 'run'),
  },
  deno: {
    title: 'Deno',
    group: 'web',
    version: () => version(deno, '--version'),
    run: onServer(true, deno, ...DENO),
  },
  workerd: {
    title: 'workerd (Cloudflare Workers)',
    group: 'web',
    version: () => pinned('web', '@cloudflare/workerd-linux-64'),
    run: onWorkerd,
  },
  'edge-vm': {
    title: 'Edge VM (`@edge-runtime/vm`)',
    group: 'node',
    version: () => pinned('node', '@edge-runtime/vm'),
    run: inEdgeVm,
  },
  chromium: {
    title: 'Chromium',
    group: undefined,
    version: () => version(chromiumPath, '--version'),
    run: onChromium,
  },
  'edge-app': {
    title: '`examples/hono-edge` on workerd',
    group: 'web',
    version: () => pinned('web', '@cloudflare/workerd-linux-64'),
    run: ({ work }) => checkEdgeApp({ binary: workerd, folder: work }),
  },
};
