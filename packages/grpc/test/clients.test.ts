import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { secure } from '@apisec/grpc';
import { describe, expect, test } from 'vitest';
import { everyKind, gate, recorder } from './guards.ts';
import { openShop } from './shop.ts';

const run = promisify(execFile);
const buf = join(
  dirname(createRequire(import.meta.url).resolve('@bufbuild/buf/package.json')),
  'bin/buf',
);

interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly code?: number;
}

/** Calls with a client that shares nothing with grpc-js: `buf curl`, which is written in Go. */
function curl(
  port: number,
  method: string,
  args: readonly string[],
  data: string,
): Promise<Outcome> {
  return run(
    process.execPath,
    [
      buf,
      'curl',
      '--schema',
      join(import.meta.dirname, 'shop.proto'),
      '--protocol',
      'grpc',
      '--http2-prior-knowledge',
      ...args,
      '-d',
      data,
      `http://127.0.0.1:${port}/shop.v1.Shop/${method}`,
    ],
    { timeout: 25_000 },
  ).catch((error: Outcome) => error);
}

describe('buf curl', () => {
  const KEY = ['-H', 'x-key: open'];

  test.each([
    ['Get', '{"text":"tea","index":1}', ['tea']],
    ['List', '{"text":"tea","index":3}', ['tea', 'tea', 'tea']],
    ['Collect', '{"text":"a"}{"text":"b"}', ['a,b']],
    ['Chat', '{"text":"a"}{"text":"b"}', ['a', 'b']],
  ])('%s: gets its answer, and is denied without a key', async (method, data, texts) => {
    const { completions, onComplete } = recorder();
    const guarded = everyKind(gate({ onComplete }, { always: { onComplete } }));
    const shop = await openShop([secure({ methods: guarded })]);
    const { stdout } = await curl(shop.port, method, KEY, data);
    const answers = stdout.match(/"text":\s*"[^"]*"/g) ?? [];
    expect(answers.map((answer) => answer.replace(/^"text":\s*/, ''))).toEqual(
      texts.map((text) => `"${text}"`),
    );
    const denied = await curl(shop.port, method, [], data);
    expect(denied.stdout).toBe('');
    expect(denied.stderr).toContain('unauthenticated');
    expect(denied.stderr).toContain('A key is needed.');
    // Its details are a google.rpc.Status that another implementation can read.
    const [, info = ''] = /"value":\s*"([^"]+)"/.exec(denied.stderr) ?? [];
    expect(denied.stderr).toContain('google.rpc.ErrorInfo');
    expect(Buffer.from(info, 'base64').toString()).toContain('key.missing');
    expect(completions.map(({ outcome }) => outcome)).toContain('denied');
  });
});
