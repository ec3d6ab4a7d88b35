import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { type Admission, type HttpFacts, protect } from '@apisec/core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

const here = join(import.meta.dirname, '..');
const folder = join(here, '.start');
const page = readFileSync(join(here, '../../docs/start.md'), 'utf8');
const programs = [...page.matchAll(/^```ts \[([^\]]+)\]\n([^]*?)^```$/gm)].map(
  ([, label = '', text = '']) => ({ label, text }),
);
const children: ChildProcess[] = [];

interface Started {
  readonly port: number;
  readonly good: string;
  readonly foreign: string;
  /** What it has printed so far. */
  readonly output: () => string;
}

beforeAll(() => {
  mkdirSync(folder, { recursive: true });
  const policy = programs.find(({ label }) => label === 'policy.mjs');
  writeFileSync(join(folder, 'policy.mjs'), policy?.text ?? '');
});

afterAll(() => {
  for (const child of children) child.kill();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs a program of the page as it stands, but for the port. */
async function start(label: string): Promise<Started> {
  const port = await freePort();
  const { text = '' } = programs.find((program) => program.label === label) ?? {};
  const file = label.endsWith('TypeScript') ? 'typed.mts' : `${label.toLowerCase()}.mjs`;
  writeFileSync(join(folder, file), text.replace('3000', String(port)));
  const child = spawn(process.execPath, ['--conditions=@apisec/source', '--import=tsx', file], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_ENV: 'production' },
  });
  children.push(child);
  let output = '';
  const tokens = new Promise<readonly string[]>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`It ended with ${code}: ${output}`)));
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        const found = /^good=(\S+)\nforeign=(\S+)$/m.exec(output);
        if (found) resolve(found.slice(1));
      });
    }
  });
  const [good = '', foreign = ''] = await tokens;
  await untilOpen(port);
  return { port, good, foreign, output: () => output };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  // It listens over TCP, so its address has a port.
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Some frameworks print before they listen. */
async function untilOpen(port: number): Promise<void> {
  for (;;) {
    try {
      await fetch(`http://localhost:${port}/`);
      return;
    } catch (cause) {
      // A gRPC server listens and speaks no HTTP/1.1.
      if (!String((cause as Error).cause).includes('ECONNREFUSED')) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

describe('the programs of the start page', () => {
  test('are all tested here', () => {
    expect(programs.map(({ label }) => label)).toEqual([
      'policy.mjs',
      'Express',
      'Fastify',
      'Hono',
      'Apollo',
      'gRPC',
      'gRPC, TypeScript',
      'policy.mjs, Auth0',
      'policy.mjs, Keycloak on this machine',
      'policy.mjs, any other',
    ]);
  });

  test.each(programs.filter(({ label }) => label.startsWith('policy.mjs, ')))(
    '$label: takes the place of the policy',
    async ({ label, text }) => {
      const file = `${label.replaceAll(/\W+/g, '-')}.mjs`;
      writeFileSync(join(folder, file), text);
      const { orders } = (await import(/* @vite-ignore */ join(folder, file))) as {
        readonly orders: Admission<HttpFacts, object>;
      };
      const answer = protect(orders, () => new Response('in'));
      const { status } = await answer(new Request('https://api.example.com/orders'));
      expect(status).toBe(401);
    },
  );

  test.each(['Express', 'Fastify', 'Hono'])('%s: a 200 and a 401', async (label) => {
    const { port, good, foreign, output } = await start(label);
    const call = async (token: string) => {
      const response = await fetch(`http://localhost:${port}/orders`, {
        headers: { authorization: `Bearer ${token}` },
      });
      return { status: response.status, body: (await response.json()) as unknown };
    };
    expect(await call(good)).toEqual({ status: 200, body: { for: 'alice' } });
    expect(await call(foreign)).toMatchObject({
      status: 401,
      body: { code: 'token.audience_mismatch' },
    });
    await vi.waitFor(
      () =>
        expect(output()).toContain(
          'expected={aud=[https://api.test]}, given={aud=[https://other.test]}',
        ),
      20_000,
    );
  });

  test('Apollo: an answer and a 401', async () => {
    const { port, good, foreign } = await start('Apollo');
    const call = async (token: string) => {
      const response = await fetch(`http://localhost:${port}/`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ query: '{ for }' }),
      });
      return { status: response.status, body: (await response.json()) as unknown };
    };
    expect(await call(good)).toEqual({ status: 200, body: { data: { for: 'alice' } } });
    expect(await call(foreign)).toMatchObject({
      status: 401,
      body: { errors: [{ extensions: { reason: 'token.audience_mismatch' } }] },
    });
  });

  test.each(['gRPC', 'gRPC, TypeScript'])('%s: an answer and UNAUTHENTICATED', async (label) => {
    const { port, good, foreign } = await start(label);
    const caller = /^```js \[call\.mjs[^\]]*\]\n([^]*?)^```$/m.exec(page)?.[1] ?? '';
    writeFileSync(join(folder, 'call.mjs'), caller.replace('3000', String(port)));
    const call = (token: string) =>
      execFileSync(process.execPath, ['call.mjs', token], { cwd: folder, encoding: 'utf8' }).trim();
    expect(call(good)).toBe("{ for: 'alice' }");
    expect(call(foreign)).toBe('16 UNAUTHENTICATED');
  });
});
