/** A REST call. `operation` is `METHOD pattern`, for example `GET /orders/:id`. */
export interface HttpCall {
  readonly protocol: 'http';
  readonly operation: string;
}

/** A root field of a GraphQL operation, as it will be executed. */
export interface GraphqlRootField {
  /** Schema coordinate, for example `Mutation.login`. */
  readonly coordinate: string;
  /**
   * What its resolver gets, with variables and defaults in their places; undefined where that is not what the
   * schema wants, so that it gets nothing. As the caller sent it, before a policy replaces variables. A
   * function, so that who writes down facts does not write down passwords.
   */
  readonly args: () => Readonly<Record<string, unknown>> | undefined;
}

/** A GraphQL operation. `operation` is `type name`, for example `query ListOrders`. */
export interface GraphqlCall {
  readonly protocol: 'graphql';
  readonly operation: string;
  /**
   * The root fields that the guard decides, one for each time that a resolver runs: also those in fragments
   * and under aliases. Those under `@skip` and `@include` are among them, whatever the variables say. None
   * where the operation never resolved.
   */
  readonly fields: readonly GraphqlRootField[];
}

/** A gRPC call. `operation` is the full method path, for example `/shop.v1.Orders/List`. */
export interface GrpcCall {
  readonly protocol: 'grpc';
  readonly operation: string;
}

/**
 * One call, whatever protocol brought it. `operation` is what {@link coverage} lists; of a GraphQL operation
 * it lists the root fields (`Query.orders`).
 */
export type Call = HttpCall | GraphqlCall | GrpcCall;

/**
 * Who is at the other end of the connection (not: who they say they are).
 *
 * `address` is canonical: an IPv4-mapped IPv6 address is the IPv4 one, IPv6 is in RFC 5952 form. `id` is
 * what to count by: the address itself for IPv4, its /64 prefix for IPv6, the IPv4 address in one of NAT64 or
 * 6to4. Both are undefined where the
 * host knows no address: that is a case to decide, never a key that strangers share.
 */
export interface Peer {
  readonly address: string | undefined;
  readonly id: string | undefined;
}

/** What every adapter supplies. A guard on these facts can be mounted on every transport. */
export interface CallFacts {
  readonly call: Call;
  readonly peer: Peer;
}

/** What REST adapters supply. */
export interface HttpFacts extends CallFacts {
  readonly call: HttpCall;
}

/** What GraphQL adapters supply. */
export interface GraphqlFacts extends CallFacts {
  readonly call: GraphqlCall;
}

/** What gRPC adapters supply. */
export interface GrpcFacts extends CallFacts {
  readonly call: GrpcCall;
}

/** The bytes of the body as they came, for signatures over them. Few adapters can supply this. */
export interface RawBodyFacts {
  readonly rawBody: Uint8Array;
}

/** The certificate that the caller proved to hold, in a TLS handshake that the server's authorities vouch for. */
export interface ClientCertificate {
  /** The leaf in DER, as RFC 8705 §3.1 hashes it. */
  readonly raw: Uint8Array;
  /** What it says. Undefined where the host does not read certificates, or cannot read this one. */
  readonly content?: CertificateContent | undefined;
  /**
   * The certificates behind the leaf in DER, the one that signed it first, up to an authority of the server. Undefined
   * where the host does not tell: behind a proxy, and where a TLS session is resumed.
   */
  readonly chain?: readonly Uint8Array[] | undefined;
}

/** What a certificate says (RFC 5280), read by the host. */
export interface CertificateContent {
  /** The distinguished name as RFC 4514 writes it: `CN=orders,O=Example,C=DE`. */
  readonly subject: string;
  /** Who signed it, written likewise. */
  readonly issuer: string;
  /** Names of the extension `subjectAltName`, as they are in it. */
  readonly dns: readonly string[];
  readonly uris: readonly string[];
  readonly emails: readonly string[];
  /** The addresses in it, in their canonical form (RFC 5952). */
  readonly ips: readonly string[];
  /** Epoch milliseconds. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** True for a certificate that may sign others. */
  readonly isAuthority: boolean;
  /** SHA-256 of the leaf in base64url, as `x5t#S256` has it (RFC 8705 §3.1). */
  readonly thumbprint: string;
}

/** What adapters supply where they terminate mutual TLS; absent when the caller showed no valid certificate. */
export interface CertificateFacts {
  readonly certificate?: ClientCertificate | undefined;
  /**
   * A certificate that nobody vouches for, where the TLS connection ends here: its caller holds the key, and what it
   * says means nothing. Only for who compares the whole of it, like `requireCertificateBinding({ selfSigned: true })`.
   */
  readonly unverifiedCertificate?: ClientCertificate | undefined;
}

/** How a call has come to the server, as far as its host knows. */
export interface Transport {
  /**
   * Whether TLS has protected the call on all of its way: up to this server, or up to trusted proxies that say so.
   * Undefined where nobody knows.
   */
  readonly encrypted: boolean | undefined;
  /**
   * The host that the caller asked for, as trusted proxies wrote it; empty where they should have and did not.
   * Undefined where no such proxy is in front: then `Host` is as near as anybody knows, and the caller's own word.
   */
  readonly forwardedHost?: string | undefined;
}

/** What HTTP adapters supply where they know it. */
export interface TransportFacts {
  readonly transport?: Transport | undefined;
}

/** What HTTP adapters supply. */
export interface RequestIdFacts {
  /** The id of the call: from a trusted proxy, or a new one. Never the caller's own word. */
  readonly requestId?: string | undefined;
}

/** Who makes the call, as an `authenticate*` policy found out. */
export interface Principal {
  /**
   * Unique over all issuers and kinds of credential, made to count and to compare by; for a JWT it is
   * issuer and subject. Not for display.
   */
  readonly id: string;
  /** The subject as the issuer names it (`sub`). Unique only with `issuer`. */
  readonly subject: string;
  /** Who vouches for the subject: the token's `iss`, or the name of a local store. */
  readonly issuer: string;
  /** The OAuth client that calls, where the credential says so (`client_id`). */
  readonly clientId?: string | undefined;
  /** True for a client that acts for itself: its credential names no user. */
  readonly isClient?: boolean | undefined;
  /** The tenant that the credential is bound to, where it is bound to one. */
  readonly tenant?: string | undefined;
  readonly scopes: ReadonlySet<string>;
  readonly roles: ReadonlySet<string>;
}

/** How the principal proved who they are. */
export interface Authentication {
  /** `jwt`, `introspection`, `api_key`, `certificate`, `signature`, or a name of your own. */
  readonly method: string;
  /** The `WWW-Authenticate` scheme to challenge with when this credential falls short. */
  readonly scheme: string;
  /** The claims as received, frozen; empty for credentials without claims. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** When the credential ends, in epoch milliseconds. */
  readonly expiresAt?: number | undefined;
  /** The keys that the credential is bound to (`cnf`, RFC 7800), where it is bound to one. */
  readonly confirmation?: Readonly<Record<string, unknown>> | undefined;
}

/** What every `authenticate*` policy adds. */
export interface AuthenticatedFacts {
  readonly principal: Principal;
  readonly authentication: Authentication;
}

/**
 * What `crossOrigin` adds once a call has passed it. A policy that reads a cookie needs this fact, so it cannot be
 * built into a guard that other sites could call.
 */
export interface CrossOriginFacts {
  readonly crossOrigin: 'checked';
}
