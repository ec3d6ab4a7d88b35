import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { main } from '../src/index.ts';
import { terminal } from '../src/terminal.ts';
import { callCli, fixture } from './run-cli.ts';

let folder: string;
let log: string;
let keys: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'apisec-terminal-'));
  log = join(folder, 'audit.log');
  const event = { schema: 'apisec.audit/1', id: 'x', time: 1, kind: 'decision', outcome: 'denied' };
  await writeFile(log, `${JSON.stringify({ ...event, requestId: 'r' })}\n`.repeat(20_001));
  await callCli('keys', 'generate', '--out', folder);
  keys = join(folder, 'jwks.json');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What a command writes to streams of which some are terminals. */
async function run(args: readonly string[], { out = false, err = false } = {}) {
  const told = { out: '', err: '' };
  const code = await main(args, {
    stdout: { write: (text) => (told.out += text), isTTY: out },
    stderr: { write: (text) => (told.err += text), isTTY: err },
  });
  return { code, ...told };
}

const doctor = () => ['doctor', '--jwks', keys];

describe('colours', () => {
  test('are on a terminal', async () => {
    vi.stubEnv('NO_COLOR', '');
    onTestFinished(() => void vi.unstubAllEnvs());
    expect((await run(doctor(), { out: true })).out).toContain('\u001b[32m');
  });

  test.each<[string, { out?: boolean; err?: boolean }, string, readonly string[]]>([
    ['in a pipe', {}, '', []],
    ['in a pipe whose errors go to a terminal', { err: true }, '', []],
    ['with NO_COLOR', { out: true }, '1', []],
    ['in JSON', { out: true, err: true }, '', ['--json']],
  ])('are not there %s', async (_where, streams, noColor, more) => {
    vi.stubEnv('NO_COLOR', noColor);
    onTestFinished(() => void vi.unstubAllEnvs());
    expect((await run([...doctor(), ...more], streams)).out).not.toContain('\u001b');
  });
});

describe('progress', () => {
  const ways: readonly (readonly [string, () => readonly string[], string])[] = [
    ['doctor', doctor, 'The next signing key is published'],
    ['audit denials', () => ['audit', 'denials', log], '20000 events'],
  ];
  test.each(ways)(
    'of %s is shown on a terminal, and removed at the end',
    async (_what, args, text) => {
      const { out, err } = await run(args(), { err: true });
      expect(err).toContain(text);
      expect(err.endsWith('\r\u001b[2K')).toBe(true);
      expect(out).not.toContain('\r');
    },
  );

  test.each(ways)('of %s is shown nowhere else', async (_what, args) => {
    expect((await run(args())).err).toBe('');
    expect((await run([...args(), '--json'], { err: true })).err).toBe('');
  });
});

/** Each command as it is called with nothing but what it needs. */
const commands: Readonly<Record<string, () => readonly string[]>> = {
  init: () => ['express', join(folder, 'project')],
  coverage: () => [fixture('inventory.ts')],
  diff: () => [fixture('openapi.json'), fixture('inventory.ts')],
  doctor: () => ['--jwks', keys],
  explain: () => ['r', '--log', log],
  keys: () => ['thumbprint', keys],
  limits: () => [fixture('limits.ts'), '--caller', 'user-42'],
  audit: () => ['denials', log],
};

describe.each(Object.keys(commands))('apisec %s', (name) => {
  test('with --json writes JSON and nothing else', async () => {
    const { code, out, err } = await run([name, ...(commands[name]?.() ?? []), '--json']);
    expect(code).toBeLessThan(2);
    expect(err).toBe('');
    expect(JSON.parse(out)).toBeTypeOf('object');
  });
});

/** The binary in a shell, with what stands behind it there. */
async function inShell(args: readonly string[], behind: string) {
  const line = `${[
    process.execPath,
    '--conditions=@apisec/source',
    '--import',
    'tsx',
    'bin/apisec.mjs',
    ...args,
  ]
    .map((word) => `'${word}'`)
    .join(' ')} ${behind}`;
  const child = spawn('bash', ['-c', line], {
    cwd: join(import.meta.dirname, '..'),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [err] = await Promise.all([text(child.stderr), text(child.stdout), once(child, 'close')]);
  return { code: child.exitCode, err };
}

test.runIf(existsSync('/dev/full'))(
  'a report that cannot be written is not one in which nothing was found',
  async () => {
    expect(await inShell(['doctor', '--jwks', keys], '> /dev/full')).toEqual({
      code: 2,
      err: 'apisec: the output could not be written (ENOSPC).\n',
    });
    expect((await inShell(['doctor', '--jwks', keys], '> /dev/null')).code).toBe(0);
  },
);

test.skipIf(process.platform === 'win32')(
  'a reader that leaves early changes neither the exit code nor what is on standard error',
  async () => {
    // The last command that a shell knows of decides, unless it is told otherwise.
    const { err, code } = await inShell(
      ['audit', 'denials', log, '--newest', '1000'],
      '| head -1 > /dev/null; exit ${PIPESTATUS[0]}',
    );
    expect([code, err]).toEqual([1, '']);
  },
);

test('every command has its help, with --json in it, and is looked at here or in a test of its own', async () => {
  const { out } = await run(['--help']);
  const names = [...out.matchAll(/^ {2}(\w+) +\S/gm)].map(([, name = '']) => name);
  expect(names.filter((name) => name !== 'attack').toSorted()).toEqual(
    Object.keys(commands).toSorted(),
  );
  expect(out).toContain('Exit codes: 0 nothing found, 1 found, 2 not run.');
  for (const name of names) {
    const help = await run([name, '--help']);
    expect([help.code, help.out]).toEqual([0, expect.stringContaining('--json')]);
    const wrong = await run([name, '--no-such-option']);
    expect([wrong.code, wrong.out]).toEqual([2, '']);
  }
});

test('a password in an address that a module throws is not printed', async () => {
  const module = join(folder, 'broken.mjs');
  await writeFile(module, `throw new Error('connect postgres://app:hunter2hunter2@db/x failed');`);
  const { code, err } = await run(['coverage', module]);
  expect([code, err]).toEqual([2, expect.stringContaining('postgres://[redacted]@db/x failed')]);
});

test.each<[string, string]>([
  ['a terminal escape', '\u001b[2J'],
  ['a C1 escape', '\u009b31m'],
  ['a carriage return', 'a\rb'],
  ['a bidirectional override', 'a\u202eb'],
  ['half a surrogate pair', 'a\ud800b'],
  ['tags', 'a\u{e0041}b'],
])('%s acts on no stream', async (_name, text) => {
  let written = '';
  const stream = { write: (part: string) => (written += part), isTTY: true };
  for (const json of [true, false]) {
    const out = terminal(stream, stream, { json, color: true });
    out.line(text, 'bad');
    out.note(text);
    out.json({ [text]: text });
    out.data(text);
    await out.raw(JSON.stringify(text));
    written += out.progress(text) ?? '';
  }
  // What the terminal writes itself: colours, and the beginning of a line of progress.
  const ours = ['\u001b[31m', '\u001b[39m', '\r\u001b[2K', '\n'];
  const own = ours.reduce((left, each) => left.replaceAll(each, ''), written);
  expect(own).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
});
