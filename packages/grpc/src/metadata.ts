import type { Enforcement, RequestLike } from '@apisec/core';
import { Metadata, type ServerInterceptingCallInterface } from '@grpc/grpc-js';

/** Response fields that belong to HTTP/2 and gRPC themselves, not to policies. */
const RESERVED =
  /^(?:grpc-.*|.*-bin|connection|content-(?:type|length|encoding)|host|http2-settings|keep-alive|proxy-connection|te|trailer|transfer-encoding|upgrade)$/;
const LEGAL_KEY = /^[0-9a-z_.-]+$/;
const LEGAL_VALUE = /^[ -~]*$/;

/**
 * A call as policies see it: `POST` to the method's path, metadata as headers.
 *
 * Repeated entries are joined, as in every header view. Binary entries (`-bin`) are no text and not shown.
 * `host` is the `:authority`, which wins over a `host` field beside it (RFC 9113 §8.3.1).
 */
export function requestView(
  path: string,
  metadata: Metadata,
  call: ServerInterceptingCallInterface,
): RequestLike {
  const get = (name: string): string | undefined => {
    const key = name.toLowerCase();
    if (key === 'host') return call.getHost();
    const values = key.endsWith('-bin') ? [] : metadata.get(key);
    return values.length === 0 ? undefined : values.join(', ');
  };
  return {
    method: 'POST',
    url: path,
    headers: { get, has: (name) => get(name) !== undefined },
  };
}

/**
 * Response metadata with the policies' header edits: a copy, since an application may send one object in
 * every call. What the handler set itself is not overwritten. An edit that metadata cannot carry is left
 * out.
 */
export function withHeaders(
  applyHeaders: Enforcement['applyHeaders'],
  own: Metadata | null | undefined,
): Metadata {
  const metadata = own?.clone() ?? new Metadata();
  applyHeaders({
    set: (name, value) => {
      const key = keyOf(name);
      if (key && !own?.get(key).length && LEGAL_VALUE.test(value)) metadata.set(key, value);
    },
    // Joined into one value, because HTTP/2 refuses to send some fields twice.
    append: (name, value) => {
      const key = keyOf(name);
      if (key && LEGAL_VALUE.test(value)) {
        metadata.set(key, [...metadata.get(key), value].join(', '));
      }
    },
    delete: (name) => {
      const key = keyOf(name);
      if (key) metadata.remove(key);
    },
  });
  return metadata;
}

/** The metadata key of a header; undefined where a policy has no say in it. */
function keyOf(name: string): string | undefined {
  const key = name.toLowerCase();
  return LEGAL_KEY.test(key) && !RESERVED.test(key) ? key : undefined;
}
