import { memoryReplayStore } from '../contracts/memory-replay-store.ts';
import { type ReplayStore, replayTtl } from '../contracts/replay-store.ts';
import { executesSeveral } from '../engine/executes-several.ts';
import {
  type Deny,
  deny,
  type NoFacts,
  type Outcome,
  pass,
  sharedDenial,
} from '../engine/outcome.ts';
import { definePolicy, type Policy } from '../engine/policy.ts';
import type { RequestLike } from '../engine/request.ts';
import { tenantOf } from '../engine/tenant-of.ts';
import { withinTime } from '../lib/clock.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { type Duration, durationMs } from '../lib/duration.ts';
import { assertKnownOptions } from '../lib/options.ts';
import type { StepTokens } from './step-tokens.ts';

/** Options of {@link requireStep}. */
export interface RequireStepOptions<in Needs extends object, Step extends string = string> {
  readonly tokens: StepTokens<Step>;
  /** The step that must have been taken. */
  readonly after: NoInfer<Step>;
  /** Who must have taken it: what the token was issued to. Nothing denies the call. */
  readonly by: (facts: Readonly<Needs>) => string | undefined;
  /** Where the token is. Default: the header `X-Step-Token`. */
  readonly token?:
    | ((request: RequestLike, facts: Readonly<Needs>) => string | null | undefined)
    | undefined;
  /** Remembers tokens that were used. Default: a memory store, right for a single process. */
  readonly replay?: ReplayStore | undefined;
  /** How long the replay store may take, at most `1m`. Default: `1s`. */
  readonly timeout?: Duration | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

const NAME = 'requireStep';
const HEADER = 'x-step-token';
const OPTIONS = ['tokens', 'after', 'by', 'token', 'replay', 'timeout', 'now'] as const;
const MISSING = denied('step.missing', 'The previous step must be taken first.');
const DENIED = denied('step.denied', 'The token does not belong to the previous step.');
const EXPIRED = denied('step.expired', 'The previous step was taken too long ago.');
const REPEATED = sharedDenial({
  kind: 'malformed',
  code: 'step.repeated',
  detail: 'A step permits one operation.',
});
const REPLAYED = denied('step.replayed', 'The token of the previous step has already been used.');

/**
 * Denies a call of a flow unless the caller has just taken the step before it, by the token that they got
 * then. A token is good for one call, so each step that is taken once is followed once: also where that call
 * fails, its step must be taken again. A GraphQL operation that runs several root fields by one token is
 * denied.
 *
 * Denials (403): `step.missing`, `step.denied`, `step.expired`, `step.replayed`; `step.repeated` (400);
 * `step.unavailable` (503) while the replay store does not answer.
 *
 * @throws ConfigurationError when the step is none of the flow or its last one, or another option is out of
 * its bounds.
 * @example
 * const payment = guard<CallFacts & AuthenticatedFacts>()
 *   .use(requireStep({ tokens: checkout, after: 'address', by: (facts) => facts.principal.id }))
 *   .use(allowAuthenticated());
 */
export function requireStep<Needs extends object, Step extends string>(
  options: RequireStepOptions<Needs, Step>,
): Policy<Needs, NoFacts, 'check'> {
  assertKnownOptions(NAME, options, OPTIONS);
  const { tokens, after, by, now = () => Date.now() } = options;
  const timeoutMs = durationMs(NAME, 'timeout', options.timeout ?? '1s', { max: '1m' });
  const { replay = memoryReplayStore({ now }) } = options;
  const { token = (request: RequestLike) => request.headers.get(HEADER) } = options;
  assertConfiguration(
    typeof tokens?.verify === 'function' && tokens.steps.slice(0, -1).includes(after),
    `${NAME}: after must be a step of the flow that another one follows.`,
  );
  assertConfiguration(
    typeof by === 'function',
    `${NAME}: say who must have taken the step: by: (facts) => facts.principal.id.`,
  );
  assertConfiguration(
    typeof replay.putIfAbsent === 'function',
    `${NAME}: replay must be a replay store, for example memoryReplayStore().`,
  );
  const verify = async (
    value: string,
    principal: string,
    tenant: string | undefined,
  ): Promise<Outcome> => {
    const ticket = await tokens.verify(value, after, principal, tenant);
    if (ticket === 'expired') return EXPIRED;
    if (ticket === 'denied') return DENIED;
    const ttl = replayTtl(ticket.expiresAt, now(), timeoutMs);
    if (ttl === undefined) return EXPIRED;
    try {
      const key = `step:${tokens.flow}:${ticket.id}`;
      const answer = (async () => replay.putIfAbsent(key, ttl))();
      const fresh = await withinTime(answer, timeoutMs);
      if (fresh === true) return pass();
      if (fresh === false) return REPLAYED;
      throw new TypeError('the replay store answered neither true nor false');
    } catch (cause) {
      return deny('unavailable', 'step.unavailable', { retryAfterMs: 1_000, cause });
    }
  };
  return definePolicy<Needs, NoFacts, 'check'>({
    name: NAME,
    role: 'check',
    needs: [],
    adds: [],
    check: (request, facts) => {
      if (executesSeveral(facts)) return REPEATED;
      const value = token(request, facts);
      if (typeof value !== 'string' || value === '') return MISSING;
      const principal = by(facts);
      // A call without an identified caller cannot have taken a step.
      if (typeof principal !== 'string' || principal === '') return DENIED;
      const tenant = tenantOf(facts);
      return tenant === '' ? DENIED : verify(value, principal, tenant);
    },
  });
}

function denied(
  code: 'step.missing' | 'step.denied' | 'step.expired' | 'step.replayed',
  detail: string,
): Deny {
  return sharedDenial({ kind: 'forbidden', code, detail });
}
