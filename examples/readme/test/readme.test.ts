import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { Client, credentials, Metadata, type ServiceDefinition, status } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { startIssuer, type TestIssuer } from 'apisec-example-issuer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readBlocks } from '../src/blocks.ts';
import { compiledFolder } from '../src/compiled-folder.ts';

const here = join(import.meta.dirname, '..');
const root = join(here, '../..');
const project = compiledFolder('.blocks');
const folder = project.path;
const ISSUER = 'https://id.example.com';
const PORT = '3000';
const TIMEOUT = 60_000;

const blocks = readBlocks(join(root, 'README.md'));
let issuer: TestIssuer;
const children: ChildProcess[] = [];

beforeAll(async () => {
  issuer = await startIssuer(ISSUER);
  project.write(blocks);
});

afterAll(async () => {
  for (const child of children) child.kill();
  project.remove();
  await issuer.close();
});

/** Runs a block as it stands, but for the port; answers where it listens once it does. */
async function start(file: string, output?: (text: string) => void): Promise<number> {
  const port = await freePort();
  const { text = '' } = blocks.find((block) => block.file === file) ?? {};
  const copy = `run-${file}`;
  writeFileSync(join(folder, copy), text.replaceAll(PORT, String(port)));
  const isModule = text.includes('export default');
  const child = spawn(
    process.execPath,
    [
      '--conditions=@apisec/source',
      '--import=tsx',
      '--import=../src/redirect.ts',
      ...(isModule ? ['../src/serve.ts', copy, String(port)] : [copy]),
    ],
    {
      cwd: folder,
      stdio: ['ignore', output ? 'pipe' : 'inherit', output ? 'pipe' : 'inherit'],
      env: { ...process.env, ISSUER_NAME: ISSUER, ISSUER_URL: issuer.url },
    },
  );
  children.push(child);
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => output?.(text));
  }
  await listening(child, port);
  return port;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function listening(child: ChildProcess, port: number): Promise<void> {
  while (child.exitCode === null) {
    try {
      await fetch(`http://127.0.0.1:${port}/`);
      return;
    } catch (cause) {
      // A gRPC server listens and speaks no HTTP/1.1.
      if (!String((cause as Error).cause).includes('ECONNREFUSED')) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  throw new Error(`The block ended with ${child.exitCode}.`);
}

async function bearer(scope: string): Promise<string> {
  return `Bearer ${await issuer.token({ scope })}`;
}

test('every block that is there is one that is tested here', () => {
  expect(blocks.map(({ file }) => file)).toEqual([
    'quick-start.ts',
    'denied.txt',
    'policy.ts',
    'express.ts',
    'fastify.ts',
    'hono.ts',
    'edge.ts',
    'apollo.ts',
    'orders.proto',
    'grpc.ts',
    'table.ts',
    'own.ts',
  ]);
});

// One of them expects an error, so nothing passes here because types were not found.
test(
  'every block compiles as it stands',
  () => {
    expect(project.compile()).toBe('');
  },
  TIMEOUT,
);

test.each(['table.ts', 'own.ts'])(
  '%s',
  (file) => {
    const args = ['--conditions=@apisec/source', '--import=tsx', file];
    expect(execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8' })).toBe('');
  },
  TIMEOUT,
);

test.each(['express.ts', 'fastify.ts', 'hono.ts', 'edge.ts'])(
  '%s',
  async (file) => {
    const url = `http://127.0.0.1:${await start(file)}/orders`;
    const call = async (authorization: string | undefined) => {
      const response = await fetch(url, authorization ? { headers: { authorization } } : {});
      return { status: response.status, headers: response.headers, body: await response.json() };
    };
    expect(await call(await bearer('orders:read'))).toMatchObject({
      status: 200,
      body: { for: 'alice' },
    });
    expect(await call(await bearer('orders:write'))).toMatchObject({
      status: 403,
      body: { code: 'scope.insufficient' },
    });
    const denied = await call(undefined);
    expect(denied).toMatchObject({ status: 401, body: { code: 'credentials.missing' } });
    expect(denied.headers.get('x-content-type-options')).toBe('nosniff');
    const origin = 'https://app.example.com';
    const asks = {
      'access-control-request-method': 'GET',
      'access-control-request-headers': 'authorization',
    };
    const preflight = await fetch(url, { method: 'OPTIONS', headers: { origin, ...asks } });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe(origin);
  },
  TIMEOUT,
);

test(
  'quick-start.ts: the commands that it prints end in a 200 and a 401, and the terminal says why',
  async () => {
    let shown = '';
    await start('quick-start.ts', (text) => {
      shown += text;
    });
    const command = /^(\d{3}): curl -i (\S+) -H 'authorization: ([^']+)'$/gm;
    await expect.poll(() => shown.match(command), { timeout: 5_000 }).toHaveLength(2);
    const statuses: string[] = [];
    for (const [, promised, url = '', authorization = ''] of shown.matchAll(command)) {
      const { status } = await fetch(url, { headers: { authorization } });
      expect(String(status)).toBe(promised);
      statuses.push(String(status));
    }
    expect(statuses).toEqual(['200', '401']);
    const { text = '' } = blocks.find(({ file }) => file === 'denied.txt') ?? {};
    await expect.poll(() => shown).toContain(text);
  },
  TIMEOUT,
);

test(
  'apollo.ts',
  async () => {
    const url = `http://127.0.0.1:${await start('apollo.ts')}/`;
    const call = async (authorization = '') => {
      const response = await fetch(url, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json' },
        body: JSON.stringify({ query: '{ for }' }),
      });
      return (await response.json()) as unknown;
    };
    expect(await call(await bearer('orders:read'))).toEqual({ data: { for: 'alice' } });
    expect(await call(await bearer('orders:write'))).toMatchObject({
      errors: [{ extensions: { code: 'FORBIDDEN', reason: 'scope.insufficient' } }],
    });
  },
  TIMEOUT,
);

test(
  'grpc.ts',
  async () => {
    const client = new Client(`127.0.0.1:${await start('grpc.ts')}`, credentials.createInsecure());
    // The block above it in the README defines this service.
    const service = loadSync(join(folder, 'orders.proto'))['shop.v1.Orders'] as ServiceDefinition;
    const { path, requestSerialize, responseDeserialize } = service['List'] as NonNullable<
      (typeof service)[string]
    >;
    const call = (authorization: string | undefined) =>
      new Promise<unknown>((resolve) => {
        const metadata = new Metadata();
        if (authorization !== undefined) metadata.set('authorization', authorization);
        client.makeUnaryRequest(
          path,
          requestSerialize,
          responseDeserialize,
          {},
          metadata,
          (error, reply) => resolve(error ? status[error.code] : reply),
        );
      });
    expect(await call(await bearer('orders:read'))).toEqual({ for: 'alice' });
    expect(await call(await bearer('orders:write'))).toBe('PERMISSION_DENIED');
    expect(await call(undefined)).toBe('UNAUTHENTICATED');
    client.close();
  },
  TIMEOUT,
);
