import {
  type ClientCertificate,
  type HeadersView,
  type Peer,
  peerOf,
  type RequestLike,
} from '@apisec/core';
import {
  type CertificateLike,
  type ChainedCertificate,
  certificateOnDemand,
  stateOf,
  UNKNOWN_PEER,
} from '@apisec/core/host';

/** HTTP as a GraphQL server shows it. */
export interface HttpView {
  readonly method: string;
  readonly headers: HeadersView;
  readonly search?: string | undefined;
  readonly url?: string | undefined;
}

/** Node's request, as far as it says more than the server's own. */
interface NodeLike {
  readonly socket?:
    | {
        readonly remoteAddress?: string | undefined;
        /** True where the server's authorities vouch for the certificate that the caller proved to hold. */
        readonly authorized?: boolean | undefined;
        readonly getPeerX509Certificate?: (() => ShownCertificate | undefined) | undefined;
        readonly getPeerCertificate?: ((detailed: true) => ChainedCertificate | null) | undefined;
      }
    | null
    | undefined;
  readonly stream?: { readonly session?: object | undefined } | null | undefined;
  readonly rawHeaders: readonly string[];
  readonly url?: string | undefined;
  /** Express: the target before routers cut it. */
  readonly originalUrl?: string | undefined;
}

type ShownCertificate = CertificateLike & { readonly raw: Uint8Array };

const NO_HEADERS: HeadersView = Object.freeze({ get: () => undefined, has: () => false });

/**
 * What policies see of an operation, where the user does not say: the server's view, and what `contextValue.req`
 * adds to it where that is a Node request. An operation without HTTP is a POST without headers.
 *
 * The server's headers are made from Node's `req.headers`, where of several `Authorization` fields the first is
 * left and looks like the only one. The raw headers tell.
 */
export function viewRequest(http: HttpView | undefined, contextValue: object): RequestLike {
  const node = nodeRequestOf(contextValue);
  const headers = http?.headers ?? NO_HEADERS;
  const method = http?.method ?? 'POST';
  return {
    method,
    url: node?.originalUrl ?? node?.url ?? http?.url ?? `/${http?.search ?? ''}`,
    headers: node ? withRepeated(headers, node.rawHeaders) : headers,
    // No server reads the body of these.
    hasBody: method !== 'GET' && method !== 'OPTIONS',
  };
}

/** Who calls, as a server knows it that was told whom to believe. */
export interface KnownCaller {
  readonly peer: () => Peer;
  readonly certificate: () => ClientCertificate | undefined;
}

const callers = stateOf<KnownCaller>('apisec.graphql-caller');

/** Says of Node's request who calls, where its connection is that of a proxy. */
export function setCaller(request: object, caller: KnownCaller): void {
  callers.set(request, caller);
}

/** What was said of Node's request. */
export function knownCallerOf(contextValue: object): KnownCaller | undefined {
  const node = nodeRequestOf(contextValue);
  return node && callers.get(node);
}

/** Who was said to call, else the peer of the connection that `contextValue.req` came on. */
export function peerOfContext(contextValue: object): Peer {
  const known = knownCallerOf(contextValue);
  if (known !== undefined) return known.peer();
  const address = nodeRequestOf(contextValue)?.socket?.remoteAddress;
  return address === undefined ? UNKNOWN_PEER : peerOf(address);
}

/** Keyed by connection, so that policies can keep what they worked out of a certificate. */
const certificates = stateOf<ClientCertificate>('apisec.graphql-certificate');

/** The certificate that the connection of `contextValue.req` verified: one object for all calls of a connection. */
export function certificateOf(contextValue: object): ClientCertificate | undefined {
  const node = nodeRequestOf(contextValue);
  const socket = node?.socket;
  // Not merely shown: without this a certificate that anybody signed would do.
  if (socket?.authorized !== true) return undefined;
  // Over HTTP/2 the socket is another object in each call.
  const connection = node?.stream?.session ?? socket;
  const known = certificates.get(connection);
  if (known !== undefined) return known;
  // First: Node 20 tells nothing of the chain any more once it was asked for the other.
  const leaf = socket.getPeerCertificate?.(true);
  const shown = socket.getPeerX509Certificate?.();
  if (shown === undefined) return undefined;
  const certificate = certificateOnDemand(shown.raw, () => shown, leaf);
  certificates.set(connection, certificate);
  return certificate;
}

/** What loaders that are built in the context function have to ask for facts with. */
export function requestOf(contextValue: object): readonly object[] {
  const { req } = contextValue as { readonly req?: unknown };
  return typeof req === 'object' && req !== null ? [req] : [];
}

function nodeRequestOf(contextValue: object): NodeLike | undefined {
  const { req } = contextValue as { readonly req?: Partial<NodeLike> | null };
  // The check is for the one member that must be there.
  return Array.isArray(req?.rawHeaders) ? (req as NodeLike) : undefined;
}

/** The same headers, but with every value of a field that was sent several times. */
function withRepeated(headers: HeadersView, raw: readonly string[]): HeadersView {
  return {
    has: (name) => headers.has(name),
    get: (name) => {
      const wanted = name.toLowerCase();
      let values: string[] | undefined;
      let first: string | undefined;
      for (let at = 0; at + 1 < raw.length; at += 2) {
        // The loop's bound says that both are there.
        const sent = raw[at] as string;
        const value = raw[at + 1] as string;
        if (sent.length !== wanted.length || sent.toLowerCase() !== wanted) continue;
        if (first === undefined) first = value;
        else (values ??= [first]).push(value);
      }
      // RFC 9113 §8.2.3: of all fields this one alone is joined otherwise.
      return values?.join(wanted === 'cookie' ? '; ' : ', ') ?? headers.get(name);
    },
  };
}
