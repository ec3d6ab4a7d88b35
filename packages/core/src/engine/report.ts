/** Tells a listener of a fault. Whatever it throws changes nothing for the caller. */
export function report(listener: ((cause: unknown) => void) | undefined, cause: unknown): void {
  try {
    listener?.(cause);
  } catch {
    // Nobody is left to tell.
  }
}
