import { once } from 'node:events';
import { IncomingMessage, ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { call, exchange, serveHttp1, serveHttp2 } from '../test/servers.ts';
import { type NodeResponse, onEnd, sendDenial } from './response.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
const denial = {
  kind: 'unauthenticated',
  code: 'token.expired',
  cause: new Error('s3cret'),
  challenges: [{ scheme: 'Bearer', params: { error: 'invalid_token' } }],
} as const;

describe('a denial', () => {
  test('is problem details with its challenge, whole and with its length', async () => {
    const base = await serveHttp1((_, response) => {
      response.statusMessage = 's3cret';
      sendDenial(response, denial);
    });
    const answer = await exchange(base, GET);
    expect(answer).toMatch(/^HTTP\/1\.1 401 Unauthorized\r\n/);
    expect(answer).toContain('content-type: application/problem+json\r\n');
    expect(answer).toContain('www-authenticate: Bearer error="invalid_token"\r\n');
    expect(answer).toMatch(/content-length: \d+\r\n/);
    expect(answer).toContain('"code":"token.expired"');
    expect(answer).not.toContain('s3cret');
  });

  test('to HEAD has no body', async () => {
    const base = await serveHttp1((_, response) => sendDenial(response, denial));
    const answer = await exchange(base, GET.replace('GET', 'HEAD'));
    expect(answer).toMatch(/^HTTP\/1\.1 401 [^]*\r\n\r\n$/);
  });

  test('that is an answer has no body and no type', async () => {
    const preflight = { ...denial, answer: { status: 204 } } as const;
    const base = await serveHttp1((_, response) => sendDenial(response, preflight));
    const answer = await exchange(base, GET);
    expect(answer).toMatch(/^HTTP\/1\.1 204 [^]*\r\n\r\n$/);
    expect(answer).not.toContain('content-');
  });

  test('cuts the connection where another response has begun', async () => {
    const base = await serveHttp1((_, response) => {
      response.write('half', () => sendDenial(response, denial));
    });
    const answer = await exchange(base, GET);
    expect(answer).toContain('half');
    expect(answer).not.toMatch(/0\r\n\r\n$/);
    await expect(fetch(base).then((response) => response.text())).rejects.toThrow();
  });

  test('is the same over HTTP/2', async () => {
    const session = await serveHttp2((_, response) => sendDenial(response, denial));
    const { headers, body } = await call(session, { ':path': '/' });
    expect(headers).toMatchObject({ ':status': 401, 'content-type': 'application/problem+json' });
    expect(JSON.parse(body)).toMatchObject({ code: 'token.expired' });
  });
});

describe('the end of a response', () => {
  // In turns: on a busy machine the timer of one long wait comes before what is to be read.
  const later = async () => {
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setTimeout(resolve, 5));
  };
  const ends: boolean[] = [];
  const watch =
    (handler: (response: NodeResponse) => void) => (_: unknown, response: NodeResponse) => {
      ends.length = 0;
      onEnd(response, (aborted) => ends.push(aborted));
      handler(response);
    };

  test('is complete, and reported once', async () => {
    const base = await serveHttp1(watch((response) => (response as ServerResponse).end('in')));
    await exchange(base, GET);
    await later();
    expect(ends).toEqual([false]);
  });

  test('is aborted when the caller leaves before it', async () => {
    const base = await serveHttp1(watch((response) => (response as ServerResponse).write('half')));
    const socket = connect(Number(new URL(base).port), '127.0.0.1');
    socket.write(GET);
    await once(socket, 'data');
    socket.destroy();
    await later();
    expect(ends).toEqual([true]);
  });

  test('is aborted when the server cuts it', async () => {
    const base = await serveHttp1(watch((response) => response.destroy()));
    await exchange(base, GET);
    await later();
    expect(ends).toEqual([true]);
  });

  test('is reported at once if the caller has already left', async () => {
    let told: boolean | undefined;
    const base = await serveHttp1((_, response) => {
      response.once('close', () => {
        onEnd(response, (aborted) => {
          told = aborted;
        });
      });
    });
    const socket = connect(Number(new URL(base).port), '127.0.0.1');
    socket.write(GET, () => setTimeout(() => socket.destroy(), 20));
    await once(socket, 'close');
    await later();
    expect(told).toBe(true);
  });

  describe('that waits behind another of its connection', () => {
    const CALLS = 30;
    const pipelined = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(CALLS);

    const times = (calls: number, aborted: boolean) =>
      Array.from({ length: calls }, () => [aborted]);

    /** Answers the first call only when told, so that all others wait. */
    async function hold(answer: (response: ServerResponse) => void) {
      const held: ServerResponse[] = [];
      const told: boolean[][] = [];
      const base = await serveHttp1((_, response) => {
        const ends: boolean[] = [];
        told.push(ends);
        onEnd(response, (aborted) => ends.push(aborted));
        if (held.push(response) > 1) answer(response);
      });
      const socket = connect(Number(new URL(base).port), '127.0.0.1');
      onTestFinished(() => void socket.destroy());
      socket.write(pipelined);
      await vi.waitFor(() => expect(held).toHaveLength(CALLS), { timeout: 10_000 });
      return { socket, held, told };
    }

    test.each<[string, (response: ServerResponse) => void]>([
      ['no answer yet', () => undefined],
      ['half an answer', (response) => void response.write('half')],
      ['a whole answer', (response) => void response.end('in')],
      ['an answer without a body', (response) => void response.writeHead(204).end()],
    ])('is aborted when the caller leaves: %s', async (_, answer) => {
      const warned = vi.fn();
      process.on('warning', warned);
      onTestFinished(() => void process.off('warning', warned));
      const { socket, told } = await hold(answer);
      expect(told.flat()).toEqual([]);
      socket.destroy();
      await vi.waitFor(() => expect(told).toEqual(times(CALLS, true)), { timeout: 10_000 });
      await later();
      expect(told).toEqual(times(CALLS, true));
      expect(warned).not.toHaveBeenCalled();
    });

    test('is cut with its connection where there are more than anybody sends', async () => {
      const told: boolean[] = [];
      let calls = 0;
      const base = await serveHttp1((_, response) => {
        calls++;
        onEnd(response, (aborted) => told.push(aborted));
        // The first one is never answered, and the others would fill what the connection may hold.
        if (calls > 1) response.end('x'.repeat(20_000));
      });
      const socket = connect(Number(new URL(base).port), '127.0.0.1');
      socket.on('error', () => undefined);
      onTestFinished(() => void socket.destroy());
      socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(2_000));
      await vi.waitFor(() => expect(calls).toBeGreaterThan(100), { timeout: 10_000 });
      await vi.waitFor(() => expect(told).toHaveLength(calls), { timeout: 10_000 });
      expect(told.every(Boolean)).toBe(true);
    });

    test('is aborted when the one before it ends the connection', async () => {
      const { held, told } = await hold((response) => void response.end('in'));
      held[0]?.setHeader('connection', 'close').end('in');
      await vi.waitFor(() => expect(told).toEqual([[false], ...times(CALLS - 1, true)]), {
        timeout: 10_000,
      });
    });

    test('is whole when its turn comes, and leaves nothing at the connection', async () => {
      const { socket, held, told } = await hold((response) => void response.end('in'));
      held[0]?.end('in');
      await vi.waitFor(() => expect(told).toEqual(times(CALLS, false)), { timeout: 10_000 });
      socket.destroy();
      await later();
      expect(told).toEqual(times(CALLS, false));
    });

    test('is reported at once if the connection is already closed', async () => {
      const { socket, held } = await hold(() => undefined);
      socket.destroy();
      await vi.waitFor(() => expect(held[0]?.closed).toBe(true), { timeout: 10_000 });
      const late: boolean[] = [];
      onEnd(held.at(-1) as ServerResponse, (aborted) => late.push(aborted));
      expect(late).toEqual([true]);
    });
  });

  test.each<[string, unknown]>([
    ['no connection', null],
    ['what only looks like one', { remoteAddress: '192.0.2.1', destroy: () => undefined }],
  ])('is reported for made-up requests with %s', (_, socket) => {
    const response = new ServerResponse(new IncomingMessage(socket as Socket));
    const told: boolean[] = [];
    onEnd(response, (aborted) => told.push(aborted));
    response.emit('close');
    expect(told).toEqual([true]);
  });

  test('costs a connection one listener for many calls', async () => {
    const listeners: number[] = [];
    const base = await serveHttp1((request, response) => {
      listeners.push(request.socket.listenerCount('close'));
      onEnd(response, () => undefined);
      response.end('in');
    });
    const socket = connect(Number(new URL(base).port), '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    for (let time = 1; time <= 20; time++) {
      socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      await once(socket, 'data');
    }
    expect(listeners).toHaveLength(20);
    expect(new Set(listeners.slice(1))).toEqual(new Set([(listeners[0] as number) + 1]));
  });

  test('is aborted when the caller leaves with most of it still to be sent', async () => {
    const large = Buffer.alloc(50_000_000);
    const base = await serveHttp1(
      watch((response) => void (response as ServerResponse).end(large)),
    );
    const socket = connect(Number(new URL(base).port), '127.0.0.1');
    socket.write(GET);
    await once(socket, 'data');
    socket.destroy();
    await vi.waitFor(() => expect(ends).toEqual([true]), { timeout: 10_000 });
  });

  test.each<[string, (response: NodeResponse) => void, boolean]>([
    ['whole', (response) => void (response as ServerResponse).end('in'), false],
    ['aborted by the server', (response) => void response.destroy(), true],
  ])('over HTTP/2 is %s', async (_, handler, aborted) => {
    const session = await serveHttp2(watch(handler));
    await call(session, { ':path': '/' }).catch(() => undefined);
    await later();
    expect(ends).toEqual([aborted]);
  });

  test('over HTTP/2 is aborted when the caller resets what was not all sent', async () => {
    const large = Buffer.alloc(10_000_000);
    const session = await serveHttp2(watch((response) => (response as ServerResponse).end(large)));
    const stream = session.request({ ':path': '/' });
    stream.on('error', () => undefined);
    await once(stream, 'response');
    stream.close(8);
    await later();
    expect(ends).toEqual([true]);
  });

  test('over HTTP/2 is aborted when the caller resets the stream', async () => {
    const session = await serveHttp2(
      watch((response) => (response as ServerResponse).write('half')),
    );
    const stream = session.request({ ':path': '/' });
    stream.on('error', () => undefined);
    await once(stream, 'response');
    stream.close(8);
    await later();
    expect(ends).toEqual([true]);
  });
});
