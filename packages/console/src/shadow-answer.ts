import { BETWEEN, type FeedView } from './console-feed.ts';
import type { CoverageLine, ShadowAnswer } from './wire.ts';

const MOST_LINES = 500;
/**
 * What policies on trial would have denied in the last day, and which of it was let in: that is what changes once they
 * are enforced. Policies on trial that denied nothing are listed apart.
 */
export function shadowAnswer(view: FeedView, lines: readonly CoverageLine[]): ShadowAnswer {
  const trials = [...view.trials.cells(view.now())].map(([name, { count, denied }]) => {
    const [operation = '', would = ''] = name.split(BETWEEN);
    // No code has a space in it.
    const space = would.lastIndexOf(' ');
    const [policy, code] =
      space < 0 ? [would, ''] : [would.slice(0, space), would.slice(space + 1)];
    return { operation, policy, code, would: count, admitted: count - denied };
  });
  const denying = new Set(trials.map(({ operation, policy }) => `${operation}${BETWEEN}${policy}`));
  const silent = lines.flatMap(({ table, operation, shadow, calls }) =>
    shadow
      .filter((policy) => !denying.has(`${operation}${BETWEEN}${policy}`))
      .map((policy) => ({ table, operation, policy, calls })),
  );
  return {
    trials: trials
      .toSorted((one, other) => other.admitted - one.admitted || other.would - one.would)
      .slice(0, MOST_LINES),
    silent: silent.slice(0, MOST_LINES),
  };
}
