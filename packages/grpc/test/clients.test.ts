import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { secure } from '@apisec/grpc';
import { create, createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { describe, expect, test } from 'vitest';
import { everyKind, gate, recorder } from './guards.ts';
import { openShop, shopService } from './shop.ts';

const run = promisify(execFile);
const proto = join(import.meta.dirname, 'shop.proto');
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
      proto,
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

describe('connect-node over h2c', () => {
  /** By the descriptors of the service, without generated code. */
  const shopOf = (port: number, headers: Readonly<Record<string, string>>) => {
    const [method] = Object.values(shopService);
    const { requestType } = method as unknown as {
      readonly requestType: { readonly fileDescriptorProtos: readonly Uint8Array[] };
    };
    const file = requestType.fileDescriptorProtos.map((bytes) =>
      fromBinary(FileDescriptorProtoSchema, bytes),
    );
    const service = createFileRegistry(create(FileDescriptorSetSchema, { file })).getService(
      'shop.v1.Shop',
    );
    if (!service) throw new Error('the service is not in its own descriptors');
    const transport = createGrpcTransport({
      baseUrl: `http://127.0.0.1:${port}`,
      interceptors: [
        (next) => (request) => {
          for (const [name, value] of Object.entries(headers)) request.header.set(name, value);
          return next(request);
        },
      ],
    });
    // Without generated code the methods are known at run time alone.
    return createClient(service, transport) as unknown as Record<
      'get' | 'collect' | 'list' | 'chat',
      (input: unknown, options?: object) => any
    >;
  };
  async function* items(...texts: readonly string[]) {
    for (const [index, text] of texts.entries()) yield { text, index };
  }
  const textsOf = async (answers: AsyncIterable<{ readonly text: string }>) => {
    const texts: string[] = [];
    for await (const { text } of answers) texts.push(text);
    return texts;
  };
  type Shop = ReturnType<typeof shopOf>;
  const calls: Readonly<Record<string, (shop: Shop) => Promise<readonly string[]>>> = {
    Get: async (shop) => [(await shop.get({ text: 'tea', index: 1 })).text],
    Collect: async (shop) => [(await shop.collect(items('a', 'b'))).text],
    List: (shop) => textsOf(shop.list({ text: 'tea', index: 2 })),
    Chat: (shop) => textsOf(shop.chat(items('a', 'b'))),
  };
  const answers = { Get: ['tea'], Collect: ['a,b'], List: ['tea', 'tea'], Chat: ['a', 'b'] };

  test.each(Object.entries(answers))(
    '%s: gets its answer, and is denied without a key',
    async (name, texts) => {
      const { completions, onComplete } = recorder();
      const guarded = everyKind(gate({ onComplete }, { always: { onComplete } }));
      const { port } = await openShop([secure({ methods: guarded })]);
      const call = calls[name] as (shop: Shop) => Promise<readonly string[]>;
      expect(await call(shopOf(port, { 'x-key': 'open' }))).toEqual(texts);
      const denied = ConnectError.from(
        await call(shopOf(port, {})).catch((error: unknown) => error),
      );
      expect([denied.code, denied.rawMessage]).toEqual([Code.Unauthenticated, 'A key is needed.']);
      // Its details are a google.rpc.Status that another implementation can read.
      expect(
        denied.details.map((detail) => ('type' in detail ? detail.type : undefined)),
      ).toContain('google.rpc.ErrorInfo');
      expect(completions.map(({ outcome }) => outcome)).toContain('denied');
    },
  );

  test('an abort and a deadline end the call on both sides', async () => {
    const { completions, onComplete } = recorder();
    const { port } = await openShop([secure({ methods: everyKind(gate({ onComplete })) })], {
      Get: () => undefined,
    });
    const { get } = shopOf(port, { 'x-key': 'open' });
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 50);
    const codeOf = (call: Promise<unknown>) =>
      call.catch((error: unknown) => ConnectError.from(error).code);
    expect(await codeOf(get({}, { signal: abort.signal }))).toBe(Code.Canceled);
    expect(await codeOf(get({}, { timeoutMs: 50 }))).toBe(Code.DeadlineExceeded);
    await expect
      .poll(() => completions.map(({ outcome }) => outcome))
      .toEqual(['aborted', 'aborted']);
  });
});
