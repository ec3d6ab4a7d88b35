import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Http2ServerHandle } from './grpc-handle.ts';

/** Nothing may follow the name but a suffix and parameters: grpc-js would take `application/grpc-web` as well. */
const CONTENT_TYPE = /^application\/grpc(?:\+[\w.-]+)?[ \t]*(?:;.*)?$/;
const FIELD_NAME = /^:?[\da-z_.-]+$/;
const FIELD_VALUE = /^[ -~]*$/;
const TIMEOUT = /^(\d{1,8})([HMSmun])$/;
const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000 };
/** grpc-js counts the milliseconds of a deadline in 31 bits, and takes more for a time that has passed. */
const LONGEST_TIMEOUT = '2147483S';
const LONGEST_TIMEOUT_MS = 2_147_483_000;

/**
 * Hands calls on to grpc-js, with their header fields as they came. What is not gRPC is answered in HTTP (405 for
 * another method than POST, 415 for another content type) and reset; it would otherwise be read for as long as its
 * caller sends.
 */
export function admitCalls(http2Server: Http2ServerHandle): void {
  const listeners = http2Server.listeners('stream');
  http2Server.removeAllListeners('stream');
  http2Server.on('stream', (stream, headers, flags, rawHeaders = []) => {
    joinFields(headers, rawHeaders);
    if (headers[':method'] !== 'POST')
      return answerInHttp(stream, { ':status': 405, allow: 'POST' });
    if (!CONTENT_TYPE.test(headers['content-type'] ?? '')) {
      return answerInHttp(stream, { ':status': 415 });
    }
    readTimeout(stream, headers);
    for (const listener of listeners) {
      listener.call(http2Server, stream, headers, flags, rawHeaders);
    }
  });
}

function answerInHttp(
  stream: ServerHttp2Stream,
  fields: Readonly<Record<string, string | number>>,
): void {
  stream.on('error', () => undefined);
  if (stream.closed || stream.destroyed) return;
  stream.respond(fields, { endStream: true });
  stream.close();
}

/** Shows repeated fields as repeated, and leaves out those that metadata cannot hold, which grpc-js would log. */
function joinFields(headers: IncomingHttpHeaders, rawHeaders: readonly string[]): void {
  if (areAsTheyCame(headers, rawHeaders)) return;
  const seen = new Map<string, string>();
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    if (!FIELD_NAME.test(name) || name === '__proto__') {
      delete headers[name];
      continue;
    }
    const value = (rawHeaders[index + 1] as string).replace(/[^ -~]/g, '?');
    const earlier = seen.get(name);
    // The parts of one cookie field may come apart in HTTP/2 (RFC 9113 §8.2.3).
    const separator = name === 'cookie' ? '; ' : ', ';
    const all = earlier === undefined ? value : earlier + separator + value;
    seen.set(name, all);
    if (!name.startsWith(':') && typeof headers[name] === 'string') headers[name] = all;
  }
}

/** True if metadata can hold each field and none is repeated: Node then has all of them, unchanged. */
function areAsTheyCame(headers: IncomingHttpHeaders, rawHeaders: readonly string[]): boolean {
  if (Object.keys(headers).length * 2 !== rawHeaders.length) return false;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    if (!FIELD_NAME.test(name) || name === '__proto__') return false;
    if (!FIELD_VALUE.test(rawHeaders[index + 1] as string)) return false;
  }
  return true;
}

const malformed: unique symbol = Symbol('apisec.malformed');
type CallStream = ServerHttp2Stream & { [malformed]?: true };

/** True for a call whose deadline cannot be read. */
export function hasMalformedDeadline(stream: ServerHttp2Stream): boolean {
  return (stream as CallStream)[malformed] === true;
}

/** grpc-js finds a deadline anywhere in a text, and says that there is none when a handler has started already. */
function readTimeout(stream: CallStream, headers: IncomingHttpHeaders): void {
  const { 'grpc-timeout': timeout } = headers;
  if (timeout === undefined) return;
  const [, digits, unit = ''] = TIMEOUT.exec(String(timeout)) ?? [];
  if (digits === undefined) {
    stream[malformed] = true;
    delete headers['grpc-timeout'];
  } else if (Number(digits) * (UNIT_MS[unit] ?? 1) > LONGEST_TIMEOUT_MS) {
    headers['grpc-timeout'] = LONGEST_TIMEOUT;
  }
}
