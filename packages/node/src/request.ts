import type { IncomingMessage } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import { type HeadersView, pathOf, type RequestLike } from '@apisec/core';
import { isConnection, isSameAuthority, onDisconnect, readAbsoluteTarget } from '@apisec/core/host';

/** A request as Node's HTTP/1 and HTTP/2 servers hand it out. */
export type NodeIncoming = IncomingMessage | Http2ServerRequest;

/**
 * The fields of which Node keeps only the first and drops every other (`headers` in its documentation).
 * Two `Authorization` fields must not look like one: which of them counts is what an attacker chooses.
 */
const FIRST_ONLY: ReadonlySet<string> = new Set([
  'age',
  'authorization',
  'content-length',
  'content-type',
  'etag',
  'expires',
  'from',
  'host',
  'if-modified-since',
  'if-unmodified-since',
  'last-modified',
  'location',
  'max-forwards',
  'proxy-authorization',
  'referer',
  'retry-after',
  'server',
  'user-agent',
  // Further ones of HTTP/2 (RFC 9110 allows each of them once).
  'access-control-allow-credentials',
  'access-control-max-age',
  'access-control-request-method',
  'content-encoding',
  'content-language',
  'content-location',
  'content-md5',
  'content-range',
  'date',
  'dnt',
  'if-match',
  'if-none-match',
  'if-range',
  'range',
  'tk',
  'upgrade-insecure-requests',
  'x-content-type-options',
]);

/**
 * What policies see of a Node request: a view, not a copy. Nothing is computed until a policy asks, and no
 * web `Request` is built. `url` is the target as the caller sent it (frameworks that rewrite `url` keep it in
 * `originalUrl`), in origin form. One that has no such form stays as it is, for `decideCall` to deny.
 *
 * Headers follow the Fetch standard: a repeated field is joined with `, ` (cookies with `; `), also where
 * Node keeps only the first.
 *
 * @example
 * const decision = guard.check(nodeRequest(incoming), facts);
 */
export function nodeRequest(incoming: NodeIncoming): RequestLike {
  return new NodeRequest(incoming);
}

/** True when the message carries a body, whether or not anybody has read it. */
export function hasBody(incoming: NodeIncoming): boolean {
  if ('stream' in incoming) return !incoming.stream.endAfterHeaders;
  const { 'transfer-encoding': coding, 'content-length': length } = incoming.headers;
  return coding !== undefined || (length !== undefined && Number(length) !== 0);
}

/** True if Node has handed the connection to the listeners for upgrades. */
export function isUpgrade(incoming: NodeIncoming | undefined): boolean {
  return (incoming as { readonly upgrade?: unknown } | undefined)?.upgrade === true;
}

/**
 * Whether policies, routers and handlers read the same target (RFC 9112 §3.2): a path, or `*` of `OPTIONS`. A `#`
 * belongs to no request, and routers end the target there while others do not.
 */
export function isTargetClear({ method, url }: RequestLike): boolean {
  return url === '*' ? method === 'OPTIONS' : url.charCodeAt(0) === 47 && !url.includes('#');
}

/** What a Node request has of its header fields as they came. */
export interface HeadersOnWire {
  readonly rawHeaders?: readonly string[] | undefined;
  readonly socket?: object | undefined;
}

/** Fields that Node keeps of a request unless `server.maxHeadersCount` says otherwise. */
const MOST_FIELDS = 1_000;

/**
 * Whether Node has dropped header fields: it keeps the first thousand, so that whoever comes first decides what
 * proxies behind him are heard of.
 */
export function wereHeadersDropped(incoming: HeadersOnWire): boolean {
  const { rawHeaders = [] } = incoming;
  // Nearly every request: no look at the server is needed.
  if (rawHeaders.length <= 2 * SMALL || 'stream' in incoming) return false;
  const { server } = (incoming.socket ?? {}) as {
    readonly server?: { maxHeadersCount?: number | null };
  };
  const most = server?.maxHeadersCount ?? MOST_FIELDS;
  return most > 0 && rawHeaders.length > 2 * most;
}

const SMALL = 30;

/**
 * What every call is asked for is read once: in Express each request has a hidden class of its own, and pays for every
 * touch.
 */
class NodeRequest implements RequestLike {
  readonly method: string;
  readonly url: string;
  readonly #incoming: NodeIncoming;
  #headers: HeadersView | undefined;

  constructor(incoming: NodeIncoming) {
    this.#incoming = incoming;
    // Only a response that a client received has none.
    this.method = incoming.method as string;
    const url = sentUrl(incoming);
    this.url = url.charCodeAt(0) === SLASH ? url : originForm(url);
  }

  get hasBody(): boolean {
    return hasBody(this.#incoming);
  }

  onDisconnect(disconnected: () => void): () => void {
    const incoming = this.#incoming;
    const connection: unknown = 'stream' in incoming ? incoming.stream : incoming.socket;
    // Requests that are made up have none.
    return isConnection(connection)
      ? onDisconnect(connection, disconnected, { pipelined: false })
      : () => undefined;
  }

  get headers(): HeadersView {
    return (this.#headers ??= new NodeHeaders(this.#incoming));
  }
}

class NodeHeaders implements HeadersView {
  readonly #incoming: NodeIncoming;
  readonly #headers: NodeIncoming['headers'];
  #joined: Map<string, string> | undefined;

  constructor(incoming: NodeIncoming) {
    this.#incoming = incoming;
    this.#headers = incoming.headers;
  }

  get(name: string): string | null {
    const headers = this.#headers;
    const key = name.toLowerCase();
    if (key === 'host') return this.#host();
    // `headers` has a prototype: `constructor` and `__proto__` are names like any other.
    if (!Object.hasOwn(headers, key) || key.startsWith(':')) return null;
    const value = headers[key];
    if (value === undefined) return null;
    if (typeof value !== 'string') return value.join(', ');
    return FIRST_ONLY.has(key) ? this.#all(key, value) : value;
  }

  has(name: string): boolean {
    return this.get(name) !== null;
  }

  /** Every value of a field of which `headers` has the first. */
  #all(key: string, first: string): string {
    const known = this.#joined?.get(key);
    if (known !== undefined) return known;
    const { rawHeaders } = this.#incoming;
    let count = 0;
    let joined = '';
    for (let at = 0; at < rawHeaders.length; at += 2) {
      const field = rawHeaders[at] as string;
      if (field.length !== key.length || field.toLowerCase() !== key) continue;
      joined = count++ === 0 ? (rawHeaders[at + 1] as string) : `${joined}, ${rawHeaders[at + 1]}`;
    }
    // One field on the wire: what stands in `headers` is that, or what the application put in its place.
    const value = count > 1 ? joined : first;
    this.#joined ??= new Map();
    this.#joined.set(key, value);
    return value;
  }

  /**
   * HTTP/2 says it in `:authority` (RFC 9113 §8.3.1), an absolute-form target of HTTP/1.1 in itself (RFC 9112 §3.2.2);
   * a `Host` beside these must say the same, or there are two.
   */
  #host(): string | null {
    const { ':authority': authority, host } = this.#headers;
    const own = host === undefined ? undefined : this.#all('host', host);
    const target = authority ?? readAbsoluteTarget(sentUrl(this.#incoming))?.authority;
    if (target === undefined) return own ?? null;
    if (own === undefined) return String(target);
    return isSameAuthority(own, String(target)) ? own : `${String(target)}, ${own}`;
  }
}

/** The target as the caller sent it: frameworks that rewrite `url` keep it in `originalUrl`. */
function sentUrl(incoming: NodeIncoming & { readonly originalUrl?: unknown }): string {
  const { originalUrl } = incoming;
  return typeof originalUrl === 'string' ? originalUrl : (incoming.url as string);
}

const SLASH = 47;

/**
 * An absolute-form target (RFC 9112 §3.2.2) without its origin, which is the caller's word like `Host`.
 * Unchanged where routers disagree on where its path begins.
 */
function originForm(url: string): string {
  return readAbsoluteTarget(url)?.path ?? url;
}

/** What patterns of routers are written with. */
const PATTERN = /[:*{}()?+![\]]/g;

/**
 * The path of a request where no route says what it means. Characters of patterns are escaped: the caller's own
 * `/orders/:id` must not be taken for the row of a table that lists that pattern.
 */
export function literalPath(view: RequestLike): string {
  return pathOf(view).replace(PATTERN, (char) => `%${char.charCodeAt(0).toString(16)}`);
}
