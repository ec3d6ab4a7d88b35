// docs/start.md with a stopwatch: what a stranger copies from that page, in an empty folder with the packed packages,
// until 200 and 401 are there. In JavaScript and TypeScript for each framework; it installs them from the registry,
// so it is a command of its own: npm run check:start (with words behind it, only those frameworks).
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { pnpm } from './install.mjs';

const root = join(import.meta.dirname, '..');
const work = mkdtempSync(join(tmpdir(), 'apisec-start-'));
process.on('exit', () => rmSync(work, { recursive: true, force: true }));
const wanted = process.argv.slice(2).map((word) => word.toLowerCase());

/** Minutes that the page promises. */
const PROMISED = 10;
/** The server listens as soon as it has printed its tokens, or a moment later. */
const LISTENS_AFTER_MS = 1_500;
const PACKAGES = ['core', 'node', 'express', 'fastify', 'hono', 'graphql', 'apollo', 'grpc'];
const FRAMEWORKS = ['Express', 'Fastify', 'Hono', 'Apollo', 'gRPC'];

/** The blocks of the page, by their label; a label that comes twice has both, in order. */
function blocksOfPage() {
  const page = readFileSync(join(root, 'docs/start.md'), 'utf8');
  const blocks = new Map();
  for (const [, label, text] of page.matchAll(/^```\w+ \[([^\]]+)\]\n([\s\S]*?)^```$/gm)) {
    blocks.set(label, [...(blocks.get(label) ?? []), text]);
  }
  const [, settings] = /^```json\n([\s\S]*?)^```$/m.exec(
    readFileSync(join(root, 'docs/requirements.md'), 'utf8'),
  );
  return { blocks, settings };
}

function must(command, args, cwd) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}\n${stdout}${stderr}`);
  return stdout;
}

function pack() {
  must(join(root, 'node_modules/.bin/tsc'), ['-b', 'tsconfig.build.json'], root);
  const tarballs = new Map();
  for (const name of PACKAGES) {
    const out = join(work, 'tarballs', name);
    mkdirSync(out, { recursive: true });
    must(...pnpm(['pack', '--pack-destination', out]), join(root, 'packages', name));
    tarballs.set(`@apisec/${name}`, join(out, readdirSync(out)[0]));
  }
  return tarballs;
}

/** A package of ours with those of ours that it needs, which come with it from a registry. */
function withOurs(name) {
  const manifest = join(root, 'packages', name.replace('@apisec/', ''), 'package.json');
  const { dependencies = {} } = JSON.parse(readFileSync(manifest, 'utf8'));
  const ours = Object.keys(dependencies).filter((each) => each.startsWith('@apisec/'));
  return [name, ...ours.flatMap(withOurs)];
}

/** What a line of the page installs. */
function install(line, folder, tarballs) {
  const names = line.trim().split(/\s+/).slice(2);
  const files = names.flatMap((name) =>
    name.startsWith('@apisec/') ? withOurs(name).map((each) => tarballs.get(each)) : [name],
  );
  must('npm', ['install', '--no-audit', '--no-fund', ...new Set(files)], folder);
}

async function tokensOf(child) {
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (printed += text));
  for (let waited = 0; waited < 60_000; waited += 100) {
    const good = /^good=(\S+)$/m.exec(printed)?.[1];
    const foreign = /^foreign=(\S+)$/m.exec(printed)?.[1];
    if (good !== undefined && foreign !== undefined) return { good, foreign };
    await wait(100);
  }
  throw new Error(`The server printed no tokens:\n${printed}`);
}

/** Follows the page, and answers after how many seconds 200 and 401 were there. */
async function follow(framework, language, { blocks, settings }, tarballs) {
  const folder = join(work, `${framework}-${language}`);
  mkdirSync(folder);
  const [installLine, serverJs] = blocks.get(framework);
  const isTs = language === 'TypeScript';
  const [server] = (isTs && blocks.get(`${framework}, TypeScript`)) || [serverJs];
  const ending = isTs ? 'mts' : 'mjs';
  const startedAt = performance.now();
  install(installLine, folder, tarballs);
  writeFileSync(join(folder, `policy.${ending}`), blocks.get('policy.mjs')[0]);
  writeFileSync(join(folder, `server.${ending}`), server);
  const call = blocks.get('call.mjs, for gRPC')[0];
  if (framework === 'gRPC') writeFileSync(join(folder, 'call.mjs'), call);
  if (isTs) {
    const types = framework === 'Express' ? ' @types/express' : '';
    install(`npm install typescript tsx @types/node${types}`, folder, tarballs);
    writeFileSync(join(folder, 'tsconfig.json'), settings);
    must('npx', ['tsc', '--noEmit'], folder);
  }
  const run = isTs ? ['--import', 'tsx', 'server.mts'] : ['server.mjs'];
  const child = spawn(process.execPath, run, { cwd: folder });
  try {
    const { good, foreign } = await tokensOf(child);
    await wait(LISTENS_AFTER_MS);
    const calls = blocks.get(framework)[2] ?? blocks.get('Express, Fastify, Hono')[0];
    const answers = must('bash', ['-c', `good=${good} foreign=${foreign}\n${calls}`], folder);
    const isRight =
      /HTTP\/1\.1 200|for: 'alice'/.test(answers) && /HTTP\/1\.1 401|UNAUTHENTICATED/.test(answers);
    if (!isRight) throw new Error(answers);
    return (performance.now() - startedAt) / 1_000;
  } finally {
    child.kill();
  }
}

/** The page says port 3000. */
async function assertFree(port) {
  const server = createServer();
  await new Promise((resolve, reject) => server.once('error', reject).listen(port, resolve));
  await new Promise((resolve) => server.close(resolve));
}

await assertFree(3000);
const page = blocksOfPage();
const tarballs = pack();
const chosen = FRAMEWORKS.filter(
  (name) => wanted.length === 0 || wanted.includes(name.toLowerCase()),
);
for (const framework of chosen) {
  for (const language of ['JavaScript', 'TypeScript']) {
    try {
      const seconds = await follow(framework, language, page, tarballs);
      const isLate = seconds > PROMISED * 60;
      if (isLate) process.exitCode = 1;
      console.log(
        `${isLate ? 'LATE  ' : 'ok    '} ${framework}, ${language}: 200 and 401 after ${seconds.toFixed(0)} s`,
      );
    } catch (error) {
      process.exitCode = 1;
      console.log(`FAILED ${framework}, ${language}: ${error.message}`);
    }
  }
}
