/** Waits that long at least: a timer of Node may fire up to a millisecond early. */
export const wait = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, Math.ceil(milliseconds) + 1));
