/** Tasks that are sent together: those of one turn of the event loop, up to a number. */
export interface Batch<Task, Answer> {
  readonly add: (task: Task) => Promise<Answer>;
}

interface Waiting<Task, Answer> {
  readonly task: Task;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (cause: unknown) => void;
}

/**
 * @param size sent as soon as so many are there. Small enough that the server works on one batch while the
 * next one is gathered.
 * @param send answers for each task, in order; an error fails that task alone.
 */
export function batches<Task, Answer>(
  size: number,
  send: (tasks: readonly Task[]) => Promise<readonly (Answer | Error)[]>,
): Batch<Task, Answer> {
  let waiting: Waiting<Task, Answer>[] = [];
  const flush = (): void => {
    const batch = waiting;
    if (batch.length === 0) return;
    waiting = [];
    send(batch.map(({ task }) => task)).then(
      (answers) =>
        batch.forEach(({ resolve, reject }, index) => {
          const answer = answers[index] as Answer | Error;
          if (answer instanceof Error) reject(answer);
          else resolve(answer);
        }),
      (cause: unknown) => batch.forEach(({ reject }) => reject(cause)),
    );
  };
  return {
    add: (task) =>
      new Promise((resolve, reject) => {
        waiting.push({ task, resolve, reject });
        if (waiting.length === size) flush();
        else if (waiting.length === 1) setImmediate(flush);
      }),
  };
}
