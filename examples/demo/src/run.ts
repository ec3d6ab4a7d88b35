import type { Completion } from '@apisec/core';
import { playScenarios, startDemo, transportNames } from './demo.ts';
import type { shopPolicy } from './policy.ts';
import { scenarios as allScenarios, type Scenario } from './scenarios.ts';
import { drawTable, type Row } from './table.ts';

export interface RunOptions {
  readonly policy?: typeof shopPolicy;
  readonly scenarios?: readonly Scenario[];
  readonly write: (text: string) => void;
  readonly color: boolean;
  /** Characters in a line. */
  readonly width: number;
}

/** Plays all scenarios, prints the table, and answers whether everything was as expected. */
export async function run({
  policy,
  scenarios = allScenarios,
  write,
  color,
  width,
}: RunOptions): Promise<boolean> {
  const started = performance.now();
  const demo = await startDemo(policy);
  let rows: readonly Row[];
  try {
    rows = await playScenarios(demo, scenarios);
  } finally {
    await demo.close();
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);

  const cells = rows.flatMap((row) => row.cells);
  const right = cells.filter(({ ok }) => ok).length;
  const tried = scenarios.filter(({ onTrial }) => onTrial).length * transportNames.length;
  const logged = demo.log.filter(wouldDeny).length;
  const good = right === cells.length && logged === tried;
  write(`\n${drawTable(rows, { transports: transportNames, color, width })}\n\n`);
  write(`The policy on trial would have denied ${logged} calls (expected: ${tried}).\n`);
  write(`${good ? '✓' : '✗'} ${right} of ${cells.length} answers as expected, in ${seconds} s.\n`);
  return good;
}

function wouldDeny({ trace }: Completion): boolean {
  return trace.some(({ verdict }) => verdict === 'would_deny');
}
