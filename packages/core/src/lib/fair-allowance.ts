import { boundedCache } from './bounded-cache.ts';

/** Takes one of so many in a second; undefined where there are none left. What it answers gives that one back. */
export type FairAllowance = (peer: string | undefined, at: number) => (() => void) | undefined;

/** Peers that are counted at a time. */
const MOST_PEERS = 10_000;
const BYTES_PER_PEER = 200;
/** A peer may use up a fifth, so that it does not keep out the others. */
const SHARE = 5;

interface Bucket {
  left: number;
  last: number;
}

/**
 * Allows so many in a second, and each peer a fifth of them; a call without a known peer counts for all alone. A clock
 * that is set back adds nothing.
 */
export function fairAllowance(perSecond: number): FairAllowance {
  const share = Math.max(1, perSecond / SHARE);
  const all: Bucket = { left: perSecond, last: 0 };
  const byPeer = boundedCache<Bucket>({
    maxEntries: MOST_PEERS,
    maxBytes: MOST_PEERS * BYTES_PER_PEER * 2,
  });
  const bucketOf = (peer: string): Bucket => {
    const known = byPeer.get(peer);
    if (known !== undefined) return known;
    const own: Bucket = { left: share, last: 0 };
    byPeer.set(peer, own, 2 * peer.length + BYTES_PER_PEER);
    return own;
  };
  return (peer, at) => {
    const own = peer === undefined ? undefined : bucketOf(peer);
    if (own !== undefined && !hasOne(own, share, at)) return undefined;
    if (!hasOne(all, perSecond, at)) return undefined;
    all.left--;
    if (own !== undefined) own.left--;
    return () => {
      all.left = Math.min(perSecond, all.left + 1);
      if (own !== undefined) own.left = Math.min(share, own.left + 1);
    };
  };
}

function hasOne(bucket: Bucket, most: number, at: number): boolean {
  bucket.left = Math.min(most, bucket.left + (Math.max(0, at - bucket.last) / 1000) * most);
  bucket.last = at;
  return bucket.left >= 1;
}
