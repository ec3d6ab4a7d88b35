import type { CertificateFacts, GrpcCall, GrpcFacts, RequestLike } from '@apisec/core';
import { nodeCertificate, nodePeer, type ProxyTrust } from '@apisec/node';
import type { ServerInterceptingCallInterface } from '@grpc/grpc-js';

/** What this adapter attests of a call. */
export interface GrpcSeed extends GrpcFacts, CertificateFacts {}

/** The facts of one call. */
export function seedOf(
  fact: GrpcCall,
  call: ServerInterceptingCallInterface,
  { headers }: RequestLike,
  trust: ProxyTrust | undefined,
): GrpcSeed {
  // Empty unless TLS authorised the certificate (grpc-js 1.14.5; before, unless there was one).
  const { sslPeerCertificate } = call.getAuthContext();
  const source = {
    socket: {
      // Not getPeer(): it glues the port to an IPv6 address with one more colon.
      ...call.getConnectionInfo(),
      authorized: sslPeerCertificate !== undefined,
      getPeerX509Certificate: () => sslPeerCertificate,
    },
    headers: trust === undefined ? {} : fields(headers, [trust.header, 'client-cert']),
  };
  return {
    call: fact,
    peer: nodePeer(source, trust),
    certificate: nodeCertificate(source, trust),
  };
}

/** The fields in which proxies say who called. */
function fields(
  headers: RequestLike['headers'],
  names: readonly string[],
): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(names.map((name) => [name, headers.get(name) ?? undefined]));
}
