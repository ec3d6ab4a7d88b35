import type { Peer } from '../engine/facts.ts';
import { type NoFacts, type Outcome, pass, sharedDenial, withCause } from '../engine/outcome.ts';
import { definePolicy, type SyncPolicy } from '../engine/policy.ts';
import { settingsOf } from '../engine/settings.ts';
import { addressRanges, embeddedIpv4, parseAddress } from '../lib/addresses.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { assertKnownOptions } from '../lib/options.ts';
import type { PeerFeed } from './peer-feed.ts';

/** Options of {@link denyPeers}. */
export interface DenyPeersOptions {
  /** Ranges (`192.0.2.0/24`, `2001:db8::/32`) and single addresses. */
  readonly ranges: readonly string[];
  /** What happens to callers whose address nobody knows: no list says anything of them. Default: `deny`. */
  readonly unknown?: 'deny' | 'pass' | undefined;
  /** Lists that others keep, as `peerFeed` loads them. */
  readonly feeds?: readonly PeerFeed[] | undefined;
}

/** A policy whose list can be replaced while it serves. */
export interface DenyPeersPolicy extends SyncPolicy<{ readonly peer: Peer }, NoFacts, 'check'> {
  /**
   * Puts another list in force, for all guards that have this policy. Every call is decided by one whole
   * list, the old or the new.
   *
   * @throws ConfigurationError when a range cannot be read; then the old list stays in force.
   */
  readonly replace: (ranges: readonly string[]) => void;
}

const NAME = 'denyPeers';
const DENIED = sharedDenial({
  kind: 'forbidden',
  code: 'peer.denied',
  detail: 'Calls from this address are not accepted.',
});
const BY_RANGES = sharedDenial({ ...DENIED.denial, cause: { by: 'ranges' } });
const LIST_UNAVAILABLE = sharedDenial({ kind: 'unavailable', code: 'peer.list_unavailable' });
/** Open where the user said so; the decision tells it. */
const UNLISTED: Outcome = Object.freeze({ ok: true, degraded: 'peer.list_unavailable' });
const UNKNOWN = sharedDenial({
  kind: 'forbidden',
  code: 'peer.unknown',
  cause: 'the host knows no address of the caller: of proxies in front say which (trustProxies)',
});

/**
 * Denies callers from listed addresses. One address has one form here: an IPv4-mapped IPv6 address is the
 * IPv4 one, and one of NAT64 or 6to4 is denied as itself and as the IPv4 address in it. A look-up takes as long for
 * 100,000 ranges as for one of each prefix length.
 *
 * Denials: `peer.denied` (403), `peer.unknown` (403) for callers without an address, unless they may pass, and
 * `peer.list_unavailable` (503) where a feed with `onStale: 'deny'` has no list that is young enough.
 *
 * @throws ConfigurationError when a range cannot be read, or has bits set behind its prefix.
 * @example
 * const blocked = denyPeers({ ranges: ['192.0.2.0/24', '2001:db8::/32'] });
 * const open = guard<CallFacts>().use(blocked).use(allowAnonymous());
 * blocked.replace(['198.51.100.7']);
 */
export function denyPeers(options: DenyPeersOptions): DenyPeersPolicy {
  assertKnownOptions(NAME, options, ['ranges', 'unknown', 'feeds']);
  const { ranges, unknown = 'deny', feeds = [] } = options;
  assertConfiguration(
    Array.isArray(feeds) && feeds.every((feed) => typeof feed?.judge === 'function'),
    `${NAME}: feeds must list what peerFeed() returned.`,
  );
  assertConfiguration(
    unknown === 'deny' || unknown === 'pass',
    `${NAME}: unknown must be 'deny' or 'pass'.`,
  );
  let isDenied = compile(ranges);
  const policy = definePolicy<{ readonly peer: Peer }, NoFacts, 'check'>({
    name: NAME,
    role: 'check',
    settings: settingsOf(options, ['ranges', 'unknown']),
    needs: ['peer'],
    adds: [],
    check: (request, { peer }) => {
      // Parsed again, since the host may not supply the canonical form.
      const address = peer.address === undefined ? undefined : parseAddress(peer.address);
      if (address === undefined) return unknown === 'pass' ? pass() : UNKNOWN;
      if (isDenied(address) || isDenied(embeddedIpv4(address))) return BY_RANGES;
      let outcome: Outcome = pass();
      for (const [index, feed] of feeds.entries()) {
        // Each is asked, so that each is loaded again in time.
        const verdict = feed.judge(address, request);
        if (verdict === 'listed') return withCause(DENIED, { by: `feeds[${index}]` });
        if (verdict === 'stale-deny') outcome = LIST_UNAVAILABLE;
        else if (verdict === 'stale-pass' && outcome.ok) outcome = UNLISTED;
      }
      return outcome;
    },
  });
  return Object.freeze<DenyPeersPolicy>({
    ...policy,
    replace: (next) => {
      isDenied = compile(next);
    },
  });
}

function compile(ranges: readonly string[]): ReturnType<typeof addressRanges> {
  assertConfiguration(
    Array.isArray(ranges) && ranges.every((range) => typeof range === 'string'),
    `${NAME}: ranges must be a list of texts: ['192.0.2.0/24', '2001:db8::/32'].`,
  );
  return addressRanges(ranges);
}
