import { X509Certificate } from 'node:crypto';
import type { ClientCertificate } from '@apisec/core';
import {
  type ChainedCertificate,
  certificateOnDemand,
  type StateOf,
  stateOf,
} from '@apisec/core/host';
import { type CertificateHeader, readCertificateHeader } from './certificate-header.ts';
import { assertWhole, believesSocket, type PeerSource, type ProxyTrust } from './peer.ts';

/** What shows which certificate the caller holds: a Node request, or an object with the same two members. */
export interface CertificateSource extends PeerSource {
  readonly socket?: TlsSocketLike | undefined;
  /** HTTP/2, where the socket is another object in each call. */
  readonly stream?: { readonly session?: object | undefined } | undefined;
}

/** A socket; the members beyond those of a plain one are there where TLS is. */
type TlsSocketLike = NonNullable<PeerSource['socket']> & {
  readonly authorized?: boolean | undefined;
  readonly getPeerX509Certificate?: (() => { readonly raw: Uint8Array } | undefined) | undefined;
  readonly getPeerCertificate?: ((detailed: true) => ChainedCertificate | null) | undefined;
  readonly getProtocol?: (() => string | null) | undefined;
};

/** Keyed by connection, so that policies can keep what they worked out of a certificate. */
const certificates = stateOf<ClientCertificate>('apisec.certificate');

/**
 * The client certificate of a call, where one of your authorities vouches for it: of the TLS connection, or, where
 * a proxy of yours ended that and `trust` says how it writes the certificate, the one in `Client-Cert` (RFC 9440)
 * or in the header of that proxy. In any other call such a header is the caller's own word and not looked at. The
 * certificate that such a proxy itself shows is never taken for the caller's.
 *
 * @example
 * const facts = { call, peer: nodePeer(request, trust), certificate: nodeCertificate(request, trust) };
 */
export function nodeCertificate(
  incoming: CertificateSource,
  trust?: ProxyTrust,
): ClientCertificate | undefined {
  const { socket } = incoming;
  const written = trust?.clientCert;
  if (trust !== undefined && written && believesSocket(trust, socket)) {
    assertWhole(incoming);
    return forwardedCertificate(written === true ? 'client-cert' : written, incoming.headers);
  }
  // Not merely shown: without this a certificate that anybody signed would do.
  if (socket?.authorized !== true) return undefined;
  return shownBy(incoming, socket, certificates, (of) => {
    // First: Node 20 tells nothing of the chain any more once it was asked for the other.
    const leaf = of.getPeerCertificate?.(true);
    const shown = of.getPeerX509Certificate?.();
    return shown && parsed(shown.raw, leaf);
  });
}

/** What a connection shows, made once for it. */
function shownBy(
  incoming: CertificateSource,
  socket: TlsSocketLike,
  states: StateOf<ClientCertificate>,
  read: (socket: TlsSocketLike) => ClientCertificate | undefined,
): ClientCertificate | undefined {
  const connection = incoming.stream?.session ?? socket;
  const known = states.get(connection);
  if (known !== undefined) return known;
  const certificate = read(socket);
  if (certificate !== undefined) states.set(connection, certificate);
  return certificate;
}

/** Keyed by connection, apart from those that somebody vouches for. */
const unverified = stateOf<ClientCertificate>('apisec.unverified-certificate');

/**
 * The client certificate that the TLS connection shows and nobody vouches for: the handshake has proved that the caller
 * holds its key (RFC 8705 §2.2). The one of a proxy that is believed is never the caller's. Its content is not read,
 * since anybody may have written it.
 */
export function nodeUnverifiedCertificate(
  incoming: CertificateSource,
  trust?: ProxyTrust,
): ClientCertificate | undefined {
  const { socket } = incoming;
  // Not authorised is what TLS says of it; a plain socket says nothing.
  if (socket?.authorized !== false) return undefined;
  if (trust !== undefined && believesSocket(trust, socket)) return undefined;
  return shownBy(incoming, socket, unverified, (of) => {
    const shown = of.getPeerX509Certificate?.();
    return shown && Object.freeze({ raw: new Uint8Array(shown.raw) });
  });
}

/**
 * For adapters whose host hands out certificates as bytes: one that TLS has verified, as a fact. It is parsed when a
 * policy asks what it says, and only then.
 */
export function clientCertificate(raw: Uint8Array): ClientCertificate {
  return parsed(raw);
}

function parsed(raw: Uint8Array, leaf?: ChainedCertificate | null): ClientCertificate {
  return certificateOnDemand(raw, () => new X509Certificate(raw), leaf);
}

function forwardedCertificate(
  format: CertificateHeader,
  headers: PeerSource['headers'],
): ClientCertificate | undefined {
  const raw = readCertificateHeader(format, headers);
  return raw === undefined ? undefined : clientCertificate(raw);
}
