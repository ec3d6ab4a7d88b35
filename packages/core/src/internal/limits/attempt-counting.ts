import type { Deny } from '../../outcome.ts';
import type {
  AttemptAnswer,
  AttemptRequest,
  AttemptSettlement,
  CounterStore,
} from '../../stores/counter-store.ts';
import { isThenable, type MaybePromise, settle } from '../maybe-promise.ts';
import { askInTime } from '../store-failure.ts';
import { throttled, uncountable } from './failure-refusals.ts';

/** An attempt that was counted, and can be taken back. */
export interface HeldAttempt {
  readonly request: AttemptRequest;
  readonly ticket: number;
}

/** Whether the attempt may be made; `degraded` where it was not counted. */
export type Reserved = Deny | { readonly ok: true; readonly degraded?: string };

/** Attempts in a counter store, which count as failed until they are settled. */
export interface AttemptCounting {
  /** Counts an attempt; what was counted is added to `held`. */
  readonly reserve: (
    requests: readonly AttemptRequest[],
    held: HeldAttempt[],
  ) => MaybePromise<Reserved>;
  /** Takes attempts back, each in its way. */
  readonly settle: (
    held: readonly HeldAttempt[],
    resultOf: (request: AttemptRequest) => AttemptSettlement['result'],
  ) => MaybePromise<void>;
}

/** `onError` and `timeout` (milliseconds) say what happens while the store does not answer. */
export function attemptCounting(
  policy: string,
  store: CounterStore,
  onError: 'closed' | 'open',
  timeout: number | undefined,
): AttemptCounting {
  const settleAs: AttemptCounting['settle'] = (held, resultOf) =>
    store.settle(
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
      settle<AttemptAnswer, Reserved>(
        () => ask(requests),
        (answer) => {
          if (!answer.allowed) return throttled(answer.retryAfter);
          held.push(...heldOf(requests, answer));
          return { ok: true };
        },
        // Deliberately open where the user said so; the decision tells it.
        (cause) =>
          onError === 'open' ? { ok: true, degraded: 'failures.uncounted' } : uncountable(cause),
      ),
    settle: settleAs,
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

/** Refuses an answer that is none: what a store says without meaning it must not admit. */
function vet(answer: AttemptAnswer, requests: readonly AttemptRequest[]): AttemptAnswer {
  const { allowed, retryAfter, tickets } = answer;
  const told =
    allowed === true
      ? Array.isArray(tickets) && tickets.length === requests.length
      : allowed === false && retryAfter > 0;
  if (!told) throw new TypeError('the counter store answered something that is no AttemptAnswer');
  return answer;
}
