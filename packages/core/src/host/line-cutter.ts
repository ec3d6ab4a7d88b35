/** Cuts text that comes in pieces into lines. */
export interface LineCutter {
  /** The lines that are complete with this piece, without their ends. */
  readonly push: (text: string) => readonly string[];
  /** What has come since the last line. */
  readonly end: () => string;
}

/** `'\n'`: a line ends with a line feed. `'any'`: with CR LF, LF or CR, each of which is one end. */
export type LineEnd = '\n' | 'any';

const ENDS = /\r\n|\n|\r/g;

/** Throws a `RangeError` once a line is longer than `longest` characters. Takes time in the length of what comes. */
export function lineCutter(end: LineEnd, longest: number): LineCutter {
  let held = '';
  /** The last piece has ended with CR, and an LF in front of this one belongs to it. */
  let skipsLineFeed = false;
  const hold = (text: string): string => {
    if (held.length + text.length > longest) throw new RangeError(TOO_LONG);
    return held + text;
  };
  return {
    push: (piece) => {
      if (piece === '') return [];
      const text = skipsLineFeed && piece.startsWith('\n') ? piece.slice(1) : piece;
      skipsLineFeed = end === 'any' && text.endsWith('\r');
      // Only what is new is looked through, so that a line in many pieces is not looked through for each of them.
      const parts = text.split(end === 'any' ? ENDS : '\n');
      const last = parts.pop() ?? '';
      const lines = parts.map((part) => {
        const line = hold(part);
        held = '';
        return line;
      });
      held = hold(last);
      return lines;
    },
    end: () => held,
  };
}

const TOO_LONG = 'A line or event is longer than can be held.';
