import { type Address, addressRanges, embeddedIpv4 } from '../lib/addresses.ts';
import { type BackgroundListeners, backgroundWork } from '../lib/background-work.ts';
import { isOlder, withinTime } from '../lib/clock.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { type Duration, durationMs } from '../lib/duration.ts';
import { assertKnownOptions } from '../lib/options.ts';

/** Options of {@link peerFeed}. */
export interface PeerFeedOptions extends BackgroundListeners {
  /**
   * Answers the whole list as text: `() => readFile('blocked.txt', 'utf8')`, or by a fetch of your own that looks at
   * the status. One range or address a line, behind it a score where the list has one; `#` and `;` begin comments.
   */
  readonly load: () => Promise<string>;
  /**
   * What happens while there is no list that is young enough: `deny` all calls (503), or `pass` those that no other
   * list names.
   */
  readonly onStale: 'deny' | 'pass';
  /** How old a list becomes before it is loaded again, beside a call. Default: `1h`. */
  readonly reload?: Duration | undefined;
  /** How old a list may become when loading fails. Default: `1d`. */
  readonly maxAge?: Duration | undefined;
  /** Entries with a lower score are not denied; those without one are. Default: all are denied. */
  readonly threshold?: number | undefined;
  /** A list with more of them is not taken. Default: 200,000. */
  readonly maxRanges?: number | undefined;
  /** How long loading may take. Default: `30s`. */
  readonly timeout?: Duration | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** A list of addresses that others keep, for `denyPeers({ feeds: [feed] })`. */
export interface PeerFeed {
  /** Loads the list now: at start, so that no call comes before it. Rejects where it cannot be taken. */
  readonly load: () => Promise<void>;
  /** What the list says of an address. `call` is the request, whose host is kept alive while the list is loaded. */
  readonly judge: (
    address: Address,
    call?: object,
  ) => 'listed' | 'unlisted' | 'stale-deny' | 'stale-pass';
}

const NAME = 'peerFeed';
const OPTIONS = [
  'load',
  'onStale',
  'reload',
  'maxAge',
  'threshold',
  'maxRanges',
  'timeout',
  'now',
  'waitUntil',
  'onFault',
] as const;
const LONGEST_LINE = 256;
const BYTES_PER_RANGE = 200;

interface Loaded {
  readonly isListed: ReturnType<typeof addressRanges>;
  readonly at: number;
  /** The load that it came from. */
  readonly turn: number;
}

/**
 * A list of addresses that others keep and change: loaded by your function, again every `reload`, and relied on for
 * `maxAge`. A list with a line that cannot be read is not taken, so an error page changes nothing, and neither does an
 * empty list; the one before stays in force. A list that is cut off looks whole where its last line can be read, so let
 * `load` compare a length or digest, or have the file replaced by a rename. It needs no timer: a call that finds the
 * list old has it loaded behind its answer.
 *
 * @throws ConfigurationError without `load` or `onStale`, or for a bound that cannot hold.
 * @example
 * const feed = peerFeed({ load: () => readFile('/etc/blocked.txt', 'utf8'), onStale: 'pass' });
 * await feed.load();
 * const blocked = denyPeers({ ranges: [], feeds: [feed] });
 */
export function peerFeed(options: PeerFeedOptions): PeerFeed {
  assertKnownOptions(NAME, options, OPTIONS);
  const { load, onStale, threshold = Number.NEGATIVE_INFINITY, maxRanges = 200_000 } = options;
  const { now = Date.now } = options;
  assertConfiguration(
    typeof load === 'function',
    `${NAME}: load must be a function that answers the list as text: () => readFile(path, 'utf8').`,
  );
  assertConfiguration(
    onStale === 'deny' || onStale === 'pass',
    `${NAME}: say what happens without a list, onStale: 'deny' or 'pass'.`,
  );
  assertConfiguration(
    typeof threshold === 'number' && !Number.isNaN(threshold),
    `${NAME}: threshold must be a number, the lowest score that is denied.`,
  );
  assertConfiguration(
    Number.isSafeInteger(maxRanges) && maxRanges > 0,
    `${NAME}: maxRanges must be a whole number above 0.`,
  );
  const reload = durationMs(NAME, 'reload', options.reload ?? '1h', { min: '1s' });
  const maxAge = durationMs(NAME, 'maxAge', options.maxAge ?? '1d', { min: '1s' });
  const timeout = durationMs(NAME, 'timeout', options.timeout ?? '30s', { max: '10m' });
  assertConfiguration(
    maxAge >= reload,
    `${NAME}: maxAge must be at least reload, else the list is too old before it is loaded again.`,
  );
  const background = backgroundWork(options);
  let loaded: Loaded | undefined;
  let turns = 0;
  let lastTry = Number.NEGATIVE_INFINITY;

  const loadNow = async (): Promise<void> => {
    // Dated when it was requested: the list may have been written just before.
    const at = now();
    const turn = ++turns;
    lastTry = at;
    const text: unknown = await withinTime(load(), timeout);
    const ranges = readFeed(text, threshold, maxRanges);
    // If two loads overlap, the one that began later wins.
    if (loaded === undefined || turn > loaded.turn) {
      loaded = { isListed: addressRanges(ranges), at, turn };
    }
  };

  return Object.freeze<PeerFeed>({
    load: loadNow,
    judge: (address, call) => {
      const at = now();
      const isDue = loaded === undefined || isOlder(loaded.at, reload, at);
      // One at a time; a failure is tried again, not with every call.
      if (isDue && isOlder(lastTry, Math.min(reload, timeout), at)) {
        lastTry = at;
        background.run(loadNow, call);
      }
      if (loaded === undefined || isOlder(loaded.at, maxAge, at)) return `stale-${onStale}`;
      const { isListed } = loaded;
      return isListed(address) || isListed(embeddedIpv4(address)) ? 'listed' : 'unlisted';
    },
  });
}

/** @throws Error for text that is not a list from its first line to its last. */
function readFeed(text: unknown, threshold: number, maxRanges: number): readonly string[] {
  if (typeof text !== 'string') throw new TypeError(`${NAME}: load must answer text.`);
  if (text.length > maxRanges * BYTES_PER_RANGE) {
    throw new RangeError(`${NAME}: the list is longer than ${maxRanges} ranges can be.`);
  }
  const ranges: string[] = [];
  let entries = 0;
  text.split(/\r?\n/).forEach((line, index) => {
    const entry = line.replace(/[#;].*$/, '').trim();
    if (entry === '') return;
    const [range = '', score, ...rest] = entry.slice(0, LONGEST_LINE).split(/[\s,]+/);
    const isNumber = score === undefined || /^-?\d+(?:\.\d+)?$/.test(score);
    if (entry.length > LONGEST_LINE || !isNumber || rest.length > 0 || !isRange(range)) {
      throw new Error(`${NAME}: line ${index + 1} is neither a range nor a comment.`);
    }
    if (++entries > maxRanges) throw new RangeError(`${NAME}: more than ${maxRanges} ranges.`);
    if (score === undefined || Number(score) >= threshold) ranges.push(range);
  });
  if (entries === 0)
    throw new Error(`${NAME}: the list is empty; a feed without entries is treated as a fault.`);
  return ranges;
}

function isRange(text: string): boolean {
  try {
    addressRanges([text]);
    return true;
  } catch {
    return false;
  }
}
