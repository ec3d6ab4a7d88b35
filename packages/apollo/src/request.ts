import type { HeadersView, RequestLike } from '@apisec/core';
import type { HTTPGraphQLRequest } from '@apollo/server';

/** Node's request, as far as it says more than Apollo's own. */
interface NodeLike {
  readonly rawHeaders: readonly string[];
  readonly url?: string | undefined;
  /** Express: the target before routers cut it. */
  readonly originalUrl?: string | undefined;
}

const NO_HEADERS: HeadersView = Object.freeze({ get: () => undefined, has: () => false });

/**
 * What policies see of an operation, where the user does not say: Apollo's view, and what `contextValue.req`
 * adds to it where that is a Node request. An operation without HTTP (`executeOperation`) is a POST without
 * headers.
 *
 * Apollo's headers are made from Node's `req.headers`, where of several `Authorization` fields the first is
 * left and looks like the only one. The raw headers tell.
 */
export function viewRequest(
  http: HTTPGraphQLRequest | undefined,
  contextValue: object,
): RequestLike {
  const node = nodeRequestOf(contextValue);
  const headers = http?.headers ?? NO_HEADERS;
  return {
    method: http?.method ?? 'POST',
    url: node?.originalUrl ?? node?.url ?? `/${http?.search ?? ''}`,
    headers: node ? withRepeated(headers, node.rawHeaders) : headers,
  };
}

function nodeRequestOf(contextValue: object): NodeLike | undefined {
  const { req } = contextValue as { readonly req?: Partial<NodeLike> | null };
  // The check is for the one member that must be there.
  return Array.isArray(req?.rawHeaders) ? (req as NodeLike) : undefined;
}

/** The same headers, but with every value of a field that was sent several times. */
function withRepeated(headers: HeadersView, raw: readonly string[]): HeadersView {
  return {
    has: (name) => headers.has(name),
    get: (name) => {
      const wanted = name.toLowerCase();
      const values = raw.filter((_, at) => at % 2 === 1 && raw[at - 1]?.toLowerCase() === wanted);
      return values.length > 1 ? values.join(', ') : headers.get(name);
    },
  };
}
