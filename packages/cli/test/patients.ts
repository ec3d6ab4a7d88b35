import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest';
import { send } from '../src/attack/probe.ts';
import type { Patient } from '../src/doctor/check.ts';
import { CHECKS } from '../src/doctor/doctor-command.ts';

export const NOW = Date.now();
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'apisec-doctor-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

export async function file(content: string, name = randomUUID()): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content, { mode: 0o600 });
  return path;
}

export async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  // It listens on a port.
  return (server.address() as AddressInfo).port;
}

export const at = (
  url: URL,
  more: Partial<Patient> & { graphql?: boolean } = {},
): Partial<Patient> => ({
  ...more,
  target: {
    url,
    graphql: more.graphql === true,
    send: (probe) => send(url, probe, more.ca),
  },
});
export const serve = async (listener: RequestListener, graphql = false) =>
  at(new URL(`http://127.0.0.1:${await listening(createServer(listener))}/orders`), { graphql });

/** An address with TLS, and what the same one answers without. */
export async function plainly(status: number, headers = {}): Promise<Partial<Patient>> {
  const port = await listening(
    createServer((_request, response) => void response.writeHead(status, headers).end()),
  );
  return { ...at(new URL('https://127.0.0.1/')), plain: new URL(`http://127.0.0.1:${port}/`) };
}

/** What one check says of what it is given. */
export async function look(id: string, given: Partial<Patient>): Promise<string> {
  const check = CHECKS.find((each) => each.id === id) ?? expect.unreachable();
  const patient: Patient = { except: [], now: NOW, ...given };
  const missing = check.needs(patient);
  if (missing !== undefined) return `needs ${missing}`;
  return (await check.run(patient)) ?? 'passed';
}

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
export const token = (claims: object, header: object = { alg: 'ES256', kid: 'k' }): string =>
  `${part(header)}.${part(claims)}.c2ln`;

export const jwk = (kid: string) => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { ...publicKey.export({ format: 'jwk' }), kid };
};
export const jwks = (...keys: readonly object[]) => file(JSON.stringify({ keys }));

/** Files of one folder, in git where that is asked for. */
export async function folderWith(
  name: string,
  mode: number,
  git: boolean,
): Promise<Partial<Patient>> {
  const path = join(folder, randomUUID());
  await mkdir(dirname(join(path, name)), { recursive: true });
  await writeFile(join(path, name), 'x');
  await chmod(join(path, name), mode);
  const run = (...args: readonly string[]) => execFileSync('git', args, { cwd: path });
  run('init', '--quiet');
  if (git) run('add', name);
  return { folder: path };
}
