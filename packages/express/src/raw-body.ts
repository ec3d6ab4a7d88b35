import { isJson, parseJsonBody } from '@apisec/core/host';
import { type BodyBounds, hasBody, type ReadBody, readRawBody } from '@apisec/node';
import type { Request } from 'express';

/** What other parsers leave on a request: the bytes that a `verify` hook kept, and the mark of a parsed body. */
interface Parsed {
  rawBody?: unknown;
  body?: unknown;
  _body?: boolean;
}

/**
 * Reads the body as it came, and leaves on the request what a parser would: so that handlers find it, and no
 * other parser waits for bytes that were taken. A body that another parser took counts only where it kept the bytes.
 */
export async function takeBody(request: Request, bounds: BodyBounds): Promise<ReadBody> {
  const parsed = request as Request & Parsed;
  if (parsed.rawBody instanceof Uint8Array) return { ok: true, bytes: parsed.rawBody };
  const read = await readRawBody(request, bounds);
  // Where there was none, nothing is left for handlers either.
  if (!read.ok || !hasBody(request)) return read;
  try {
    parsed.body = bodyOf(request, read.bytes);
  } catch (cause) {
    return { ok: false, denial: { kind: 'malformed', code: 'message.malformed', cause } };
  }
  parsed.rawBody = read.bytes;
  Object.assign(parsed, { _body: true });
  return read;
}

function bodyOf(request: Request, bytes: Uint8Array): unknown {
  if (isJson({ get: (name) => request.get(name) })) {
    return bytes.byteLength === 0 ? undefined : parseJsonBody(utf8(bytes));
  }
  if (request.is('urlencoded')) return formOf(new URLSearchParams(utf8(bytes)));
  return request.is('text/*') ? utf8(bytes) : bytes;
}

/** Fields as text, in lists where a name is there several times; of no prototype, so that a name is only a name. */
function formOf(fields: URLSearchParams): object {
  const form: Record<string, string | string[]> = Object.create(null) as Record<string, string>;
  for (const name of new Set(fields.keys())) {
    const values = fields.getAll(name);
    form[name] = values.length > 1 ? values : (values[0] as string);
  }
  return form;
}

function utf8(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
}
