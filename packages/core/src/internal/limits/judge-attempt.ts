import type { CallFacts } from '../../facts.ts';
import type { Completion } from '../../obligations.ts';

/** How an attempt came out. `neither`: it was not tried, so it counts for nothing. */
export type AttemptResult = 'failed' | 'succeeded' | 'neither';

/** gRPC counts up to 16, and HTTP from 100, so one table holds both. */
const FAILED: ReadonlySet<number | undefined> = new Set([401, 403, 7, 16]);

/** Methods that ask for no change (RFC 9110 §9.2.1, and QUERY). */
export const SAFE_METHODS: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'OPTIONS',
  'TRACE',
  'QUERY',
]);

/** How a call came out, by how it was answered: see `judge` of `throttleFailures`. */
export function judgeAttempt(
  { outcome, status, facts }: Completion,
  safe: boolean,
  named: boolean,
): AttemptResult {
  const { call } = facts as Partial<CallFacts>;
  // Who goes away before the answer may have had it.
  if (outcome === 'aborted' || FAILED.has(status)) return 'failed';
  if (outcome !== 'succeeded') return 'neither';
  if (call === undefined || call.protocol === 'graphql') return 'failed';
  if (call.protocol === 'grpc') return status === 0 ? 'succeeded' : 'neither';
  if (status === undefined) return 'neither';
  // Forms answer right and wrong with a redirect. Closed, so that it is seen in the first test of a login; also where
  // the caller chose a safe method to send the guess with.
  if (status >= 300 && status < 400) return safe && !named ? 'neither' : 'failed';
  return status >= 200 && status < 300 && !safe ? 'succeeded' : 'neither';
}
