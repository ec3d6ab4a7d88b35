import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from 'node:http2';
import { UsageError } from '../command.ts';
import type { Answer, Probe } from './probe.ts';

const TIMEOUT_MS = 5_000;
const MAX_BODY = 64 * 1024;

/** The statuses by their number. */
const CODES = (
  'OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED ' +
  'RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE ' +
  'DATA_LOSS UNAUTHENTICATED'
).split(' ');

/** What HTTP would have answered. */
const STATUS: Readonly<Record<string, number>> = {
  OK: 200,
  PERMISSION_DENIED: 403,
  RESOURCE_EXHAUSTED: 429,
  UNAUTHENTICATED: 401,
  UNIMPLEMENTED: 501,
};

/** One message as gRPC frames it. */
export function framed(message: Uint8Array, isCompressed = false): Buffer {
  const head = Buffer.alloc(5);
  head[0] = isCompressed ? 1 : 0;
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/**
 * Makes one call of gRPC on a connection of its own. `body` of the probe: framed messages, in base64. A stream that has
 * given a message counts as `OK`, whether it ends or not. A name that comes twice becomes one list, as proxies join it.
 *
 * @throws UsageError when nothing there speaks HTTP/2, or answers.
 */
export async function sendGrpc(target: URL, probe: Probe): Promise<Answer> {
  const { session } = await connected(target);
  try {
    return await answerOf(session, target, probe);
  } finally {
    session.destroy();
  }
}

/** How many of so many calls, none of which sends its message, are open on one connection after half a second. */
export async function openStreams(
  target: URL,
  headers: NonNullable<Probe['headers']>,
  count: number,
): Promise<number> {
  const { session, maxStreams } = await connected(target);
  try {
    let open = Math.min(count, maxStreams);
    for (let sent = open; sent > 0; sent--) {
      const stream = session.request(requestHeaders(target, { headers }));
      stream.on('error', () => undefined);
      // It ends with an answer, or with its connection.
      stream.once('response', () => stream.close());
      stream.once('close', () => void open--);
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
    return open;
  } finally {
    session.destroy();
  }
}

/** A connection to a server that speaks HTTP/2; what befalls it from then on ends its streams. */
function connected(
  target: URL,
): Promise<{ readonly session: ClientHttp2Session; readonly maxStreams: number }> {
  const session = connect(target.origin);
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => {
      session.destroy();
      reject(new UsageError(`${target.host} does not answer: ${why}`));
    };
    const timer = setTimeout(() => fail('it does not speak HTTP/2'), TIMEOUT_MS);
    session.on('error', (error) => fail(error.message));
    session.on('close', () => {
      clearTimeout(timer);
      fail('the connection was closed');
    });
    session.once('remoteSettings', ({ maxConcurrentStreams = Infinity }) => {
      clearTimeout(timer);
      resolve({ session, maxStreams: maxConcurrentStreams });
    });
  });
}

const requestHeaders = (target: URL, { method, path, headers = [] }: Probe) => ({
  'content-type': 'application/grpc',
  te: 'trailers',
  ...joined(headers),
  ':method': method ?? 'POST',
  ':path': path ?? target.pathname,
});

function joined(headers: NonNullable<Probe['headers']>): Record<string, string> {
  const all: Record<string, string> = {};
  for (const [name, value] of headers) {
    all[name] = name in all ? `${all[name]}, ${value}` : value.trim();
  }
  return all;
}

function answerOf(session: ClientHttp2Session, target: URL, probe: Probe): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const stream = session.request(requestHeaders(target, probe));
    let first: IncomingHttpHeaders = {};
    let last: IncomingHttpHeaders = {};
    let received = Buffer.alloc(0);
    const end = (): void => {
      clearTimeout(timer);
      resolve(answer(first, last, received));
    };
    const timer = setTimeout(() => {
      if (received.length > 0) end();
      else reject(new UsageError(`${target.host} does not answer within five seconds.`));
    }, TIMEOUT_MS);
    stream.on('response', (head) => (first = head));
    stream.on('trailers', (head) => (last = head));
    stream.on('data', (part: Buffer) => {
      received = Buffer.concat([received, part]);
      if (received.length >= MAX_BODY) end();
    });
    // A stream that is reset was denied.
    stream.on('error', () => undefined);
    stream.on('close', end);
    stream.end(Buffer.from(probe.body ?? '', 'base64'));
  });
}

function answer(first: IncomingHttpHeaders, last: IncomingHttpHeaders, received: Buffer): Answer {
  const headers = { ...first, ...last } as Answer['headers'];
  const http = Number(first[':status'] ?? 200);
  if (http !== 200) return { status: http, label: `HTTP ${http}`, headers, body: '' };
  const code = headers['grpc-status'] ?? (received.length > 0 ? 0 : Number.NaN);
  const name = CODES[Number(code)];
  const message = percentDecoded(String(headers['grpc-message'] ?? ''));
  return {
    status: STATUS[name ?? ''] ?? 400,
    label: name ?? 'a reset stream',
    headers,
    body: `${message}\n${received.toString('latin1')}`,
  };
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
