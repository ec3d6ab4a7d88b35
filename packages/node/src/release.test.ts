import type { ServerResponse } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';
import { fault } from '@apisec/core/host';
import { describe, expect, test, vi } from 'vitest';
import { call, exchange, serveHttp1, serveHttp2 } from '../test/servers.ts';
import { closeRelease, type ReleaseGate } from './release.ts';
import type { NodeResponse } from './response.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

interface Writer {
  setHeader: (name: string, value: string) => unknown;
  writeHead: (...args: unknown[]) => unknown;
  write: (...args: unknown[]) => unknown;
  end: (...args: unknown[]) => unknown;
  flushHeaders: () => unknown;
}

/** What goes out of a closed response, over HTTP/1 and over HTTP/2. */
async function outcomes(handler: (response: Writer, gate: ReleaseGate) => void) {
  const codes: string[] = [];
  const serve = (_: unknown, response: NodeResponse) => {
    response.setHeader('x-policy', 'stays');
    handler(
      response as unknown as Writer,
      closeRelease(response, (denial) => codes.push(denial.code)),
    );
  };
  const http1 = await exchange(await serveHttp1(serve), GET);
  const { headers, body } = await call(await serveHttp2(serve), { ':path': '/' });
  return {
    codes,
    http1,
    http2: `${String(headers[':status'])} ${JSON.stringify(headers)} ${body}`,
  };
}

describe('a closed response', () => {
  test.each<[string, (response: Writer) => void]>([
    ['end', (r) => r.end('s3cret')],
    ['end of bytes', (r) => r.end(Buffer.from('s3cret'), () => undefined)],
    [
      'write',
      (r) => {
        r.write('s3cret');
        r.write('s3cret', 'utf8', () => r.end('s3cret'));
      },
    ],
    [
      'writeHead',
      (r) => {
        r.writeHead(200, { 'x-data': 's3cret' });
        r.write('s3cret');
        r.end();
      },
    ],
    [
      'flushHeaders',
      (r) => {
        r.setHeader('x-data', 's3cret');
        r.flushHeaders();
        r.end('s3cret');
      },
    ],
    [
      'a header of the policy overwritten',
      (r) => {
        r.setHeader('x-policy', 's3cret');
        r.end('s3cret');
      },
    ],
  ])('lets nothing of %s out', async (_, handler) => {
    const { codes, http1, http2 } = await outcomes(handler);
    for (const answer of [http1, http2]) {
      expect(answer).toMatch(/^(?:HTTP\/1\.1 )?500 /);
      expect(answer).toContain('release.unfilterable');
      expect(answer).toMatch(/x-policy"?: ?"?stays/);
      expect(answer).not.toContain('s3cret');
    }
    expect(codes).toEqual(['release.unfilterable', 'release.unfilterable']);
  });

  test.each<[string, (response: Writer, gate: ReleaseGate) => void]>([
    [
      'without a body',
      (r) => {
        r.writeHead(202, { 'x-data': 'x' });
        r.end();
      },
    ],
    [
      'with an empty body',
      (r) => {
        r.writeHead(202, { 'x-data': 'x' });
        r.write('');
        r.end('');
      },
    ],
    [
      'once it is opened',
      (r, gate) => {
        r.writeHead(202, { 'x-data': 'x' });
        gate.open();
        r.write('data');
        r.end('data');
      },
    ],
  ])('passes %s', async (_, handler) => {
    const { codes, http1, http2 } = await outcomes(handler);
    for (const answer of [http1, http2]) {
      expect(answer).toMatch(/^(?:HTTP\/1\.1 )?202 /);
      expect(answer).toContain('x-data');
    }
    expect(codes).toEqual([]);
  });

  test.each<[string, (response: Writer, gate: ReleaseGate) => void]>([
    ['an end of what is not a body', (r) => r.end({ length: 0 })],
    ['a head that cannot be sent', (r, gate) => (gate.open(), r.writeHead(99_999))],
    [
      'an end with such a head',
      (r, gate) => {
        r.writeHead(99_999);
        gate.open();
        r.end('data');
      },
    ],
  ])('stays closed after %s', async (_, attempt) => {
    const { codes, http1, http2 } = await outcomes((response, gate) => {
      expect(() => attempt(response, gate)).toThrow();
      response.end('s3cret');
    });
    expect(http1).toMatch(/^HTTP\/1\.1 500 /);
    for (const answer of [http1, http2]) expect(answer).not.toContain('s3cret');
    expect(codes).toEqual(['release.unfilterable', 'release.unfilterable']);
  });

  test('runs the callback of a write that is not sent', async () => {
    let called = 0;
    await outcomes((response) => {
      response.write('a', () => called++);
      response.end('b', 'utf8', () => called++);
    });
    expect(called).toBe(4);
  });

  test('cannot be opened after it was denied or has ended', async () => {
    const opened: boolean[] = [];
    await outcomes((response, gate) => {
      gate.deny(fault('policy.threw'));
      opened.push(gate.open());
      response.end('s3cret');
    });
    await outcomes((response, gate) => {
      response.end();
      opened.push(gate.open());
    });
    expect(opened).toEqual([false, false, false, false]);
  });

  test.each<[string, (response: ServerResponse) => void]>([
    [
      'early hints',
      (r) => r.writeEarlyHints({ link: '</s3cret>; rel=preload', 'x-data': 's3cret' }),
    ],
    ['a status text', (r) => void (r.statusMessage = 's3cret')],
    ['a status text of writeHead', (r) => void r.writeHead(200, 's3cret', { 'x-head': 'sent' })],
  ])('passes a filtered body without %s', async (_, says) => {
    const base = await serveHttp1((_request, response) => {
      const gate = closeRelease(response, () => undefined);
      says(response);
      gate.open('{}');
      response.end('{}');
    });
    const answer = await exchange(base, GET);
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(answer).toMatch(/\r\n\r\n(?:2\r\n)?\{\}/);
    expect(answer).not.toContain('s3cret');
  });

  test('sends no interim response by the method that newer versions of Node have for it', async () => {
    const sent = vi.fn();
    const base = await serveHttp1((_request, response) => {
      const newer = Object.assign(response, { writeInformation: sent });
      const gate = closeRelease(newer, () => undefined);
      newer.writeInformation(103, { link: '</s3cret>' });
      gate.open('{}');
      response.end('{}');
    });
    expect(await exchange(base, GET)).toMatch(/^HTTP\/1\.1 200 OK/);
    expect(sent).not.toHaveBeenCalled();
  });

  test('runs the callback of early hints, and sends none over HTTP/2', async () => {
    let called = 0;
    const session = await serveHttp2((_, response) => {
      const gate = closeRelease(response, () => undefined);
      response.writeEarlyHints({ link: '</s3cret>; rel=preload' });
      // Callers of HTTP/1 give a callback, which the type of HTTP/2 does not have.
      const likeHttp1 = response as unknown as ServerResponse;
      likeHttp1.writeEarlyHints({ link: '</s3cret>' }, () => called++);
      gate.open('{}');
      response.end('{}');
    });
    const hints: unknown[] = [];
    session.on('stream', (stream) => stream.on('headers', (fields) => hints.push(fields)));
    const stream = session.request({ ':path': '/' });
    stream.on('headers', (fields) => hints.push(fields));
    await new Promise((resolve) => stream.resume().once('close', resolve));
    expect([called, hints]).toEqual([1, []]);
  });

  test('pushes nothing, also once it is open', async () => {
    const errors: unknown[] = [];
    const base = await serveHttp2((_, response) => {
      const gate = closeRelease(response, () => undefined);
      const pushed = (error: Error | null, other: Http2ServerResponse) => {
        errors.push(error);
        other?.end('s3cret');
      };
      response.createPushResponse({ ':path': '/x' }, pushed);
      gate.open();
      response.createPushResponse({ ':path': '/x' }, pushed);
      response.end();
    });
    await call(base, { ':path': '/' });
    expect(errors).toEqual([expect.any(Error), expect.any(Error)]);
  });

  test('cuts the connection when it is denied half-way', async () => {
    const { http1 } = await outcomes((response, gate) => {
      gate.open();
      response.write('half', () => gate.deny(fault('policy.threw')));
    });
    expect(http1).toContain('half');
    expect(http1).not.toMatch(/0\r\n\r\n$/);
  });
});
