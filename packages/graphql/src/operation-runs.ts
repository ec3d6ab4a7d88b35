import {
  type MaybePromise,
  type Outcome,
  type Policy,
  pass,
  type RequestLike,
  type Role,
} from '@apisec/core';
import { type AskPolicy, isThenable, type PolicyRuns } from '@apisec/core/host';
import { fieldRuns, isAboutCaller } from './fields/field-runs.ts';
import { EVERY, type Misses, missedFacts } from './missed-facts.ts';

type AnyPolicy = Policy<object, object, Role>;
type Facts = Readonly<Record<string, unknown>>;

/** What a policy answered, and to which facts. */
interface Run {
  readonly policy: AnyPolicy;
  /** Those of its guard, which adds to them and changes none. */
  readonly facts: Facts;
  /** Of the facts that were there when the policy was asked. */
  readonly names: readonly string[];
  /** True where it asked what only the document says. */
  readonly readsCall: boolean;
  /** The calls of all guards for which this is the answer. */
  readonly calls: unknown[];
  readonly outcome: Outcome<object>;
  /** Names of facts that it looked for and that were not there; known of policies that fields share. */
  readonly missed: ReadonlySet<string> | undefined;
}

/** What the operations of one HTTP request have in common. */
export type BatchRuns = Map<AnyPolicy, Promise<Run | undefined>[]>;

/** What policies answered in one operation, so that each runs once in it, whichever guards share it. */
export interface OperationRuns {
  readonly run: PolicyRuns;
  /** True where neither another operation nor guards of fields may take over what its policies answer. */
  readonly isAlone: boolean;
  /** To be called whenever a policy asks what only the document says. */
  readonly onRead: () => void;
  /** While this is true nobody has read the document: policies that need it pass, and are asked again later. */
  early: boolean;
  /** True once such a policy was met. */
  readonly tripped: () => boolean;
  /** Before each event of a subscription: the caller is authenticated again where guards of fields do so. */
  readonly renew: () => void;
  /** What a policy of several guards sees instead of the call of one of them. */
  readonly calls: Map<AnyPolicy, object>;
  /** Policies that guards of fields may have in common with those of root fields. */
  readonly shared: ReadonlySet<AnyPolicy>;
  /** Those of them that stand in the guards that decided the operation: enforced, and with all that they oblige to. */
  readonly enforced: Set<AnyPolicy>;
}

/**
 * Keeps what policies answer for the time of one operation. A policy is asked again only when it would see other
 * facts. `batch` extends that to the operations of one HTTP request, for answers that neither depend on the document
 * nor oblige the server to tell the policy about messages, payloads or the end.
 */
export function operationRuns(shared: ReadonlySet<AnyPolicy>, batch?: BatchRuns): OperationRuns {
  const runs: Run[] = [];
  const below = fieldRuns();
  let hasEvents = false;
  let reads = 0;
  let tripped = false;

  /** With the call as this policy is to see it. Not by a spread, which is slow where more stands behind it. */
  const askAs = (
    policy: AnyPolicy,
    request: RequestLike,
    facts: Facts,
    ask: AskPolicy,
    misses?: Misses,
  ) => {
    const call = self.calls.get(policy);
    const seen = call === undefined ? facts : Object.assign({}, facts, { call });
    return ask(policy, request, misses === undefined ? seen : misses.watch(seen));
  };

  const alone = (
    policy: AnyPolicy,
    request: RequestLike,
    facts: Facts,
    ask: AskPolicy,
  ): MaybePromise<Run | undefined> => {
    const before = reads;
    const names = Object.keys(facts);
    const early = self.early;
    const misses = shared.has(policy) ? missedFacts() : undefined;
    const finish = (outcome: Outcome<object>): Run | undefined => {
      const readsCall = reads !== before;
      if (early && readsCall) {
        tripped = true;
        return undefined;
      }
      const missed = misses?.end();
      const run: Run = { policy, facts, names, readsCall, calls: [facts['call']], outcome, missed };
      runs.push(run);
      return run;
    };
    const outcome = askAs(policy, request, facts, ask, misses);
    return isThenable(outcome) ? outcome.then(finish) : finish(outcome);
  };

  const self: OperationRuns = {
    isAlone: batch === undefined && shared.size === 0,
    early: false,
    tripped: () => tripped,
    calls: new Map(),
    onRead: () => {
      reads++;
    },
    renew: () => {
      hasEvents = true;
      below.renew();
    },
    shared,
    enforced: new Set(),
    run: (policy, request, given, ask) => {
      const facts = given as Facts;
      if ('field' in facts) {
        // A guard of a field may begin as those of root fields do: what they found out is there already, what was
        // proved may be good for once only, and what was counted is counted once.
        const isEnforced = self.enforced.has(policy);
        const before = runs.find(
          (run) =>
            run.policy === policy &&
            isOfSame(run, facts) &&
            (isIdentified(run) || (isEnforced && isDone(run, facts, hasEvents))),
        );
        if (before) return { ...SKIPPED, ...meets(before) };
        // Of one field and its object: nobody asks the same again, and lists have many.
        if (!isAboutCaller(policy)) return askAs(policy, request, facts, ask);
        return below.ask(policy, facts, (given) => askAs(policy, request, given, ask));
      }
      for (const run of runs) {
        if (run.policy !== policy || !isSame(run, facts, self.calls.has(policy))) continue;
        run.calls.push(facts['call']);
        return run.outcome;
      }
      if (batch === undefined) {
        const run = alone(policy, request, facts, ask);
        return isThenable(run) ? run.then(outcomeOf) : outcomeOf(run);
      }
      return inBatch(batch, policy, facts, () => alone(policy, request, facts, ask)).then((run) => {
        if (run && !runs.includes(run)) runs.push(run);
        return outcomeOf(run);
      });
    },
  };
  return self;
}

const SKIPPED: Outcome<object> = pass();

function outcomeOf(run: Run | undefined): Outcome<object> {
  return run === undefined ? SKIPPED : run.outcome;
}

/** One after the other, so that of two operations that come together one asks. */
async function inBatch(
  batch: BatchRuns,
  policy: AnyPolicy,
  facts: Facts,
  alone: () => Run | undefined | Promise<Run | undefined>,
): Promise<Run | undefined> {
  const others = batch.get(policy) ?? [];
  batch.set(policy, others);
  // The list grows while it is read: what came meanwhile is waited for as well.
  for (const other of others) {
    const run = await other;
    if (run && isShareable(run) && isSame(run, facts, false)) return run;
  }
  const mine = Promise.resolve(alone());
  others.push(mine);
  return mine;
}

function isShareable({ readsCall, outcome: { obligations } }: Run): boolean {
  if (readsCall) return false;
  const list = obligations === undefined ? [] : [obligations].flat();
  return list.every(
    ({ onMessage, onRelease, onComplete }) => !onMessage && !onRelease && !onComplete,
  );
}

/** What policies add that find out who calls. */
const IDENTITY: ReadonlySet<string> = new Set(['principal', 'authentication', 'apiKey', 'session']);

/** True where the policy has passed, saw what is there now, and what it added is there. */
function isOfSame({ outcome, names, readsCall, calls, facts: seen }: Run, facts: Facts): boolean {
  if (!outcome.ok) return false;
  if (readsCall && !calls.includes(facts['call'])) return false;
  if (!names.every((name) => name === 'call' || seen[name] === facts[name])) return false;
  return Object.entries(outcome.facts ?? {}).every(([name, value]) => facts[name] === value);
}

/**
 * True where the policy has found out who calls, or has proved something of that, and has not looked for a field. What
 * else it adds may be about the object of another field, so it is not taken from there. Nor is an answer to other
 * facts: another root field may have led to the same caller by its own policies.
 */
function isIdentified({ outcome, missed }: Run): boolean {
  if (!outcome.ok || missed?.has('field')) return false;
  const added = Object.keys(outcome.facts ?? {});
  const isAbout = added.includes('principal') || (outcome.meets?.length ?? 0) > 0;
  return isAbout && added.every((name) => IDENTITY.has(name));
}

/**
 * True where the policy would answer the same here, whatever it is about: it has not looked for a fact that was not
 * there and is there now, as the field and its object are. Before each event of a subscription, what adds no fact is
 * asked anew.
 */
function isDone({ outcome, missed }: Run, facts: Facts, hasEvents: boolean): boolean {
  if (missed === undefined || !outcome.ok) return false;
  if (hasEvents && Object.keys(outcome.facts ?? {}).length === 0) return false;
  for (const name of missed) if (name === EVERY || name in facts) return false;
  return true;
}

function meets({ outcome }: Run): { readonly meets?: readonly string[] } {
  return outcome.ok && outcome.meets ? { meets: outcome.meets } : {};
}

/** The call is another object for each guard; whether that matters, the policy has shown. */
function isSame({ facts, names, readsCall }: Run, other: Facts, seesAll: boolean): boolean {
  if (readsCall && !seesAll && facts['call'] !== other['call']) return false;
  if (names.length !== Object.keys(other).length) return false;
  return names.every((name) => name === 'call' || facts[name] === other[name]);
}
