import { Readable } from 'node:stream';

/** The same bytes again, for Fastify's parsers, which compare the length with `content-length`. */
export function replay(bytes: Uint8Array): Readable {
  const stream = Readable.from(bytes.byteLength === 0 ? [] : [bytes], { objectMode: false });
  return Object.assign(stream, { receivedEncodedLength: bytes.byteLength });
}
