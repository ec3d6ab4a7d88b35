import type {
  AttemptAnswer,
  AttemptReconciliation,
  AttemptRequest,
  CounterStore,
} from '../contracts/counter-store.ts';
import { askInTime } from '../contracts/store-failure.ts';
import type { CallFacts } from '../engine/facts.ts';
import type { Completion } from '../engine/obligations.ts';
import type { Deny } from '../engine/outcome.ts';
import type { Duration } from '../lib/duration.ts';
import { chain, isThenable, type MaybePromise } from '../lib/maybe-promise.ts';
import type { LimitKey } from '../limits/limit-key.ts';
import { throttled, uncountable } from './failures.ts';

/** An attempt that was counted, and can be taken back. */
export interface HeldAttempt {
  readonly request: AttemptRequest;
  readonly ticket: number;
}

/** Whether the attempt may be made; `degraded` where it was not counted. */
export type Reserved = Deny | { readonly ok: true; readonly degraded?: string };

/** Attempts in a counter store, which count as failed until they are reconciled. */
export interface AttemptCounting {
  /** Counts an attempt; what was counted is added to `held`. */
  readonly reserve: (
    requests: readonly AttemptRequest[],
    held: HeldAttempt[],
  ) => MaybePromise<Reserved>;
  /** Takes attempts back, each in its way. */
  readonly reconcile: (
    held: readonly HeldAttempt[],
    resultOf: (request: AttemptRequest) => AttemptReconciliation['result'],
  ) => MaybePromise<void>;
}

/** `onStoreFailure` and `timeout` say what happens while the store does not answer. */
export function attemptCounting(
  policy: string,
  store: CounterStore,
  onStoreFailure: 'closed' | 'open',
  timeout: Duration | undefined,
): AttemptCounting {
  const settleAs: AttemptCounting['reconcile'] = (held, resultOf) =>
    store.reconcile(
      held.map(({ request, ticket }) => ({ ...request, ticket, result: resultOf(request) })),
    );
  const ask = askInTime<readonly AttemptRequest[], AttemptAnswer>(
    policy,
    {
      ask: (requests) => {
        const answer = store.attempt(requests);
        return isThenable(answer)
          ? answer.then((late) => vet(late, requests))
          : vet(answer, requests);
      },
      undo: (requests, answer) => settleAs(heldOf(requests, answer), () => 'refund'),
    },
    'closed',
    timeout,
  );
  return {
    reserve: (requests, held) =>
      chain<AttemptAnswer, Reserved>(
        () => ask(requests),
        (answer) => {
          if (!answer.allowed) return throttled(answer.retryAfterMs);
          held.push(...heldOf(requests, answer));
          return { ok: true };
        },
        // Deliberately open where the user said so; the decision tells it.
        (cause) =>
          onStoreFailure === 'open'
            ? { ok: true, degraded: 'failures.uncounted' }
            : uncountable(cause),
      ),
    reconcile: settleAs,
  };
}

function heldOf(
  requests: readonly AttemptRequest[],
  { allowed, tickets }: AttemptAnswer,
): readonly HeldAttempt[] {
  if (!allowed) return [];
  // A store that answers is held to one ticket for each request.
  return requests.map((request, index) => ({ request, ticket: tickets[index] as number }));
}

/** Rejects an answer of the wrong shape: a store that is broken must not admit. */
function vet(answer: AttemptAnswer, requests: readonly AttemptRequest[]): AttemptAnswer {
  const { allowed, retryAfterMs, tickets } = answer;
  const told =
    allowed === true
      ? Array.isArray(tickets) && tickets.length === requests.length
      : allowed === false && retryAfterMs > 0;
  if (!told)
    throw new TypeError('the counter store answered something that is not an AttemptAnswer');
  return answer;
}

/** Longer than any name of an account. */
const LONGEST_ACCOUNT = 1_024;

/** One form for names that people and directories take for the same. */
export function alike(key: LimitKey): LimitKey {
  if (typeof key === 'string') return alikeText(key);
  return Array.isArray(key) ? key.map((part: unknown) => alikeText(part) ?? '') : undefined;
}

function alikeText(text: unknown): string | undefined {
  if (typeof text !== 'string' || text.length > LONGEST_ACCOUNT) return undefined;
  return text.normalize('NFKC').trim().toLowerCase();
}

/** The caller's text is one name or none. Anything but text is not a key, even where none is needed. */
export function textOnly(key: unknown): LimitKey {
  if (key === undefined || key === null || typeof key === 'string') return key;
  return [];
}

/** How an attempt came out. `neither`: it was not tried, so it counts for nothing. */
export type AttemptResult = 'failed' | 'succeeded' | 'neither';

/** Statuses that mean "not you", even from a policy. gRPC ends at 16 and HTTP begins at 100: one table holds both. */
const DENIED: ReadonlySet<number | undefined> = new Set([401, 403, 7, 16]);

/** How a call came out, by how it was answered: see `judge` of `throttleFailures`. */
export function judgeAttempt(
  { outcome, status, facts }: Completion,
  safe: boolean,
  named: boolean,
): AttemptResult {
  const { call } = facts as Partial<CallFacts>;
  // A caller who disconnects before the answer may have received it.
  if (outcome === 'aborted' || DENIED.has(status)) return 'failed';
  // The handler did not see it: it is too long, say, or another limit denied it.
  if (outcome === 'denied') return 'neither';
  if (call === undefined || call.protocol === 'graphql') return 'failed';
  if (call.protocol === 'grpc') return status === 0 ? 'succeeded' : 'failed';
  const succeeded =
    outcome === 'succeeded' && status !== undefined && status >= 200 && status < 300;
  if (succeeded) return safe ? 'neither' : 'succeeded';
  // Closed: handlers say "wrong" with 400, 404, 422 and redirects, and a fault may come after the guess was tried. That
  // a status does not tell right from wrong is seen in the first test of a login. A form that is asked for by a safe
  // method is no guess, unless the caller chose the method to send one with.
  return safe && !named ? 'neither' : 'failed';
}
