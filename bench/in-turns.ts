import { recordTimes, type Timing } from './measurements.ts';

/** How contenders are measured. */
interface Turns {
  /** Calls of each contender in each round. */
  readonly each: number;
  readonly rounds: number;
  /** Calls that wait for their answers at the same time. Default: one after the other. */
  readonly inFlight?: number;
}

/**
 * Nanoseconds for each call, for each contender: its best round, and the median of all. They take turns, so that a
 * machine that is slow for a while is slow for all of them, and whatever else it does only adds to a round.
 */
export async function inTurns(
  contenders: Readonly<Record<string, (index: number) => unknown>>,
  { each, rounds, inFlight = 1 }: Turns,
): Promise<ReadonlyMap<string, Timing>> {
  const taken = new Map<string, number[]>();
  for (let round = 0; round < rounds; round++) {
    for (const [name, task] of Object.entries(contenders)) {
      const times = taken.get(name) ?? [];
      times.push(await timed(task, each, inFlight));
      taken.set(name, times);
    }
  }
  return new Map([...taken].map(([name, times]) => [name, timingOf(times)]));
}

function timingOf(times: readonly number[]): Timing {
  const sorted = times.toSorted((a, b) => a - b);
  return { best: sorted[0] ?? 0, median: sorted[Math.floor(sorted.length / 2)] ?? 0 };
}

async function timed(
  task: (index: number) => unknown,
  each: number,
  inFlight: number,
): Promise<number> {
  let index = 0;
  const start = performance.now();
  // What answers at once is not made to wait.
  if (isPromise(task(index++))) {
    const worker = async (): Promise<void> => {
      while (index < each) await task(index++);
    };
    await Promise.all(Array.from({ length: inFlight }, worker));
  } else {
    while (index < each) kept = task(index++);
  }
  return ((performance.now() - start) * 1e6) / each;
}

/** The last answer, so that no compiler finds that nobody wants it. */
let kept: unknown;
export const lastAnswer = (): unknown => kept;

function isPromise(value: unknown): boolean {
  return value instanceof Promise;
}

/** Prints contenders with the time of their best round, as a multiple of that of the first one, and records them. */
export function print(title: string, times: ReadonlyMap<string, Timing>): void {
  recordTimes(title, times);
  const first = [...times.values()][0]?.best ?? 1;
  console.log(`\n${title}: time of one, how many a second, and as a multiple of the first`);
  for (const [name, { best: time }] of times) {
    const rate = Math.round(1e9 / time).toLocaleString('en');
    console.log(
      `  ${name.padEnd(48)} ${(time / 1_000).toFixed(2).padStart(8)} µs ${rate.padStart(11)}/s ${(time / first).toFixed(2).padStart(6)} x`,
    );
  }
}
