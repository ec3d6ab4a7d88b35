import type { TLSSocket } from 'node:tls';
import type {
  CertificateFacts,
  GrpcCall,
  GrpcFacts,
  RequestIdFacts,
  RequestLike,
} from '@apisec/core';
import { type ChainedCertificate, stateOf } from '@apisec/core/host';
import { nodeCertificate, nodePeer, nodeRequestId, type ProxyTrust } from '@apisec/node';
import type { WireCall } from './grpc-handle.ts';

/** The facts that this adapter supplies of a call. */
export interface GrpcSeed extends GrpcFacts, CertificateFacts, RequestIdFacts {}

/** A connection as the readers of `@apisec/node` take it. One object for all its calls, by which they remember. */
interface Connection {
  readonly remoteAddress: string | undefined;
  readonly authorized: boolean;
  readonly getPeerX509Certificate: () => { readonly raw: Uint8Array } | undefined;
  readonly getPeerCertificate: (detailed: true) => ChainedCertificate | null;
}

/** Kept on the HTTP/2 session. */
const connections = stateOf<Connection>('apisec.grpc-connection');

/** The facts of one call. What depends on its connection alone is read once for the connection. */
export function factsOfCall(
  call: GrpcCall,
  wire: WireCall,
  { headers }: RequestLike,
  trust: ProxyTrust | undefined,
): GrpcSeed {
  const socket = connectionOf(wire);
  const source = {
    socket,
    headers: trust === undefined ? NONE : fieldsOf(headers),
  };
  return {
    call,
    peer: nodePeer(source, trust),
    certificate: nodeCertificate(source, trust),
    requestId: nodeRequestId(source, trust),
  };
}

const NONE = Object.freeze({});

function connectionOf(wire: WireCall): Connection {
  const { session } = wire.stream;
  // The session of a stream that was destroyed is gone; nobody will ask for these again.
  if (session === undefined) return readConnection(wire);
  let connection = connections.get(session);
  if (connection === undefined) {
    connection = readConnection(wire);
    connections.set(session, connection);
  }
  return connection;
}

function readConnection(call: WireCall): Connection {
  // Empty unless TLS authorised the certificate (grpc-js 1.14.5; before, unless there was one).
  const { sslPeerCertificate: certificate } = call.getAuthContext();
  const shown = certificate && { raw: certificate.raw };
  const { session } = call.stream;
  return {
    // Not getPeer(): it glues the port to an IPv6 address with one more colon.
    remoteAddress: call.getConnectionInfo().remoteAddress,
    authorized: shown !== undefined,
    getPeerX509Certificate: () => shown,
    getPeerCertificate: (detailed) => {
      // Of the session, since the call would be kept for as long as the connection.
      const socket = session?.socket as Partial<TLSSocket> | undefined;
      return socket?.getPeerCertificate?.(detailed) ?? null;
    },
  };
}

/** Whatever field a proxy says something in, as Node has the fields of a request. */
function fieldsOf(headers: RequestLike['headers']): Readonly<Record<string, string | undefined>> {
  return new Proxy<Record<string, string>>(NONE, {
    get: (_, name) => (typeof name === 'string' ? headers.get(name) : undefined) ?? undefined,
  });
}
