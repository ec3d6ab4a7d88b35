/** How often one operation was called, and how often that was denied. */
interface Sum {
  calls: number;
  denied: number;
}

/** How often operations were called since the beginning. */
export interface OperationCounts {
  readonly add: (name: string, weight: number, denied: boolean) => void;
  readonly get: (name: string) => Readonly<Sum> | undefined;
}

/** More than any application serves. */
const MOST_ADMITTED = 20_000;
const MOST_DENIED = 5_000;

/**
 * Counts the first 20,000 operations that a call was admitted to. Callers can make up names of what is denied, so those
 * that nobody was admitted to are kept apart: 5,000 of them, and the ones that were called longest ago are forgotten.
 */
export function operationCounts(): OperationCounts {
  const admitted = new Map<string, Sum>();
  const denied = new Map<string, Sum>();
  return {
    get: (name) => admitted.get(name) ?? denied.get(name),
    add: (name, weight, isDenied) => {
      let sum = admitted.get(name);
      if (sum === undefined) {
        sum = denied.get(name) ?? { calls: 0, denied: 0 };
        denied.delete(name);
        if (isDenied) {
          denied.set(name, sum);
          const [oldest] = denied.keys();
          if (oldest !== undefined && denied.size > MOST_DENIED) denied.delete(oldest);
        } else if (admitted.size < MOST_ADMITTED) admitted.set(name, sum);
      }
      sum.calls += weight;
      if (isDenied) sum.denied += weight;
    },
  };
}
