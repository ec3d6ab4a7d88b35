import { spawn, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import type { TrustedIssuer } from '@apisec/core';
import { testIssuer } from '@apisec/core/testing';
import { Client, credentials, Metadata, status } from '@grpc/grpc-js';
import { transform } from 'esbuild';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { callCli } from './run-cli.ts';

const FRAMEWORKS = ['express', 'fastify', 'hono', 'apollo', 'grpc', 'fetch'];
const own = join(import.meta.dirname, '..');

let root: string;
let count = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'apisec-init-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

interface Manifest {
  readonly name: string;
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}
const manifestOf = async (folder: string): Promise<Manifest> =>
  JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Manifest;

/** Installs what a project lists, and nothing else, as links to what the workspace has. */
async function install(folder: string): Promise<void> {
  const { dependencies, devDependencies } = await manifestOf(folder);
  for (const name of Object.keys({ ...dependencies, ...devDependencies })) {
    const path = join(folder, 'node_modules', name);
    await mkdir(dirname(path), { recursive: true });
    await symlink(join(own, 'node_modules', name), path);
  }
}

/** What a project is made of, by path. */
async function read(folder: string): Promise<ReadonlyMap<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath, each.name));
  return new Map(
    await Promise.all(
      files.map(async (file) => [relative(folder, file), await readFile(file, 'utf8')] as const),
    ),
  );
}

const init = async (framework: string, ...flags: readonly string[]): Promise<string> => {
  const folder = join(root, `${framework}-${count++}`);
  expect(await callCli('init', framework, folder, ...flags)).toMatchObject({ code: 0, err: '' });
  return folder;
};

/** Calls what a project serves; answers a status. */
type Call = (url: string, token?: string) => Promise<number | string>;

const bearer = (token: string | undefined): Record<string, string> =>
  token === undefined ? {} : { authorization: `Bearer ${token}` };
const rest: Call = async (url, token) =>
  (await fetch(`${url}/orders`, { headers: bearer(token) })).status;
const graphql: Call = async (url, token) => {
  const headers = { 'content-type': 'application/json', ...bearer(token) };
  const body = JSON.stringify({ query: '{ orders { id } }' });
  return (await fetch(url, { method: 'POST', headers, body })).status;
};
const rpc: Call = async (url, token) => {
  const client = new Client(url, credentials.createInsecure());
  const metadata = new Metadata();
  if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
  const empty = (): Buffer => Buffer.alloc(0);
  const code = await new Promise<number>((resolve) => {
    client.makeUnaryRequest('/shop.v1.Orders/List', empty, String, {}, metadata, (error) =>
      resolve(error?.code ?? status.OK),
    );
  });
  client.close();
  return status[code] ?? code;
};

interface Server {
  readonly start: (
    trusted: TrustedIssuer,
    address: { readonly host: string; readonly port: number },
  ) => Promise<{ readonly url: string; readonly stop: () => unknown }>;
}

test.each<[string, Call, number | string, number | string]>([
  ['express', rest, 200, 401],
  ['fastify', rest, 200, 401],
  ['hono', rest, 200, 401],
  ['fetch', rest, 200, 401],
  ['apollo', graphql, 200, 401],
  ['grpc', rpc, 'OK', 'UNAUTHENTICATED'],
])(
  'a project for %s runs: it admits a token of the test issuer, and nobody without one',
  async (framework, call, admitted, denied) => {
    const folder = await init(framework);
    await install(folder);
    // Each project has this file.
    const { start } = (await import(join(folder, 'src/server.ts'))) as Server;
    const issuer = testIssuer();
    // What the project says of denials.
    const said = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const running = await start(issuer.trust, { host: '127.0.0.1', port: 0 });
    try {
      const token = await issuer.token({ scope: 'orders:read' });
      expect(await call(running.url, token)).toBe(admitted);
      expect(await call(running.url)).toBe(denied);
      const forged = await issuer.token({ scope: 'orders:read' }, { key: 'forged' });
      expect(await call(running.url, forged)).toBe(denied);
    } finally {
      await running.stop();
      said.mockRestore();
    }
  },
);

test('npm run dev prints a call that is allowed, and npm start needs the issuer and the audience', async () => {
  const folder = await init('express', '--javascript');
  await install(folder);
  const args = ['--conditions=@apisec/source', '--import', 'tsx'];
  const env = { ...process.env, PORT: '0', ISSUER: undefined, AUDIENCE: undefined };
  const options = { cwd: own, env, encoding: 'utf8' } as const;
  const started = spawnSync(process.execPath, [...args, join(folder, 'src/main.js')], options);
  expect([started.status, started.stderr]).toEqual([
    1,
    expect.stringContaining('Set ISSUER and AUDIENCE'),
  ]);
  const child = spawn(process.execPath, [...args, join(folder, 'src/dev.js')], { cwd: own, env });
  try {
    let printed = '';
    child.stdout.on('data', (text) => (printed += text));
    const call = /^curl -i (\S+)\/orders -H "authorization: Bearer (\S+)"$/m;
    await vi.waitFor(() => expect(printed).toMatch(call), 30_000);
    const [, url = '', token] = call.exec(printed) ?? [];
    expect([await rest(url, token), await rest(url)]).toEqual([200, 401]);
  } finally {
    child.kill();
  }
}, 60_000);

test.each(FRAMEWORKS)(
  'a project for %s is the same in JavaScript, without its types',
  async (framework) => {
    const typed = await read(await init(framework));
    const plain = await read(await init(framework, '--javascript'));
    const sources = [...typed].filter(([path]) => /^(src|test)\//.test(path));
    expect(sources.length).toBeGreaterThan(4);
    const compiled = async (text: string, loader: 'ts' | 'js') =>
      (
        await transform(text, {
          loader,
          tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
        })
      ).code;
    for (const [path, text] of sources) {
      const other = plain.get(path.replace(/\.ts$/, '.js')) ?? '';
      const renamed = (await compiled(text, 'ts'))
        .replaceAll(".ts'", ".js'")
        .replaceAll('.ts"', '.js"');
      expect(await compiled(other, 'js')).toBe(renamed);
    }
  },
);

test.each<[string, (folder: string) => Promise<unknown>]>([
  ['a file', (folder) => writeFile(join(folder, 'src', 'app.ts'), 'mine')],
  ['a link to nowhere', (folder) => symlink(join(root, 'nowhere'), join(folder, 'src', 'app.ts'))],
])(
  '%s that is there already is not overwritten, and nothing else is written',
  async (_what, put) => {
    const folder = join(root, `taken-${count++}`);
    await mkdir(join(folder, 'src'), { recursive: true });
    await put(folder);
    const { code, out, err } = await callCli('init', 'hono', folder);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain('has src/app.ts already, and nothing is overwritten');
    expect(await readdir(folder, { recursive: true })).toEqual(['src', 'src/app.ts']);
    expect(await readdir(root)).not.toContain('nowhere');
  },
);

test('exactly one of many that write the same project at once succeeds', async () => {
  const folder = join(root, `race-${count++}`);
  const codes = await Promise.all(
    Array.from({ length: 8 }, async () => (await callCli('init', 'hono', folder)).code),
  );
  expect(codes.filter((code) => code === 0)).toHaveLength(1);
  expect(codes.filter((code) => code === 2)).toHaveLength(7);
});

test('the written files are reported as JSON', async () => {
  const folder = join(root, 'told');
  const { out } = await callCli('init', 'grpc', folder, '--javascript', '--json');
  const told: unknown = JSON.parse(out);
  expect(told).toMatchObject({ framework: 'grpc', language: 'javascript', folder });
  const { files } = told as { readonly files: readonly string[] };
  expect([...(await read(folder)).keys()].toSorted()).toEqual(files.toSorted());
});

test.each([
  ['My API', 'my-api'],
  ['..\u001b[31m"evil', '31m-evil'],
  ['$(id)', 'id'],
  ['hono', 'hono-api'],
  ['日本', 'api'],
])('a folder named %j makes a package named %s', async (name, expected) => {
  const folder = join(root, 'named', name);
  expect(await callCli('init', 'hono', folder)).toMatchObject({ code: 0 });
  expect((await manifestOf(folder)).name).toBe(expected);
});

test('commands that it prints for pasting do not run anything in the name of a folder', async () => {
  const where = join(root, "it's $(touch pasted)");
  const { out } = await callCli('init', 'hono', where);
  const command = /^ {2}(cd .*)$/m.exec(out)?.[1] ?? '';
  const pasted = spawnSync('sh', ['-c', `${command} && pwd`], { cwd: root, encoding: 'utf8' });
  expect(pasted.stdout.trim()).toBe(where);
  expect(await readdir(root)).not.toContain('pasted');
});

test.each<[string, readonly string[], RegExp]>([
  ['without a framework', [], /name the framework: express, fastify/],
  [
    'for a framework that it does not know',
    ['constructor'],
    /name the framework: express, fastify/,
  ],
  ['with two folders', ['hono', 'one', 'two'], /name one folder/],
  ['with an unknown option', ['hono', 'one', '--force'], /--force/],
  ['below a file', ['hono', `${import.meta.filename}/api`], /cannot be written to \(ENOTDIR\)/],
])('%s nothing is written', async (_what, args, told) => {
  const { code, out, err } = await callCli('init', ...args);
  expect([code, out]).toEqual([2, '']);
  expect(err).toMatch(told);
});
