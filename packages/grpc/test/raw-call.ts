import { connect } from 'node:net';
import { onTestFinished } from 'vitest';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const HEADERS = 1;
const RST_STREAM = 3;
const CANCEL = 8;
const SETTINGS = 4;
const DATA = 0;
const END_STREAM = 1;
const END_HEADERS = 4;

/**
 * Makes a unary call with exactly these header fields, byte by byte: no client library sends a field twice that
 * HTTP says is single. Resolves when the server has answered something on the stream.
 */
export function rawCall(
  port: number,
  path: string,
  fields: readonly (readonly [name: string, value: string])[],
): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let received = Buffer.alloc(0);
    socket.on('error', reject);
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (!headersIn(received)) return;
      socket.destroy();
      resolve();
    });
    socket.write(
      Buffer.concat([
        PREFACE,
        frame(SETTINGS, 0, 0, Buffer.alloc(0)),
        frame(HEADERS, END_HEADERS, 1, Buffer.concat([...head(path), ...fields].map(literal))),
        // One empty message: not compressed, of length 0.
        frame(DATA, END_STREAM, 1, Buffer.alloc(5)),
      ]),
    );
  });
}

/** A connection on which a test sends frames of its own, in one packet where it sends them at once. */
export function rawSocket(port: number): { readonly send: (...frames: Buffer[]) => void } {
  const socket = connect(port, '127.0.0.1');
  socket.setNoDelay(true);
  socket.on('error', () => undefined);
  socket.resume();
  onTestFinished(() => void socket.destroy());
  socket.write(Buffer.concat([PREFACE, frame(SETTINGS, 0, 0, Buffer.alloc(0))]));
  return { send: (...frames) => void socket.write(Buffer.concat(frames)) };
}

/** The frames of one call: its header fields, a message, its end, and a reset. */
export const frames = {
  open: (stream: number, path: string, fields: Readonly<Record<string, string>>): Buffer =>
    frame(
      HEADERS,
      END_HEADERS,
      stream,
      Buffer.concat([...head(path), ...Object.entries(fields)].map(literal)),
    ),
  message: (stream: number, bytes: Buffer): Buffer => frame(DATA, 0, stream, bytes),
  end: (stream: number): Buffer => frame(DATA, END_STREAM, stream, Buffer.alloc(0)),
  reset: (stream: number, code: number = CANCEL): Buffer => {
    const payload = Buffer.alloc(4);
    payload.writeUInt32BE(code);
    return frame(RST_STREAM, 0, stream, payload);
  },
};

function head(path: string): readonly (readonly [string, string])[] {
  return [
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', path],
    [':authority', 'shop.example'],
    ['content-type', 'application/grpc'],
    ['te', 'trailers'],
  ];
}

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A literal header field without indexing and without Huffman coding (RFC 7541 §6.2.2). */
function literal([name, value]: readonly [string, string]): Buffer {
  return Buffer.concat([Buffer.of(0), text(name), text(value)]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1');
  if (bytes.length >= 127) throw new Error('Too long for one byte of length.');
  return Buffer.concat([Buffer.of(bytes.length), bytes]);
}

function headersIn(bytes: Buffer): boolean {
  for (let at = 0; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) {
    if (bytes.readUInt8(at + 3) === HEADERS) return true;
  }
  return false;
}
