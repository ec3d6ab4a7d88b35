import type { CallFacts, TransportFacts } from '../engine/facts.ts';
import { type Deny, type Pass, pass, sharedDenial, withCause } from '../engine/outcome.ts';
import { definePolicy, type SyncPolicy } from '../engine/policy.ts';
import type { RequestLike } from '../engine/request.ts';
import { settingsOf } from '../engine/settings.ts';
import { formatAddress, parseAddress } from '../lib/addresses.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { assertKnownOptions } from '../lib/options.ts';
import { shownText } from '../lib/shown-text.ts';

/** Options of {@link allowedHosts}. */
export interface AllowedHostsOptions {
  /**
   * The names under which callers reach the API: `api.example.com`, `localhost:3000`, `[::1]:3000`. One without a port
   * stands for the default ports. `*.example.com` allows one label in front, as in certificates.
   */
  readonly hosts: readonly string[];
}

/** What {@link allowedHosts} adds. */
export interface AllowedHostFacts {
  /** The host that the caller asked for, in lower case and without a default port. It is one of the list. */
  readonly host: string;
}

const NAME = 'allowedHosts';
const MAX_LENGTH = 260;
const AUTHORITY =
  /^(?:((?:[a-z\d_](?:[a-z\d_-]{0,61}[a-z\d_])?\.)*[a-z\d_](?:[a-z\d_-]{0,61}[a-z\d_])?)|\[([\da-f:.]{2,45})\])(?::([1-9]\d{0,4}))?$/;

/**
 * Denies calls to a host that is not in the list: for DNS rebinding, for links and cache keys that are made from
 * `Host`, and for virtual hosts that proxies and servers choose differently. Behind proxies that rewrite `Host`, the
 * one that `trustProxies({ host: true })` vouches for counts. Adds the fact `host`.
 *
 * Denials: `host.missing`, `host.malformed` (400; RFC 9112 §3.2), `host.not_allowed` (403).
 *
 * @throws ConfigurationError when the list is empty, or for anything in it that is not a host.
 * @example
 * allowedHosts({ hosts: ['api.example.com', '*.shops.example.com'] })
 */
export function allowedHosts(
  options: AllowedHostsOptions,
): SyncPolicy<CallFacts & TransportFacts, AllowedHostFacts, 'check'> {
  assertKnownOptions(NAME, options, ['hosts']);
  const { hosts } = options;
  assertConfiguration(
    Array.isArray(hosts) && hosts.length > 0,
    `${NAME}: hosts must be a list like ['api.example.com'].`,
  );
  const known = new Map<string, Pass<AllowedHostFacts>>();
  const parents = new Set<string>();
  for (const host of hosts) {
    if (typeof host === 'string' && host.startsWith('*.')) parents.add(readHost(host.slice(2)));
    else {
      const own = readHost(host);
      known.set(own, Object.freeze({ ok: true, facts: Object.freeze({ host: own }) }));
    }
  }
  const detail = 'This API does not answer for that host.';
  const notAllowed = denial('forbidden', 'not_allowed', detail);
  const allowed = Object.freeze([...hosts]);
  return definePolicy({
    name: NAME,
    role: 'check',
    settings: settingsOf(options, ['hosts']),
    // `transport` is used where the host supplies it, and needed nowhere.
    needs: [],
    adds: ['host'],
    check: (request, { transport }) => {
      const value = transport?.forwardedHost ?? request.headers.get('host') ?? authorityOf(request);
      if (value === '') return missing;
      const host = canonicalHost(value);
      if (host === undefined) return withCause(malformed, { given: shownText(value) });
      const listed = known.get(host);
      if (listed !== undefined) return listed;
      const dot = host.indexOf('.');
      return dot > 0 && parents.has(host.slice(dot + 1))
        ? pass({ host })
        : withCause(notAllowed, { allowed, given: host });
    },
  });
}

const missing = denial('malformed', 'missing', 'The request names no host.');
const malformed = denial(
  'malformed',
  'malformed',
  'The request does not name one well-formed host.',
);

function denial(kind: 'malformed' | 'forbidden', problem: string, detail: string): Deny {
  return sharedDenial({ kind, code: `host.${problem}`, detail });
}

/** Of a web request whose host keeps `Host` out of its headers. */
function authorityOf({ url }: RequestLike): string {
  return /^https?:\/\/([^/?#]*)/i.exec(url)?.[1] ?? '';
}

/** One spelling for each host: lower case, IPv6 in RFC 5952 form, no default port. Undefined where it is malformed. */
function canonicalHost(value: string): string | undefined {
  if (value.length > MAX_LENGTH) return undefined;
  const found = AUTHORITY.exec(value.toLowerCase());
  if (found === null) return undefined;
  const [, name, ipv6, port] = found;
  if (Number(port ?? 0) > 65_535) return undefined;
  const host = name ?? literal(ipv6 ?? '');
  if (host === undefined) return undefined;
  return port === undefined || port === '443' || port === '80' ? host : `${host}:${port}`;
}

function literal(ipv6: string): string | undefined {
  const address = ipv6.includes(':') ? parseAddress(ipv6) : undefined;
  // An IPv4-mapped one is IPv4 by then, and nobody is reached by it.
  return address?.length === 16 ? `[${formatAddress(address)}]` : undefined;
}

function readHost(value: unknown): string {
  const host = typeof value === 'string' ? canonicalHost(value) : undefined;
  assertConfiguration(
    host !== undefined,
    `${NAME}: ${JSON.stringify(value)} is not a host. Write name[:port] without scheme and path, like ` +
      "'api.example.com', 'localhost:3000' or '*.example.com'.",
  );
  return host;
}
