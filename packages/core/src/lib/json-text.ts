const BACKSLASH = 0x5c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
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

/** False for what no double can hold, and for what is not a number. */
export function isFiniteNumber(text: string, start: number, end: number): boolean {
  // Nearly every number: at most 300 digits and a point, and so within bounds whatever they are.
  if (end - start <= 300) {
    let points = 0;
    let at = text.charCodeAt(start) === MINUS ? start + 1 : start;
    const first = at;
    for (; at < end; at++) {
      const char = text.charCodeAt(at);
      if (char === POINT) points++;
      else if (char < ZERO || char > NINE) break;
    }
    if (at === end && points <= 1 && end - first > points) return true;
  }
  return Number.isFinite(Number(text.slice(start, end)));
}

/** Finds names that an object has twice, in all objects of one text. */
export interface NameScan {
  readonly openObject: (depth: number) => void;
  /** `seen`: the object at this depth has the name already. `malformed`: an escape in it is. */
  readonly add: (depth: number, start: number, end: number) => 'seen' | 'malformed' | undefined;
  /** True where the string has an escape. Strings are asked about from front to back. */
  readonly hasEscape: (start: number, end: number) => boolean;
}

/** The names of the object that is open at one depth, and behind `count` those of the one before it. */
interface Level {
  names: string[];
  count: number;
  /** The same names, once there are many. */
  all: Set<string> | undefined;
}

/** Up to so many names are compared one by one, which is faster than hashing them. */
const FEW = 8;

/**
 * Rows of a list mostly have the same names in the same order: those are compared in place, and nothing is made of
 * them.
 */
export function nameScan(text: string): NameScan {
  const levels: Level[] = [];
  let escape = 0;
  const hasEscape = (start: number, end: number): boolean => {
    if (escape < start) {
      const found = text.indexOf('\\', start);
      escape = found < 0 ? text.length : found;
    }
    return escape < end;
  };
  return {
    hasEscape,
    openObject: (depth) => {
      const level = levels[depth];
      if (level === undefined) levels[depth] = { names: [], count: 0, all: undefined };
      else {
        level.count = 0;
        level.all = undefined;
      }
    },
    add: (depth, start, end) => {
      // Opened before it is asked.
      const level = levels[depth] as Level;
      const isPlain = !hasEscape(start, end);
      const expected = level.names[level.count];
      if (expected !== undefined && isPlain && expected.length === end - start) {
        if (text.startsWith(expected, start)) {
          level.count++;
          return undefined;
        }
      }
      if (level.names.length > level.count) {
        level.names.length = level.count;
        if (level.count > FEW) level.all = new Set(level.names);
      }
      const raw = text.slice(start, end);
      const name = isPlain ? raw : unescaped(raw);
      if (name === undefined) return 'malformed';
      if (level.all === undefined ? level.names.includes(name) : level.all.has(name)) return 'seen';
      level.names.push(name);
      level.count++;
      level.all?.add(name);
      if (level.all === undefined && level.count > FEW) level.all = new Set(level.names);
      return undefined;
    },
  };
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
