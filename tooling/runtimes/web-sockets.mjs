// WebSockets behind guards on Bun and Deno: `src/socket-server.ts` on the runtime, called from here.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { build } from 'esbuild';
import { WebSocket } from 'ws';

/**
 * @param {{ command: string, args: readonly string[], folder: string }} runtime
 * @returns {Promise<{ passed: number, failed: { name: string, error: string }[] }>}
 */
export async function checkWebSockets({ command, args, folder }) {
  const outfile = join(folder, 'socket-server.mjs');
  await build({
    entryPoints: [join(import.meta.dirname, 'src/socket-server.ts')],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'es2022',
    conditions: ['@apisec/source'],
    logLevel: 'error',
  });
  const child = spawn(command, [...args, outfile], { stdio: ['ignore', 'pipe', 'inherit'] });
  process.once('exit', () => child.kill());
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  const base = `127.0.0.1:${line.replace('port ', '')}`;
  const failed = [];
  const entries = Object.entries(checks);
  for (const [name, check] of entries) {
    const problem = await check(base).catch((cause) => cause);
    if (problem !== undefined) failed.push({ name, error: String(problem?.stack ?? problem) });
  }
  child.kill();
  return { passed: entries.length - failed.length, failed };
}

/** The status of a handshake: 101 with the socket, or that of the denial. */
const dial = (base, path) =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://${base}${path}`);
    socket.once('open', () => resolve({ status: 101, socket }));
    socket.once('unexpected-response', (_request, response) => {
      response.resume();
      resolve({ status: response.statusCode, socket });
    });
    socket.once('error', reject);
  });

/** What never comes fails its check. */
const soon = () => ({ signal: AbortSignal.timeout(10_000) });

const statusOf = async (base, path) => {
  const { status, socket } = await dial(base, path);
  if (status === 101) socket.terminate();
  return status;
};

const seen = async (base) => (await fetch(`http://${base}/seen`)).json();

/** What is wrong, once it has stayed so for ten seconds. */
async function eventually(check) {
  const until = performance.now() + 10_000;
  for (;;) {
    const problem = await check();
    if (problem === undefined || performance.now() > until) return problem;
    await pause(20);
  }
}

const differs = (found, expected) =>
  isDeepStrictEqual(found, expected)
    ? undefined
    : `expected ${JSON.stringify(expected)}, got ${JSON.stringify(found)}`;

/** Opens a counted socket as soon as the place is free. */
const openCounted = async (base) => {
  let opened;
  await eventually(async () => {
    opened = await dial(base, '/counted');
    return opened.status === 101 ? undefined : opened.status;
  });
  return opened;
};

/** Each answers what is wrong. */
const checks = {
  'a WebSocket is decided before its upgrade': async (base) =>
    differs(await statusOf(base, '/closed'), 403),
  'a WebSocket that nobody watches is denied where it must be counted, or end with its token':
    async (base) =>
      differs(
        [await statusOf(base, '/unwatched'), await statusOf(base, '/expiring-unwatched')],
        [500, 500],
      ),
  'a WebSocket works, and holds its place until it closes': async (base) => {
    const before = (await seen(base)).endings.length;
    const { status, socket } = await dial(base, '/counted');
    if (status !== 101) return `status ${status}`;
    socket.send('hello');
    const [answer] = await once(socket, 'message', soon());
    const others = [await statusOf(base, '/counted'), await statusOf(base, '/counted')];
    const running = (await seen(base)).endings.slice(before).map(({ outcome }) => outcome);
    socket.close();
    const again = await openCounted(base);
    again.socket.terminate();
    const [ended] = (await seen(base)).endings
      .slice(before)
      .filter(({ outcome }) => outcome === 'succeeded');
    return differs(
      [String(answer), others, running, again.status, ended?.status],
      ['hello', [429, 429], ['denied', 'denied'], 101, 101],
    );
  },
  'a WebSocket gives its place back where it is cut': async (base) => {
    const first = await openCounted(base);
    first.socket.terminate();
    const second = await openCounted(base);
    second.socket.terminate();
    return differs([first.status, second.status], [101, 101]);
  },
  'a WebSocket ends with its credential, whatever its caller sends then': async (base) => {
    const { status, socket } = await dial(base, '/expiring');
    const sending = setInterval(() => socket.send('late'), 20);
    const [code, reason] = await once(socket, 'close', soon());
    clearInterval(sending);
    // A message that crosses the end makes some runtimes reset the connection, which can lose the close frame (1006).
    const ending = code === 1006 ? [1006, ''] : [1008, 'credentials.expired'];
    return (
      differs([status, code, String(reason)], [101, ...ending]) ??
      (await eventually(async () => {
        const ended = (await seen(base)).endings.findLast(({ outcome }) => outcome !== 'succeeded');
        return differs([ended?.outcome, ended?.status], ['denied', 101]);
      }))
    );
  },
};
