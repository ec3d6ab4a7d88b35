import type { Limit, LimitVerdict } from '../contracts/limit-store.ts';
import type { HeaderEdit } from '../engine/obligations.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { freezeDeep } from '../lib/freeze-deep.ts';
import { serializeString } from '../lib/structured-fields.ts';

/** RFC 9651 §3.3.1. */
const MOST = 999_999_999_999_999;

/** One limit of a decision, for headers. Strings are serialised structured fields. */
export interface ToldLimit {
  readonly label: string;
  /** From {@link policyItem}. */
  readonly policy: string;
  /** `;pk=:...:`, or empty. */
  readonly partition: string;
  readonly limit: Limit;
  readonly verdict: LimitVerdict;
}

/** The name of a limit as a header field holds it; throws for a name that it cannot hold. */
export function serializedName(policy: string, name: string): string {
  const label = typeof name === 'string' && name !== '' ? serializeString(name) : undefined;
  assertConfiguration(
    label !== undefined,
    `${policy}: the name of a limit must be printable ASCII.`,
  );
  return label;
}

/**
 * One item of `RateLimit-Policy`, but for the partition.
 *
 * @param unit `;qu="..."`, or empty.
 */
export function policyItem(label: string, unit: string, limit: Limit): string {
  const window = Math.max(1, seconds(windowOf(limit)));
  return `${label};q=${units(limit.capacity)};w=${window}${unit}`;
}

/** How many texts one policy keeps. */
const MOST_KEPT = 1_024;
const LONGEST_KEPT = 512;

/**
 * Writes `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10), one item for each limit. Edits
 * that are needed twice are cached: most callers get the same fields, and hosts check frozen edits only once.
 */
export function limitHeaderWriter(): (limits: readonly ToldLimit[]) => readonly HeaderEdit[] {
  /** Edits by both values, which hold no line break; undefined if they were needed only once. */
  const kept = new Map<string, readonly HeaderEdit[] | undefined>();
  return (limits) => {
    let policies = '';
    let services = '';
    for (const { label, policy, partition, verdict } of limits) {
      const more = policies === '' ? '' : ', ';
      const left = `r=${units(verdict.remaining)};t=${seconds(moreAfter(verdict))}`;
      policies += more + policy + partition;
      services += `${more}${label};${left}${partition}`;
    }
    const key = `${policies}\n${services}`;
    const before = kept.get(key);
    if (before !== undefined) return before;
    const edits = listHeaders(policies, services);
    if (key.length > LONGEST_KEPT) return edits;
    if (kept.size >= MOST_KEPT) kept.clear();
    kept.set(key, kept.has(key) ? freezeDeep(edits) : undefined);
    return edits;
  };
}

/** Both fields of the draft. Appended, so that several policies can add theirs. */
export function listHeaders(policies: string, services: string): HeaderEdit[] {
  return [
    { op: 'append', name: 'ratelimit-policy', value: policies },
    { op: 'append', name: 'ratelimit', value: services },
  ];
}

/** `X-RateLimit-*` as they were common before the draft: the tightest limit, reset in epoch seconds. */
export function legacyHeaders(limits: readonly ToldLimit[], now: number): HeaderEdit[] {
  const { limit, verdict } = limits.reduce((one, other) =>
    share(other) < share(one) ? other : one,
  );
  return [
    legacyHeader('limit', units(limit.capacity)),
    legacyHeader('remaining', units(verdict.remaining)),
    legacyHeader('reset', seconds(now + moreAfter(verdict))),
  ];
}

function legacyHeader(name: string, value: number): HeaderEdit {
  return { op: 'set', name: `x-ratelimit-${name}`, value: String(value) };
}

/** §6: `Retry-After` should not lie before `t`, so a limit that denies has the same time in both. */
function moreAfter({ resetAfterMs, retryAfterMs }: LimitVerdict): number {
  return retryAfterMs > 0 && retryAfterMs < Number.POSITIVE_INFINITY ? retryAfterMs : resetAfterMs;
}

/** The time in which the quota comes once: the window, or the time that an empty bucket takes to fill. */
function windowOf(limit: Limit): number {
  return limit.algorithm === 'bucket'
    ? (limit.capacity * limit.period) / limit.refill
    : limit.window;
}

/** Whole units, never more than there are. */
export function units(value: number): number {
  return Math.floor(within(value));
}

function seconds(milliseconds: number): number {
  return Math.ceil(within(milliseconds / 1000));
}

/** Stores of others may answer anything; a field must stay an integer that can be written. */
function within(value: number): number {
  return value > 0 ? Math.min(value, MOST) : 0;
}

function share({ limit, verdict }: ToldLimit): number {
  return verdict.allowed ? verdict.remaining / limit.capacity : -1;
}
