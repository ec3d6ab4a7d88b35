/** Finds names that an object of JSON has twice, in all objects of one body. */
export interface JsonNames {
  /** An object begins at this depth. */
  readonly open: (depth: number) => void;
  /**
   * Where the name ends that begins behind a quote at `start`, if it is written as that of the object before was: then
   * it counts as added. -1 otherwise.
   */
  readonly again: (depth: number, bytes: Uint8Array, start: number) => number;
  /** Adds a name, in UTF-8 as it is meant and as it is written; false where the object has it already. */
  readonly add: (depth: number, name: Uint8Array, written: Uint8Array) => boolean;
}

/** The names of the object that is open at one depth, and behind `count` those of the one before it. */
interface Level {
  /** A code unit for each byte. */
  readonly names: string[];
  readonly written: Uint8Array[];
  count: number;
  /** The same names, once there are many. */
  all: Set<string> | undefined;
}

const QUOTE = 0x22;
/** As many names are compared one by one: that is faster than to hash them. */
const FEW = 8;
/** As many arguments a function takes everywhere. */
const AT_ONCE = 1_024;

/**
 * Rows of a list mostly have the same names in the same order: those are compared in place, and nothing is made of
 * them.
 */
export function jsonNames(): JsonNames {
  const levels: Level[] = [];
  return {
    open: (depth) => {
      const level = levels[depth];
      if (level === undefined) levels[depth] = { names: [], written: [], count: 0, all: undefined };
      else {
        level.count = 0;
        level.all = undefined;
      }
    },
    again: (depth, bytes, start) => {
      // Opened before it is asked.
      const level = levels[depth] as Level;
      const written = level.written[level.count];
      if (written === undefined) return -1;
      const { length } = written;
      // A quote within it has its backslash in both.
      if (bytes[start + length] !== QUOTE) return -1;
      for (let at = 0; at < length; at++) if (bytes[start + at] !== written[at]) return -1;
      level.count++;
      return start + length;
    },
    add: (depth, name, written) => {
      const level = levels[depth] as Level;
      level.names.length = level.count;
      level.written.length = level.count;
      return isNew(level, textOf(name), written);
    },
  };
}

function isNew(level: Level, name: string, written: Uint8Array): boolean {
  if (has(level, name)) return false;
  level.names.push(name);
  // The chunk that it lies in is somebody else's, and a slice of a Buffer would be no copy.
  level.written.push(new Uint8Array(written));
  level.count++;
  level.all?.add(name);
  return true;
}

function has(level: Level, name: string): boolean {
  if (level.names.length <= FEW) return level.names.includes(name);
  level.all ??= new Set(level.names);
  return level.all.has(name);
}

function textOf(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += AT_ONCE) {
    text += String.fromCharCode(...bytes.subarray(at, at + AT_ONCE));
  }
  return text;
}
