import type { Denial } from '@apisec/core';
import { expiryOf } from '@apisec/core/host';
import type { Metadata } from '@grpc/grpc-js';
import type { CompiledLimits } from './call-limits.ts';

const EXPIRED: Denial = Object.freeze({
  kind: 'unauthenticated',
  code: 'credentials.expired',
  detail: 'The credential has expired. Open the stream again with a new one.',
});
const TOO_OLD: Denial = Object.freeze({
  kind: 'unavailable',
  code: 'stream.too_old',
  detail: 'The stream has reached its longest allowed duration. Open another.',
  retryAfterMs: 1_000,
});
const DEADLINE_MISSING: Denial = Object.freeze({
  kind: 'malformed',
  code: 'deadline.missing',
  detail: 'A call must have a deadline.',
});
const METADATA_TOO_LARGE: Denial = Object.freeze({
  kind: 'too_large',
  code: 'metadata.too_large',
  detail: 'The metadata is larger than allowed.',
});
export const TOO_SLOW: Denial = Object.freeze({
  kind: 'timeout',
  code: 'message.timeout',
  detail: 'The request message did not end in time.',
});
export const TOO_LONG: Denial = Object.freeze({
  kind: 'rate_limited',
  code: 'stream.too_long',
  detail: 'The call has sent as many messages as it may.',
});
export const TOO_FAST: Denial = Object.freeze({
  kind: 'rate_limited',
  code: 'stream.too_fast',
  detail: 'Messages come faster than they may.',
});
export const TOO_MANY: Denial = Object.freeze({
  kind: 'rate_limited',
  code: 'stream.too_many',
  detail: 'As many streams of this address are open as may.',
  retryAfterMs: 1_000,
});

/** How long a stream of nobody in particular may last. */
const ANONYMOUS_AGE_MS = 3_600_000;

/** When a call ends by itself, and how: by a denial, or as its deadline passes. */
export interface Lifetime {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly denial: Denial | undefined;
}

/** True where nobody was identified, so that streams are counted by address. */
export function isAnonymous(facts: object): boolean {
  return !('principal' in facts) || facts.principal === undefined;
}

/** The earliest end of a call that has begun now; undefined where only its caller ends it. */
export function lifetimeOf(
  facts: object,
  { maxDeadlineMs, maxStreamAgeMs }: CompiledLimits,
  isStream: boolean,
  now: number,
): Lifetime | undefined {
  let at = now + maxDeadlineMs;
  let denial: Denial | undefined;
  if (isStream) {
    const expiresAt = expiryOf(facts);
    if (expiresAt !== undefined && expiresAt < at) [at, denial] = [expiresAt, EXPIRED];
    const age = maxStreamAgeMs ?? (isAnonymous(facts) ? ANONYMOUS_AGE_MS : Infinity);
    if (now + age < at) [at, denial] = [now + age, TOO_OLD];
  }
  return at === Infinity ? undefined : { at, denial };
}

/** Why a call is denied that its guard admits. */
export function callProblem(
  { requireDeadline, maxMetadataBytes }: CompiledLimits,
  deadline: number | Date,
  metadata: Metadata,
): Denial | undefined {
  if (requireDeadline && deadline === Infinity) return DEADLINE_MISSING;
  return maxMetadataBytes !== Infinity && bytesOf(metadata) > maxMetadataBytes
    ? METADATA_TOO_LARGE
    : undefined;
}

function bytesOf(metadata: Metadata): number {
  let bytes = 0;
  // The object that grpc-js makes of metadata has no member of that name.
  for (const name of [...Object.keys(metadata.getMap()), '__proto__']) {
    for (const value of metadata.get(name)) bytes += name.length + value.length;
  }
  return bytes;
}

/** Admits messages at a rate: a bucket of tokens that fills while time passes. */
export function messageGate(
  { perSecond, burst }: NonNullable<CompiledLimits['messageRate']>,
  now: () => number,
): () => boolean {
  let tokens = burst;
  let last = now();
  return () => {
    const time = now();
    // A clock that was set back gives no tokens, and takes none.
    tokens = Math.min(burst, tokens + (Math.max(0, time - last) / 1_000) * perSecond);
    last = time;
    if (tokens < 1) return false;
    tokens--;
    return true;
  };
}
