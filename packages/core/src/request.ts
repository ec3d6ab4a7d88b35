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
}

/** The path of a request, without origin, query and fragment; always begins with `/`. */
export function pathOf(request: RequestLike): string {
  const { url } = request;
  let start = 0;
  if (url.charCodeAt(0) !== 47 /* / */) {
    const authority = url.indexOf('://');
    start = authority < 0 ? url.length : url.indexOf('/', authority + 3);
    if (start < 0) return '/';
  }
  let end = start;
  for (; end < url.length; end++) {
    const char = url.charCodeAt(end);
    if (char === 63 /* ? */ || char === 35 /* # */) break;
  }
  return end === start ? '/' : url.slice(start, end);
}
