import { safeText } from '@apisec/core/host';

/** Where a command writes. Everything that may come from outside is made safe here, and nowhere else. */
export interface Terminal {
  /** One line for people, a line break in it written out; nothing with `--json`. */
  readonly line: (text: string, tone?: Tone) => void;
  /** As many lines as the text has: nothing in it comes from outside, or it was made safe there. */
  readonly lines: (text: string) => void;
  /** The result, as JSON, with `--json`; nothing otherwise. */
  readonly json: (value: unknown) => void;
  /** JSON whether or not `--json` was given: what was asked for by an option of its own. */
  readonly data: (value: unknown) => void;
  /** A remark of one line on standard error. */
  readonly note: (text: string) => void;
  /** How far long work has come, on standard error where that is a terminal; an empty text ends it. */
  readonly progress: (text: string) => void;
  /** A line of JSON that was asked for, as quickly as the output takes it. */
  readonly raw: (lines: string) => Promise<void>;
}

export type Tone = 'good' | 'bad' | 'dim' | 'plain';

/** What is written to. */
export interface OutputStream {
  readonly write: (text: string) => unknown;
  readonly once?: (event: 'drain', listener: () => void) => unknown;
  readonly isTTY?: boolean;
}

const COLORS: Readonly<Record<Tone, readonly [string, string]>> = {
  good: ['\u001b[32m', '\u001b[39m'],
  bad: ['\u001b[31m', '\u001b[39m'],
  dim: ['\u001b[2m', '\u001b[22m'],
  plain: ['', ''],
};
const LONGEST_LINE = 4_000;
const LONGEST_PROGRESS = 70;

/** Colours only on a terminal, and never with `NO_COLOR` set. No text of a line can act on the terminal. */
export function terminal(
  out: OutputStream,
  errors: OutputStream,
  { json, color }: { readonly json: boolean; readonly color: boolean },
): Terminal {
  const paint = (text: string, tone: Tone): string => {
    const [on, off] = color && out.isTTY === true ? COLORS[tone] : COLORS.plain;
    return `${on}${text}${off}`;
  };
  const write = (value: unknown): void => {
    out.write(`${escaped(JSON.stringify(value, null, 2))}\n`);
  };
  const line: Terminal['line'] = (text, tone = 'plain') => {
    if (!json) out.write(`${paint(safeText(text, LONGEST_LINE), tone)}\n`);
  };
  const isLive = errors.isTTY === true && !json;
  return {
    progress: (text) => {
      if (isLive) errors.write(`\r\u001b[2K${safeText(text, LONGEST_PROGRESS)}`);
    },
    raw: (lines) =>
      new Promise((resolve) => {
        const written = out.write(escaped(lines.replace(/\n$/, '')).concat('\n'));
        if (written !== false || out.once === undefined) resolve();
        else out.once('drain', resolve);
      }),
    data: write,
    line,
    lines: (text) => {
      for (const each of text.split('\n')) line(each);
    },
    json: (value) => {
      if (json) write(value);
    },
    note: (text) => void errors.write(`${safeText(text, LONGEST_LINE)}\n`),
  };
}

/** JSON leaves some characters as they are that act on terminals: they are the same text written out. */
function escaped(json: string): string {
  return json.replace(/[\u007f-\u009f\p{Cf}\u2028\u2029]/gu, (character) =>
    character
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  );
}
