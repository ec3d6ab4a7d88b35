import { X509Certificate } from 'node:crypto';
import type { CertificateContent, ClientCertificate } from '@apisec/core';
import { stateOf } from '@apisec/core/host';
import { readContent } from './certificate-content.ts';
import { believesSocket, type PeerSource, type ProxyTrust } from './peer.ts';

/** What tells which certificate the caller holds: a Node request, or what has these two from another host. */
export interface CertificateSource extends PeerSource {
  readonly socket?: TlsSocketLike | undefined;
  /** HTTP/2, where the socket is another object in each call. */
  readonly stream?: { readonly session?: object | undefined } | undefined;
}

/** A socket; the members beyond those of a plain one are there where TLS is. */
type TlsSocketLike = NonNullable<PeerSource['socket']> & {
  readonly authorized?: boolean | undefined;
  readonly getPeerX509Certificate?: (() => { readonly raw: Uint8Array } | undefined) | undefined;
};

/** Keyed by connection, so that policies can keep what they worked out of a certificate. */
const certificates = stateOf<ClientCertificate>('apisec.certificate');

/**
 * The client certificate of a call, where one of your authorities vouches for it: of the TLS connection, or, where
 * a proxy of yours ended that and `trust` says that it writes the certificate, what stands in `Client-Cert`
 * (RFC 9440). In any other call that header is the caller's own word and not looked at. The certificate
 * that such a proxy itself shows is never taken for the caller's.
 *
 * @example
 * const facts = { call, peer: nodePeer(request, trust), certificate: nodeCertificate(request, trust) };
 */
export function nodeCertificate(
  incoming: CertificateSource,
  trust?: ProxyTrust,
): ClientCertificate | undefined {
  const { socket } = incoming;
  if (trust?.clientCert === true && believesSocket(trust, socket)) {
    return forwardedCertificate(incoming.headers['client-cert']);
  }
  // Not merely shown: without this a certificate that anybody signed would do.
  if (socket?.authorized !== true) return undefined;
  const connection = incoming.stream?.session ?? socket;
  const known = certificates.get(connection);
  if (known !== undefined) return known;
  const shown = socket.getPeerX509Certificate?.();
  if (shown === undefined) return undefined;
  const certificate = clientCertificate(shown.raw);
  certificates.set(connection, certificate);
  return certificate;
}

/**
 * For adapters whose host hands out certificates as bytes: one that TLS has verified, as a fact. It is parsed when a
 * policy asks what it says, and only then.
 */
export function clientCertificate(raw: Uint8Array): ClientCertificate {
  return new ParsedOnDemand(raw);
}

class ParsedOnDemand implements ClientCertificate {
  readonly raw: Uint8Array;
  #content: CertificateContent | undefined;
  #isRead = false;

  constructor(raw: Uint8Array) {
    this.raw = raw;
  }

  get content(): CertificateContent | undefined {
    if (!this.#isRead) {
      this.#isRead = true;
      try {
        this.#content = readContent(new X509Certificate(this.raw));
      } catch {
        // It stays unreadable, and says so.
      }
    }
    return this.#content;
  }
}

/** A byte sequence of structured fields (RFC 9651 §3.3.5), canonical, and nothing behind it. */
const BYTES = /^:((?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?):$/;
const MAX_HEADER_LENGTH = 16_384;

function forwardedCertificate(
  value: string | readonly string[] | undefined,
): ClientCertificate | undefined {
  // A field that was sent twice arrives joined with a comma, which is no base64.
  if (typeof value !== 'string' || value.length > MAX_HEADER_LENGTH) return undefined;
  const [, base64] = BYTES.exec(value) ?? [];
  if (base64 === undefined) return undefined;
  const raw = Buffer.from(base64, 'base64');
  return raw.toString('base64') === base64 ? clientCertificate(raw) : undefined;
}
