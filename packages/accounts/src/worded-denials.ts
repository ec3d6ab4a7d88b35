import type { Denial, DenialKind } from '@apisec/core';

/** The kind and the detail of each denial of one subject, by code. */
export type DenialWords<Code extends string> = Readonly<
  Record<Code, readonly [kind: DenialKind, detail: string]>
>;

/** For operators only: the cause, and when to try again. */
export type MoreOfDenial = Pick<Denial, 'retryAfterMs' | 'cause'>;

/** Makes denials from a table that holds the kind and the text of each code. */
export function wordedDenials<Code extends string>(
  words: DenialWords<Code>,
): (code: Code, more?: MoreOfDenial) => Denial {
  return (code, more) => {
    const [kind, detail] = words[code];
    return more === undefined ? { kind, code, detail } : { kind, code, detail, ...more };
  };
}
