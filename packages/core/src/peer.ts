import { type Address, formatAddress, parseAddress } from './address.ts';
import { assertConfiguration } from './configuration-error.ts';
import type { Peer } from './facts.ts';
import type { RequestLike } from './request.ts';

/** Nobody knows who is at the other end. A case to decide, never a key to count by. */
export const UNKNOWN_PEER: Peer = Object.freeze({ address: undefined, id: undefined });

/** The bits of an IPv6 address that name a network; the rest is the subscriber's own to change. */
const NETWORK_BYTES = 8;

/**
 * The one identity of an address, from its text or its bytes: canonical text, and as `id` the address itself
 * for IPv4 or its /64 prefix for IPv6. What is no address gives a peer without one.
 *
 * @example
 * peerOf('::ffff:192.0.2.1') // { address: '192.0.2.1', id: '192.0.2.1' }
 * peerOf('2001:DB8:0:0::1') // { address: '2001:db8::1', id: '2001:db8::/64' }
 */
export function peerOf(address: string | Address | undefined): Peer {
  const bytes = typeof address === 'string' ? parseAddress(address) : address;
  if (bytes === undefined) return UNKNOWN_PEER;
  const text = formatAddress(bytes);
  if (bytes.length === 4) return { address: text, id: text };
  const network = new Uint8Array(16);
  network.set(bytes.subarray(0, NETWORK_BYTES));
  return { address: text, id: `${formatAddress(network)}/64` };
}

/**
 * For edge runtimes: the peer from a header that the platform itself writes over whatever the caller sent
 * (`cf-connecting-ip`, `fly-client-ip`, `x-real-ip` behind your own proxy). Believe only such a header:
 * anything else in it is the caller's own word. A value that is not exactly one address gives an unknown peer.
 *
 * @throws ConfigurationError for a list header that callers can add to.
 * @example
 * protect(orders, handler, { peer: peerFromHeader('cf-connecting-ip') })
 */
export function peerFromHeader(name: string): (request: RequestLike) => Peer {
  assertConfiguration(
    /^[\w!#$%&'*+.^`|~-]+$/.test(name),
    `peerFromHeader: "${name}" is no header name.`,
  );
  assertConfiguration(
    !/^(?:x-forwarded-for|forwarded)$/i.test(name),
    `peerFromHeader: "${name}" is a list that callers begin themselves. On Node use trustProxies(); ` +
      'elsewhere the header in which your platform names the caller.',
  );
  return (request) => peerOf(request.headers.get(name) ?? undefined);
}
