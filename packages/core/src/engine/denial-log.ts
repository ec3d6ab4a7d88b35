import { assertConfiguration } from '../lib/configuration-error.ts';
import type { Decision } from './decision.ts';
import type { CallFacts } from './facts.ts';
import type { NoFacts } from './outcome.ts';
import type { SyncPolicy } from './policy.ts';
import type { RequestLike } from './request.ts';

/** What the option `logDenials` of adapters takes: what `logDenials()` gives. */
export interface DenialLog extends SyncPolicy<CallFacts, NoFacts, 'check'> {
  /** The same decision, whose end is logged. The request says which credentials no line may contain. */
  readonly join: <Facts extends object>(
    decision: Decision<Facts>,
    request: RequestLike | undefined,
  ) => Decision<Facts>;
}

/**
 * The same decision, whose end is logged, also if the host denied before any guard was asked. An admitted
 * call that nothing can deny any more costs nothing.
 */
export function withDenialLog<Facts extends object>(
  decision: Decision<Facts>,
  log: DenialLog | undefined,
  request?: RequestLike,
): Decision<Facts> {
  return log === undefined ? decision : log.join(decision, request);
}

/**
 * Checks the option `logDenials` of an adapter.
 *
 * @throws ConfigurationError for anything but what `logDenials()` returns, or `false`.
 */
export function denialLogOption(where: string, value: unknown): DenialLog | undefined {
  if (value === undefined || value === false) return undefined;
  // Only policies of `logDenials()` have this member.
  const log = value as DenialLog | null;
  assertConfiguration(
    typeof log?.join === 'function',
    `${where}: logDenials must be what logDenials() returns, or false: { logDenials: logDenials() }.`,
  );
  return log;
}
