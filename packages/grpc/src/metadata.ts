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

type Edits = Enforcement['headers'][number];

/**
 * The header edits of the policies, as response metadata. It is made here, before the handler runs, and handed out as
 * it is where the handler sends none of its own.
 *
 * @throws Error for an edit that is no header field, or that metadata cannot carry.
 */
export function editMetadata(lists: Enforcement['headers']): EditMetadata {
  let prepared: Metadata | undefined = onlyEdits(lists);
  return (own) => {
    // Handed out once, since whoever gets it may add to it.
    const alone = isEmpty(own) ? prepared : undefined;
    if (alone === undefined) return own == null ? onlyEdits(lists) : withEdits(lists, own);
    prepared = undefined;
    return alone;
  };
}

/** Metadata that results from lists of edits. */
interface Beginning {
  readonly metadata: Metadata;
  /** The same with one more list. */
  longer?: WeakMap<Edits, Beginning>;
}

const NOTHING: Beginning = { metadata: new Metadata() };

/** Most lists are the same in every call, so the metadata of the first ones is built once and copied. */
function onlyEdits(lists: Enforcement['headers']): Metadata {
  let beginning = NOTHING;
  let at = 0;
  for (; at < lists.length; at++) {
    // The bound of the loop makes sure that the list exists.
    const longer = withList(beginning, lists[at] as Edits);
    if (longer === undefined) break;
    beginning = longer;
  }
  const metadata = beginning.metadata.clone();
  for (; at < lists.length; at++) applyEdits(lists[at] as Edits, metadata, undefined);
  return metadata;
}

/** Undefined for a list that may change before the next call. */
function withList(beginning: Beginning, edits: Edits): Beginning | undefined {
  const known = beginning.longer?.get(edits);
  if (known !== undefined || !isConstant(edits)) return known;
  const made: Beginning = { metadata: beginning.metadata.clone() };
  applyEdits(edits, made.metadata, undefined);
  (beginning.longer ??= new WeakMap()).set(edits, made);
  return made;
}

/** True if the list is frozen, and has no accessor that may return something else the next time. */
function isConstant(edits: Edits): boolean {
  return (
    Object.isFrozen(edits) &&
    edits.every(
      (edit) =>
        Object.isFrozen(edit) &&
        Object.getPrototypeOf(edit) === Object.prototype &&
        Object.values(Object.getOwnPropertyDescriptors(edit)).every((each) => 'value' in each),
    )
  );
}

/**
 * A copy, since an application may send one object in every call. What the handler set itself is not overwritten, and
 * what is gRPC's own is not touched.
 */
function withEdits(lists: Enforcement['headers'], own: Metadata): Metadata {
  const metadata = own.clone();
  for (const edits of lists) applyEdits(edits, metadata, own);
  return metadata;
}

const OPERATIONS: ReadonlySet<unknown> = new Set(['set', 'append', 'delete']);

function applyEdits(edits: Edits, metadata: Metadata, own: Metadata | undefined): void {
  for (const edit of edits) {
    const { op, name } = edit;
    if (!OPERATIONS.has(op)) throw new TypeError(`"${op}" is not a header edit`);
    if (!editable(name)) continue;
    if (op === 'delete') metadata.remove(name);
    else if (op === 'append') {
      // Joined into one value, because HTTP/2 does not send some fields twice.
      const before = metadata.get(name);
      metadata.set(name, before.length === 0 ? edit.value : [...before, edit.value].join(', '));
    } else if (!own?.get(name).length) metadata.set(name, edit.value);
  }
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
