import { execFile } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { isObject } from '@apisec/core/host';
import { UsageError } from '../command.ts';
import { readAnswer, readJson, readText } from '../files.ts';
import { readToken } from '../read-token.ts';
import type { Check, Patient } from './check.ts';

const run = promisify(execFile);
/** Files that hold secrets, by name. Examples hold none. */
const SECRET_FILE =
  /^\.env(?!.*(?:example|sample|template))|\.(?:pem|key|p12|pfx)$|^private.*\.jwks?\.json$|^peppers\.json$/i;
const SECRET_NAME =
  /(?:^|_)(?:SECRET|PEPPER|PASSWORD|PASSPHRASE|SIGNING|SEALING|PRIVATE|COOKIE)(?:_KEY)?S?(?:_|$)/;
const KNOWN =
  /change.?me|secret|password|passw0rd|example|default|development|test|dummy|^(.)\1*$/i;
const LEAST_SECRET = 22;
/** Seconds. */
const LONGEST_TOKEN = 3_600;
const OLDEST_KEY_DAYS = 90;
const DAY = 86_400_000;
const LEAST_RSA_CHARACTERS = 342;
/** Members of a private or shared key; `priv` of post-quantum ones. */
const PRIVATE = ['d', 'p', 'q', 'k', 'priv'];

export const SECRET_CHECKS: readonly Check[] = [
  {
    id: 'secrets.files',
    title: 'Files with secrets are readable only by their owner, and not in git',
    needs: ({ folder }) => (folder === undefined ? '--folder' : undefined),
    run: async ({ folder = '.' }) => {
      const names: string[] = [];
      for (const name of (await readdir(folder)).filter((each) => SECRET_FILE.test(each))) {
        const found = await stat(join(folder, name)).catch(() => undefined);
        // A folder, like an environment of Python, or a link that leads nowhere, holds no secret itself.
        if (found?.isFile() !== true) continue;
        names.push(name);
        const { mode } = found;
        // Windows has no such bits, and answers the same ones for all.
        if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
          return `${name} can be read by others (mode ${(mode & 0o777).toString(8)}).`;
        }
      }
      return gitProblem(folder, names);
    },
  },
  {
    id: 'secrets.values',
    title: 'No secret in the environment is short, or one that everybody knows',
    needs: needsEnv,
    run: async (patient) => {
      for (const [name, value] of await envOf(patient)) {
        if (!SECRET_NAME.test(name) || value === '') continue;
        if (KNOWN.test(value)) return `${name} is a value that everybody knows.`;
        if (value.length < LEAST_SECRET) return `${name} is too short to be random.`;
      }
      return undefined;
    },
  },
  {
    id: 'environment.production',
    title: 'NODE_ENV is production',
    needs: needsEnv,
    run: async (patient) => {
      const value = new Map(await envOf(patient)).get('NODE_ENV');
      return value === 'production' ? undefined : 'NODE_ENV is not production.';
    },
  },
  {
    id: 'tokens.lifetime',
    title: 'Access tokens name their issuer and audience, and live for an hour at most',
    needs: ({ token }) => (token === undefined ? '--token' : undefined),
    run: async ({ token = '', now }) => {
      const { kind, claims = {} } = readToken(token, now);
      if (kind !== 'jws') return 'It is not a signed token whose lifetime can be read.';
      const { exp, iat, iss, aud } = claims;
      if (typeof iss !== 'string') return 'It does not name its issuer (iss).';
      if (typeof aud !== 'string' && !Array.isArray(aud))
        return 'It does not say for whom it is (aud).';
      if (typeof exp !== 'number') return 'It never expires (exp).';
      const from = typeof iat === 'number' ? iat : now / 1_000;
      const minutes = Math.round((exp - from) / 60);
      return exp - from > LONGEST_TOKEN ? `It lives for ${minutes} minutes.` : undefined;
    },
  },
  {
    id: 'keys.rotation',
    title: 'The next signing key is published before it signs, and none is private, shared or old',
    needs: ({ jwks }) => (jwks === undefined ? '--jwks' : undefined),
    run: async ({ jwks = '', now }) => {
      const keys = await keysOf(jwks);
      if (keys.length < 2) return 'One key alone is published, so none can take its place at once.';
      const kids = keys.map(({ kid }) => kid);
      if (kids.some((kid) => typeof kid !== 'string') || new Set(kids).size < kids.length) {
        return 'Not every key has a kid of its own.';
      }
      for (const key of keys) {
        if (PRIVATE.some((name) => name in key)) return 'A private or shared key is published.';
        if (key['kty'] === 'RSA' && String(key['n']).length < LEAST_RSA_CHARACTERS) {
          return 'A key of RSA has fewer than 2048 bits.';
        }
      }
      if (isAddress(jwks)) return undefined;
      const days = Math.floor((now - (await stat(jwks)).mtimeMs) / DAY);
      return days > OLDEST_KEY_DAYS ? `They were not rotated for ${days} days.` : undefined;
    },
  },
];

function needsEnv({ envFile }: Patient): string | undefined {
  return envFile === undefined ? '--env-file' : undefined;
}

/** Lines of `NAME=value`; neither quotes around a value nor a comment behind it are part of it. */
async function envOf({ envFile = '' }: Patient): Promise<readonly (readonly [string, string])[]> {
  let content: string;
  try {
    content = await readText(envFile);
  } catch {
    throw new UsageError(`${envFile} cannot be read.`);
  }
  return content.split('\n').flatMap((line) => {
    const [, name, value = ''] =
      /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    return name === undefined ? [] : [[name, bare(value)] as const];
  });
}

/** Some readers take ` #` for a part of an unquoted value: then it is longer than it is taken to be here. */
function bare(value: string): string {
  const quoted = /^(["'`])(.*?)\1\s*(?:#.*)?$/.exec(value);
  return quoted?.[2] ?? value.replace(/(?:^|\s)#.*$/, '').trimEnd();
}

/** Which of them git knows, or why nobody can tell; undefined outside of a repository, too. */
async function gitProblem(folder: string, names: readonly string[]): Promise<string | undefined> {
  if (names.length === 0 || !(await isInRepository(folder))) return undefined;
  // A repository can name a program for git to run; this one need not.
  const args = [
    '-c',
    'core.fsmonitor=false',
    'ls-files',
    '-z',
    '--',
    ...names.map((name) => `:(literal)${name}`),
  ];
  try {
    const { stdout } = await run('git', args, { cwd: folder, timeout: 5_000 });
    const [first = ''] = stdout.split('\0');
    return first === '' ? undefined : `${first} is in git.`;
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

function isAddress(text: string): boolean {
  return /^https?:\/\//.test(text);
}

async function keysOf(where: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const parsed = isAddress(where) ? await fetchJson(where) : await readJson(where);
  const keys: unknown = isObject(parsed) ? parsed['keys'] : undefined;
  if (!Array.isArray(keys) || !keys.every(isObject)) {
    throw new UsageError(`${where} is not a JWK Set.`);
  }
  return keys;
}

async function fetchJson(url: string): Promise<unknown> {
  try {
    const signal = AbortSignal.timeout(5_000);
    return await readAnswer(await fetch(url, { redirect: 'error', signal }));
  } catch {
    throw new UsageError(`${url} cannot be read as JSON.`);
  }
}
