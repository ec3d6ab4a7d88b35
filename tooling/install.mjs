// Installs the workspace when it is missing or out of date, shows that it is at work from its first
// second, and gives up in one sentence when the network stays silent.
// It may import nothing from node_modules: there may be none yet.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const windows = process.platform === 'win32';
/** How long pnpm may be without progress. Tests shorten it. */
const patienceMs = Number(process.env.APISEC_INSTALL_PATIENCE_MS || 60_000);
const networkErrors =
  /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|EHOSTUNREACH|ETIMEDOUT|error sending request|dns error|ERR_PNPM_META_FETCH_FAIL/i;

const read = (file) => {
  try {
    return readFileSync(join(root, file), 'utf8');
  } catch {
    return undefined;
  }
};

const pnpmVersion = /pnpm@([^+"]+)/.exec(JSON.parse(read('package.json')).packageManager)[1];
const hasPnpm = () =>
  spawnSync('pnpm', ['--version'], { cwd: root, shell: windows, stdio: 'ignore' }).status === 0;

/** pnpm, or npm's means to fetch it. `--yes`, because npx would stop and ask where npm says yes=false. */
export const pnpm = (args) =>
  hasPnpm()
    ? ['pnpm', args]
    : ['npx', ['--yes', '--loglevel=http', `pnpm@${pnpmVersion}`, ...args]];

/** Ends with the process unless everything is installed. */
export async function ensureInstalled() {
  // pnpm leaves a copy of the lockfile it installed from. Time stamps would not do: a git checkout
  // changes them, and an install that finds nothing to do does not.
  const installed = existsSync(join(root, 'node_modules/.modules.yaml'));
  if (installed && read('node_modules/.pnpm/lock.yaml') === read('pnpm-lock.yaml')) return;
  console.error('apisec: installing dependencies, 20 to 60 seconds the first time …');
  const [command, args] = pnpm(['install', '--frozen-lockfile', '--reporter=append-only']);
  const { status, silent, output } = await watch(command, args);
  if (status === 0) return;
  if (silent || networkErrors.test(output)) {
    console.error(
      'apisec: the package registry cannot be reached; connect to the network and try again.',
    );
  } else {
    console.error(`${output}\napisec: \`${command} ${args.join(' ')}\` failed`);
  }
  process.exit(status || 1);
}

/** Runs a command in a group of its own, so that what it starts ends with it. */
function watch(command, args) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      shell: windows,
      detached: !windows,
      stdio: ['ignore', 'pipe', 'pipe'],
      // CI: pnpm must never stop to ask whether it may replace a node_modules made by something else.
      env: { ...process.env, CI: 'true' },
    });
    const stop = () => {
      // It has none where it could not be started.
      if (child.pid === undefined) return;
      if (windows) spawnSync('taskkill', ['/pid', String(child.pid), '/T', '/F']);
      else process.kill(-child.pid, 'SIGTERM');
    };
    const started = Date.now();
    let output = '';
    let line = 'waiting for the package registry';
    let progressAt = started;
    let silent = false;
    const hear = (text) => {
      output = (output + text).slice(-64 * 1024);
      for (const each of text.split(/[\r\n]+/)) {
        if (each.trim() === '') continue;
        // A warning that something failed and is tried again is not progress.
        if (!/will retry|warn|attempt/i.test(each) && each !== line) progressAt = Date.now();
        if (/progress|download|fetch/i.test(each)) line = each.trim();
      }
    };
    child.stdout.setEncoding('utf8').on('data', hear);
    child.stderr.setEncoding('utf8').on('data', hear);

    const terminal = process.stderr.isTTY === true;
    let ticks = 0;
    const timer = setInterval(
      () => {
        ticks += 1;
        const seconds = Math.round((Date.now() - started) / 1000);
        const text = `apisec: ${seconds} s  ${line.replace(/^npm http |^Progress: /, '')}`;
        if (terminal) process.stderr.write(`\r\x1b[2K${text.slice(0, 79)}`);
        else if (ticks % 5 === 0) console.error(text.slice(0, 80));
        if (Date.now() - progressAt < patienceMs) return;
        silent = true;
        stop();
      },
      Math.min(1000, patienceMs),
    );
    const interrupt = (signal) => {
      stop();
      process.exit(signal === 'SIGINT' ? 130 : 143);
    };
    process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
    const done = (status) => {
      clearInterval(timer);
      if (terminal) process.stderr.write('\r\x1b[2K');
      process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
      resolve({ status, silent, output });
    };
    child.once('error', (error) => {
      output += error.message;
      done(1);
    });
    child.once('close', (code) => done(code ?? 1));
  });
}
