import { memoryReplayStore } from '../contracts/memory-replay-store.ts';
import type { ReplayStore } from '../contracts/replay-store.ts';
import { executesSeveral } from '../engine/executes-several.ts';
import type { Peer } from '../engine/facts.ts';
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
import { settingsOf } from '../engine/settings.ts';
import { withinTime } from '../lib/clock.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { type Duration, durationMs } from '../lib/duration.ts';
import { sha256 } from '../lib/hash.ts';
import { assertKnownOptions, assertOneOf } from '../lib/options.ts';
import type { HumanVerdict, HumanVerifier } from './human-verifier.ts';

interface PeerFacts {
  readonly peer: Peer;
}

/** Options of {@link requireHuman}. */
export interface RequireHumanOptions<in Needs extends PeerFacts = PeerFacts> {
  /** Who knows whether a token stands for a solved challenge: `turnstile()`, `hcaptcha()` or your own. */
  readonly verifier: HumanVerifier;
  /** Where the token is. Default: the header `X-Human-Token`. */
  readonly token?:
    | ((request: RequestLike, facts: Readonly<Needs>) => string | null | undefined)
    | undefined;
  /** The same where it is in the body: `(body) => body['cf-turnstile-response']`. */
  readonly tokenInBody?: ((body: unknown, facts: Readonly<Needs>) => unknown) | undefined;
  /** Remembers tokens that were used. Default: a memory store, right for a single process. */
  readonly replay?: ReplayStore | undefined;
  /**
   * How long a used token is remembered, at most `1d`; providers let them live for 2 to 5 minutes. Default: `10m`.
   */
  readonly replayTtl?: Duration | undefined;
  /**
   * What happens to calls with a token while verifier or replay store do not answer. `closed`: they are
   * denied with `human.unavailable`. `open`: they pass, marked as degraded. Default: `closed`.
   */
  readonly onStoreFailure?: 'closed' | 'open' | undefined;
  /** How long verifier and replay store may take together, at most `1m`. Default: `12s`. */
  readonly timeout?: Duration | undefined;
  /** Epoch milliseconds, for a replay store made here. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

const NAME = 'requireHuman';
const HEADER = 'x-human-token';
const LONGEST_TOKEN = 8_192;
const OPTIONS = [
  'verifier',
  'token',
  'tokenInBody',
  'replay',
  'replayTtl',
  'onStoreFailure',
  'timeout',
  'now',
] as const;

const MISSING = denied('human.missing', 'The call needs the token of a solved challenge.');
const REFUSED = 'The token of the challenge is not valid. Solve it again.';
const REPLAYED = denied('human.replayed', 'The token of the challenge was used before.');
const REPEATED = sharedDenial({
  kind: 'malformed',
  code: 'human.repeated',
  detail: 'One solved challenge is for one operation.',
});
const UNVERIFIED: Outcome = Object.freeze({ ok: true, degraded: 'human.unverified' });

/**
 * Denies calls without the token of a challenge that only people solve, and each token that was used before:
 * for sign-up, password reset and whatever else must not be automated. Tokens are marked as used when they
 * have been verified, so exactly one of many equal calls passes, and made-up tokens take no memory. A GraphQL
 * operation that runs several root fields by one token is denied.
 *
 * Denials (403): `human.missing`, `human.denied`, `human.replayed`; `human.repeated` (400);
 * `human.unavailable` (503) while verifier or replay store do not answer.
 *
 * @throws ConfigurationError without a verifier, or when another option is out of its bounds.
 * @example
 * const signUp = guard<CallFacts>()
 *   .use(requireHuman({ verifier: turnstile({ secret, hostnames: ['www.example.com'] }) }))
 *   .use(allowAnonymous());
 */
export function requireHuman<Needs extends PeerFacts = PeerFacts>(
  options: RequireHumanOptions<Needs>,
): Policy<Needs, NoFacts, 'check'> {
  assertKnownOptions(NAME, options, OPTIONS);
  const { verifier, tokenInBody, onStoreFailure = 'closed' } = options;
  const { replay = memoryReplayStore({ now: options.now }) } = options;
  const replayTtlMs = durationMs(NAME, 'replayTtl', options.replayTtl ?? '10m', { max: '1d' });
  const timeoutMs = durationMs(NAME, 'timeout', options.timeout ?? '12s', { max: '1m' });
  const { token = (request: RequestLike) => request.headers.get(HEADER) } = options;
  assertConfiguration(
    typeof verifier?.verify === 'function',
    `${NAME}: verifier must be turnstile(), hcaptcha() or one of your own.`,
  );
  assertConfiguration(
    options.token === undefined || tokenInBody === undefined,
    `${NAME}: give token or tokenInBody, not both.`,
  );
  assertConfiguration(
    typeof replay.putIfAbsent === 'function',
    `${NAME}: replay must be a replay store, for example memoryReplayStore().`,
  );
  assertOneOf(NAME, 'onStoreFailure', onStoreFailure, ['closed', 'open']);

  const verify = async (value: string, facts: Readonly<Needs>): Promise<Outcome> => {
    const verdict: HumanVerdict = await verifier.verify(value, facts.peer.address);
    const { human } = verdict;
    if (human === false) {
      return deny('forbidden', 'human.denied', { detail: REFUSED, cause: verdict.reason });
    }
    // Only true and false are verdicts; anything else must not admit.
    if (human !== true)
      throw new TypeError('the verifier answered something that is not a verdict');
    const fresh = await replay.putIfAbsent(`human:${await sha256(value)}`, replayTtlMs);
    if (fresh === true) return pass();
    if (fresh === false) return REPLAYED;
    throw new TypeError('the replay store answered neither true nor false');
  };
  const decide = (value: unknown, facts: Readonly<Needs>): Outcome | Promise<Outcome> => {
    if (typeof value !== 'string' || value === '') return MISSING;
    if (value.length > LONGEST_TOKEN) return deny('forbidden', 'human.denied', { detail: REFUSED });
    return withinTime(verify(value, facts), timeoutMs).catch(
      // Deliberately open where the user said so; the decision tells it.
      (cause: unknown): Outcome =>
        onStoreFailure === 'open'
          ? UNVERIFIED
          : deny('unavailable', 'human.unavailable', { retryAfterMs: 5_000, cause }),
    );
  };

  return definePolicy<Needs, NoFacts, 'check'>({
    name: NAME,
    role: 'check',
    settings: settingsOf(options, ['onStoreFailure']),
    needs: tokenInBody ? ['bodies'] : [],
    adds: [],
    check: (request, facts) => {
      if (executesSeveral(facts)) return REPEATED;
      if (tokenInBody === undefined) return decide(token(request, facts), facts);
      return pass(
        {},
        {
          onMessage: async (body) => {
            const outcome = await decide(tokenInBody(body, facts), facts);
            if (!outcome.ok) return { ok: false, denial: outcome.denial };
            const { degraded } = outcome;
            if (degraded === undefined) return { ok: true };
            const entry = { policy: NAME, role: 'check', verdict: 'passed', degraded } as const;
            return { ok: true, trace: [entry] };
          },
        },
      );
    },
  });
}

function denied(code: 'human.missing' | 'human.replayed', detail: string): Deny {
  return sharedDenial({ kind: 'forbidden', code, detail });
}
