/**
 * Does a task some milliseconds later, without keeping a process alive for it. Where it fails, or never comes about
 * since its process ended, something else must bound the harm.
 */
export function later(task: () => unknown, wait: number): void {
  const timer: unknown = setTimeout(() => {
    Promise.resolve()
      .then(task)
      .catch(() => undefined);
  }, wait);
  // Node has objects where the web has numbers.
  (timer as { readonly unref?: () => void }).unref?.();
}
