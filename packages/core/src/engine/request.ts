/** Request headers with WHATWG semantics: names in any case, repeated fields joined with `, `. */
export interface HeadersView {
  readonly get: (name: string) => string | null | undefined;
  readonly has: (name: string) => boolean;
}

/**
 * What policies see of a call. A web `Request` fits as it is; Node hosts pass a lazy view.
 *
 * `url` is an absolute URL or an origin-form target (`/orders?page=2`). Only its path and query mean
 * anything: the origin in it comes from the `Host` header, which the caller writes. Policies that need
 * the public origin take it as an option.
 */
export interface RequestLike {
  readonly method: string;
  readonly url: string;
  readonly headers: HeadersView;
  /**
   * Whether a body comes with the call, as the host knows it from the framing: HTTP/2 needs no `content-length`.
   * Absent for a web `Request`, whose own `body` says it.
   */
  readonly hasBody?: boolean | undefined;
  /**
   * Calls back once when the caller has disconnected, at once where that was before; answers how to stop that. Absent
   * where the host does not tell, and for a web `Request`, whose own `signal` says it.
   */
  readonly onDisconnect?: ((disconnected: () => void) => () => void) | undefined;
}

/** Calls back once when the caller has disconnected, where anybody can tell; answers how to stop that. */
export function whenDisconnected(request: RequestLike, disconnected: () => void): () => void {
  if (request.onDisconnect !== undefined) return request.onDisconnect(disconnected);
  const { signal } = request as { readonly signal?: AbortSignal };
  if (signal?.aborted) disconnected();
  else signal?.addEventListener('abort', disconnected);
  return () => signal?.removeEventListener('abort', disconnected);
}

/** Whether a body comes with the call. Where nobody can know, it may. */
export function mayHaveBody(request: RequestLike): boolean {
  if (request.hasBody !== undefined) return request.hasBody;
  // A web request: the property is there, and null where there is no body.
  const { body } = request as { readonly body?: unknown };
  return body !== null;
}

/**
 * The path of a request, without origin, query and fragment; always begins with `/`. As it was sent, not as it is
 * routed: `/%61dmin` reaches `/admin` on Fastify and Hono, `/ADMIN` does on Express. To decide by what is called,
 * use `call.operation` of the facts.
 */
export function pathOf(request: RequestLike): string {
  const { url } = request;
  let start = 0;
  if (url.charCodeAt(0) !== SLASH) {
    const authority = url.indexOf('://');
    start = authority < 0 ? url.length : authority + 3;
    // The authority ends at the query as well: `http://host?next=/admin` asks for `/`.
    while (start < url.length && url.charCodeAt(start) !== SLASH && !endsPath(url, start)) start++;
  }
  let end = start;
  while (end < url.length && !endsPath(url, end)) end++;
  return end === start ? '/' : url.slice(start, end);
}

/** The query of a request with its question mark, as it was sent; empty where there is none. */
export function queryOf({ url }: RequestLike): string {
  const hash = url.indexOf('#');
  const end = hash < 0 ? url.length : hash;
  const start = url.indexOf('?');
  return start < 0 || start > end ? '' : url.slice(start, end);
}

const SLASH = 47;

function endsPath(url: string, at: number): boolean {
  const char = url.charCodeAt(at);
  return char === 63 /* ? */ || char === 35 /* # */;
}
