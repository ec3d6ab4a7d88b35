import { Readable } from 'node:stream';
import type { Denial } from '@apisec/core';
import { isJson, parseJsonBody } from '@apisec/core/host';

/** The same bytes again, for Fastify's parsers, which compare the length with `content-length`. */
export function replay(bytes: Uint8Array): Readable {
  const stream = Readable.from(bytes.byteLength === 0 ? [] : [bytes], { objectMode: false });
  return Object.assign(stream, { receivedEncodedLength: bytes.byteLength });
}

/**
 * The denial of a body in JSON that two readers could read differently: a policy sees what Fastify's parser takes of
 * it, and the handler may read the bytes again.
 */
export function ambiguity(type: string | undefined, bytes: Uint8Array): Denial | undefined {
  if (bytes.byteLength === 0 || !isJson({ get: () => type ?? null })) return undefined;
  try {
    parseJsonBody(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    return undefined;
  } catch (cause) {
    return { kind: 'malformed', code: 'message.malformed', cause };
  }
}
