import type { Denial, DenialKind } from '@apisec/core';

/** What the denials of one subject are and say, by code. */
export type DenialWords<Code extends string> = Readonly<
  Record<Code, readonly [kind: DenialKind, detail: string]>
>;

/** What an operator hears beside it, and when to try again. */
export type MoreOfDenial = Pick<Denial, 'retryAfterMs' | 'cause'>;

/** Makes denials of a table: the kind and the words of each code stand in one place. */
export function wordedDenials<Code extends string>(
  words: DenialWords<Code>,
): (code: Code, more?: MoreOfDenial) => Denial {
  return (code, more) => {
    const [kind, detail] = words[code];
    return more === undefined ? { kind, code, detail } : { kind, code, detail, ...more };
  };
}
