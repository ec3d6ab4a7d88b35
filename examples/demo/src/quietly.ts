/**
 * Runs something that writes notes for production use to the console (the provider does: about Node
 * versions, about its memory store) and drops them.
 */
export async function quietly<T>(run: () => Promise<T>): Promise<T> {
  const { info, warn } = console;
  Object.assign(console, { info: ignore, warn: ignore });
  try {
    return await run();
  } finally {
    Object.assign(console, { info, warn });
  }
}

function ignore(): void {}
