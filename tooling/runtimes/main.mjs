// Runs core's suite on every runtime, and safeFetch where there is undici: npm run test:runtimes [-- names] [--write]
// The binaries come from npm, for Linux on x64, and are no part of the workspace: they weigh 850 MB.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { bundleSuite, coreFiles } from './bundle.mjs';
import { checkEdgeApp } from './edge-app.mjs';
import { checkEgress } from './egress.mjs';
import { serveOnWorkerd } from './workerd.mjs';

const root = join(import.meta.dirname, '../..');
const binaries = join(import.meta.dirname, 'binaries');
const work = join(tmpdir(), `apisec-runtimes-${process.pid}`);
const plain = join(work, 'suite.mjs');

const bin = (...path) => join(binaries, 'node_modules', ...path);

/** @typedef {{ passed: number, skipped: number, failed: { name: string, error: string }[], ms: number }} Result */

/** @returns {Promise<Result>} */
async function onProcess(command, args) {
  const file = join(work, `${Math.random()}.json`);
  const child = spawn(command, [...args, join(import.meta.dirname, 'host.mjs'), plain, file], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, NO_COLOR: '1' },
  });
  const code = await new Promise((resolve) => child.once('exit', resolve));
  if (code !== 0) throw new Error(`it ended with ${code}`);
  return JSON.parse(readFileSync(file, 'utf8'));
}

/** Core's suite, and `safeFetch` as one more test. */
async function onNodeLike(command, args, honours) {
  const result = await onProcess(command, args);
  const folder = join(work, `egress-${Math.random()}`);
  const problem = await checkEgress({ command, args, folder, honours });
  if (problem === undefined) return { ...result, passed: result.passed + 1 };
  return { ...result, failed: [...result.failed, { name: 'safeFetch', error: problem }] };
}

async function onWorkerd() {
  const folder = join(work, 'workerd');
  const conditions = ['workerd', 'worker'];
  await bundleSuite(portable, { outfile: join(folder, 'suite.mjs'), conditions });
  writeFileSync(
    join(folder, 'worker.mjs'),
    `export default { fetch: async () => {
  const { run } = await import('suite.mjs');
  return Response.json(await run());
} };`,
  );
  const server = await serveOnWorkerd({
    binary: bin('@cloudflare/workerd-linux-64/bin/workerd'),
    folder,
    modules: { 'worker.mjs': 'worker.mjs', 'suite.mjs': 'suite.mjs' },
  });
  try {
    const response = await fetch(`http://127.0.0.1:${server.port}/`);
    if (!response.ok) throw new Error(await response.text());
    return await response.json();
  } finally {
    server.close();
  }
}

async function onChromium() {
  const server = createServer((request, response) => {
    const isSuite = request.url === '/suite.mjs';
    response.writeHead(200, { 'content-type': isSuite ? 'text/javascript' : 'text/html' });
    response.end(isSuite ? readFileSync(plain) : '<!doctype html><title>suite</title>');
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

const version = (command, ...args) =>
  /\d+\.\d+[\d.]*/.exec(spawnSync(command, args, { encoding: 'utf8' }).stdout ?? '')?.[0] ?? '';
const pinned = (name) => JSON.parse(readFileSync(bin(name, 'package.json'), 'utf8')).version;

const node = (major) => ({
  title: `Node ${major}`,
  version: () => version(bin(`node${major}`, 'bin/node'), '--version'),
  run: () => onNodeLike(bin(`node${major}`, 'bin/node'), [], true),
});
const bun = bin('@oven/bun-linux-x64/bin/bun');
const deno = bin('@deno/linux-x64-glibc/deno');

const runtimes = {
  node20: node(20),
  node22: node(22),
  node24: node(24),
  node26: node(26),
  bun: {
    title: 'Bun',
    version: () => version(bun, '--version'),
    // Its `undici` is a part of Bun, which connects as it likes: there safeFetch must refuse to call.
    run: () => onNodeLike(bun, ['run'], false),
  },
  deno: {
    title: 'Deno',
    version: () => version(deno, '--version'),
    run: () =>
      onNodeLike(
        deno,
        ['run', '--allow-all', '--no-remote', '--no-lock', '--node-modules-dir=manual'],
        true,
      ),
  },
  workerd: {
    title: 'workerd (Cloudflare Workers)',
    version: () => pinned('@cloudflare/workerd-linux-64'),
    run: onWorkerd,
  },
  'edge-app': {
    title: '`examples/hono-edge` on workerd',
    version: () => pinned('@cloudflare/workerd-linux-64'),
    run: () =>
      checkEdgeApp({
        binary: bin('@cloudflare/workerd-linux-64/bin/workerd'),
        folder: join(work, 'edge-app'),
      }),
  },
  chromium: {
    title: 'Chromium',
    version: () => version(chromiumPath, '--version'),
    run: onChromium,
  },
};

/** What a runtime itself does otherwise than the standards, where a test compares with it. */
const departures = {
  // `new URL('http://[::0:]/')` does not throw there, which the test takes for an address that we fail to read.
  bun: ['lib/addresses.test.ts > reading never throws, and what it reads it reads as a URL does'],
  chromium: [
    // Pages do not see Set-Cookie.
    'host/guard-fetch.test.ts > a response that goes out > keeps its status text, its cookies and what the handler has set itself',
    'http/require-csrf-token.test.ts > a token > comes with the first safe call, in a cookie of this host that no cache keeps',
    'http/require-csrf-token.test.ts > a token > is renewed after half of its time, and an open page goes on with the old one',
    'http/require-csrf-token.test.ts > a token > that expired is replaced with the denial, so that a client may try again',
    'http/require-csrf-token.test.ts > secrets > are changed one after the other without denying anybody',
    // The error of a body that breaks off has other words.
    'host/guard-fetch.test.ts > the end of a call > is aborted when the caller goes away, failed when the body breaks off',
    // Hosts and addresses that are none pass for some in its URL.
    'lib/addresses.test.ts > reading never throws, and what it reads it reads as a URL does',
    'possession/proof-target.test.ts > "https://exa%20mple.com/" is no target',
    // These ask `process` for the memory that they took.
    'limits/memory-limit-store.test.ts > a flood of keys > takes no memory, and neither do denials and questions',
    'limits/memory-limit-store.test.ts > takes at most 100 bytes for each caller that it was made for',
  ],
};

const names = process.argv.slice(2).filter((arg) => !arg.startsWith('--'));
const unknown = names.filter((name) => !Object.hasOwn(runtimes, name));
if (unknown.length > 0) {
  console.error(
    `Not a runtime: ${unknown.join(', ')}. There are: ${Object.keys(runtimes).join(', ')}.`,
  );
  process.exit(1);
}

if (names.length > 0 && process.argv.includes('--write')) {
  console.error('--write goes with all runtimes, since it writes the whole table.');
  process.exit(1);
}

const install = [
  '--dir',
  binaries,
  'install',
  '--ignore-workspace',
  '--frozen-lockfile',
  '--silent',
];
if (spawnSync('pnpm', install, { stdio: 'inherit' }).status !== 0) process.exit(1);

mkdirSync(work, { recursive: true });
const { all, portable } = coreFiles();
await bundleSuite(portable, { outfile: plain });
console.log(`${portable.length} of ${all} test files of core need nothing but the web platform.\n`);

const rows = [];
let isBroken = false;
for (const [name, runtime] of Object.entries(runtimes)) {
  if (names.length > 0 && !names.includes(name)) continue;
  let result;
  try {
    result = await runtime.run();
  } catch (cause) {
    result = {
      passed: 0,
      skipped: 0,
      failed: [{ name: 'the run', error: String(cause?.stack ?? cause) }],
      ms: 0,
    };
  }
  const { passed, skipped = 0, ms = 0 } = result;
  const known = departures[name] ?? [];
  const departed = result.failed.filter((each) => known.some((end) => each.name.endsWith(end)));
  const failed = result.failed.filter((each) => !departed.includes(each));
  isBroken ||= failed.length > 0 || passed === 0;
  console.log(
    `${runtime.title} ${runtime.version()}: ${passed} passed, ${failed.length} failed, ${departed.length} departures of the runtime, ${skipped} skipped (${Math.round(ms / 1000)} s)`,
  );
  for (const each of failed)
    console.log(`  ${each.name}\n    ${each.error.replace(/\n/g, '\n    ')}`);
  rows.push(
    `| ${runtime.title} | ${runtime.version()} | ${passed} | ${failed.length} | ${departed.length} |`,
  );
}
rmSync(work, { recursive: true, force: true });

if (process.argv.includes('--write')) {
  const page = join(root, 'docs/runtimes.md');
  const text = readFileSync(page, 'utf8');
  const [before, , after] = text.split(/<!-- (?:begin|end) of the table -->/);
  writeFileSync(
    page,
    `${before}<!-- begin of the table -->

| runtime | version | passed | failed | departures of the runtime |
|---|---|--:|--:|--:|
${rows.join('\n')}

<!-- end of the table -->${after}`,
  );
}
process.exit(isBroken ? 1 : 0);
