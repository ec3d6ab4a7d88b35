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
