import type { Count } from '../wire.ts';
import { type Child, count, h, table } from './dom.ts';

/** Names with their counts, and a bar for the share of the most frequent. */
export function bars(caption: string, counts: readonly Count[], empty: string): HTMLElement {
  const most = counts[0]?.[1] ?? 1;
  return table(
    caption,
    ['Name', 'Count', 'Share'],
    counts.map(([name, number]): readonly Child[] => [
      h('code', {}, name),
      count(number),
      h('meter', { min: 0, max: most, value: number, 'aria-hidden': 'true' }),
    ]),
    empty,
  );
}
