import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { serveOnWorkerd } from '../../tooling/runtimes/workerd.mjs';
import { record } from '../measurements.ts';
import { createWorld } from './servers/world.ts';

/**
 * What a policy costs an edge runtime besides calls: from loading the bundle to the first answer, and memory. Each in a
 * fresh process, in turns. On workerd where `npm run test:runtimes -- workerd` has installed it, on Node always.
 */
const CONTENDERS = {
  'a bare handler': 'bare',
  'protect, with headers, CORS, JWT, a limit and a scope': 'protect',
  'Hono, bare': 'hono',
  'Hono and secure, with the same': 'hono-secure',
  'Hono, secure-headers, cors, jwk, hono-rate-limiter': 'hono-usual',
} as const;
type Contender = (typeof CONTENDERS)[keyof typeof CONTENDERS];

const contenders = Object.entries(CONTENDERS);
const ROUNDS = 5;
/** Of tokens: all are seen for the first time within the first calls. */
const CALLERS = 100;
const here = join(import.meta.dirname, 'edge');
const workerd = join(
  import.meta.dirname,
  '../../tooling/runtimes/binaries/web/node_modules/@cloudflare/workerd-linux-64/bin/workerd',
);

interface Figures {
  readonly [what: string]: number;
}

const folder = mkdtempSync(join(tmpdir(), 'apisec-edge-'));
try {
  const {
    tokens,
    plainTokens,
    jwksUri: _,
    auditFile: __,
    ...world
  } = await createWorld({ jwksUri: '', auditFile: '' }, CALLERS);
  writeFileSync(join(folder, 'tokens.json'), JSON.stringify(tokens));
  writeFileSync(join(folder, 'plain-tokens.json'), JSON.stringify(plainTokens));
  for (const name of Object.values(CONTENDERS)) {
    await build({
      entryPoints: [join(here, `${name}.ts`)],
      outfile: join(folder, `${name}.mjs`),
      bundle: true,
      minify: true,
      format: 'esm',
      platform: 'neutral',
      mainFields: ['module', 'main'],
      conditions: ['@apisec/source', 'worker', 'import'],
      define: { WORLD: JSON.stringify(world), 'process.env.NODE_ENV': '"production"' },
    });
  }
  const tokensOf = (name: Contender): string =>
    // Hono's own middleware takes no other type.
    join(folder, name === 'hono-usual' ? 'plain-tokens.json' : 'tokens.json');
  await measure('Node', contenders, (name) => onNode(join(folder, `${name}.mjs`), tokensOf(name)));
  if (existsSync(workerd)) {
    // hono-rate-limiter sets a timer when it is made, which workers may not do outside of a call: it does not start.
    const starts = contenders.filter(([, name]) => name !== 'hono-usual');
    await measure('workerd', starts, (name) => onWorkerd(name, tokensOf(name)));
  } else console.log('workerd is not installed: npm run test:runtimes -- workerd');
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function measure(
  runtime: string,
  those: readonly (readonly [title: string, name: Contender])[],
  run: (name: Contender) => Figures | Promise<Figures>,
): Promise<void> {
  const taken = new Map<string, Figures[]>();
  for (let round = 0; round < ROUNDS; round++) {
    for (const [title, name] of those) {
      taken.set(title, [...(taken.get(title) ?? []), await run(name)]);
    }
  }
  const tables: readonly (readonly [what: string, title: string, unit: string])[] = [
    ['loadedMs', 'its bundle loaded', 'ms'],
    ['answeredMs', 'the first answer', 'ms'],
    ['firstBytes', 'resident memory after the first answer', 'MB'],
    ['laterBytes', 'resident memory after 10,000 answers', 'MB'],
  ];
  for (const [what, title, unit] of tables) {
    const rows = [...taken].flatMap(([name, rounds]) => {
      const values = rounds
        .map((figures) => figures[what])
        .filter((value) => value !== undefined)
        .map((value) => (unit === 'MB' ? value / 1e6 : value))
        .toSorted((a, b) => a - b);
      const value = values[Math.floor(values.length / 2)];
      return value === undefined ? [] : [{ name, value, best: values[0] }];
    });
    if (rows.length === 0) continue;
    record(`${runtime}: ${title}`, unit, rows);
    for (const { name, value } of rows) {
      console.log(`${runtime}, ${title}: ${value.toFixed(1)} ${unit}, ${name}`);
    }
  }
}

function onNode(file: string, tokens: string): Figures {
  const args = [join(here, 'on-node.mjs'), file, tokens];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (stdout === '') throw new Error(stderr);
  // What the script prints.
  return JSON.parse(stdout) as Figures;
}

async function onWorkerd(name: Contender, tokensFile: string): Promise<Figures> {
  // Strings, written above.
  const [token] = JSON.parse(readFileSync(tokensFile, 'utf8')) as readonly string[];
  const began = performance.now();
  const server = await serveOnWorkerd({
    binary: workerd,
    folder,
    modules: { 'worker.mjs': `${name}.mjs` },
  });
  try {
    const answer = await fetch(`http://127.0.0.1:${server.port}/orders/42`, {
      headers: { authorization: `Bearer ${token}` },
    });
    if (answer.status !== 200) throw new Error(`${answer.status}: ${await answer.text()}`);
    await answer.arrayBuffer();
    return { answeredMs: performance.now() - began, firstBytes: residentBytes(server.pid) };
  } finally {
    server.close();
  }
}

/** Linux tells it in kB. */
function residentBytes(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}
