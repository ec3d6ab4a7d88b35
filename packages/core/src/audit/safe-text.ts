/** Printable ASCII: what most values are, and what needs no second look. */
const PLAIN = /^[\x20-\x7e]*$/;

/**
 * What can break a line, move a cursor, hide or reorder text: control and format characters (terminal escapes,
 * bidirectional overrides, zero-width characters, tags), line and paragraph separators, lone surrogates.
 */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/**
 * The text with every character that could act on a terminal, a log file or a page written out (`\u001b`), and
 * cut to `max` UTF-16 code units. Reading takes no longer than `max` allows, however long the text is.
 */
export function safeText(text: string, max: number): string {
  const cut = text.length > max ? cutAt(text, max) : text;
  if (PLAIN.test(cut)) return cut;
  const safe = cut.replace(UNSAFE, writtenOut);
  return safe.length > max + 1 ? cutAt(safe, max) : safe;
}

/** Ends with an ellipsis, and never in the middle of a character. */
function cutAt(text: string, max: number): string {
  const last = text.charCodeAt(max - 1);
  const isHalf = last >= 0xd800 && last <= 0xdbff;
  return `${text.slice(0, isHalf ? max - 1 : max)}…`;
}

function writtenOut(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, '0')}`;
}
