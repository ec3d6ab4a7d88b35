import type { Denial } from '@apisec/core';
import type { Request } from 'graphql-sse';
import { headerOf } from './stream-response.ts';

/**
 * Why the body of a request is not read: browsers send it on behalf of any origin, graphql-sse would read something
 * else than was sent, or it is too long.
 */
export function unreadable(
  request: Request<unknown, unknown>,
  maxBytes: number,
): Denial | undefined {
  if (request.method !== 'POST') return undefined;
  const isJson = JSON_TYPE.test(headerOf(request, 'content-type') ?? '');
  if (!isJson || headerOf(request, 'content-encoding') !== undefined) return NOT_JSON;
  const length = headerOf(request, 'content-length') ?? '';
  return /^\d{1,15}$/.test(length) && Number(length) <= maxBytes ? undefined : TOO_LARGE;
}

const JSON_TYPE = /^application\/json *(?:; *charset="?utf-8"? *)?$/i;
const NOT_JSON: Denial = Object.freeze({
  kind: 'unsupported',
  code: 'content_type.not_allowed',
  detail: 'Operations are sent as application/json, in UTF-8 and without a content coding.',
});
const TOO_LARGE: Denial = Object.freeze({
  kind: 'too_large',
  code: 'body.too_large',
  detail: 'The body is larger than allowed, or does not say how large it is.',
});
