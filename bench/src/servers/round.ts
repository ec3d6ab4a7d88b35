import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ProcessOptions } from './compile.ts';
import { portOf } from './hosts/listen.ts';
import { type Load, load } from './load.ts';
import type { HostName } from './plan.ts';
import type { Ask, Measured, ServerMessage, Window } from './server-process.ts';
import { createWorld, type World } from './world.ts';

/** How one variant is measured. */
export interface RoundOptions extends Window {
  readonly process: ProcessOptions;
}

/** One measured window, and what the client saw in the whole round. */
export interface Round extends Measured {
  readonly load: Load;
}

/** Measures one variant in a fresh process. */
export type MeasureRound = (
  host: HostName,
  variant: string,
  options: RoundOptions,
) => Promise<Round>;

/** Hands over what rounds have in common, and cleans up behind them. */
export async function withRounds<T>(
  run: (measure: MeasureRound) => Promise<T>,
  poolSize?: number,
): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'apisec-bench-'));
  let served = '';
  const jwks = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json').end(served);
  }).listen(0, '127.0.0.1');
  try {
    await once(jwks, 'listening');
    const world = await createWorld(
      {
        jwksUri: `http://127.0.0.1:${portOf(jwks)}/jwks`,
        auditFile: join(directory, 'audit.log'),
      },
      poolSize,
    );
    served = JSON.stringify({ keys: [world.jwk] });
    writeFileSync(join(directory, 'world.json'), JSON.stringify(world));
    return await run((host, variant, options) => round(host, variant, options, world, directory));
  } finally {
    jwks.close();
    jwks.closeAllConnections();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function round(
  host: HostName,
  variant: string,
  { process: { folder, extension, nodeOptions }, ...window }: RoundOptions,
  world: World,
  directory: string,
): Promise<Round> {
  const server = spawn(
    process.execPath,
    [
      ...nodeOptions,
      join(folder, `server-process${extension}`),
      host,
      variant,
      join(directory, 'world.json'),
    ],
    {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // What frameworks do differently for developers is not what is compared.
      env: { ...process.env, NODE_ENV: 'production' },
    },
  );
  try {
    const { port } = await next(server, 'listening');
    // Hono's own middleware takes no other type.
    const tokens = host === 'hono' && variant === 'usual' ? world.plainTokens : world.tokens;
    const stop = new AbortController();
    const loading = load({ host, port, world, tokens, directory, signal: stop.signal });
    const measured = next(server, 'measured');
    ask(server, { kind: 'measure', window });
    try {
      return { ...(await measured), load: await stopped(stop, loading) };
    } finally {
      stop.abort();
    }
  } finally {
    if (server.exitCode === null) {
      const exited = once(server, 'exit');
      if (server.connected) ask(server, { kind: 'stop' });
      await exited;
    }
  }
}

function stopped(stop: AbortController, loading: Promise<Load>): Promise<Load> {
  stop.abort();
  return loading;
}

function ask(server: ChildProcess, what: Ask): void {
  server.send(what);
}

/** The next message of a kind. Rejects where the process ends instead. */
function next<Kind extends ServerMessage['kind']>(
  server: ChildProcess,
  kind: Kind,
): Promise<Extract<ServerMessage, { readonly kind: Kind }>> {
  return new Promise((resolve, reject) => {
    let said = '';
    const onSaid = (text: Buffer) => {
      said += text.toString();
    };
    // Not at its exit: what it says last comes later.
    const onClose = (code: number | null) =>
      reject(new Error(`The server ended with ${code}: ${said.slice(0, 2000)}`));
    const onMessage = (message: ServerMessage) => {
      if (message.kind !== kind) return;
      server.off('close', onClose).off('message', onMessage).stderr?.off('data', onSaid);
      // Its kind was just looked at; the compiler does not follow that through the parameter.
      resolve(message as Extract<ServerMessage, { readonly kind: Kind }>);
    };
    server.on('message', onMessage).once('close', onClose).once('error', reject);
    server.stderr?.on('data', onSaid);
  });
}
