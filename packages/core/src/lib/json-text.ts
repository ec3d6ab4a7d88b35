const BACKSLASH = 0x5c;
const NUMBER = /[\d.eE+-]+/y;
const LONE_SURROGATE = /\p{Surrogate}/u;

/** The index of the quote that closes the string begun at `start`, or -1. */
export function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let escapes = 0;
    while (text.charCodeAt(end - 1 - escapes) === BACKSLASH) escapes++;
    if (escapes % 2 === 0) return end;
  }
  return -1;
}

/** The index behind the number begun at `start`. */
export function endOfNumber(text: string, start: number): number {
  NUMBER.lastIndex = start;
  NUMBER.test(text);
  return NUMBER.lastIndex;
}

/**
 * What stands between two quotes: `a` and `\u0061` are the same. Undefined where an escape is malformed, and for half a
 * surrogate pair, which becomes the same replacement character whichever it was as soon as somebody stores it.
 */
export function unescaped(raw: string): string | undefined {
  if (!raw.includes('\\')) return raw;
  try {
    const string = JSON.parse(`"${raw}"`) as string;
    return LONE_SURROGATE.test(string) ? undefined : string;
  } catch {
    return undefined;
  }
}
