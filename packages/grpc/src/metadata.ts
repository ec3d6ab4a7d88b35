import type { RequestLike } from '@apisec/core';
import type { Enforcement } from '@apisec/core/host';
import { Metadata, type ServerInterceptingCallInterface } from '@grpc/grpc-js';

/** Response fields that belong to HTTP/2 and gRPC themselves, not to policies. */
const RESERVED =
  /^(?::.*|grpc-.*|.*-bin|connection|content-(?:type|length|encoding)|host|http2-settings|keep-alive|proxy-connection|te|trailer|transfer-encoding|upgrade)$/;

/**
 * A call as policies see it: `POST` to the method's path, metadata as headers.
 *
 * Repeated entries are joined, as in every header view. Binary entries (`-bin`) are no text and not shown.
 * `host` is the `:authority`; a `host` entry beside it must say the same (RFC 9113 §8.3.1).
 */
export function requestView(
  path: string,
  metadata: Metadata,
  call: ServerInterceptingCallInterface,
): RequestLike {
  const get = (name: string): string | null => {
    const key = name.toLowerCase();
    const values = key.endsWith('-bin') ? [] : metadata.get(key);
    // Mostly there is one, which stays the text that it is.
    const [first = null] = values;
    const value = values.length > 1 ? values.join(', ') : (first as string | null);
    if (key !== 'host') return value;
    const authority = call.getHost();
    return value === null || value === authority ? authority : `${authority}, ${value}`;
  };
  return { method: 'POST', url: path, headers: { get, has: (name) => get(name) !== null } };
}

/** Puts the header edits of a call onto the metadata of its handler, where that sends some. */
export type EditMetadata = (own?: Metadata | null) => Metadata;

/**
 * The header edits of the policies, as response metadata. It is made here, before the handler runs, and handed out as
 * it is where the handler sends none of its own.
 *
 * @throws Error for an edit that is no header field, or that metadata cannot carry.
 */
export function editMetadata(applyHeaders: Enforcement['applyHeaders']): EditMetadata {
  let prepared: Metadata | undefined = withEdits(applyHeaders, undefined);
  return (own) => {
    // Handed out once, since whoever gets it may add to it.
    const alone = isEmpty(own) ? prepared : undefined;
    if (alone === undefined) return withEdits(applyHeaders, own);
    prepared = undefined;
    return alone;
  };
}

/**
 * A copy, since an application may send one object in every call. What the handler set itself is not overwritten, and
 * what is gRPC's own is not touched.
 */
function withEdits(
  applyHeaders: Enforcement['applyHeaders'],
  own: Metadata | null | undefined,
): Metadata {
  const metadata = own?.clone() ?? new Metadata();
  applyHeaders({
    set: (name, value) => {
      if (editable(name) && !own?.get(name).length) metadata.set(name, value);
    },
    // Joined into one value, because HTTP/2 does not send some fields twice.
    append: (name, value) => {
      if (!editable(name)) return;
      const before = metadata.get(name);
      metadata.set(name, before.length === 0 ? value : [...before, value].join(', '));
    },
    delete: (name) => {
      if (editable(name)) metadata.remove(name);
    },
  });
  return metadata;
}

function isEmpty(own: Metadata | null | undefined): boolean {
  return own == null || Object.keys(own.getMap()).length === 0;
}

/** Policies set few names, and the same in every call. */
const MOST_NAMES = 256;
const known = new Map<string, boolean>();

function editable(name: string): boolean {
  let is = known.get(name);
  if (is === undefined) {
    is = !RESERVED.test(name.toLowerCase());
    if (known.size < MOST_NAMES) known.set(name, is);
  }
  return is;
}
