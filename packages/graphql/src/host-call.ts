import type { ClientCertificate, Peer, RequestLike } from '@apisec/core';
import { requestIdFrom, requestIdOf } from '@apisec/core/host';
import { certificateOf, peerOfContext, requestOf } from './node-context.ts';
import type { HostCall } from './operation-state.ts';

/** What users may say of a call in place of what the server would find out. `Seen` is what the server has of it. */
export interface HostOptions<Seen> {
  /** Who is at the other end. Default: the connection of Node's request (`req`), where the server has one. */
  readonly peer?: ((seen: Seen) => Peer) | undefined;
  /**
   * What the caller proved to hold in mutual TLS. Default: what the connection of Node's request verified; behind a
   * proxy `nodeCertificate(req, trust)` of `@apisec/node`.
   */
  readonly certificate?: ((seen: Seen) => ClientCertificate | undefined) | undefined;
  /**
   * What policies see of the request; on Node `nodeRequest(req)` of `@apisec/node` is another. Default: the server's
   * own view, with the raw headers of Node's request, by which a repeated `Authorization` is seen.
   */
  readonly request?: ((seen: Seen) => RequestLike) | undefined;
  /**
   * The id of a call, as your platform or a trusted proxy gives it; on Node `nodeRequestId(req, trust)` of
   * `@apisec/node`. Default: a new one for each HTTP request, or that of a guard in front; on WebSockets for each
   * operation.
   */
  readonly requestId?: ((seen: Seen) => string | undefined) | undefined;
}

/** The names of {@link HostOptions}. */
export const HOST_OPTIONS = ['peer', 'certificate', 'request', 'requestId'] as const;

/**
 * A call as the user describes it, and otherwise as the server sees it.
 *
 * @param node what has Node's request as `req`.
 * @param isShared whether several operations come in that request, each of them a call of its own.
 */
export function hostCall<Seen>(
  options: HostOptions<Seen>,
  seen: Seen,
  node: object,
  view: () => RequestLike,
  isShared = false,
): HostCall {
  const given = (): string | undefined => options.requestId?.(seen);
  return {
    requestId: () => {
      const [request] = isShared ? [] : requestOf(node);
      return request ? requestIdOf(request, given) : requestIdFrom(given());
    },
    request: () => options.request?.(seen) ?? view(),
    peer: () => (options.peer ? options.peer(seen) : peerOfContext(node)),
    certificate: () => (options.certificate ? options.certificate(seen) : certificateOf(node)),
  };
}
