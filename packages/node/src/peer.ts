import { type Peer, peerOf } from '@apisec/core';
import {
  type Address,
  addressRanges,
  assertConfiguration,
  assertKnownOptions,
  parseAddress,
  stateOf,
  UNKNOWN_PEER,
} from '@apisec/core/host';
import {
  CERTIFICATE_HEADERS,
  type CertificateHeader,
  isCertificateHeader,
} from './certificate-header.ts';
import { readForwarded, readForwardedFor } from './forwarded.ts';
import { type HeadersOnWire, wereHeadersDropped } from './request.ts';

/** Options of {@link trustProxies}. */
export interface TrustProxiesOptions {
  /**
   * Your own proxies: their address ranges (`['10.0.0.0/8', '::1']`), or how many of them every call passes.
   * A number is right only if callers can reach the server in no other way.
   */
  readonly proxies: readonly string[] | number;
  /**
   * The one header that they write. No other is looked at: it would be the caller's own word. Beside the two lists,
   * those of platforms that hold one address: whoever connects here must then be a proxy of yours, and all of them must
   * overwrite what a caller wrote there.
   */
  readonly header: 'forwarded' | 'x-forwarded-for' | AddressHeader;
  /**
   * Whether they end TLS and write the client certificate that they have verified, over whatever a caller wrote there:
   * `true` to `Client-Cert` (RFC 9440), or the name of the proxy. Default: false, and no such header is looked at.
   */
  readonly clientCert?: boolean | CertificateHeader | undefined;
  /**
   * Whether they write the scheme that callers used, over whatever a caller wrote there: to `X-Forwarded-Proto`, or as
   * `proto` of `Forwarded`. Default: false, and nobody knows whether a call came over https.
   */
  readonly proto?: boolean | undefined;
  /**
   * Whether they write the host that callers asked for, over whatever a caller wrote there: to `X-Forwarded-Host`, or
   * as `host` of `Forwarded`. Default: false, and `Host` counts.
   */
  readonly host?: boolean | undefined;
  /**
   * Whether they write `X-Request-Id`, over whatever a caller wrote there. Default: false, and each call gets an id of
   * its own.
   */
  readonly requestId?: boolean | undefined;
}

/** Headers of platforms that hold one address, the caller's. */
export type AddressHeader = (typeof ADDRESS_HEADERS)[number];

const ADDRESS_HEADERS = [
  // Cloudflare; Cloudflare and Akamai; Fastly; Fly.io; Azure Front Door; DigitalOcean; nginx, as many set it up.
  'cf-connecting-ip',
  'true-client-ip',
  'fastly-client-ip',
  'fly-client-ip',
  'x-azure-clientip',
  'do-connecting-ip',
  'x-real-ip',
] as const;
const LISTS: readonly string[] = ['forwarded', 'x-forwarded-for'];
const HEADERS = [...LISTS, ...ADDRESS_HEADERS];

/** Which proxies to believe; made once by {@link trustProxies}. */
export interface ProxyTrust {
  readonly header: TrustProxiesOptions['header'];
  /** Whether the proxy at this distance, with this address, may be believed. */
  readonly believes: (distance: number, address: Address | undefined) => boolean;
  /** Whether, and how, they say which certificate the caller has. */
  readonly clientCert?: boolean | CertificateHeader | undefined;
  /** Whether they say which scheme the caller used. */
  readonly proto?: boolean | undefined;
  /** Whether they say which host the caller asked for. */
  readonly host?: boolean | undefined;
  /** Whether they give each call its id. */
  readonly requestId?: boolean | undefined;
}

/**
 * Says whom to believe about who called. The header is read from the right, element by element, and only
 * as long as the proxy that wrote the element is one of yours.
 *
 * @throws ConfigurationError when no proxy is named, or a range cannot be read.
 * @example
 * secure(orders, { trust: trustProxies({ proxies: ['10.0.0.0/8'], header: 'x-forwarded-for' }) })
 */
export function trustProxies(options: TrustProxiesOptions): ProxyTrust {
  assertKnownOptions('trustProxies', options, ['proxies', 'header', ...Object.keys(WRITTEN)]);
  const { proxies, header, clientCert = false, proto = false } = options;
  const { host = false, requestId = false } = options;
  assertConfiguration(
    HEADERS.includes(header),
    `trustProxies: header must be the one that your proxies write: ${HEADERS.join(', ')}.`,
  );
  const written = { clientCert, proto, host, requestId };
  for (const [option, what] of Object.entries(WRITTEN)) {
    const value = written[option as keyof typeof WRITTEN];
    assertConfiguration(
      typeof value === 'boolean' || (option === 'clientCert' && isCertificateHeader(value)),
      `trustProxies: ${option} must be true if your proxies write ${what} themselves, else false.`,
    );
  }
  if (typeof proxies === 'number') {
    assertConfiguration(
      Number.isSafeInteger(proxies) && proxies > 0,
      'trustProxies: a number of proxies must be 1 or more; leave `trust` out if there are none.',
    );
    assertConfiguration(
      LISTS.includes(header) || proxies === 1,
      `trustProxies: ${header} holds one address: name the ranges of your proxies, or 1.`,
    );
    const believes = (distance: number): boolean => distance < proxies;
    return Object.freeze({ header, believes, ...written });
  }
  assertConfiguration(
    proxies.length > 0,
    'trustProxies: name the ranges of your proxies; leave `trust` out if there are none.',
  );
  const within = addressRanges(proxies);
  const believes = (_: number, address?: Address): boolean => within(address);
  return Object.freeze({ header, believes, ...written });
}

/** What proxies may write beside the address of the caller. */
const WRITTEN = {
  clientCert: `Client-Cert (or one of ${CERTIFICATE_HEADERS.join(', ')})`,
  proto: 'the scheme',
  host: 'the host',
  requestId: 'X-Request-Id',
} as const;

/** What shows who called: a Node request, or an object with the same two members. */
export interface PeerSource extends HeadersOnWire {
  readonly socket?: { readonly remoteAddress?: string | undefined } | undefined;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

type SocketLike = NonNullable<PeerSource['socket']>;

const peers = stateOf<Peer>('apisec.peer');

/**
 * Who is at the other end, as one canonical identity (see {@link Peer}). Without `trust` it is the address of
 * the connection; forwarding headers are not looked at. With it, the first address from the right that none
 * of your proxies has.
 *
 * Unknown (`address` and `id` are undefined) on a Unix socket, and where a trusted proxy wrote an element that
 * is no address, or wrote no header at all: what a proxy does not know is nobody, not the proxy.
 *
 * Throws, which closes the call, where proxies are trusted and Node has dropped header fields of the request.
 */
export function nodePeer(incoming: PeerSource, trust?: ProxyTrust): Peer {
  // An HTTP/2 stream that has ended gives no socket any more.
  const { socket } = incoming;
  if (trust !== undefined) {
    assertWhole(incoming);
    return new ForwardedPeer(incoming, socket, trust);
  }
  if (socket === undefined) return UNKNOWN_PEER;
  let peer = peers.get(socket);
  if (peer === undefined) {
    peer = Object.freeze(peerOf(socketAddress(socket)));
    peers.set(socket, peer);
  }
  return peer;
}

/**
 * What a proxy wrote comes behind the fields of the caller, who could push it out of sight and have his own word stand.
 * Express and Fastify deny such calls before; other hosts ask here alone.
 */
export function assertWhole(incoming: HeadersOnWire): void {
  if (!wereHeadersDropped(incoming)) return;
  throw new Error(
    'The request has more header fields than Node keeps, so those of your proxies may be missing. Set maxHeaders of limitServer.',
  );
}

/** Reads the header when a policy asks who calls, and only then. */
class ForwardedPeer implements Peer {
  readonly #incoming: PeerSource;
  readonly #socket: SocketLike | undefined;
  readonly #trust: ProxyTrust;
  #peer: Peer | undefined;

  constructor(incoming: PeerSource, socket: SocketLike | undefined, trust: ProxyTrust) {
    this.#incoming = incoming;
    this.#socket = socket;
    this.#trust = trust;
  }

  get address(): string | undefined {
    return this.#resolve().address;
  }

  get id(): string | undefined {
    return this.#resolve().id;
  }

  /** For logs, which would see no members otherwise. */
  toJSON(): Peer {
    return this.#resolve();
  }

  #resolve(): Peer {
    return (this.#peer ??= peerOf(caller(this.#incoming, this.#socket, this.#trust)));
  }
}

function caller(
  incoming: PeerSource,
  socket: SocketLike | undefined,
  { header, believes }: ProxyTrust,
): Address | undefined {
  let address = socket && socketAddress(socket);
  const value = [incoming.headers[header] ?? []].flat().join(', ');
  // A proxy of yours that does not say who called: nobody is known, and the proxy is not the caller.
  if (value === '') return believes(0, address) ? undefined : address;
  if (!LISTS.includes(header)) return believes(0, address) ? parseAddress(value.trim()) : address;
  const elements = header === 'forwarded' ? readForwarded(value) : readForwardedFor(value);
  for (let distance = 0; believes(distance, address); distance++) {
    const element = elements.next();
    if (element.done === true) return address;
    address = element.value;
    // Nobody knows who stands further left, so nobody can be believed about it.
    if (address === undefined) return undefined;
  }
  return address;
}

/** Whether whoever connected is a proxy that may be believed. */
export function believesSocket({ believes }: ProxyTrust, socket: SocketLike | undefined): boolean {
  return believes(0, socket && socketAddress(socket));
}

/** Of each connection, which one call asks for several times. */
const addresses = stateOf<{ readonly address: Address | undefined }>('apisec.address');

function socketAddress(socket: SocketLike): Address | undefined {
  let known = addresses.get(socket);
  if (known === undefined) {
    known = { address: parsedAddress(socket) };
    addresses.set(socket, known);
  }
  return known.address;
}

function parsedAddress({ remoteAddress }: SocketLike): Address | undefined {
  if (remoteAddress === undefined) return undefined;
  // A link-local address comes with the interface it was seen on, which is no part of who calls.
  const zone = remoteAddress.indexOf('%');
  return parseAddress(zone < 0 ? remoteAddress : remoteAddress.slice(0, zone));
}
