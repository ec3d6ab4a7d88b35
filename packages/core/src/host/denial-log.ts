import type { Decision } from '../engine/decision.ts';
import type { CallFacts } from '../engine/facts.ts';
import { listObligations, type Obligations } from '../engine/obligations.ts';
import type { NoFacts } from '../engine/outcome.ts';
import type { SyncPolicy } from '../engine/policy.ts';
import type { RequestLike } from '../engine/request.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';

/** What the option `logDenials` of adapters takes: what `logDenials()` gives. */
export type DenialLog = SyncPolicy<CallFacts, NoFacts, 'check'>;

/**
 * The same decision, whose end the log hears of: also where the host denied before any guard was asked. An admitted
 * call that nothing can deny any more costs nothing.
 */
export function withDenialLog<Facts extends object>(
  decision: Decision<Facts>,
  log: DenialLog | undefined,
  request?: RequestLike,
): Decision<Facts> {
  if (log === undefined || (decision.allowed && !isInspected(decision.obligations)))
    return decision;
  const { obligations } = decision;
  // Not again where the guard has it too.
  if (decision.trace.some(({ policy }) => policy === log.name)) return decision;
  return { ...decision, obligations: [...obligations, ...listening(decision, log, request)] };
}

/** With the request, the log knows which credentials no line may hold. */
function listening(
  decision: Decision<object>,
  log: DenialLog,
  request: RequestLike | undefined,
): readonly Obligations[] {
  const known: object = decision.allowed ? decision.facts : decision.gathered;
  if (request === undefined || !('call' in known)) return listObligations(log.always);
  try {
    // Every host supplies `call` and `peer`, and what was gathered begins with them.
    const outcome = log.check(request, known as CallFacts);
    return outcome.ok ? listObligations(outcome.obligations) : [];
  } catch {
    return listObligations(log.always);
  }
}

/**
 * Checks the option `logDenials` of an adapter.
 *
 * @throws ConfigurationError for anything but what `logDenials()` gives, or `false`.
 */
export function denialLogOption(where: string, value: unknown): DenialLog | undefined {
  if (value === undefined || value === false) return undefined;
  const { name, role, check } = (value ?? {}) as Partial<DenialLog>;
  assertConfiguration(
    typeof name === 'string' && role === 'check' && typeof check === 'function',
    `${where}: logDenials takes a log, or false: { logDenials: logDenials() }.`,
  );
  // It has the parts of a policy; another policy than `logDenials()` could not deny here.
  return value as DenialLog;
}

function isInspected(obligations: readonly Obligations[]): boolean {
  return obligations.some((each) => each.onMessage !== undefined || each.onRelease !== undefined);
}
