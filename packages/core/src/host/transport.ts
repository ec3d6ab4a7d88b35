import type { Transport } from '../engine/facts.ts';
import type { RequestLike } from '../engine/request.ts';

const ENCRYPTED: Transport = Object.freeze({ encrypted: true });
const PLAIN: Transport = Object.freeze({ encrypted: false });

/**
 * For runtimes that build the URL of a request from their own connection (Cloudflare Workers, Deno, Bun): its scheme
 * says whether the call came over TLS. Not for Node, where a caller can write the scheme, and not behind a proxy of
 * yours that ends TLS, where it is always `http`.
 *
 * @example
 * protect(orders, handler, { transport: transportFromUrl })
 */
export function transportFromUrl({ url }: RequestLike): Transport | undefined {
  if (url.startsWith('https://')) return ENCRYPTED;
  return url.startsWith('http://') ? PLAIN : undefined;
}
