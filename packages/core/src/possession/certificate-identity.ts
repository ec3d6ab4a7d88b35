import type { CertificateContent } from '../engine/facts.ts';

/** Which name of a certificate identifies its holder. */
export type CertificateIdentity = 'spiffe' | 'dns' | 'uri' | 'email' | 'subject';

export const identityKinds: readonly CertificateIdentity[] = [
  'spiffe',
  'dns',
  'uri',
  'email',
  'subject',
];

/** What can be wrong with a certificate as proof of identity. */
export type CertificateProblem =
  | 'certificate.missing'
  | 'certificate.unreadable'
  | 'certificate.expired'
  | 'certificate.not_yet_valid'
  | 'certificate.identity_missing'
  | 'certificate.identity_ambiguous'
  | 'certificate.identity_refused';

/** Labels of letters, digits and hyphens (RFC 5890 §2.3.1); a wildcard names nobody. */
const DNS_NAME = /^(?!.{254})(?:(?!-)[a-z0-9-]{1,63}(?<!-)\.)*(?!-)[a-z0-9-]{1,63}(?<!-)$/;
const URI = /^[a-z][a-z0-9+.-]*:[!#-;=?-[\]_a-z~]+$/i;
const EMAIL = /^[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[a-z0-9.-]{1,253}$/i;

/**
 * The names of one kind, each in one form; or why there are none. Names that are malformed, or of which one
 * could mean several holders, do not count.
 */
export function identitiesOf(
  content: CertificateContent,
  kind: CertificateIdentity,
  trustDomains: ReadonlySet<string>,
): readonly string[] | CertificateProblem {
  if (kind === 'spiffe') return spiffeIdOf(content, trustDomains);
  const names = new Set(namesOf(content, kind));
  return names.size > 0 ? [...names] : 'certificate.identity_missing';
}

function namesOf(
  { dns, uris, emails, subject }: CertificateContent,
  kind: Exclude<CertificateIdentity, 'spiffe'>,
): readonly string[] {
  if (kind === 'dns') {
    return dns.map((name) => name.toLowerCase()).filter((name) => DNS_NAME.test(name));
  }
  if (kind === 'uri') return uris.filter((uri) => URI.test(uri));
  if (kind === 'email') return emails.filter((email) => EMAIL.test(email));
  return subject.trim() === '' ? [] : [subject];
}

/** X509-SVID §2 and §5.2: one URI and no more, of a workload and not of an authority. */
function spiffeIdOf(
  { uris, isAuthority }: CertificateContent,
  trustDomains: ReadonlySet<string>,
): readonly string[] | CertificateProblem {
  const [uri, ...others] = uris;
  if (uri === undefined || isAuthority) return 'certificate.identity_missing';
  if (others.length > 0) return 'certificate.identity_ambiguous';
  const id = parseSpiffeId(uri);
  if (id === undefined) return 'certificate.identity_missing';
  return trustDomains.has(id.trustDomain) ? [uri] : 'certificate.identity_refused';
}

/** A SPIFFE ID taken apart. */
export interface SpiffeId {
  readonly trustDomain: string;
  readonly path: string;
}

const MAX_LENGTH = 2048;
const MAX_TRUST_DOMAIN = 255;
const TRUST_DOMAIN = /^[a-z0-9._-]+$/;
const ID = /^spiffe:\/\/([a-z0-9._-]+)((?:\/[A-Za-z0-9._-]+)+)$/;
const DOTS = /\/\.{1,2}(?:\/|$)/;

/** True for the name of a trust domain (SPIFFE-ID §2.1): lower case, without port and user. */
export function isTrustDomain(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_TRUST_DOMAIN && TRUST_DOMAIN.test(value);
}

/**
 * A SPIFFE ID of a workload (SPIFFE-ID §2): with a path, without query, fragment, escapes, empty or relative
 * segments. Undefined for everything else; there is nothing to normalise.
 */
export function parseSpiffeId(uri: string): SpiffeId | undefined {
  if (uri.length > MAX_LENGTH) return undefined;
  const [, trustDomain, path] = ID.exec(uri) ?? [];
  if (!isTrustDomain(trustDomain) || path === undefined || DOTS.test(path)) return undefined;
  return { trustDomain, path };
}
