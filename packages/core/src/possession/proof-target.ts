import { assertConfiguration } from '../lib/configuration-error.ts';
import { parseUrl } from '../lib/parse-url.ts';

const SYNTAX = /^https?:\/\/[^/?#@]+(?:[/?#]|$)/i;
/** No white space, quote, angle bracket or backslash: what `URL` would drop or read as something else. */
const CHARACTERS = /^[!#-;=?-[\]-~]+$/;
const BROKEN_ESCAPE = /%(?![0-9a-f]{2})/i;
const ESCAPE = /%[0-9a-f]{2}/gi;
const UNRESERVED = /[\w.~-]/;

/**
 * The URI that a proof names, in the one form that equal URIs share (RFC 3986 §6.2.2, §6.2.3: lower-case host,
 * no default port, no dot segments, canonical escapes) and without query and fragment; undefined for
 * what is no http(s) URI.
 */
export function normalizeTarget(uri: string): string | undefined {
  if (!CHARACTERS.test(uri) || BROKEN_ESCAPE.test(uri)) return undefined;
  const url = SYNTAX.test(uri) ? parseUrl(uri) : undefined;
  return url && url.origin + normalizeEscapes(url.pathname);
}

/**
 * A path with its escapes in canonical form. Dot segments stay: no client sends them, and what a router makes
 * of `/a/../b` is not always `/b`, so they must not equal it.
 */
export function normalizeEscapes(path: string): string {
  return path.includes('%') ? path.replace(ESCAPE, canonical) : path;
}

function canonical(escape: string): string {
  const char = String.fromCharCode(Number.parseInt(escape.slice(1), 16));
  return UNRESERVED.test(char) ? char : escape.toUpperCase();
}

const ORIGIN = /^https?:\/\/[^/?#]+$/i;
const PREFIX = /^(?:\/[\w.~!$&'()*+,;=:@%-]+)*$/;

/**
 * What stands in front of the path of a request in the URI that its caller sees.
 *
 * @throws ConfigurationError for what is no origin, or no path.
 */
export function publicBase(policy: string, origin: unknown, prefix: unknown): string {
  const normal =
    typeof origin === 'string' && ORIGIN.test(origin) ? normalizeTarget(origin) : undefined;
  assertConfiguration(
    normal !== undefined,
    `${policy}: publicOrigin must be what clients call, without a path: "https://api.example.com".`,
  );
  assertConfiguration(
    typeof prefix === 'string' && PREFIX.test(prefix),
    `${policy}: publicPathPrefix must begin with a slash and not end with one: "/shop".`,
  );
  return normal.slice(0, -1) + normalizeEscapes(prefix);
}
