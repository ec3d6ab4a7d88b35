import { connect } from 'node:net';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const HEADERS = 1;
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
  const head: readonly (readonly [string, string])[] = [
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', path],
    [':authority', 'shop.example'],
    ['content-type', 'application/grpc'],
    ['te', 'trailers'],
    ...fields,
  ];
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
        frame(HEADERS, END_HEADERS, 1, Buffer.concat(head.map(literal))),
        // One empty message: not compressed, of length 0.
        frame(DATA, END_STREAM, 1, Buffer.alloc(5)),
      ]),
    );
  });
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
