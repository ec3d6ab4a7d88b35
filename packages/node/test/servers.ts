import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import {
  type ClientHttp2Session,
  connect as connectHttp2,
  createServer as createHttp2Server,
  type Http2ServerRequest,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { type AddressInfo, connect, type Server } from 'node:net';
import { onTestFinished } from 'vitest';

/** A server of the running test alone; answers its port. */
async function listen(server: Server, host = '127.0.0.1'): Promise<number> {
  const sockets = new Set<{ destroy: () => void }>();
  server.on('connection', (socket) => sockets.add(socket));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  server.listen(0, host);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Serves one handler over HTTP/1. */
export async function serveHttp1(
  handler: (request: IncomingMessage, response: ServerResponse) => void,
  host?: string,
): Promise<string> {
  const port = await listen(createServer(handler), host);
  return `http://127.0.0.1:${port}`;
}

/** Serves one handler over HTTP/2; the session is closed with the test. */
export async function serveHttp2(
  handler: Parameters<typeof createHttp2Server>[1] & object,
): Promise<ClientHttp2Session> {
  const port = await listen(createHttp2Server({}, handler));
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  session.on('error', () => undefined);
  onTestFinished(() => session.destroy());
  return session;
}

/** What a client gets that sends exactly these bytes. */
export async function exchange(base: string, text: string): Promise<string> {
  const socket = connect(Number(new URL(base).port), '127.0.0.1');
  let answer = '';
  socket.setEncoding('latin1').on('data', (chunk) => {
    answer += String(chunk);
  });
  socket.write(text, 'latin1');
  await once(socket, 'close');
  return answer;
}

/** One call over HTTP/2. */
export async function call(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
): Promise<{ readonly headers: Record<string, unknown>; readonly body: string }> {
  const stream = session.request(headers);
  let body = '';
  let received: Record<string, unknown> = {};
  stream.on('response', (fields) => {
    received = { ...fields };
  });
  stream.setEncoding('utf8').on('data', (chunk) => {
    body += String(chunk);
  });
  // Of a stream that is cut, what came before.
  stream.on('error', () => undefined);
  await new Promise((resolve) => stream.once('close', resolve));
  return { headers: received, body };
}

/**
 * Sends one HTTP/2 request with exactly these fields (Node's own client does not repeat some), and waits for
 * what the server makes of it.
 */
export async function receiveHttp2<T>(
  fields: readonly (readonly [string, string])[],
  read: (request: Http2ServerRequest) => T,
): Promise<T> {
  const { promise, resolve } = withResolvers<T>();
  const port = await listen(createHttp2Server({}, (request) => resolve(read(request))));
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  // HPACK (RFC 7541 §6.2.2): literal fields, never indexed, no Huffman coding.
  const literal = (text: string) => [text.length, ...Buffer.from(text)];
  const block = fields.flatMap(([name, value]) => [0, ...literal(name), ...literal(value)]);
  const settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
  const END_STREAM_AND_HEADERS = 5;
  const head = [0, block.length >> 8, block.length & 255, 1, END_STREAM_AND_HEADERS, 0, 0, 0, 1];
  socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  socket.write(Uint8Array.from([...settings, ...head, ...block]));
  return promise;
}

/** Promise.withResolvers, which Node 20 has not. */
function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
