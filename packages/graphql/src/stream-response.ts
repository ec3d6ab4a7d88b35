import type { HeadersTarget } from '@apisec/core/host';
import type { Request } from 'graphql-sse';

/** As far as it is needed of Node's request and response, under the names that graphql-sse has for them. */
interface NodeRequest {
  readonly rawHeaders: readonly string[];
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

interface NodeResponse {
  readonly setHeader: (name: string, value: string) => unknown;
  readonly appendHeader: (name: string, value: string) => unknown;
  readonly removeHeader: (name: string) => unknown;
  readonly hasHeader: (name: string) => boolean;
  readonly once: (event: 'close', listener: () => void) => unknown;
}

/** Node's request, which Fastify keeps inside of its own. */
export function nodeRequestOf({ raw }: Request<unknown, unknown>): NodeRequest | undefined {
  const outer = raw as (Partial<NodeRequest> & { readonly raw?: Partial<NodeRequest> }) | null;
  return [outer, outer?.raw].find((each): each is NodeRequest => Array.isArray(each?.rawHeaders));
}

/** A header as it came: what graphql-sse says of one that is not there differs from host to host. */
export function headerOf(request: Request<unknown, unknown>, name: string): string | undefined {
  const node = nodeRequestOf(request);
  const value = node ? node.headers[name.toLowerCase()] : request.headers.get(name);
  return typeof value === 'object' ? value?.join(', ') : value;
}

/** Calls back once nobody reads the answer any more, or it has ended. */
export function onStreamClosed(request: Request<unknown, unknown>, closed: () => void): void {
  const { signal } = (request.raw ?? {}) as { readonly signal?: AbortSignal };
  if (signal?.aborted) closed();
  signal?.addEventListener('abort', closed, { once: true });
  nodeResponseOf(request)?.once('close', closed);
}

/** Where header edits go; into `record` where the host has no response yet. */
export function headersTarget(
  request: Request<unknown, unknown>,
  record: Record<string, string>,
): HeadersTarget {
  const node = nodeResponseOf(request);
  if (node) {
    return {
      set: (name, value) => void (node.hasHeader(name) || node.setHeader(name, value)),
      append: (name, value) => void node.appendHeader(name, value),
      delete: (name) => void node.removeHeader(name),
    };
  }
  return {
    set: (name, value) => void (record[name.toLowerCase()] ??= value),
    append: (name, value) => {
      const present = record[name.toLowerCase()];
      record[name.toLowerCase()] = present === undefined ? value : `${present}, ${value}`;
    },
    delete: (name) => void delete record[name.toLowerCase()],
  };
}

function nodeResponseOf({ context }: Request<unknown, unknown>): NodeResponse | undefined {
  const { res, reply } = (context ?? {}) as {
    readonly res?: Partial<NodeResponse>;
    readonly reply?: { readonly raw?: Partial<NodeResponse> };
  };
  return [res, reply?.raw].find(
    (each): each is NodeResponse =>
      typeof each?.appendHeader === 'function' && typeof each.once === 'function',
  );
}
