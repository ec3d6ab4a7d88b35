import { chain, isThenable, type MaybePromise } from '../lib/maybe-promise.ts';
import { ask } from './ask.ts';
import {
  type BodyOutcome,
  listObligations,
  type ObligationList,
  type Obligations,
} from './obligations.ts';
import type { Outcome, Pass } from './outcome.ts';
import type { Mode, Policy } from './policy.ts';
import { purposesOf } from './purposes.ts';
import type { RequestLike } from './request.ts';
import type { Role, TraceEntry } from './trace.ts';

type AnyPolicy = Policy<object, object, Role>;

/**
 * The policy as it would be, without effect: it denies nothing, adds nothing, grants nothing and edits no
 * header. What it would have denied stands in the trace. Its `onComplete` still runs, so that what it
 * has taken (a lease, a reservation) is given back.
 */
export function shadowed(policy: AnyPolicy): AnyPolicy & { readonly mode: Mode } {
  const { name, parts, always, needs } = policy;
  return Object.freeze({
    name,
    parts,
    needs,
    // For reports, which tell shadow from enforced by the mode.
    purposes: purposesOf(policy),
    role: 'check',
    mode: 'shadow',
    always: always && powerless(name, always),
    check: (request: RequestLike, facts: object) => {
      const outcome = ask(policy, request, facts);
      return isThenable(outcome)
        ? outcome.then((late) => observed(name, late))
        : observed(name, outcome);
    },
  });
}

function observed(name: string, outcome: Outcome<object>): Pass<object> {
  const obligations = outcome.obligations && powerless(name, outcome.obligations);
  if (outcome.ok) return { ok: true, obligations, note: outcome.note };
  const { denial, note } = outcome;
  return { ok: true, obligations, note: { ...note, verdict: 'would_deny', denial } };
}

function powerless(name: string, obligations: ObligationList): readonly Obligations[] {
  return listObligations(obligations).map(({ onMessage, onRelease, onDecision, onComplete }) => ({
    ...(onMessage && { onMessage: watch(name, onMessage) }),
    ...(onRelease && { onRelease: watch(name, onRelease) }),
    ...(onDecision && { onDecision }),
    ...(onComplete && { onComplete }),
  }));
}

function watch(
  policy: string,
  inspect: (body: unknown) => MaybePromise<BodyOutcome>,
): (body: unknown) => MaybePromise<BodyOutcome> {
  return (body) =>
    chain<BodyOutcome, BodyOutcome>(
      () => inspect(body),
      (outcome) => {
        if (outcome.ok) return { ok: true };
        const { denial } = outcome;
        const seen: TraceEntry = { policy, role: 'check', verdict: 'would_deny', denial };
        return { ok: true, trace: [seen] };
      },
      () => ({ ok: true }),
    );
}
