import { Readable } from 'node:stream';
import { type BodyBounds, hasBody, type NodeIncoming, type ReadBody, readBody } from '@apisec/node';

/** The body as it came. One with a content coding is denied: its bytes are not those that parsers see. */
export async function readRawBody(
  incoming: NodeIncoming,
  payload: Readable,
  bounds: BodyBounds,
): Promise<ReadBody> {
  if (!hasBody(incoming)) return { ok: true, bytes: new Uint8Array(0) };
  if (incoming.headers['content-encoding'] !== undefined) {
    return { ok: false, denial: { kind: 'unsupported', code: 'message.unsupported' } };
  }
  return readBody(payload, bounds);
}

/** The same bytes again, for Fastify's parsers, which compare the length with `content-length`. */
export function replay(bytes: Uint8Array): Readable {
  const stream = Readable.from(bytes.byteLength === 0 ? [] : [bytes], { objectMode: false });
  return Object.assign(stream, { receivedEncodedLength: bytes.byteLength });
}
