import type { CertificateContent, ClientCertificate } from '../engine/facts.ts';
import { type CertificateLike, certificateContent } from './certificate-content.ts';

/** A certificate with the one that signed it, as `getPeerCertificate(true)` of Node's TLS sockets tells. */
export interface ChainedCertificate {
  readonly raw?: Uint8Array | undefined;
  readonly issuerCertificate?: ChainedCertificate | undefined;
}

/** Certificates of a chain that are read at most: no real one is longer. */
const LONGEST = 10;

/**
 * A certificate that TLS has verified, as a fact. What it says is read when a policy asks, and only then; the chain
 * behind it at once, since the connection tells no more once it is closed.
 *
 * @param read throws, or answers nothing, where the certificate cannot be read.
 * @param leaf the certificate with those behind it, where the host knows them.
 */
export function certificateOnDemand(
  raw: Uint8Array,
  read: () => CertificateLike | undefined,
  leaf?: ChainedCertificate | null,
): ClientCertificate {
  return new ReadOnDemand(raw, read, issuersOf(leaf));
}

class ReadOnDemand implements ClientCertificate {
  readonly raw: Uint8Array;
  readonly chain: readonly Uint8Array[] | undefined;
  readonly #read: () => CertificateLike | undefined;
  #content: { readonly value: CertificateContent | undefined } | undefined;

  constructor(
    raw: Uint8Array,
    read: () => CertificateLike | undefined,
    chain: readonly Uint8Array[] | undefined,
  ) {
    this.raw = raw;
    this.chain = chain;
    this.#read = read;
  }

  get content(): CertificateContent | undefined {
    this.#content ??= { value: contentOf(this.#read) };
    return this.#content.value;
  }
}

/** What cannot be read says nothing. */
function contentOf(read: () => CertificateLike | undefined): CertificateContent | undefined {
  try {
    const certificate = read();
    return certificate && certificateContent(certificate);
  } catch {
    return undefined;
  }
}

/** The certificates behind a leaf. One that signs itself is its own issuer. */
function issuersOf(leaf: ChainedCertificate | null | undefined): readonly Uint8Array[] | undefined {
  const issuers: Uint8Array[] = [];
  let last = leaf;
  while (issuers.length < LONGEST) {
    const issuer: ChainedCertificate | undefined = last?.issuerCertificate;
    if (issuer?.raw === undefined || issuer === last) break;
    issuers.push(new Uint8Array(issuer.raw));
    last = issuer;
  }
  return issuers.length > 0 ? Object.freeze(issuers) : undefined;
}
