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
