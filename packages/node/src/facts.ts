import type { CertificateFacts, HttpFacts, RequestIdFacts, Transport } from '@apisec/core';
import { requestIdOf, stateOf } from '@apisec/core/host';
import {
  type CertificateSource,
  nodeCertificate,
  nodeUnverifiedCertificate,
} from './certificate.ts';
import { believesSocket, nodePeer, type PeerSource, type ProxyTrust } from './peer.ts';
import { nodeTransport, type TransportSource } from './transport.ts';

/** What a Node host knows of who calls, as facts. */
export type NodeCaller = Pick<HttpFacts, 'peer'> &
  CertificateFacts & { readonly transport: Transport };

const callers = stateOf<NodeCaller>('apisec.caller');

/** What a Node host supplies about a call over HTTP. */
export type NodeFacts = HttpFacts & NodeCaller & RequestIdFacts;

/** What a Node host knows of a call over HTTP that means this operation. */
export function nodeFacts(
  incoming: CertificateSource & TransportSource & PeerSource,
  trust: ProxyTrust | undefined,
  operation: string,
): NodeFacts {
  const { peer, certificate, unverifiedCertificate, transport } = nodeCaller(incoming, trust);
  return {
    call: { protocol: 'http', operation },
    peer,
    certificate,
    unverifiedCertificate,
    transport,
    requestId: nodeRequestId(incoming, trust),
  };
}

/**
 * Who calls, with which certificate and over what (`nodePeer`, `nodeCertificate`, `nodeTransport`). Found out once for
 * each connection, unless proxies are to be believed, who say it anew in each call.
 */
export function nodeCaller(
  incoming: CertificateSource & TransportSource,
  trust?: ProxyTrust,
): NodeCaller {
  const { socket } = incoming;
  if (trust !== undefined || socket === undefined) return read(incoming, trust);
  let caller = callers.get(socket);
  if (caller === undefined) {
    caller = Object.freeze(read(incoming));
    // A TLS connection may show its certificate later on (renegotiation), which TLS 1.3 has no more (RFC 8446 §4.1.2).
    const isFinal =
      caller.certificate !== undefined ||
      caller.transport.encrypted === false ||
      socket.getProtocol?.() === 'TLSv1.3';
    if (isFinal) callers.set(socket, caller);
  }
  return caller;
}

function read(incoming: CertificateSource & TransportSource, trust?: ProxyTrust): NodeCaller {
  return {
    peer: nodePeer(incoming, trust),
    certificate: nodeCertificate(incoming, trust),
    unverifiedCertificate: nodeUnverifiedCertificate(incoming, trust),
    transport: nodeTransport(incoming, trust),
  };
}

/**
 * The id of a call: `X-Request-Id` where a proxy of yours wrote it and `trust` says so (`requestId`), else a new one. A
 * caller's own is never taken over. The same request has the same id however often it is asked.
 */
export function nodeRequestId(incoming: PeerSource, trust?: ProxyTrust): string {
  return requestIdOf(incoming, () =>
    trust?.requestId === true && believesSocket(trust, incoming.socket)
      ? incoming.headers['x-request-id']
      : undefined,
  );
}
