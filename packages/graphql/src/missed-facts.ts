type Facts = Readonly<Record<string, unknown>>;

/** Stands for all names: who lists what is there would see whatever comes. */
export const EVERY = '*';

/** What one policy looks for among its facts and does not find. */
export interface Misses {
  readonly watch: (facts: Facts) => Facts;
  /** What was missed until the policy answered; code that keeps the facts may read more later. */
  readonly end: () => ReadonlySet<string>;
}

/**
 * Watches what a policy looks for in vain: an answer that was given without such a fact says nothing about a place
 * where it is there.
 */
export function missedFacts(): Misses {
  const missed = new Set<string>();
  let isOver = false;
  const note = (facts: Facts, name: string | symbol): void => {
    if (!isOver && typeof name === 'string' && !(name in facts)) missed.add(name);
  };
  return {
    watch: (facts) =>
      new Proxy(facts, {
        get: (target, name) => {
          note(target, name);
          return Reflect.get(target, name);
        },
        has: (target, name) => {
          note(target, name);
          return Reflect.has(target, name);
        },
        getOwnPropertyDescriptor: (target, name) => {
          note(target, name);
          return Reflect.getOwnPropertyDescriptor(target, name);
        },
        ownKeys: (target) => {
          if (!isOver) missed.add(EVERY);
          return Reflect.ownKeys(target);
        },
      }),
    end: () => {
      isOver = true;
      return missed;
    },
  };
}
