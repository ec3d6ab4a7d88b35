import { documentBounds } from '@apisec/graphql';
import { type Line, lineChart } from '../charts/line-chart.ts';

/** How long each library took for documents of a size. */
export interface Analyses {
  /** Lexical tokens of each document. */
  readonly tokens: readonly number[];
  /** Milliseconds of CPU for each of them, the best of many rounds, by library. */
  readonly milliseconds: Readonly<Record<string, readonly number[]>>;
}

export const NAME = 'graphql-analysis';
/** By default. */
const { maxTokens } = documentBounds();
const COLORS = ['#0b6e4f', '#2a9d8f', '#c1121f', '#6c757d'];

/** The time of an analysis over the size of its document. */
export function drawAnalyses({ tokens, milliseconds }: Analyses): string {
  const lines = Object.entries(milliseconds).map(
    ([name, best], index): Line => ({
      name,
      color: COLORS[index] ?? '#000000',
      points: tokens.map((count, at) => [count, best[at] ?? 0] as const),
    }),
  );
  return lineChart([{ title: 'milliseconds of CPU for one document', lines }], {
    title: 'Analysis of a GraphQL document, by its size',
    x: 'tokens',
    y: 'ms',
    maxX: 16_000,
    shades: [{ from: maxTokens, to: 16_000, name: 'denied' }],
  });
}
