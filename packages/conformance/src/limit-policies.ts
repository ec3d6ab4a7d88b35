import {
  type ApiKeyFacts,
  type ApiKeys,
  type AttemptFacts,
  type AuthenticatedFacts,
  type CallFacts,
  concurrencyLimit,
  definePolicy,
  denyPeers,
  detectEnumeration,
  type LoadPriority,
  limitQuota,
  type NoFacts,
  type Policy,
  pass,
  type RequestLike,
  requireHuman,
  requireStep,
  type StepTokens,
  shedLoad,
  throttleFailures,
} from '@apisec/core';
import { member } from './clients/observe.ts';
import type { Pauses } from './pauses.ts';

/** Wrong passwords in a row that cost an account nothing; the next one begins a pause. */
export const FREE_FAILURES = 2;
/** Different objects that one caller may ask for. */
export const OBJECTS = 5;
/** What callers are told to wait while the server is busy, in seconds. Not what is told without it. */
export const BUSY_RETRY = 7;
/** How many calls the operation with priorities takes at once; of low ones three quarters. */
export const ROOM = 4;
/** The one quota that API keys of the suite have. */
export const QUOTA = 'reports';
/** What the clock of quotas shows all the time: noon of a day in UTC. */
export const NOON: number = 20_000.5 * 86_400_000;
/** Says how much a call matters. */
export const PRIORITY_HEADER = 'x-priority';
/** Says what a call costs. */
export const COST_HEADER = 'x-cost';
/** Names the account that a call wants to get into. */
export const ACCOUNT_HEADER = 'x-account';
/** Names the object that a call asks for. Without it, it is another one for each call. */
export const OBJECT_HEADER = 'x-object';
/** Names the case that a call belongs to. */
export const CASE_HEADER = 'x-case';

/** The steps of the suite's one flow. */
export type Step = 'cart' | 'payment';

type Check<Needs extends object, Adds extends object = NoFacts> = Policy<Needs, Adds, 'check'>;

/** What bounds how much and how often, and what keeps machines out. */
export interface LimitPolicies {
  readonly oneCall: Check<AuthenticatedFacts>;
  readonly oneInFlight: Check<NoFacts>;
  /** The place stays taken by who leaves, for longer than any test. */
  readonly oneKept: Check<AuthenticatedFacts>;
  readonly oneStream: Check<AuthenticatedFacts>;
  readonly underPressure: Check<NoFacts>;
  /** Makes room for what matters. */
  readonly ranked: Check<NoFacts>;
  readonly quota: Check<ApiKeyFacts>;
  /** Lets the suite hold a call between its limits and its handler. */
  readonly pausing: Check<NoFacts>;
  readonly guessing: Check<CallFacts, AttemptFacts>;
  readonly guessingByBody: Check<CallFacts, AttemptFacts>;
  readonly local: Check<CallFacts>;
  readonly remote: Check<CallFacts>;
  readonly enumeration: Check<AuthenticatedFacts>;
  readonly human: Check<CallFacts>;
  readonly step: Check<AuthenticatedFacts>;
}

/** What the policies ask of the suite. */
export interface LimitMeasures {
  readonly pauses: Pauses;
  readonly pressure: () => number;
  readonly steps: StepTokens<Step>;
  readonly keys: ApiKeys;
}

/** Made once for each subject, since they count. */
export function limitPolicies({ pauses, pressure, steps, keys }: LimitMeasures): LimitPolicies {
  // Longer than any test, so that none sees its end.
  const schedule = { free: FREE_FAILURES, delay: '10m', maxDelay: '10m' } as const;
  return {
    oneCall: concurrencyLimit({ limit: 1, by: (facts: AuthenticatedFacts) => facts.principal.id }),
    oneInFlight: shedLoad({ maxInFlight: 1, retryAfter: `${BUSY_RETRY}s` }),
    oneKept: concurrencyLimit({
      limit: 1,
      by: (facts: AuthenticatedFacts) => facts.principal.id,
      abortedTtl: '1m',
    }),
    oneStream: concurrencyLimit({
      limit: 1,
      by: (facts: AuthenticatedFacts) => facts.principal.id,
    }),
    underPressure: shedLoad({ pressure, priority, retryAfter: `${BUSY_RETRY}s` }),
    ranked: shedLoad({ maxInFlight: ROOM, priority, retryAfter: `${BUSY_RETRY}s` }),
    quota: limitQuota<ApiKeyFacts>({
      keys,
      costs: ({ headers }) => ({ [QUOTA]: Number(headers.get(COST_HEADER) ?? 1) }),
      now: () => NOON,
    }),
    pausing: definePolicy({
      name: 'pausing',
      role: 'check',
      check: (request) => {
        const pause = pauses.wait('policy', request.headers.get(CASE_HEADER));
        return pause === undefined ? pass() : pause.then(() => pass());
      },
    }),
    guessing: throttleFailures({
      account: (request) => request.headers.get(ACCOUNT_HEADER) ?? undefined,
      perAccount: schedule,
      perPeer: 'none',
    }),
    guessingByBody: throttleFailures({
      accountInBody: (body) => `account ${String(member(body, 'amount'))}`,
      perAccount: schedule,
      perPeer: 'none',
    }),
    local: denyPeers({ ranges: ['127.0.0.0/8', '::1'] }),
    remote: denyPeers({ ranges: ['192.0.2.0/24', '2001:db8::/32'] }),
    enumeration: detectEnumeration({
      by: (facts: AuthenticatedFacts) => facts.principal.id,
      object: ({ headers }) => headers.get(OBJECT_HEADER) ?? headers.get(CASE_HEADER) ?? undefined,
      limit: OBJECTS,
    }),
    human: requireHuman({
      verifier: { verify: (token) => ({ human: token.startsWith('solved') }) },
    }),
    step: requireStep({
      tokens: steps,
      after: 'cart',
      by: (facts: AuthenticatedFacts) => facts.principal.subject,
    }),
  };
}

/** Calls that do not say how much they matter are `normal`. */
function priority({ headers }: RequestLike): LoadPriority {
  // What is none of the three is for the policy to judge.
  return (headers.get(PRIORITY_HEADER) ?? 'normal') as LoadPriority;
}
