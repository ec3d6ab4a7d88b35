/**
 * Milliseconds of processor time that this takes: other programs of a busy machine do not count. On runtimes that
 * cannot tell, the time that passes.
 */
export function cpuMs(run: () => unknown): number {
  const begin = performance.now();
  const before = processorTime();
  run();
  const after = processorTime();
  return before === undefined || after === undefined ? performance.now() - begin : after - before;
}

/** In milliseconds; undefined where there is none: workerd has the function, and throws. */
function processorTime(): number | undefined {
  try {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000;
  } catch {
    return undefined;
  }
}
