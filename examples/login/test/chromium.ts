import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';

/** The browser on this machine, if there is one. */
export const binary: string | undefined = ['chromium', 'chromium-browser', 'google-chrome'].find(
  (name) => spawnSync(name, ['--version']).status === 0,
);

interface Reply {
  readonly id?: number;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly message: string };
}

/** A page in Chromium, spoken to by its own protocol. */
export interface Page {
  readonly send: (method: string, params?: object) => Promise<Readonly<Record<string, unknown>>>;
  /** The value of an expression, waited for. */
  readonly run: (expression: string) => Promise<unknown>;
  readonly close: () => Promise<void>;
}

/** Opens a page. */
export async function openPage(url: string): Promise<Page> {
  const profile = mkdtempSync(join(tmpdir(), 'apisec-chromium-'));
  const options = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'];
  const chromium = spawn(
    binary ?? '',
    [...options, '--remote-debugging-port=0', `--user-data-dir=${profile}`, url],
    { stdio: 'ignore', detached: true },
  );
  const socket = new WebSocket(await debuggerOf(profile, url));
  await once(socket, 'open');
  const waiting = new Map<number, (reply: Reply) => void>();
  let id = 0;
  socket.on('message', (data: Buffer) => {
    const reply = JSON.parse(data.toString()) as Reply;
    if (reply.id !== undefined) waiting.get(reply.id)?.(reply);
  });
  const send: Page['send'] = (method, params = {}) =>
    new Promise((resolve, reject) => {
      const mine = ++id;
      waiting.set(mine, ({ result, error }) => {
        waiting.delete(mine);
        if (error === undefined) resolve(result ?? {});
        else reject(new Error(`${method}: ${error.message}`));
      });
      socket.send(JSON.stringify({ id: mine, method, params }));
    });
  return {
    send,
    run: async (expression) => {
      const how = { awaitPromise: true, returnByValue: true, userGesture: true };
      const { result, exceptionDetails } = await send('Runtime.evaluate', { expression, ...how });
      if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
      return (result as { readonly value?: unknown }).value;
    },
    close: async () => {
      socket.close();
      await end(chromium);
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Where the page is debugged; Chromium writes its port into the profile when it listens. */
async function debuggerOf(profile: string, url: string): Promise<string> {
  for (let tried = 0; tried < 600; tried++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    try {
      const [port] = readFileSync(join(profile, 'DevToolsActivePort'), 'utf8').split('\n');
      const response = await fetch(`http://127.0.0.1:${port}/json/list`);
      const pages = (await response.json()) as { url: string; webSocketDebuggerUrl: string }[];
      const found = pages.find((page) => page.url.startsWith(url));
      if (found !== undefined) return found.webSocketDebuggerUrl;
    } catch {
      // Not yet.
    }
  }
  throw new Error('Chromium did not start.');
}

/** With the processes that it started. */
async function end(chromium: ChildProcess): Promise<void> {
  if (chromium.pid !== undefined) process.kill(-chromium.pid, 'SIGKILL');
  await once(chromium, 'exit');
}
