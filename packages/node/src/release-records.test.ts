import type { BodyOutcome } from '@apisec/core';
import { afterEach, describe, expect, test } from 'vitest';
import { exchange, serveHttp1, serveHttp2 } from '../test/servers.ts';
import { closeRelease } from './release.ts';
import type { NodeResponse } from './response.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
const NDJSON = 'application/x-ndjson';

/** Keeps `id` alone, and denies what is of tenant `b`. */
function onlyId(payload: unknown): BodyOutcome {
  const { id, tenant } = payload as { readonly id?: unknown; readonly tenant?: unknown };
  if (tenant === 'b') return { ok: false, denial: { kind: 'internal', code: 'tenant.leak' } };
  return { ok: true, value: { id } };
}

interface Writer {
  setHeader: (name: string, value: string | number) => unknown;
  writeHead: (...args: unknown[]) => unknown;
  write: (...args: unknown[]) => boolean;
  end: (...args: unknown[]) => void;
  flushHeaders: () => unknown;
  addTrailers: (headers: object) => unknown;
  once: (event: string, heard: () => void) => unknown;
}

interface Answered {
  readonly status: string;
  readonly headers: string;
  readonly body: string;
  /** Whether the end of the body came, and no error. */
  readonly isWhole: boolean;
}

const codes: string[] = [];
afterEach(() => {
  codes.length = 0;
});

/** What goes out of the handler, over HTTP/1 and over HTTP/2. */
async function answers(
  handler: (response: Writer) => void,
  onRelease: (payload: unknown) => BodyOutcome | Promise<BodyOutcome> = onlyId,
): Promise<readonly Answered[]> {
  const serve = (_: unknown, response: NodeResponse) => {
    closeRelease(response, (denial) => codes.push(denial.code), onRelease);
    handler(response as unknown as Writer);
  };
  const text = await exchange(await serveHttp1(serve), GET);
  const [head = '', ...rest] = text.split('\r\n\r\n');
  const raw = rest.join('\r\n\r\n');
  const isChunked = /transfer-encoding: chunked/i.test(head);
  const http1: Answered = {
    status: head.split(' ')[1] ?? '',
    headers: head.toLowerCase(),
    body: isChunked ? raw.replaceAll(/(?:^|\r\n)[\da-f]+\r\n/g, '').trimEnd() : raw.trimEnd(),
    isWhole: !isChunked || raw.endsWith('0\r\n\r\n'),
  };
  const stream = (await serveHttp2(serve)).request({ ':path': '/' });
  let body = '';
  let headers: Record<string, unknown> = {};
  let failed = false;
  stream.on('response', (fields) => (headers = { ...fields }));
  stream.on('trailers', (fields) => (headers = { ...headers, ...fields }));
  stream.on('error', () => (failed = true));
  stream.setEncoding('utf8').on('data', (chunk) => (body += String(chunk)));
  await new Promise((resolve) => stream.once('close', resolve));
  const http2 = {
    status: String(headers[':status']),
    headers: JSON.stringify(headers),
    body: body.trimEnd(),
    isWhole: !failed && stream.rstCode === 0,
  };
  return [http1, http2];
}

describe('NDJSON of a closed response', () => {
  const row = '{"id":1,"s":"s3cret"}\n';

  test.each<[string, unknown]>([
    ['an object', { 'content-type': NDJSON, 'set-cookie': ['a=1', 'b=2'] }],
    [
      'pairs',
      [
        ['content-type', NDJSON],
        ['Set-Cookie', 'a=1'],
        ['set-cookie', 'b=2'],
      ],
    ],
  ])('keeps the cookies of a head that is %s apart', async (_form, head) => {
    for (const { headers, body } of await answers((r) => (r.writeHead(200, head), r.end(row)))) {
      expect(headers).toMatch(/set-cookie: a=1\r\nset-cookie: b=2|"set-cookie":\["a=1","b=2"\]/);
      expect(body).toBe('{"id":1}');
    }
  });

  test.each<[string, (response: Writer) => void]>([
    ['written and ended', (r) => (r.setHeader('content-type', NDJSON), r.write(row), r.end(row))],
    ['ended at once', (r) => (r.setHeader('content-type', NDJSON), r.end(row + row))],
    [
      'with a head and its length',
      (r) => {
        r.writeHead(200, {
          'Content-Type': NDJSON,
          'Content-Length': row.length * 2,
          ETag: '"s3cret"',
        });
        r.write(row);
        r.end(row);
      },
    ],
    [
      'with a head as a list',
      (r) => (r.writeHead(200, ['content-type', NDJSON]), r.write(row), r.end(row)),
    ],
    [
      'of bytes in pieces, its head sent first',
      (r) => {
        r.setHeader('content-type', NDJSON);
        r.flushHeaders();
        for (const byte of Buffer.from(row + row)) r.write(Uint8Array.of(byte));
        r.end();
      },
    ],
    [
      'with a length and a hash that are set when half of a line is written',
      (r) => {
        r.setHeader('content-type', NDJSON);
        r.write(row.slice(0, 5));
        r.setHeader('content-length', row.length * 2);
        r.setHeader('etag', '"s3cret"');
        r.write(row.slice(5));
        r.end(row);
      },
    ],
    [
      'in another encoding, with trailers and callbacks',
      (r) => {
        r.setHeader('content-type', NDJSON);
        r.setHeader('trailer', 'x-s3cret');
        r.write(Buffer.from(row).toString('base64'), 'base64', () => {
          r.addTrailers({ 'x-s3cret': 's3cret' });
          r.end(Buffer.from(row).toString('hex'), 'hex');
        });
      },
    ],
  ])('%s is filtered', async (_how, handler) => {
    for (const answer of await answers(handler)) {
      expect(answer).toMatchObject({ status: '200', body: '{"id":1}\n{"id":1}', isWhole: true });
      expect(answer.headers).not.toContain('s3cret');
      expect(answer.headers).not.toContain('content-length');
    }
    expect(codes).toEqual([]);
  });

  test('that is denied before anything is sent is a denial with its status', async () => {
    const handler = (r: Writer) => {
      r.writeHead(200, { 'content-type': NDJSON, 'x-data': 's3cret' });
      r.write('{"id":1,"tenant":"b","s":"s3cret"}\n');
      r.write(row);
      r.end(row);
    };
    for (const { status, headers, body } of await answers(handler)) {
      expect(status).toBe('500');
      expect(body).toContain('tenant.leak');
      expect(headers + body).not.toContain('s3cret');
    }
    expect(codes).toEqual(['tenant.leak', 'tenant.leak']);
  });

  test.each<[string, string]>([
    ['tenant.leak', '{"id":2,"tenant":"b","s":"s3cret"}\n'],
    ['release.unfilterable', 's3cret\n'],
  ])('that is denied in the middle with %s is cut, and not ended', async (code, bad) => {
    const handler = (r: Writer) => {
      r.setHeader('content-type', NDJSON);
      r.write(row, () => {
        r.write(bad);
        r.write(row);
        r.end(row);
      });
    };
    for (const answer of await answers(handler)) {
      expect(answer).toMatchObject({ status: '200', body: '{"id":1}', isWhole: false });
    }
    expect(codes).toEqual([code, code]);
  });

  test.each<[string, (response: Writer) => void]>([
    ['compressed', (r) => (r.setHeader('content-encoding', 'gzip'), r.end('s3cret'))],
    ['a part of it', (r) => (r.writeHead(206), r.end(row))],
    ['a range', (r) => (r.setHeader('content-range', 'bytes 0-1/9'), r.end(row))],
    [
      'of a type that is there twice',
      (r) => (r.setHeader('content-type', `${NDJSON}, text/plain`), r.end(row)),
    ],
    ['neither text nor bytes', (r) => r.end({ id: 's3cret' })],
    ['with a head that cannot be sent', (r) => (r.writeHead(99_999), r.end(row))],
  ])('%s is denied', async (_how, handler) => {
    const all = await answers((r) => {
      r.setHeader('content-type', NDJSON);
      handler(r);
    });
    for (const { status, body } of all) {
      expect(status).toBe('500');
      expect(body).toContain('release.unfilterable');
      expect(body).not.toContain('s3cret');
    }
  });

  test('keeps its order, and signals when more may be written, if the policy is asynchronous', async () => {
    const slow = async (payload: unknown) => {
      await new Promise((resolve) => setImmediate(resolve));
      return onlyId(payload);
    };
    let drained = 0;
    const handler = (r: Writer) => {
      r.setHeader('content-type', NDJSON);
      r.once('drain', () => {
        drained++;
        r.write('{"id":3}\n');
        r.end('{"id":4}');
      });
      expect(r.write('{"id":1}\n')).toBe(false);
      r.write('{"id":2}\n');
    };
    for (const { body, isWhole } of await answers(handler, slow)) {
      expect(body).toBe('{"id":1}\n{"id":2}\n{"id":3}\n{"id":4}');
      expect(isWhole).toBe(true);
    }
    expect(drained).toBe(2);
  });
});

test('Two guards both filter a stream of events', async () => {
  const serve = (_: unknown, response: NodeResponse) => {
    const writer = response as unknown as Writer;
    const without = (name: string) => (payload: unknown) => {
      const { [name]: _taken, ...value } = payload as Record<string, unknown>;
      return { ok: true, value } as const;
    };
    for (const name of ['a', 'b']) {
      closeRelease(response, (denial) => codes.push(denial.code), without(name));
    }
    writer.writeHead(200, { 'content-type': 'text/event-stream' });
    writer.write(': hello\n\ndata: {"id":1,"a":"s3cret","b":"s3cret"}\n\n', () =>
      writer.end('data: [DONE]\n\n'),
    );
  };
  const answer = await exchange(await serveHttp1(serve), GET);
  expect(answer).toContain('data: {"id":1}\n\n');
  expect(answer).not.toMatch(/s3cret|DONE|hello/);
  expect(codes).toEqual(['release.unfilterable']);
});
