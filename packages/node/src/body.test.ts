import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { readBody } from './body.ts';

const bounds = { maxBytes: 1_000, timeoutMs: 5_000 };

describe('readBody', () => {
  test.each<[string, () => Iterable<Buffer>, string]>([
    ['in one piece', () => [Buffer.from('hello')], 'hello'],
    ['byte by byte', () => Array.from({ length: 900 }, () => Buffer.from('a')), 'a'.repeat(900)],
    ['that is empty', () => [], ''],
  ])('reads a body %s', async (_, chunks, text) => {
    const read = await readBody(Readable.from(chunks(), { objectMode: false }), bounds);
    expect(read.ok && Buffer.from(read.bytes).toString()).toBe(text);
  });

  test('denies a body as soon as it is larger than allowed', async () => {
    const endless = new Readable({
      read() {
        setImmediate(() => this.push(Buffer.alloc(100)));
      },
    });
    expect(await readBody(endless, bounds)).toMatchObject({
      denial: { code: 'message.too_large' },
    });
    endless.destroy();
  });

  test('denies a body that does not come to its end in time', async () => {
    const slow = new PassThrough();
    slow.write('a');
    const read = readBody(slow, { maxBytes: 1_000, timeoutMs: 20 });
    expect(await read).toMatchObject({ denial: { kind: 'timeout', code: 'message.timeout' } });
    slow.destroy();
  });

  test('leaves the connection to the next call', async () => {
    const server = createServer((request, response) => {
      void readBody(request, bounds).then((read) => response.writeHead(read.ok ? 200 : 413).end());
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const { port } = server.address() as AddressInfo;
    const post = async (bytes: number) => {
      const sent = request({ agent, port, method: 'POST', host: '127.0.0.1', timeout: 2_000 });
      sent.once('timeout', () => sent.destroy(new Error('nobody answers')));
      sent.end(Buffer.alloc(bytes));
      const [answer] = (await once(sent, 'response')) as [IncomingMessage];
      answer.resume();
      await once(answer, 'end');
      return [answer.statusCode, sent.reusedSocket];
    };
    expect([await post(400_000), await post(10)]).toEqual([
      [413, false],
      [200, true],
    ]);
    agent.destroy();
    server.close();
  });

  test('denies a body that breaks off', async () => {
    const broken = new PassThrough();
    const read = readBody(broken, bounds);
    broken.write('a');
    broken.destroy();
    expect(await read).toMatchObject({ denial: { code: 'message.malformed' } });
  });

  test('a body that somebody has begun to read is a fault of the server', async () => {
    const begun = Readable.from([Buffer.from('a')], { objectMode: false });
    begun.read();
    expect(await readBody(begun, bounds)).toMatchObject({
      denial: {
        kind: 'internal',
        code: 'message.unavailable',
        cause: expect.stringContaining('in front of every body parser') as string,
      },
    });
  });
});
