import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { importJWK, jwtVerify, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generateKeys, rotateKeys } from '../src/key-files.ts';
import { callCli, fixture } from './run-cli.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'apisec-keys-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Jwks {
  readonly keys: readonly { readonly kid: string; readonly d?: string }[];
}
const read = async (name: string): Promise<Jwks> =>
  JSON.parse(await readFile(join(folder, name), 'utf8')) as Jwks;

describe('keys', () => {
  test('are made, and only the public parts are published', async () => {
    const { code, out } = await callCli('keys', 'generate', '--out', folder, '--json');
    expect(code).toBe(0);
    const { signing, next } = JSON.parse(out) as { signing: string; next: string };
    const [own, published] = [await read('private.jwks.json'), await read('jwks.json')];
    expect(published.keys.map(({ kid }) => kid)).toEqual([signing, next]);
    expect(JSON.stringify(published)).not.toContain('"d"');
    expect(out).not.toContain(own.keys[0]?.d);
    expect((await stat(join(folder, 'private.jwks.json'))).mode & 0o777).toBe(0o600);
    const prints = await callCli('keys', 'thumbprint', join(folder, 'jwks.json'));
    expect(prints.out.trim().split('\n')).toEqual([signing, next]);
  });

  test('are not overwritten', async () => {
    const before = await read('private.jwks.json');
    const { code, err } = await callCli('keys', 'generate', '--out', folder);
    expect([code, err]).toEqual([2, expect.stringContaining('is left alone')]);
    expect(await read('private.jwks.json')).toEqual(before);
  });

  test('are rotated so that every token that is about can be verified', async () => {
    const before = await read('private.jwks.json');
    const rotated = await rotateKeys(folder);
    expect(rotated).toMatchObject({ signing: before.keys[1]?.kid, retired: before.keys[0]?.kid });
    const [old] = before.keys;
    const token = await new SignJWT({})
      .setProtectedHeader({ alg: 'ES256' })
      .sign(await importJWK({ ...old, kty: 'EC' }, 'ES256'));
    const found = (await read('jwks.json')).keys.find(({ kid }) => kid === old?.kid);
    await expect(
      jwtVerify(token, await importJWK({ ...found, kty: 'EC' }, 'ES256')),
    ).resolves.toBeDefined();
    expect(JSON.stringify(await read('jwks.json'))).not.toContain('"d"');
    await rotateKeys(folder);
    expect((await read('jwks.json')).keys.map(({ kid }) => kid)).not.toContain(old?.kid);
  });

  test('are rotated by one of many at a time', async () => {
    const all = await Promise.allSettled(Array.from({ length: 8 }, () => rotateKeys(folder)));
    const done = all.filter(({ status }) => status === 'fulfilled').length;
    expect(done).toBeGreaterThanOrEqual(1);
    const [own, published] = [await read('private.jwks.json'), await read('jwks.json')];
    expect(published.keys.slice(0, 2).map(({ kid }) => kid)).toEqual(
      own.keys.map(({ kid }) => kid),
    );
    await expect(generateKeys(folder, 'HS256')).rejects.toThrow('--alg must be one of');
  });
});

test('what is not a key is told without a word of it', async () => {
  const { code, out, err } = await callCli('keys', 'thumbprint', fixture('guards.ts'));
  expect([code, out]).toEqual([2, '']);
  expect(err).toMatch(/cannot be read as JSON \(not JSON\)/);
});
