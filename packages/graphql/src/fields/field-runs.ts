import type { MaybePromise, Outcome, Policy, Role } from '@apisec/core';
import { isThenable } from '@apisec/core/host';
import type { FieldFacts } from './field-facts.ts';
import { WatchedField } from './watched-field.ts';

type AnyPolicy = Policy<object, object, Role>;
type Facts = Readonly<Record<string, unknown>>;
type Field = FieldFacts['field'];

/** What a policy answered for the first of several fields. */
interface FieldRun {
  readonly policy: AnyPolicy;
  /** Those of its guard, which adds to them and changes none. */
  readonly facts: Facts;
  /** Of the facts that were there when the policy was asked. */
  readonly names: readonly string[];
  /** True once the policy has looked at its field: what it answers is about that one alone. */
  looked: boolean;
  outcome: MaybePromise<Outcome<object>>;
}

/** What policies about the caller answered for fields of one operation. */
export interface FieldRuns {
  /** Asks a policy, or gives the answer that it gave to the same facts of another field. */
  readonly ask: (
    policy: AnyPolicy,
    facts: Facts,
    ask: (facts: Facts) => MaybePromise<Outcome<object>>,
  ) => MaybePromise<Outcome<object>>;
  readonly renew: () => void;
}

/** True for what finds out who calls, or may prove something of that: a proof is good for once only. */
export function isAboutCaller({ needs = [], adds }: AnyPolicy): boolean {
  if (adds === undefined) return false;
  return adds.includes('principal') || (adds.length === 0 && needs.includes('authentication'));
}

/**
 * Below a root field that anybody may call, each field finds out by itself who calls. Once is enough for all of them: a
 * token is verified once, and a proof that must not be used again is used once.
 */
export function fieldRuns(): FieldRuns {
  let runs: FieldRun[] = [];
  return {
    renew: () => {
      runs = [];
    },
    ask: (policy, facts, ask) => {
      const before = runs.find((run) => run.policy === policy && isSame(run, facts));
      // Many where each field has facts of its own, like an object that was loaded for it.
      if (before?.looked || (!before && runs.length >= MOST)) return ask(facts);
      if (before) {
        const reuse = (outcome: Outcome<object>): MaybePromise<Outcome<object>> =>
          before.looked ? ask(facts) : heardOf(outcome);
        const { outcome } = before;
        return isThenable(outcome) ? outcome.then(reuse) : reuse(outcome);
      }
      const names = Object.keys(facts);
      const run: FieldRun = { policy, facts, names, looked: false, outcome: NOTHING };
      const field = facts['field'] as Field;
      const watched = new WatchedField(field, () => {
        run.looked = true;
      });
      run.outcome = ask(Object.assign({}, facts, { field: watched }));
      runs.push(run);
      return run.outcome;
    },
  };
}

/** Answers that are kept for other fields. */
const MOST = 50;
const NOTHING: Outcome<object> = Object.freeze({ ok: true, facts: Object.freeze({}) });

/** What the answer obliges to holds for each field; its policy hears once of what comes of it. */
function heardOf(outcome: Outcome<object>): Outcome<object> {
  const { obligations } = outcome;
  if (obligations === undefined) return outcome;
  const silent = [obligations]
    .flat()
    .map(({ onDecision: _decided, onComplete: _completed, ...others }) => others);
  return { ...outcome, obligations: silent };
}

function isSame({ facts, names }: FieldRun, other: Facts): boolean {
  if (names.length !== Object.keys(other).length) return false;
  return names.every((name) => name === 'field' || facts[name] === other[name]);
}
