import type { Transport } from '@apisec/core';
import { readForwarded, readForwardedParameter } from './forwarded.ts';
import { assertWhole, believesSocket, type PeerSource, type ProxyTrust } from './peer.ts';

/** What shows how a call came: a Node request, or an object with the same two members. */
export interface TransportSource extends PeerSource {
  readonly socket?:
    | (NonNullable<PeerSource['socket']> & { readonly encrypted?: boolean | undefined })
    | undefined;
}

const ENCRYPTED: Transport = Object.freeze({ encrypted: true });
const PLAIN: Transport = Object.freeze({ encrypted: false });
const UNKNOWN: Transport = Object.freeze({ encrypted: undefined });

/**
 * How a call came: over TLS where its connection says so, and through a proxy of yours as that says, if `trust` lets it
 * (`proto`, `host`). Every proxy on the way must have been called over https. Whoever is not such a proxy is not
 * believed.
 *
 * @example
 * const facts = { call, peer: nodePeer(request, trust), transport: nodeTransport(request, trust) };
 */
export function nodeTransport(incoming: TransportSource, trust?: ProxyTrust): Transport {
  // An HTTP/2 stream that has ended gives no socket any more.
  const { socket } = incoming;
  if (trust !== undefined) {
    assertWhole(incoming);
    return new ForwardedTransport(incoming, socket, trust);
  }
  if (socket === undefined) return UNKNOWN;
  return socket.encrypted === true ? ENCRYPTED : PLAIN;
}

/** Reads the headers when a policy asks, and only then. */
class ForwardedTransport implements Transport {
  readonly #incoming: TransportSource;
  readonly #socket: TransportSource['socket'];
  readonly #trust: ProxyTrust;

  constructor(incoming: TransportSource, socket: TransportSource['socket'], trust: ProxyTrust) {
    this.#incoming = incoming;
    this.#socket = socket;
    this.#trust = trust;
  }

  get encrypted(): boolean | undefined {
    if (this.#socket === undefined) return undefined;
    if (!believesSocket(this.#trust, this.#socket)) return this.#socket.encrypted === true;
    if (this.#trust.proto !== true) return undefined;
    const schemes = this.#written('proto', 'x-forwarded-proto');
    if (schemes.length === 0 || schemes.some((scheme) => !/^https?$/i.test(scheme ?? ''))) {
      return undefined;
    }
    return schemes.every((scheme) => scheme?.toLowerCase() === 'https');
  }

  get forwardedHost(): string | undefined {
    const trust = this.#trust;
    if (trust.host !== true || !believesSocket(trust, this.#socket)) return undefined;
    // What the outermost proxy wrote is what the caller asked for.
    return this.#written('host', 'x-forwarded-host').at(-1) ?? '';
  }

  /** For logs, which would see no members otherwise. */
  toJSON(): Transport {
    return { encrypted: this.encrypted, forwardedHost: this.forwardedHost };
  }

  /** What your proxies wrote, nearest first. */
  #written(parameter: 'proto' | 'host', field: string): (string | undefined)[] {
    const { header } = this.#trust;
    const value = [this.#incoming.headers[header === 'forwarded' ? header : field] ?? []]
      .flat()
      .join(', ');
    if (value === '') return [];
    // Beside whatever header names the caller, but for the one that has its own parameters.
    if (header !== 'forwarded') {
      const parts = value.split(',').map((part) => part.trim());
      // Proxies write one value over another's, or one behind another's; of several hosts none is the one.
      return parameter === 'host' && parts.length > 1 ? [value] : parts;
    }
    return this.#elements(value, parameter);
  }

  /** Of `Forwarded`, only the elements of your proxies: what stands further left is the caller's word. */
  #elements(value: string, parameter: 'proto' | 'host'): (string | undefined)[] {
    const addresses = readForwarded(value);
    const parameters = readForwardedParameter(value, parameter);
    const found: (string | undefined)[] = [];
    for (let distance = 0; ; distance++) {
      const element = parameters.next();
      if (element.done === true) return found;
      found.push(element.value);
      const address = addresses.next().value ?? undefined;
      if (!this.#trust.believes(distance + 1, address)) return found;
    }
  }
}
