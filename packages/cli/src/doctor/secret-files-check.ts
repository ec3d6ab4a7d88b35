import { execFile } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Check } from './check.ts';

const run = promisify(execFile);
/** Files that hold secrets, by name. */
const SECRET_FILE =
  /^\.env|\.env$|\.(?:pem|key|p12|pfx)$|^private.*\.jwks?\.json$|^peppers\.json$|^id_(?:rsa|ecdsa|ed25519)$/i;
/** Samples, which name secrets and hold none. */
const SAMPLE = /\.env.*(?:example|sample|template)|(?:example|sample|template).*\.env$/i;
/** Folders of dependencies, and those of git itself. */
const PASSED_OVER: ReadonlySet<string> = new Set(['node_modules', '.git', '.pnpm-store']);
const DEEPEST = 6;
const MOST_FILES = 50_000;

export const SECRET_FILES_CHECK: Check = {
  id: 'secrets.files',
  title: 'Files with secrets are readable only by their owner, and not in git',
  needs: ({ folder }) => (folder === undefined ? '--folder' : undefined),
  run: async ({ folder = '.' }) => {
    const found = await secretFilesIn(folder);
    if (typeof found === 'string') return found;
    const names: string[] = [];
    for (const name of found) {
      const file = await stat(join(folder, name)).catch(() => undefined);
      // A folder (a Python environment, for example) or a broken link holds no secret itself.
      if (file?.isFile() !== true) continue;
      names.push(name);
      // Windows has no such bits, and reports the same ones for every file.
      if (process.platform !== 'win32' && (file.mode & 0o077) !== 0) {
        return `${name} can be read by others (mode ${(file.mode & 0o777).toString(8)}).`;
      }
    }
    return gitProblem(folder, names);
  },
};

/** Their paths below `folder`, or why the search was incomplete, which must not pass. */
async function secretFilesIn(folder: string): Promise<readonly string[] | string> {
  const found: string[] = [];
  let looked = 0;
  const folders = [{ path: '', depth: 0 }];
  for (let at = folders.shift(); at !== undefined; at = folders.shift()) {
    for (const entry of await readdir(join(folder, at.path), { withFileTypes: true })) {
      const path = at.path === '' ? entry.name : `${at.path}/${entry.name}`;
      looked++;
      if (looked > MOST_FILES)
        return `It has more than ${MOST_FILES} files: name a smaller folder.`;
      if (SECRET_FILE.test(entry.name) && !SAMPLE.test(entry.name)) found.push(path);
      // Links are not followed: they may lead in a circle.
      if (!entry.isDirectory() || PASSED_OVER.has(entry.name)) continue;
      if (at.depth === DEEPEST)
        return `${path} is nested too deeply to be searched: name a folder below.`;
      folders.push({ path, depth: at.depth + 1 });
    }
  }
  return found;
}

/** A file that git holds, or why that is not known; also undefined outside a repository. */
async function gitProblem(folder: string, names: readonly string[]): Promise<string | undefined> {
  if (names.length === 0 || !(await isInRepository(folder))) return undefined;
  // A repository can configure a program for git to run: not this one.
  const git = (...args: readonly string[]) =>
    run('git', ['-c', 'core.fsmonitor=false', '--no-pager', ...args, '--', ...paths], {
      cwd: folder,
      timeout: 30_000,
    });
  const paths = names.map((name) => `:(literal)${name}`);
  try {
    const [held = ''] = (await git('ls-files', '-z')).stdout.split('\0');
    if (held !== '') return `${held} is in git.`;
    // A clone also contains everything that was committed once.
    const { stdout } = await git(
      'log',
      '--all',
      '-1',
      '-z',
      '--format=',
      '--name-only',
      '--relative',
    );
    const [once = ''] = stdout.split('\0').filter((name) => name !== '');
    return once === '' ? undefined : `${once.trim()} is in the history of git.`;
  } catch {
    // It is not installed, or does not trust the owner of the repository.
    return 'git does not say which files it holds: run git ls-files there to see why.';
  }
}

async function isInRepository(folder: string): Promise<boolean> {
  let at = resolve(folder);
  for (;;) {
    if (await exists(join(at, '.git'))) return true;
    const above = dirname(at);
    if (above === at) return false;
    at = above;
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
