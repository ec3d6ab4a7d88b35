import { callersOf, type Demo, headersOf } from './demo.ts';
import { scenarios } from './scenarios.ts';

/** Calls the shop as its customers and its enemies do, again and again, until it is stopped. */
export function playTraffic(
  { ports, tokens }: Pick<Demo, 'ports' | 'tokens'>,
  pauseMs: number,
): { readonly stop: () => Promise<void> } {
  const callers = callersOf(ports);
  const oneOf = <T>(list: readonly T[]): T | undefined =>
    list[Math.floor(Math.random() * list.length)];
  const over = new AbortController();
  let wake: () => void = () => undefined;
  const run = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const scenario = oneOf(scenarios);
      const caller = oneOf(callers);
      if (scenario === undefined || caller === undefined) return;
      await caller.call(scenario.operation, headersOf(scenario, tokens)).catch(() => undefined);
      if (over.signal.aborted) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
        setTimeout(resolve, pauseMs * 2 * Math.random());
      });
    }
  };
  const running = run();
  return {
    stop: async () => {
      over.abort();
      wake();
      await running;
      for (const caller of callers) caller.close();
    },
  };
}
