import type {
  BareItem,
  Dictionary,
  InnerList,
  Item,
  List,
  Member,
  Parameters,
} from './structured-fields.ts';

/*
 * Parsing of RFC 9651 §4.2, in one pass without going back. A field that arrived in several lines is parsed
 * as they are joined with a comma. Each function answers undefined for anything that is not well-formed:
 * such a field is ignored or denied as a whole.
 */

/** The text and how far it has been read. */
interface Reader {
  readonly text: string;
  at: number;
}

/** A field defined as a list; the empty text is the empty list. */
export function parseList(text: string): List | undefined {
  const reader = begin(text);
  const members: Member[] = [];
  const whole = eachMember(reader, () => {
    const member = readMember(reader);
    if (member) members.push(member);
    return member !== undefined;
  });
  return whole ? members : undefined;
}

/**
 * A field defined as a dictionary; of a key that appears twice the last value counts. `deny` takes that for
 * not well-formed, where somebody in front may have believed the first.
 */
export function parseDictionary(
  text: string,
  repeated: 'last' | 'deny' = 'last',
): Dictionary | undefined {
  const reader = begin(text);
  const members = new Map<string, Member>();
  const whole = eachMember(reader, () => {
    const key = match(reader, KEY);
    if (key === undefined || (repeated === 'deny' && members.has(key))) return false;
    const member = skip(reader, '=') ? readMember(reader) : isTrue(reader);
    if (member) members.set(key, member);
    return member !== undefined;
  });
  return whole ? members : undefined;
}

/** A field defined as one item. */
export function parseItem(text: string): Item | undefined {
  const reader = begin(text);
  const item = readItem(reader);
  skipSpaces(reader);
  return reader.at === text.length ? item : undefined;
}

const OWS = /[ \t]*/y;
const KEY = /[a-z*][a-z0-9_.*-]*/y;
const TOKEN = /[A-Za-z*][!#$%&'*+.^_`|~:/0-9A-Za-z-]*/y;
const NUMBER = /-?[0-9]+(?:\.[0-9]*)?/y;
const INTEGER = /^-?[0-9]{1,15}$/;
const DECIMAL = /^-?[0-9]{1,12}\.[0-9]{1,3}$/;
const STRING = /"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"/y;
const DISPLAY = /%"(?:[\x20\x21\x23\x24\x26-\x7e]|%[0-9a-f]{2})*"/y;
const BYTES = /:[A-Za-z0-9+/=]*:/y;
const BOOLEAN = /\?[01]/y;

function begin(text: string): Reader {
  const reader = { text, at: 0 };
  skipSpaces(reader);
  return reader;
}

/** Reads what stands between commas; a comma must be followed by more. */
function eachMember(reader: Reader, read: () => boolean): boolean {
  if (reader.at === reader.text.length) return true;
  for (;;) {
    if (!read()) return false;
    match(reader, OWS);
    if (reader.at === reader.text.length) return true;
    if (!skip(reader, ',')) return false;
    match(reader, OWS);
  }
}

function readMember(reader: Reader): Member | undefined {
  return skip(reader, '(') ? readInnerList(reader) : readItem(reader);
}

function readInnerList(reader: Reader): InnerList | undefined {
  const items: Item[] = [];
  for (;;) {
    skipSpaces(reader);
    if (skip(reader, ')')) {
      const params = readParams(reader);
      return params && { items, params };
    }
    const item = readItem(reader);
    if (item === undefined) return undefined;
    items.push(item);
    const next = reader.text[reader.at];
    if (next !== ' ' && next !== ')') return undefined;
  }
}

function readItem(reader: Reader): Item | undefined {
  const bare = readBareItem(reader);
  const params = bare && readParams(reader);
  return params && { bare, params };
}

/** What stands after a key without a value: true, with parameters. */
function isTrue(reader: Reader): Item | undefined {
  const params = readParams(reader);
  return params && { bare: TRUE, params };
}

const TRUE: BareItem = Object.freeze({ type: 'boolean', value: true });

function readParams(reader: Reader): Parameters | undefined {
  const params = new Map<string, BareItem>();
  while (skip(reader, ';')) {
    skipSpaces(reader);
    const key = match(reader, KEY);
    if (key === undefined) return undefined;
    const value = skip(reader, '=') ? readBareItem(reader) : TRUE;
    if (value === undefined) return undefined;
    params.set(key, value);
  }
  return params;
}

function readBareItem(reader: Reader): BareItem | undefined {
  switch (reader.text.charAt(reader.at)) {
    case '"': {
      const text = match(reader, STRING);
      if (text === undefined) return undefined;
      return { type: 'string', value: text.slice(1, -1).replace(/\\(.)/g, '$1') };
    }
    case ':':
      return readBytes(match(reader, BYTES));
    case '?': {
      const text = match(reader, BOOLEAN);
      return text === undefined ? undefined : { type: 'boolean', value: text === '?1' };
    }
    case '%':
      return readDisplay(match(reader, DISPLAY));
    case '@': {
      reader.at++;
      const seconds = readNumber(match(reader, NUMBER));
      return seconds?.type === 'integer' ? { ...seconds, type: 'date' } : undefined;
    }
    default: {
      const token = match(reader, TOKEN);
      if (token !== undefined) return { type: 'token', value: token };
      return readNumber(match(reader, NUMBER));
    }
  }
}

function readNumber(text = ''): { type: 'integer' | 'decimal'; value: number } | undefined {
  // Adding 0 turns -0, which is the same integer, into 0.
  if (INTEGER.test(text)) return { type: 'integer', value: Number(text) + 0 };
  return DECIMAL.test(text) ? { type: 'decimal', value: Number(text) } : undefined;
}

function readBytes(text: string | undefined): BareItem | undefined {
  if (text === undefined) return undefined;
  try {
    const binary = atob(text.slice(1, -1));
    return { type: 'bytes', value: Uint8Array.from(binary, (char) => char.charCodeAt(0)) };
  } catch {
    return undefined;
  }
}

function readDisplay(text: string | undefined): BareItem | undefined {
  if (text === undefined) return undefined;
  const escaped = text.slice(2, -1);
  const bytes = Uint8Array.from(escaped.match(/%..|[^]/g) ?? [], (part) =>
    part.length === 1 ? part.charCodeAt(0) : Number.parseInt(part.slice(1), 16),
  );
  try {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    return { type: 'display', value: decoder.decode(bytes) };
  } catch {
    return undefined;
  }
}

/** What the pattern takes from here on; undefined, and nothing read, where it does not fit. */
function match(reader: Reader, pattern: RegExp): string | undefined {
  pattern.lastIndex = reader.at;
  const found = pattern.exec(reader.text)?.[0];
  if (found !== undefined) reader.at += found.length;
  return found;
}

function skip(reader: Reader, char: string): boolean {
  if (reader.text[reader.at] !== char) return false;
  reader.at++;
  return true;
}

function skipSpaces(reader: Reader): void {
  while (skip(reader, ' '));
}
