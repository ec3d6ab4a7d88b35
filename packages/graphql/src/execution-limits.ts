import type { Denial } from '@apisec/core';
import {
  assertCount,
  assertKnownOptions,
  type Duration,
  durationMs,
  isThenable,
} from '@apisec/core/host';
import type { FieldNode } from 'graphql';

/** What one operation may take while it runs. Nothing is bounded that is not given. */
export interface ExecutionLimitsOptions {
  /** From the decision to the answer; not of subscriptions. Over it: `operation.timed_out` (408). */
  readonly deadline?: Duration | undefined;
  /** Calls of resolvers, and reads of objects and lists. Over it: `operation.over_budget` (400), as the others. */
  readonly resolverCalls?: number | undefined;
  /** Items of one list. */
  readonly listItems?: number | undefined;
  /** Objects and items of lists, all together. */
  readonly nodes?: number | undefined;
  /**
   * UTF-8 bytes of the data as JSON, about: of one event, or of all parts of an answer together. Over it:
   * `response.too_large` (400).
   */
  readonly responseBytes?: number | undefined;
}

/** Limits, ready for operations. */
export interface ExecutionLimits {
  readonly deadlineMs: number | undefined;
  readonly resolverCalls: number;
  readonly listItems: number;
  readonly nodes: number;
  readonly responseBytes: number;
}

const COUNTS = ['resolverCalls', 'listItems', 'nodes', 'responseBytes'] as const;

/**
 * @throws ConfigurationError for an unknown option, or a bound that is not a whole number of 1 or more.
 */
export function executionLimits(
  options: ExecutionLimitsOptions | undefined,
): ExecutionLimits | undefined {
  if (options === undefined) return undefined;
  assertKnownOptions('execution', options, ['deadline', ...COUNTS]);
  for (const name of COUNTS) {
    const value = options[name];
    if (value !== undefined) assertCount('execution', name, value);
  }
  const { deadline, ...counts } = options;
  const of = (name: (typeof COUNTS)[number]): number => counts[name] ?? Number.POSITIVE_INFINITY;
  return {
    deadlineMs:
      deadline === undefined
        ? undefined
        : durationMs('execution', 'deadline', deadline, { max: '1d' }),
    resolverCalls: of('resolverCalls'),
    listItems: of('listItems'),
    nodes: of('nodes'),
    responseBytes: of('responseBytes'),
  };
}

const OVER_BUDGET: Denial = Object.freeze({
  kind: 'malformed',
  code: 'operation.over_budget',
  detail: 'The operation asks for more than one operation may.',
});
const TIMED_OUT: Denial = Object.freeze({ kind: 'timeout', code: 'operation.timed_out' });
const TOO_LARGE: Denial = Object.freeze({
  kind: 'malformed',
  code: 'response.too_large',
  detail: 'The answer is larger than one answer may be.',
});

/** What is left to one operation. Once something is used up, nothing more of it is resolved. */
export interface ExecutionBudget {
  /** Why the operation ends, once it does. */
  readonly denial: () => Denial | undefined;
  /** Before a resolver. */
  readonly call: () => Denial | undefined;
  /** What a resolver gave; rejects as soon as the operation ends, whatever the resolver does. */
  readonly wait: (value: PromiseLike<unknown>) => Promise<unknown>;
  /** What one object or item of a list costs that a field brings; 0 where nobody charges by cost. */
  readonly weightOf: (nodes: readonly FieldNode[]) => number;
  /** Counts objects and lists in what a resolver gave, and answers it: iterables as lists that were counted. */
  readonly count: (value: unknown, lists: number, isObject: boolean, weight: number) => unknown;
  /** Checks what is about to be sent, together with what was sent before. */
  readonly checkSize: (data: unknown) => Denial | undefined;
  /** For the next event of a subscription. */
  readonly reset: () => void;
  readonly stop: () => void;
  /** What objects and items of lists have cost so far; of several events the dearest. */
  readonly spent: () => number;
}

/** Ends the wait of resolvers; the answer is made of the denial. */
class OverBudget extends Error {}

/**
 * @param onEnd hears it when the operation is over before its resolvers are.
 * @param weights by which its cost was reserved, where it was.
 */
export function executionBudget(
  limits: ExecutionLimits,
  hasDeadline: boolean,
  onEnd: () => void,
  weights: () => ReadonlyMap<FieldNode, number> | undefined,
): ExecutionBudget {
  let calls = 0;
  let nodes = 0;
  let cost = 0;
  let dearest = 0;
  let bytes = 0;
  let denial: Denial | undefined;
  const waiting = new Set<(error: Error) => void>();
  const end = (why: Denial): Denial => {
    if (denial) return denial;
    denial = why;
    for (const reject of waiting) reject(new OverBudget());
    waiting.clear();
    onEnd();
    return denial;
  };
  const exceed = (): never => {
    end(OVER_BUDGET);
    throw new OverBudget();
  };
  const take = (count: number): void => {
    nodes += count;
    if (nodes > limits.nodes) exceed();
  };
  const timer =
    hasDeadline && limits.deadlineMs !== undefined
      ? setTimeout(() => end(TIMED_OUT), limits.deadlineMs)
      : undefined;
  // Not every runtime has it, and no process need stay for this.
  (timer as { readonly unref?: () => void } | undefined)?.unref?.();
  /** Of a list that has had so many before. */
  const countItem = (
    item: unknown,
    before: number,
    lists: number,
    isObject: boolean,
    weight: number,
  ): unknown => {
    if (before >= limits.listItems) exceed();
    take(1);
    if (lists > 1) return count(item, lists - 1, isObject, weight);
    cost += weight;
    return item;
  };
  const countList = (
    list: Iterable<unknown>,
    lists: number,
    isObject: boolean,
    weight: number,
  ): unknown[] => {
    const items: unknown[] = [];
    // Ended as soon as there are too many, so that an endless one is none.
    for (const item of list) items.push(countItem(item, items.length, lists, isObject, weight));
    return items;
  };
  /** As GraphQL 17 takes them. */
  const countAsync = async function* (
    list: AsyncIterable<unknown>,
    lists: number,
    isObject: boolean,
    weight: number,
  ): AsyncGenerator<unknown> {
    let items = 0;
    for await (const item of list) {
      if (denial) throw new OverBudget();
      yield countItem(item, items++, lists, isObject, weight);
    }
  };
  const count: ExecutionBudget['count'] = (value, lists, isObject, weight) => {
    if (value === null || value === undefined || value instanceof Error) return value;
    // An item of a list that is still to come.
    if (isThenable(value)) {
      const counted = Promise.resolve(value).then((late) => count(late, lists, isObject, weight));
      // Where another item ends the operation first, nobody waits for this one.
      counted.catch(() => undefined);
      return counted;
    }
    if (lists > 0) {
      if (typeof value !== 'object') return value;
      if (Symbol.asyncIterator in value && !(Symbol.iterator in value)) {
        return countAsync(value as AsyncIterable<unknown>, lists, isObject, weight);
      }
      const isIterable = Symbol.iterator in value;
      return isIterable ? countList(value as Iterable<unknown>, lists, isObject, weight) : value;
    }
    if (isObject) {
      take(1);
      cost += weight;
    }
    return value;
  };
  return {
    denial: () => denial,
    call: () => denial ?? (++calls > limits.resolverCalls ? end(OVER_BUDGET) : undefined),
    wait: (value) =>
      new Promise((resolve, reject) => {
        if (denial) return reject(new OverBudget());
        waiting.add(reject);
        return void Promise.resolve(value)
          .then(resolve, reject)
          .finally(() => waiting.delete(reject));
      }),
    weightOf: (nodes) => {
      const known = weights();
      if (known === undefined) return 0;
      let weight = 0;
      for (const node of nodes) weight += known.get(node) ?? 0;
      return weight;
    },
    count,
    checkSize: (data) => {
      if (denial || limits.responseBytes === Number.POSITIVE_INFINITY) return denial;
      bytes += sizeUpTo(data, limits.responseBytes - bytes);
      return bytes > limits.responseBytes ? end(TOO_LARGE) : undefined;
    },
    reset: () => {
      bytes = 0;
      calls = 0;
      nodes = 0;
      dearest = Math.max(dearest, cost);
      cost = 0;
    },
    stop: () => clearTimeout(timer),
    spent: () => Math.max(dearest, cost),
  };
}

/** The size of data as JSON. Stops as soon as it exceeds `most`. */
function sizeUpTo(data: unknown, most: number): number {
  let size = 0;
  const open: unknown[] = [data];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value === 'string') size += bytesOf(value) + 2;
    else if (typeof value !== 'object' || value === null) size += String(value).length;
    else if (Array.isArray(value)) {
      size += value.length + 1;
      if (size > most) return size;
      for (const each of value as unknown[]) open.push(each);
    } else {
      size += 1;
      for (const [name, each] of Object.entries(value)) {
        size += name.length + 4;
        open.push(each);
      }
    }
    if (size > most) return size;
  }
  return size;
}

function bytesOf(text: string): number {
  let bytes = text.length;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    // Of a surrogate pair each half counts as three, of four bytes that it is: an upper bound.
    if (char > 0x7f) bytes += char > 0x7_ff ? 2 : 1;
    else if (char < 0x20 || char === 34 || char === 92) bytes++;
  }
  return bytes;
}
