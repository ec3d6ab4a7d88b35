import { assertConfiguration } from '../configuration-error.ts';
import type { HeaderEdit } from '../obligations.ts';
import type { Limit, LimitVerdict } from '../stores/limit-store.ts';
import { serializeString } from './structured-fields.ts';

/** One limit of a decision, as headers tell it. */
export interface ToldLimit {
  /** The limit's name as a structured-field string, made once. */
  readonly label: string;
  /** More parameters of both fields (`pk`), serialised. */
  readonly partition: string;
  readonly unit: string | undefined;
  readonly limit: Limit;
  readonly verdict: LimitVerdict;
}

/** The name of a limit as it stands in headers; refuses to construct with one that cannot. */
export function labelOf(policy: string, name: string): string {
  const label = typeof name === 'string' ? serializeString(name) : undefined;
  assertConfiguration(
    label !== undefined && name !== '',
    `${policy}: the name of a limit must be printable ASCII, since it is told in headers.`,
  );
  return label;
}

/** `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10), one item for each limit. */
export function limitHeaders(limits: readonly ToldLimit[]): HeaderEdit[] {
  let policies = '';
  let services = '';
  for (const { label, partition, unit, limit, verdict } of limits) {
    const between = policies === '' ? '' : ', ';
    const quota = `q=${Math.floor(limit.capacity)};w=${seconds(windowOf(limit)) || 1}`;
    const measure = unit === undefined ? '' : `;qu=${unit}`;
    policies += `${between}${label};${quota}${measure}${partition}`;
    services += `${between}${label};r=${Math.floor(verdict.remaining)};t=${seconds(moreAfter(verdict))}${partition}`;
  }
  return [
    { op: 'append', name: 'ratelimit-policy', value: policies },
    { op: 'append', name: 'ratelimit', value: services },
  ];
}

/** `X-RateLimit-*` as they were common before the draft: the tightest limit, reset in epoch seconds. */
export function legacyHeaders(limits: readonly ToldLimit[], now: number): HeaderEdit[] {
  const tightest = limits.reduce((one, other) => (share(other) < share(one) ? other : one));
  const { limit, verdict } = tightest;
  return [
    { op: 'set', name: 'x-ratelimit-limit', value: String(Math.floor(limit.capacity)) },
    { op: 'set', name: 'x-ratelimit-remaining', value: String(Math.floor(verdict.remaining)) },
    {
      op: 'set',
      name: 'x-ratelimit-reset',
      value: String(seconds(now + moreAfter(verdict))),
    },
  ];
}

/** §6: `Retry-After` should not lie before `t`, so a limit that refuses tells the same time in both. */
function moreAfter({ resetAfter, retryAfter }: LimitVerdict): number {
  return retryAfter > 0 && retryAfter < Number.POSITIVE_INFINITY ? retryAfter : resetAfter;
}

/** The time in which the quota comes once: the window, or the time that an empty bucket takes to fill. */
function windowOf(limit: Limit): number {
  return limit.algorithm === 'bucket'
    ? (limit.capacity * limit.period) / limit.refill
    : limit.window;
}

function seconds(milliseconds: number): number {
  return Math.ceil(milliseconds / 1000);
}

function share({ limit, verdict }: ToldLimit): number {
  return verdict.allowed ? verdict.remaining / limit.capacity : -1;
}
