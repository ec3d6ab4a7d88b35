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
  const { rawBody: kept } = parsed;
  const isKept = kept instanceof Uint8Array;
  const read = isKept ? { ok: true as const, bytes: kept } : await readRawBody(request, bounds);
  // Where there was none, nothing is left for handlers either.
  if (!read.ok || !hasBody(request)) return read;
  try {
    if (isKept) {
      // What another parser has made of it stays. What two readers read differently is denied all the same.
      if (isJsonBody(request)) jsonOf(kept);
      return read;
    }
    parsed.body = bodyOf(request, read.bytes);
  } catch (cause) {
    return { ok: false, denial: { kind: 'malformed', code: 'message.malformed', cause } };
  }
  parsed.rawBody = read.bytes;
  Object.assign(parsed, { _body: true });
  return read;
}

function isJsonBody(request: Request): boolean {
  return isJson({ get: (name) => request.get(name) });
}

function jsonOf(bytes: Uint8Array): unknown {
  return bytes.byteLength === 0 ? undefined : parseJsonBody(utf8(bytes));
}

function bodyOf(request: Request, bytes: Uint8Array): unknown {
  if (isJsonBody(request)) return jsonOf(bytes);
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
