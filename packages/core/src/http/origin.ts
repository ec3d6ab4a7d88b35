/** Schemes other than http(s), as extensions and hybrid apps send them: compared as they are written. */
const OTHER_ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[a-z0-9._-]+(?::[0-9]{1,5})?$/;
const WEB_ORIGIN = /^https?:\/\/[^/?#@*\\\s]+$/i;

/**
 * An origin in its one serialised form (RFC 6454 §6.2: lower-case host, no default port); undefined for
 * everything else, `null`, paths, lists and user names included.
 */
export function normalizeOrigin(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  if (!WEB_ORIGIN.test(value)) {
    return OTHER_ORIGIN.test(value) ? value : undefined;
  }
  return URL.canParse(value) ? new URL(value).origin : undefined;
}

const LABELS =
  /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.?$/;

/**
 * True where the host of a serialised origin can be a host name (RFC 1123 §2.1; underscores are in use) or an address.
 * URLs take more characters than host names have, and rules that look at the end or the beginning of an origin are
 * not written for them: `https://evil.example{.example.com`.
 */
export function hasHostName(origin: string): boolean {
  if (!URL.canParse(origin)) return false;
  const { hostname } = new URL(origin);
  return hostname.length <= 254 && (hostname.startsWith('[') || LABELS.test(hostname));
}
