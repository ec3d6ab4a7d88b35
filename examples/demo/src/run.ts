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
  write(`
One policy (examples/demo/src/policy.ts) guards the same shop on Express,
Fastify, Hono, plain fetch, Apollo (GraphQL) and gRPC. Honest and hostile
callers now make ${scenarios.length} calls to each, over real sockets, with real tokens.
A tick says: answered as it must be. Numbers are HTTP statuses.
`);
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
  write(`
Read next:  examples/demo/src/policy.ts   who may do what, on all six
Type next:  npm start -- --serve          call the six servers yourself
`);
  return good;
}

function wouldDeny({ trace }: Completion): boolean {
  return trace.some(({ verdict }) => verdict === 'would_deny');
}
