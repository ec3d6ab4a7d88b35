import { lstat, mkdtemp, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { apiKeys, memoryApiKeyStore } from '@apisec/core';
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

  test('are not rotated while a lock is held, and the message says what to remove after a crash', async () => {
    const lock = join(folder, 'private.jwks.json.lock');
    await writeFile(lock, '{}');
    const before = await readFile(join(folder, 'private.jwks.json'), 'utf8');
    const { code, err } = await callCli('keys', 'rotate', '--out', folder);
    expect([code, err]).toEqual([2, expect.stringContaining(`remove ${lock}`)]);
    expect(await readFile(join(folder, 'private.jwks.json'), 'utf8')).toBe(before);
    await rm(lock);
  });

  test('are never written through a link, or readable by others', async () => {
    const elsewhere = join(folder, 'elsewhere.json');
    await writeFile(elsewhere, 'mine');
    const file = join(folder, 'private.jwks.json');
    const keys = await readFile(file, 'utf8');
    await rename(file, join(folder, 'moved.json'));
    await symlink(elsewhere, file);
    await expect(generateKeys(folder)).rejects.toThrow('left alone');
    await writeFile(elsewhere, keys, { mode: 0o644 });
    await rotateKeys(folder);
    // The link has given way to a file of its own.
    expect((await lstat(file)).isSymbolicLink()).toBe(false);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readFile(elsewhere, 'utf8')).toBe(keys);
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

describe('peppers', () => {
  const file = () => join(folder, 'peppers.json');
  const peppersIn = async () => {
    const { current, keys } = JSON.parse(await readFile(file(), 'utf8')) as {
      readonly current: string;
      readonly keys: Readonly<Record<string, string>>;
    };
    const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'base64url'));
    return {
      current,
      keys: Object.fromEntries(
        Object.entries(keys).map(([version, text]) => [version, bytes(text)]),
      ),
    };
  };

  test('are made and rotated, and keys of the one before go on', async () => {
    const made = await callCli('keys', 'pepper', '--out', folder);
    expect([made.code, made.err]).toEqual([0, '']);
    expect((await stat(file())).mode & 0o777).toBe(0o600);
    const options = { prefix: 'acme', environment: 'live', store: memoryApiKeyStore() };
    const before = apiKeys({ ...options, peppers: await peppersIn() });
    const issued = await before.issue({ name: 'Billing', owner: { type: 'user', id: 'u1' } });
    if (!issued.ok) throw new Error('not issued');

    const { out } = await callCli('keys', 'pepper', '--out', folder, '--json');
    expect(JSON.parse(out)).toEqual({ file: file(), current: 'v2', versions: ['v1', 'v2'] });
    const peppers = await peppersIn();
    expect(peppers.current).toBe('v2');
    expect(await apiKeys({ ...options, peppers }).verify(issued.key)).toMatchObject({ ok: true });
    for (const text of Object.values(peppers.keys)) {
      const told = made.out + out;
      expect(told).not.toContain(Buffer.from(text).toString('base64url'));
    }
  });

  test('are not lost when many are written at a time', async () => {
    const before = (await peppersIn()).keys;
    const all = await Promise.all(
      Array.from({ length: 8 }, () => callCli('keys', 'pepper', '--out', folder)),
    );
    const done = all.filter(({ code }) => code === 0).length;
    const after = (await peppersIn()).keys;
    expect(Object.keys(after)).toHaveLength(Object.keys(before).length + done);
    expect(after).toMatchObject(before);
  });

  test('are not written over a file that is something else', async () => {
    for (const content of [
      'x',
      '{}',
      '{"current":"v1","keys":{}}',
      '{"current":"1","keys":{"1":"short"}}',
    ]) {
      await writeFile(file(), content);
      const { code, err } = await callCli('keys', 'pepper', '--out', folder);
      expect([code, err]).toEqual([2, expect.stringContaining('does not hold peppers')]);
      expect(err).not.toContain('short');
      expect(await readFile(file(), 'utf8')).toBe(content);
    }
  });
});

test('a value that is not a key is reported without its content', async () => {
  const { code, out, err } = await callCli('keys', 'thumbprint', fixture('guards.ts'));
  expect([code, out]).toEqual([2, '']);
  expect(err).toMatch(/cannot be read as JSON \(not JSON\)/);
});
