import type { GrpcCall, GrpcFacts, Peer } from '@apisec/core';
import type { ServerInterceptingCallInterface } from '@grpc/grpc-js';

/** What this adapter attests of a call. */
export interface GrpcSeed extends GrpcFacts {}

const UNKNOWN_PEER: Peer = Object.freeze({ address: undefined, id: undefined });

/** The facts of one call. */
export function seedOf(fact: GrpcCall, call: ServerInterceptingCallInterface): GrpcSeed {
  // Not getPeer(): it glues the port to an IPv6 address with one more colon.
  const { remoteAddress } = call.getConnectionInfo();
  const peer =
    remoteAddress === undefined ? UNKNOWN_PEER : { address: remoteAddress, id: remoteAddress };
  return { call: fact, peer };
}
