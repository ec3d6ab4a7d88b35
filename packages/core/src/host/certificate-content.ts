import type { CertificateContent } from '../engine/facts.ts';
import { formatAddress, parseAddress } from '../lib/addresses.ts';
import { encodeBase64url } from '../lib/base64url.ts';

/** An `X509Certificate` of Node, as far as it is read. */
export interface CertificateLike {
  readonly subject?: string | undefined;
  readonly issuer?: string | undefined;
  readonly fingerprint256?: string | undefined;
  readonly subjectAltName?: string | undefined;
  readonly validFrom?: string | undefined;
  readonly validTo?: string | undefined;
  readonly ca?: boolean | undefined;
}

/**
 * What a certificate says, or undefined where a part of it cannot be read for certain: a name that was
 * guessed at is worse than none.
 */
export function certificateContent(certificate: CertificateLike): CertificateContent | undefined {
  const names = readAltNames(certificate.subjectAltName);
  const notBefore = Date.parse(certificate.validFrom ?? '');
  const notAfter = Date.parse(certificate.validTo ?? '');
  const thumbprint = readFingerprint(certificate.fingerprint256);
  if (!names || !thumbprint || Number.isNaN(notBefore + notAfter)) return undefined;
  return Object.freeze({
    subject: readName(certificate.subject),
    issuer: readName(certificate.issuer),
    thumbprint,
    ...names,
    notBefore,
    notAfter,
    isAuthority: certificate.ca === true,
  });
}

/**
 * One name as Node writes it: kind, colon, and the value, which is a JSON string where it would be
 * ambiguous otherwise (`x509.subjectAltName` in Node's documentation, CVE-2021-44532).
 */
const ALT_NAME = /([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^",]*)(?:, (?=.)|$)/y;

/** The names of `subjectAltName` that can identify somebody; undefined where the list cannot be read. */
export function readAltNames(
  list: string | undefined,
): Pick<CertificateContent, 'dns' | 'uris' | 'emails' | 'ips'> | undefined {
  const names: Record<string, string[]> = { DNS: [], URI: [], email: [], 'IP Address': [] };
  // Node 20 answers undefined where there is none; other versions an empty text.
  const text = list ?? '';
  ALT_NAME.lastIndex = 0;
  while (ALT_NAME.lastIndex < text.length) {
    const [, kind = '', value] = ALT_NAME.exec(text) ?? [];
    if (value === undefined) return undefined;
    if (Object.hasOwn(names, kind)) names[kind]?.push(unquoted(value));
  }
  const { DNS: dns = [], URI: uris = [], email: emails = [], 'IP Address': ips = [] } = names;
  const addresses = ips.flatMap((text) => {
    const address = parseAddress(text);
    return address ? [formatAddress(address)] : [];
  });
  return {
    dns: Object.freeze(dns),
    uris: Object.freeze(uris),
    emails: Object.freeze(emails),
    ips: Object.freeze(addresses),
  };
}

function unquoted(value: string): string {
  // The pattern lets only whole strings through, and Node writes no others.
  return value.startsWith('"') ? (JSON.parse(value) as string) : value;
}

/** Node has one line for each part, the root first; RFC 4514 has commas, and the root last. */
function readName(lines: string | undefined): string {
  return (lines ?? '').split('\n').toReversed().join(',');
}

/** Node writes it as pairs of hexadecimal digits with colons between them. */
function readFingerprint(text: string | undefined): string | undefined {
  if (text === undefined || !/^(?:[\dA-F]{2}:){31}[\dA-F]{2}$/.test(text)) return undefined;
  return encodeBase64url(Uint8Array.from(text.split(':'), (pair) => Number.parseInt(pair, 16)));
}
