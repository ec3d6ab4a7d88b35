import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { linesOf, readText } from '../src/files.ts';
import { finished } from '../src/load-module.ts';
import { callCli, type Ran, runCli } from './run-cli.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'apisec-hostile-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function file(name: string, content: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

describe('a module', () => {
  test('that ends the process, waits for nothing or throws later is not one in which nothing was found', async () => {
    const modules = {
      'exits.mjs': 'process.exit(0)',
      'waits.mjs': 'await new Promise(() => {})',
      'later.mjs': 'setTimeout(() => { throw new Error("x") }); await new Promise(() => {})',
    };
    const all = Object.entries(modules).map(async ([name, code]) =>
      runCli(['coverage', await file(name, code)]),
    );
    for (const { code, err } of await Promise.all(all)) {
      expect(code).toBe(2);
      expect(err).toContain('apisec coverage: the process has ended before this was done.');
    }
  });

  test('that never ends is given a minute', async () => {
    vi.useFakeTimers();
    try {
      const work = finished(new Promise(() => undefined), './app.ts');
      const told = expect(work).rejects.toThrow('./app.ts has not finished within 60 seconds.');
      await vi.advanceTimersByTimeAsync(60_000);
      await told;
    } finally {
      vi.useRealTimers();
    }
  });

  test('that ends is waited for by no timer', async () => {
    const [set, cleared] = [
      vi.spyOn(globalThis, 'setTimeout'),
      vi.spyOn(globalThis, 'clearTimeout'),
    ];
    onTestFinished(() => {
      set.mockRestore();
      cleared.mockRestore();
    });
    const work = finished(Promise.resolve(1), './app.ts');
    expect(set).toHaveBeenCalledOnce();
    expect(await work).toBe(1);
    expect(cleared).toHaveBeenCalledWith(set.mock.results[0]?.value);
  });

  test.each([
    ['throws what acts on a terminal', 'throw new Error("a\\u001b[2J\\nb\\u202e")', '\\u001b[2J'],
    ['throws nothing', 'throw null', 'null'],
    [
      'lists what is none',
      'export const inventory = [null, 5]',
      'inventory must be a list of operations',
    ],
  ])('that %s is reported in one line', async (what, code, says) => {
    const { code: exit, err } = await callCli('coverage', await file(`${what}.mjs`, code));
    expect([exit, err.trimEnd().split('\n').length]).toEqual([2, 1]);
    expect(err).toContain(says);
  });
});

describe('a log', () => {
  const event = { schema: 'apisec.audit/1', id: 'x', time: 1, kind: 'decision', outcome: 'denied' };

  test('that holds line breaks and terminal escapes in every field forges no line', async () => {
    const evil = 'x\n1970-01-01  succeeded  GET /forged\r\u001b[2J\u202e';
    const names = ['operation', 'code', 'policy', 'cause', 'principal', 'client', 'tenant', 'peer'];
    const fields = Object.fromEntries([...names, 'requestId'].map((name) => [name, evil]));
    const more = { target: { type: evil, id: evil }, trace: [evil], outcome: evil };
    const log = await file(
      'forged.log',
      [fields, { ...fields, ...more }, { kind: 'act', act: evil, reason: evil }]
        .map((each) => `${JSON.stringify({ ...event, ...each })}\n`)
        .join(''),
    );
    const answers: Ran[] = [
      await callCli('audit', 'denials', log),
      await callCli('explain', 'x', '--log', log),
    ];
    for (const { out } of answers) {
      expect(out).toContain('\\u000a1970-01-01  succeeded');
      expect(out).not.toMatch(/^1970-01-01  succeeded/m);
      for (const raw of ['\r', '\u001b', '\u202e']) expect(out).not.toContain(raw);
    }
  });

  test('with a line that never ends is passed over as far as that line, and its names are cut', async () => {
    const log = join(folder, 'endless.log');
    function* lines() {
      yield '{"a":"';
      for (let part = 0; part < 40; part++) yield 'x'.repeat(1 << 16);
      yield `\n${JSON.stringify({ ...event, principal: 'y'.repeat(100_000) })}\r\n`;
    }
    await pipeline(Readable.from(lines()), createWriteStream(log));
    const { out } = await callCli('audit', 'denials', log, '--json', '--newest', '0');
    expect(JSON.parse(out)).toMatchObject({ denied: 1, by: { caller: [['y'.repeat(300), 1]] } });
  });

  test('whose writer was killed is read behind the half line that it left, which is counted', async () => {
    const line = (id: string): string =>
      JSON.stringify({
        level: 50,
        msg: '{"level":30}',
        schema: 'apisec.audit/1',
        id,
        time: 0,
        kind: 'decision',
        outcome: 'denied',
      });
    const half = line('half').slice(0, -20);
    const other = '{"level":30,"msg":"of another program"}';
    const log = await file('torn.log', `${line('a')}\n${half}${line('b')}\n${other}\n${half}`);
    const { out } = await callCli('audit', 'denials', log, '--json');
    const { denied, torn, newest } = JSON.parse(out);
    expect([denied, torn, newest.map(({ id }: { id: string }) => id)]).toEqual([2, 2, ['b', 'a']]);
    expect((await callCli('audit', 'denials', log)).out).toContain('2 lines are cut off');
    expect((await callCli('explain', 'b', '--log', log)).out).toContain('denied');
  });

  test('is read line by line wherever its parts begin and end', async () => {
    const read = async (content: string) => {
      const found: unknown[] = [];
      for await (const line of linesOf(await file('lines', content), 3)) found.push(line);
      return found;
    };
    expect(await read('')).toEqual([]);
    expect(await read('a\r\n\nbcd')).toEqual(['a', '', 'bcd']);
    expect(await read('abcd\nb\nabcde')).toEqual([undefined, 'b', undefined]);
  });
});

test('a key set that never ends is not read to its end', async () => {
  let written = 0;
  const server = createServer((_request, response) => {
    const go = (): void => {
      while (!response.destroyed && response.write(' '.repeat(1 << 16))) written += 1 << 16;
      response.once('drain', go);
    };
    go();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const { code, err } = await callCli('doctor', '--jwks', `http://127.0.0.1:${port}/`);
  expect([code, err]).toEqual([2, expect.stringContaining('cannot be read as JSON')]);
  expect(written).toBeLessThan(32 << 20);
  server.closeAllConnections();
  server.close();
});

describe('a file', () => {
  test('that never ends is not read to its end', async () => {
    await expect(readText('/dev/zero')).rejects.toThrow('/dev/zero is too long to be read.');
    expect(await callCli('keys', 'thumbprint', '/dev/zero')).toMatchObject({ code: 2 });
  });

  test('of keys that is a folder is left alone, and no draft is left beside it', async () => {
    const out = join(folder, 'keys');
    await mkdir(join(out, 'jwks.json'), { recursive: true });
    const { code, err } = await callCli('keys', 'generate', '--out', out);
    expect([code, err]).toEqual([2, expect.stringContaining('cannot be written (EISDIR)')]);
    expect((await readdir(out)).toSorted()).toEqual(['jwks.json', 'private.jwks.json']);
    for (const action of ['generate', 'rotate']) {
      const there = join(folder, `there-${action}`);
      await mkdir(join(there, 'private.jwks.json'), { recursive: true });
      expect((await callCli('keys', action, '--out', there)).code).toBe(2);
      expect(await readdir(there)).toEqual(['private.jwks.json']);
    }
  });

  test('that only has the name of a secret file is not taken for one', async () => {
    const where = join(folder, 'python');
    await mkdir(join(where, '.env'), { recursive: true, mode: 0o755 });
    await symlink(join(folder, 'nowhere'), join(where, '.env.local'));
    expect(await callCli('doctor', '--folder', where)).toMatchObject({ code: 0 });
  });

  test.each([
    ['refers to itself', { '/a': { $ref: '#/paths/~1a' } }],
    ['refers in a circle', { '/a': { $ref: '#/paths/~1b' }, '/b': { $ref: '#/paths/~1a' } }],
    ['refers to a prototype', { '/a': { $ref: '#/__proto__/constructor' } }],
  ])('of OpenAPI that %s is reported as such', async (what, paths) => {
    const document = await file(`${what}.json`, JSON.stringify({ openapi: '3.1.0', paths }));
    const { code, err } = await callCli('diff', document, document);
    expect([code, err]).toEqual([2, expect.stringContaining('leads nowhere in this document')]);
  });

  test('of OpenAPI may have ten thousand operations, and may not be YAML or nested without end', async () => {
    const paths = Object.fromEntries(
      Array.from({ length: 10_000 }, (_, at) => [`/p${at}`, { get: { summary: 's'.repeat(900) } }]),
    );
    const large = await file('large.json', JSON.stringify({ openapi: '3.1.0', paths }));
    expect(await callCli('diff', large, large)).toMatchObject({ code: 0 });
    const deep = await file('deep.json', '['.repeat(1_000_000));
    const bomb = await file('bomb.json', 'a: &a [x]\nb: &b [*a, *a]\n');
    for (const hostile of [deep, bomb]) {
      const { code, err } = await callCli('diff', hostile, large);
      expect([code, err]).toEqual([2, expect.stringContaining('cannot be read as JSON')]);
    }
  });
});

describe('a token', () => {
  test('of a megabyte is reported as invalid, and what is longer is not read', async () => {
    expect(await callCli('explain', 'a'.repeat(1_000_000))).toMatchObject({
      code: 1,
      out: expect.stringContaining('not a JWT'),
    });
    const longer = await runCli(['explain', '-'], 'a'.repeat((1 << 20) + 10));
    expect([longer.code, longer.err]).toEqual([
      2,
      expect.stringContaining('standard input is too long to be read.'),
    ]);
  });
});
