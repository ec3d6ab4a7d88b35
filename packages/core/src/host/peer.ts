import type { Peer } from '../engine/facts.ts';
import type { RequestLike } from '../engine/request.ts';
import { type Address, embeddedIpv4, formatAddress, parseAddress } from '../lib/addresses.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';

/** Nobody knows who is at the other end. A case to decide, never a key to count by. */
export const UNKNOWN_PEER: Peer = Object.freeze({ address: undefined, id: undefined });

/** The bits of an IPv6 address that name a network; the rest is the subscriber's own to change. */
const NETWORK_BYTES = 8;

/**
 * The one identity of an address, from its text or its bytes: canonical text, and as `id` the address itself
 * for IPv4 or its /64 prefix for IPv6. Behind NAT64 and 6to4 the `id` is the IPv4 address that is embedded, since
 * one prefix stands for all callers there, or one caller has 65,536 of them. What is no address gives a peer
 * without one.
 *
 * @example
 * peerOf('::ffff:192.0.2.1') // { address: '192.0.2.1', id: '192.0.2.1' }
 * peerOf('2001:DB8:0:0::1') // { address: '2001:db8::1', id: '2001:db8::/64' }
 * peerOf('64:ff9b::192.0.2.1') // { address: '64:ff9b::c000:201', id: '192.0.2.1' }
 */
export function peerOf(address: string | Address | undefined): Peer {
  const bytes = typeof address === 'string' ? parseAddress(address) : address;
  if (bytes === undefined) return UNKNOWN_PEER;
  const text = formatAddress(bytes);
  if (bytes.length === 4) return { address: text, id: text };
  const embedded = embeddedIpv4(bytes);
  if (embedded !== undefined) return { address: text, id: formatAddress(embedded) };
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
    `peerFromHeader: "${name}" is not a header name.`,
  );
  assertConfiguration(
    !/^(?:x-forwarded-for|forwarded)$/i.test(name),
    `peerFromHeader: "${name}" is a list whose first entries callers write. On Node use trustProxies(); ` +
      'elsewhere name the header in which your platform puts the caller.',
  );
  return (request) => peerOf(request.headers.get(name) ?? undefined);
}
