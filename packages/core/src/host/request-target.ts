/** A request target in absolute form (RFC 9112 §3.2.2), cut where every router cuts it. */
export interface AbsoluteTarget {
  /** The host and its port, as they were sent. */
  readonly authority: string;
  /** The rest: path and query. */
  readonly path: string;
}

/**
 * `http` or `https`, a plain `host:port`, and then a path or the end. Of other schemes, routers cut off what they think
 * is the host, or nothing; `http://a?b/admin` is `/` to one and `/admin` to another; in front of an `@` stands a name
 * that some take for the host.
 */
const ABSOLUTE = /^https?:\/\/((?:[\w.~-]+|\[[\da-f:.]+\])(?::\d+)?)(?=\/|$)/i;

/** Undefined for a target in any other form, and for one that two readers cut differently. */
export function readAbsoluteTarget(target: string): AbsoluteTarget | undefined {
  const found = ABSOLUTE.exec(target);
  if (found === null) return undefined;
  // The pattern has one group, which every match fills.
  const [origin, authority] = found as unknown as readonly [string, string];
  return { authority, path: target.slice(origin.length) || '/' };
}

/** Whether both name the same host and port, whose letters may be of either case (RFC 9110 §4.2.3). */
export function isSameAuthority(one: string, other: string): boolean {
  return one === other || one.toLowerCase() === other.toLowerCase();
}

/** What a request of Node's HTTP/1 server has of its host. */
export interface HostLike {
  readonly httpVersion?: unknown;
  readonly headers?: { readonly host?: unknown };
}

/**
 * Whether a request must be answered with 400 since it has no `Host` (RFC 9112 §3.2). Node does that by itself unless
 * `requireHostHeader` is false.
 */
export function lacksHost({ headers, httpVersion }: HostLike): boolean {
  return headers?.host === undefined && httpVersion === '1.1';
}
