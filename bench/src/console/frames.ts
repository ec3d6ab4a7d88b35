import type { Browser, Page } from 'playwright-core';

/** How long the main thread of a page worked in one go, in milliseconds of processor time. */
export interface Frames {
  /** Tasks of a millisecond or more. */
  readonly tasks: number;
  readonly median: number;
  readonly p99: number;
  readonly longest: number;
  /** How many took longer than a frame of 60 a second. */
  readonly over: number;
}

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  /** Microseconds of processor time. */
  readonly tdur?: number;
  readonly dur?: number;
  readonly args?: { readonly name?: string };
}

const FRAME_MS = 16;
const CATEGORIES = ['devtools.timeline', 'disabled-by-default-devtools.timeline', '__metadata'];

/**
 * Watches the page during `act`. Script, style, layout and paint of one frame are one task. Processor time, since
 * whatever else runs on the machine would count as well by the clock.
 */
export async function framesOf(
  browser: Browser,
  page: Page,
  act: () => Promise<void>,
): Promise<Frames> {
  await browser.startTracing(page, { categories: CATEGORIES });
  await act();
  const trace = JSON.parse(String(await browser.stopTracing())) as {
    readonly traceEvents: readonly TraceEvent[];
  };
  const events = trace.traceEvents;
  const mains = new Set(
    events
      .filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain')
      .map(({ pid, tid }) => `${pid} ${tid}`),
  );
  const times = events
    .filter(({ name, pid, tid }) => name === 'RunTask' && mains.has(`${pid} ${tid}`))
    .map(({ tdur, dur }) => (tdur ?? dur ?? 0) / 1_000)
    .filter((ms) => ms >= 1)
    .toSorted((a, b) => a - b);
  const at = (part: number): number => times[Math.ceil(part * times.length) - 1] ?? 0;
  return {
    tasks: times.length,
    median: at(0.5),
    p99: at(0.99),
    longest: times.at(-1) ?? 0,
    over: times.filter((ms) => ms > FRAME_MS).length,
  };
}
