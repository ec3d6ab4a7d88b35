import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import { onTestFinished } from 'vitest';

/** A bare HTTP/2 connection, with which a test can end streams in ways that no gRPC client would. */
export async function rawConnection(port: number, host = '127.0.0.1'): Promise<ClientHttp2Session> {
  const session = connect(`http://${host}:${port}`);
  session.on('error', () => undefined);
  onTestFinished(() => session.destroy());
  await once(session, 'connect');
  return session;
}

/** Opens a call; nothing of it but its header fields is sent yet. */
export function rawStream(
  session: ClientHttp2Session,
  path: string,
  fields: Readonly<Record<string, string>> = {},
): ClientHttp2Stream {
  const stream = session.request(
    {
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...fields,
    },
    { endStream: false },
  );
  stream.on('error', () => undefined);
  return stream;
}

/** A message as gRPC frames it. */
export function framed(message: Uint8Array = new Uint8Array(0), compressed = false): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(compressed ? 1 : 0, 0);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** An `Item` of the shop whose text is this, in protobuf. */
export function item(text: string): Buffer {
  const bytes = Buffer.from(text);
  if (bytes.length > 127) throw new Error('Too long for one byte of length.');
  return Buffer.concat([Buffer.of(0x0a, bytes.length), bytes]);
}

/** The status that a server sent, in header fields or in trailers. */
export function statusOf(stream: ClientHttp2Stream): Promise<number | undefined> {
  return new Promise((resolve) => {
    let code: number | undefined;
    const read = (fields: Readonly<Record<string, unknown>>): void => {
      if (fields['grpc-status'] !== undefined) code = Number(fields['grpc-status']);
    };
    stream.on('response', read);
    stream.on('trailers', read);
    stream.on('close', () => resolve(code));
    stream.resume();
  });
}
