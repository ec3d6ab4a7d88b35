import { parseMediaType } from '../lib/media-type.ts';

/** What asks for a version, or tries to. */
const ASKS = /version *=|\.v\d/i;
const VENDOR = /\.v([\d.]{1,22})(?:\+[a-z\d]+)?$/;
const ZERO = /^0(?:\.0{0,3})?$/;
const MAX_ACCEPT_LENGTH = 1_024;

/**
 * The version that the media types ask for; one that is malformed where they ask for different ones, or where what asks
 * for one is not a media type that everybody reads alike.
 */
export function versionInAccept(accept: string): string | undefined {
  if (accept.length > MAX_ACCEPT_LENGTH) return '';
  const asked = new Set<string>();
  for (const part of accept.split(',')) {
    const text = part.trim();
    const type = parseMediaType(text);
    // RFC 9110 §12.4.2: what the caller does not accept.
    if (ZERO.test(type?.parameters.get('q') ?? '')) continue;
    if (type === undefined && ASKS.test(text)) return '';
    for (const version of [type?.parameters.get('version'), VENDOR.exec(type?.subtype ?? '')?.[1]])
      if (version !== undefined) asked.add(version);
  }
  const [version] = asked;
  return asked.size > 1 ? '' : version;
}
