import type { X509Certificate } from 'node:crypto';
import type { CertificateContent } from '@apisec/core';

/**
 * What a certificate says, or undefined where a part of it cannot be read for certain: a name that was
 * guessed at is worse than none.
 */
export function readContent(certificate: X509Certificate): CertificateContent | undefined {
  const names = readAltNames(certificate.subjectAltName);
  const notBefore = Date.parse(certificate.validFrom);
  const notAfter = Date.parse(certificate.validTo);
  if (names === undefined || Number.isNaN(notBefore + notAfter)) return undefined;
  return Object.freeze({
    subject: readName(certificate.subject),
    ...names,
    notBefore,
    notAfter,
    isAuthority: certificate.ca,
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
): Pick<CertificateContent, 'dns' | 'uris' | 'emails'> | undefined {
  const names: Record<string, string[]> = { DNS: [], URI: [], email: [] };
  // Node 20 answers undefined where there is none; other versions an empty text.
  const text = list ?? '';
  ALT_NAME.lastIndex = 0;
  while (ALT_NAME.lastIndex < text.length) {
    const [, kind = '', value] = ALT_NAME.exec(text) ?? [];
    if (value === undefined) return undefined;
    if (Object.hasOwn(names, kind)) names[kind]?.push(unquoted(value));
  }
  const { DNS: dns = [], URI: uris = [], email: emails = [] } = names;
  return { dns: Object.freeze(dns), uris: Object.freeze(uris), emails: Object.freeze(emails) };
}

function unquoted(value: string): string {
  // The pattern lets only whole strings through, and Node writes no others.
  return value.startsWith('"') ? (JSON.parse(value) as string) : value;
}

/** Node has one line for each part, the root first; RFC 4514 has commas, and the root last. */
function readName(lines: string | undefined): string {
  return (lines ?? '').split('\n').toReversed().join(',');
}
