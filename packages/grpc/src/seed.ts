import type { CertificateFacts, GrpcCall, GrpcFacts, RequestLike } from '@apisec/core';
import { nodePeer, type ProxyTrust } from '@apisec/node';
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
  const forwarded = trust && { [trust.header]: headers.get(trust.header) ?? undefined };
  // Not getPeer(): it glues the port to an IPv6 address with one more colon.
  const peer = nodePeer({ socket: call.getConnectionInfo(), headers: forwarded ?? {} }, trust);
  // Empty unless TLS authorised the certificate (grpc-js 1.14.5; before, unless there was one).
  const { sslPeerCertificate } = call.getAuthContext();
  return sslPeerCertificate === undefined
    ? { call: fact, peer }
    : { call: fact, peer, certificate: { raw: sslPeerCertificate.raw } };
}
