import { withinTime } from '../lib/clock.ts';
import { assertConfiguration } from '../lib/configuration-error.ts';
import { type Duration, durationMs } from '../lib/duration.ts';
import { chain, isThenable, type MaybePromise } from '../lib/maybe-promise.ts';
import { assertOneOf } from '../lib/options.ts';

/** What happens to calls while a store does not answer. */
export interface StoreFailureOptions {
  /**
   * `closed`: calls are denied (`limit.unavailable`). `open`: they pass uncounted. `degrade`: each process
   * counts `localShare` of every limit by itself. What passes then is marked as degraded. Default: `closed`.
   */
  readonly onStoreFailure?: 'closed' | 'open' | 'degrade' | undefined;
  /** For `degrade`: the share of each limit that a process may spend alone, like 1 / number of processes. */
  readonly localShare?: number | undefined;
  /** How long the store may take, from `1ms` to `1m`. Default: `1s`. */
  readonly timeout?: Duration | undefined;
}

/** How one kind of store is asked. */
export interface StoreQuestions<Question, Answer> {
  /** Throws or rejects where there is no answer, or one that is none. */
  readonly ask: (question: Question) => MaybePromise<Answer>;
  /** Gives back what an answer took that nobody waited for. */
  readonly undo: (question: Question, answer: Answer) => MaybePromise<void>;
  /**
   * Whether it is given back also where the call goes on without it. A lease is, for the call holds none that
   * anybody would release; a charge is not, for the call did happen. Default: only where calls are denied.
   */
  readonly undoAlways?: boolean | undefined;
  /** Made only for `degrade`. */
  readonly local: (share: number) => (question: Question) => Answer;
}

/** The names of {@link StoreFailureOptions}, for factories that take them. */
export const STORE_FAILURE_OPTIONS = ['onStoreFailure', 'localShare', 'timeout'] as const;

const DEFAULT_TIMEOUT: Duration = '1s';

/**
 * Asks a store in bounded time, and for `degrade` the local one where that fails. Throws or rejects where
 * there is no answer.
 */
export function askStore<Question, Answer>(
  policy: string,
  { local, ...questions }: StoreQuestions<Question, Answer>,
  { onStoreFailure = 'closed', localShare, timeout }: StoreFailureOptions,
): (question: Question) => MaybePromise<Answer> {
  assertOneOf(policy, 'onStoreFailure', onStoreFailure, ['closed', 'open', 'degrade']);
  assertConfiguration(
    localShare === undefined || onStoreFailure === 'degrade',
    `${policy}: localShare is what each process spends with onStoreFailure: 'degrade'. Set both or neither.`,
  );
  const timely = askInTime(policy, questions, onStoreFailure, timeout);
  if (onStoreFailure !== 'degrade') return timely;
  assertConfiguration(
    localShare !== undefined && localShare > 0 && localShare <= 1,
    `${policy}: 'degrade' needs localShare, the share of each limit that this process has (0 to 1).`,
  );
  const instead = local(localShare);
  return (question) =>
    chain<Answer, Answer>(
      () => timely(question),
      (answer) => answer,
      () => instead(question),
    );
}

/** Asks a store in bounded time. Throws or rejects where there is no answer. */
export function askInTime<Question, Answer>(
  policy: string,
  { ask, undo, undoAlways = false }: Omit<StoreQuestions<Question, Answer>, 'local'>,
  onStoreFailure: NonNullable<StoreFailureOptions['onStoreFailure']>,
  timeout: Duration = DEFAULT_TIMEOUT,
): (question: Question) => MaybePromise<Answer> {
  const timeoutMs = durationMs(policy, 'timeout', timeout, { min: '1ms', max: '1m' });
  const undoes = undoAlways || onStoreFailure === 'closed';
  return (question) => {
    const answer = ask(question);
    if (!isThenable(answer)) return answer;
    const late = Promise.resolve(answer);
    return withinTime(late, timeoutMs).catch((cause: unknown) => {
      // Nobody waits for the answer any more. Should it come after all, it is given back.
      if (undoes) {
        late.then((taken) => undo(question, taken)).catch(() => undefined);
      }
      throw cause;
    });
  };
}
