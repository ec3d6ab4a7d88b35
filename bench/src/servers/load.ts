import { spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { loadGrpc } from './load-grpc.ts';
import type { HostName } from './plan.ts';
import type { World } from './world.ts';

interface Running
  extends Promise<{
    readonly requests: { readonly total: number };
    readonly non2xx: number;
    readonly errors: number;
  }> {
  readonly stop: () => void;
}

// It comes without types.
const autocannon = createRequire(import.meta.url)('autocannon') as (options: object) => Running;

/** Where the calls go, what they are made of, and until when. */
export interface Target {
  readonly host: HostName;
  readonly port: number;
  readonly world: World;
  /** Of which each call has the next. */
  readonly tokens: readonly string[];
  /** Aborted when the calls are to end. */
  readonly signal: AbortSignal;
  /** For files that only the run needs. */
  readonly directory: string;
}

/** What the client saw. */
export interface Load {
  readonly calls: number;
  /** Answers other than a success, and calls without one. */
  readonly failed: number;
}

/** As many callers at once as keep a server of one thread busy. */
export const CONNECTIONS = 32;

/** The client that generates HTTP calls: wrk where it is installed, since it takes less of the machine. */
export function clientName(): 'wrk' | 'autocannon' {
  return spawnSync('wrk', ['--version'], { stdio: 'ignore' }).error ? 'autocannon' : 'wrk';
}

/** Calls a server from outside its process, each call with the next token of the pool. */
export function load(target: Target): Promise<Load> {
  if (target.host === 'grpc') return loadGrpc(target, CONNECTIONS);
  return clientName() === 'wrk' ? loadWrk(target) : loadAutocannon(target);
}

interface Call {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

function callOf({ host, world }: Target): Call {
  const headers = { accept: 'application/json', origin: world.origin, 'user-agent': 'bench' };
  return host === 'apollo'
    ? {
        method: 'POST',
        path: '/',
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify({ query: 'query Order { order(id: "42") { id item total } }' }),
      }
    : { method: 'GET', path: '/orders/42', headers, body: undefined };
}

async function loadWrk(target: Target): Promise<Load> {
  const { port, tokens, signal, directory } = target;
  const { method, path, headers, body } = callOf(target);
  const script = join(directory, 'calls.lua');
  const fields = Object.entries(headers).map(
    ([name, value]) => `["${name}"] = ${JSON.stringify(value)}`,
  );
  writeFileSync(
    script,
    `local tokens = {${tokens.map((token) => JSON.stringify(token)).join(',')}}
local calls = {}
local at = 0
function init()
  for i, token in ipairs(tokens) do
    local headers = {${fields.join(', ')}}
    headers["authorization"] = "Bearer " .. token
    calls[i] = wrk.format("${method}", "${path}", headers, ${body === undefined ? 'nil' : JSON.stringify(body)})
  end
end
function request()
  at = at % #calls + 1
  return calls[at]
end
function done(summary)
  local e = summary.errors
  io.write(string.format('\\n{"calls":%d,"failed":%d}\\n', summary.requests, e.connect + e.read + e.write + e.status + e.timeout))
end
`,
  );
  const wrk = spawn(
    'wrk',
    [
      '--threads=1',
      `--connections=${CONNECTIONS}`,
      '--duration=10m',
      // Longer than any wait for a busy machine: a call that is given up counts as failed.
      '--timeout=60s',
      `--script=${script}`,
      `http://127.0.0.1:${port}`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  // It ends as if its time were up, with its counts.
  signal.addEventListener('abort', () => wrk.kill('SIGINT'));
  let text = '';
  for await (const chunk of wrk.stdout) text += String(chunk);
  // The last line is what the script above writes.
  return JSON.parse(text.trim().split('\n').at(-1) ?? '') as Load;
}

async function loadAutocannon(target: Target): Promise<Load> {
  const { port, tokens, signal } = target;
  const { method, path, headers, body } = callOf(target);
  const running = autocannon({
    url: `http://127.0.0.1:${port}`,
    connections: CONNECTIONS,
    duration: 600,
    timeout: 60,
    requests: tokens.map((token) => ({
      method,
      path,
      headers: { ...headers, authorization: `Bearer ${token}` },
      ...(body !== undefined && { body }),
    })),
  });
  signal.addEventListener('abort', () => running.stop());
  const result = await running;
  return { calls: result.requests.total, failed: result.non2xx + result.errors };
}
