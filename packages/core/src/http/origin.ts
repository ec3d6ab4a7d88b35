import { parseUrl } from '../lib/parse-url.ts';

/**
 * Schemes other than http(s), as extensions and apps send them: compared as they are written, in their own case
 * (`safari-web-extension://1A2B…`).
 */
const OTHER_ORIGIN = /^([a-z][a-z0-9+.-]*):\/\/[A-Za-z0-9._-]+(?::[0-9]{1,5})?$/;
/** Schemes whose documents have the origin `null`, or that never send one. */
const NEVER_SENT = /^(?:about|blob|data|file|filesystem|ftp|javascript|wss?)$/;
const WEB_ORIGIN = /^https?:\/\/[^/?#@*\\\s]+$/i;

/**
 * An origin in its one serialised form (RFC 6454 §6.2: lower-case host, no default port); undefined for
 * everything else, `null`, paths, lists and user names included.
 */
export function normalizeOrigin(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  if (!WEB_ORIGIN.test(value)) {
    const [, scheme = 'about'] = OTHER_ORIGIN.exec(value) ?? [];
    return NEVER_SENT.test(scheme) || /^https?$/.test(scheme) ? undefined : value;
  }
  return parseUrl(value)?.origin;
}

const LABELS =
  /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.?$/;
/** RFC 1035 §2.3.4, with a dot at the end. */
const LONGEST_HOST = 254;

/**
 * True where the host of a serialised origin can be a host name (RFC 1123 §2.1; underscores are in use) or an address.
 * URLs take more characters than host names have, and rules that look at the end or the beginning of an origin are
 * not written for them: `https://evil.example{.example.com`.
 */
export function hasHostName(origin: string): boolean {
  const hostname = parseUrl(origin)?.hostname;
  if (hostname === undefined) return false;
  return (
    hostname.length <= LONGEST_HOST &&
    (hostname.startsWith('[') || LABELS.test(hostname.toLowerCase()))
  );
}

/** True for one or more labels of a host name in lower case, as they stand in front of a suffix. */
export function isLabels(text: string): boolean {
  return text.length < LONGEST_HOST && !text.endsWith('.') && LABELS.test(text);
}
