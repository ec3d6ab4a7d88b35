// Serves a module on workerd, on a free port of loopback.
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @param {{ binary: string, folder: string, modules: Readonly<Record<string, string>>, bindings?:
 * Readonly<Record<string, string>>, self?: boolean }} options `modules`: name to file within `folder`; the first is the
 * worker. `bindings`: texts of its environment. `self`: binds the worker to itself as `SELF`.
 * @returns {Promise<{ port: number, pid: number, close: () => void }>}
 */
export function serveOnWorkerd({ binary, folder, modules, bindings = {}, self = false }) {
  mkdirSync(folder, { recursive: true });
  const listed = Object.entries(modules)
    .map(([name, file]) => `(name = "${name}", esModule = embed "${file}")`)
    .join(', ');
  const bound = Object.entries(bindings)
    .map(([name, text]) => `(name = "${name}", text = ${JSON.stringify(text)})`)
    .concat(self ? ['(name = "SELF", service = "main")'] : [])
    .join(', ');
  writeFileSync(
    join(folder, 'config.capnp'),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    (name = "internet", network = (allow = ["public", "private", "local"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const main :Workerd.Worker = (
  modules = [${listed}],
  bindings = [${bound}],
  compatibilityDate = "2026-11-01",
  compatibilityFlags = ["enable_request_signal"],
);
`,
  );
  const child = spawn(binary, ['serve', 'config.capnp', '--control-fd=3'], {
    cwd: folder,
    stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
  });
  process.once('exit', () => child.kill());
  return new Promise((resolve, reject) => {
    let told = '';
    child.stdio[3].setEncoding('utf8').on('data', (text) => {
      told += text;
      const line = told.split('\n').find((each) => each.includes('"listen"'));
      if (line === undefined) return;
      resolve({ port: JSON.parse(line).port, pid: child.pid, close: () => void child.kill() });
    });
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`workerd ended with ${code}`)));
  });
}
