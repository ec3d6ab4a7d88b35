import {
  type Completion,
  type Denial,
  definePolicy,
  deny,
  type GrpcFacts,
  type Guard,
  guard,
  type Obligations,
  pass,
} from '@apisec/core';
import { KINDS } from './shop.ts';

/** A denial in the middle of a call. */
export const STOP: Denial = { kind: 'forbidden', code: 'item.forbidden', detail: 'No such item.' };

type Who = { readonly who: string };

/**
 * Admits callers whose `x-key` is `open`, with `obligations` to do; `late` makes it think for a moment.
 */
export function gate(
  obligations: Obligations = {},
  { late = false, always = {} }: { readonly late?: boolean; readonly always?: Obligations } = {},
): Guard<GrpcFacts, GrpcFacts & Who, 'grant'> {
  return guard<GrpcFacts>().use(
    definePolicy<GrpcFacts, Who, 'grant'>({
      name: 'gate',
      role: 'grant',
      always,
      check: (request) => {
        const outcome =
          request.headers.get('x-key') === 'open'
            ? pass({ who: 'ann' }, obligations)
            : deny('unauthenticated', 'key.missing', { detail: 'A key is needed.' });
        return late ? Promise.resolve().then(() => outcome) : outcome;
      },
    }),
  );
}

/** The metadata of an honest call. */
export const HONEST: Readonly<Record<string, string>> = { 'x-key': 'open' };

/** The same for every kind of call. */
export function everyKind<T>(value: T): Record<string, T> {
  return Object.fromEntries(KINDS.map((path) => [path, value]));
}

/** Collects how calls ended. */
export function recorder(): {
  readonly completions: Completion[];
  readonly onComplete: (completion: Completion) => void;
} {
  const completions: Completion[] = [];
  return { completions, onComplete: (completion) => void completions.push(completion) };
}

/** A promise to be settled from outside. */
export function deferred<T>(): {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
} {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
