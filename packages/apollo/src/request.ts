import type { HeadersView, RequestLike } from '@apisec/core';
import type { HTTPGraphQLRequest } from '@apollo/server';

/** What the plugin takes from the host's own request (Node's `IncomingMessage` fits). */
export interface HostRequest {
  /** Names and values in turn, every repetition included. */
  readonly rawHeaders: readonly string[];
  readonly url?: string | undefined;
  /** Express: the URL before routers cut it. */
  readonly originalUrl?: string | undefined;
}

const NO_HEADERS: HeadersView = Object.freeze({ get: () => undefined, has: () => false });

/**
 * What policies see of an operation. Apollo's own headers come from Node's `req.headers`, where only the
 * first of several `Authorization` fields is left, so the host's raw ones are read where they are there.
 * An operation without HTTP (`executeOperation`) is a POST without headers.
 */
export function viewRequest(
  http: HTTPGraphQLRequest | undefined,
  host: HostRequest | undefined,
): RequestLike {
  return {
    method: http?.method ?? 'POST',
    url: host?.originalUrl ?? host?.url ?? `/${http?.search ?? ''}`,
    headers: host ? viewRawHeaders(host.rawHeaders) : (http?.headers ?? NO_HEADERS),
  };
}

/** The request in a context value of the usual form `{ req }`, where it is one. */
export function hostRequestOf(contextValue: object): HostRequest | undefined {
  const { req } = contextValue as { readonly req?: Partial<HostRequest> | null };
  // Checked: the rest of the interface is optional.
  return Array.isArray(req?.rawHeaders) ? (req as HostRequest) : undefined;
}

function viewRawHeaders(raw: readonly string[]): HeadersView {
  const get = (name: string): string | undefined => {
    const wanted = name.toLowerCase();
    let value: string | undefined;
    for (let index = 0; index + 1 < raw.length; index += 2) {
      if (raw[index]?.toLowerCase() !== wanted) continue;
      value = value === undefined ? raw[index + 1] : `${value}, ${raw[index + 1]}`;
    }
    return value;
  };
  return { get, has: (name) => get(name) !== undefined };
}
