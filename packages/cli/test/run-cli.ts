import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { main } from '../src/main.ts';

/** What the binary answered. */
export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

const root = join(import.meta.dirname, '..');

/** Runs the real binary, on the sources. */
export async function runCli(args: readonly string[], input = ''): Promise<Ran> {
  const child = spawn(
    process.execPath,
    ['--conditions=@apisec/source', '--import', 'tsx', 'bin/apisec.mjs', ...args],
    { cwd: root, env: { ...process.env, NODE_ENV: 'production' } },
  );
  child.stdin.end(input);
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { code, out, err };
}

/** The path of a file that stands beside these tests. */
export function fixture(name: string): string {
  return join(import.meta.dirname, 'fixtures', name);
}

/** The same in this process, which is quicker. */
export async function callCli(...args: readonly string[]): Promise<Ran> {
  let [out, err] = ['', ''];
  const code = await main(args, {
    stdout: { write: (written) => (out += written) },
    stderr: { write: (written) => (err += written) },
  });
  return { code, out, err };
}
