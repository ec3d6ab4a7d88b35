import { lineCutter } from './line-cutter.ts';

/** One event of a stream (HTML, section 9.2.6), as far as it can be written again. */
export interface EventFields {
  /** The lines of all fields but `data`, rewritten, each with its end; of a comment only its colon. */
  readonly head: string;
  /** The text of its `data` fields; undefined where it has none. */
  readonly data: string | undefined;
}

/** Cuts a stream that comes in pieces into events. */
export interface EventCutter {
  readonly push: (text: string) => readonly EventFields[];
}

/** Names and ids are the server's own words; anything else in their place could be data that nobody has filtered. */
const EVENT = /^[\w.:/-]{1,128}$/;
const ID = /^[\x21-\x7e]{0,512}$/;
const RETRY = /^\d{1,9}$/;

/**
 * Reads Server-Sent Events as browsers do: any end of a line, a byte order mark in front, one blank behind a colon.
 * Throws a `RangeError` for an event longer than `longest` characters, and a `SyntaxError` for a field that readers do
 * not know or whose value is not a name, an id or a number.
 */
export function eventCutter(longest: number): EventCutter {
  const cutter = lineCutter('any', longest);
  let isFirst = true;
  let size = 0;
  let head = '';
  let data: string[] | undefined;
  const dispatch = (): EventFields => {
    const event = { head, data: data?.join('\n') };
    size = 0;
    head = '';
    data = undefined;
    return event;
  };
  const take = (line: string): void => {
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const rest = colon < 0 ? '' : line.slice(colon + 1);
    const value = rest.startsWith(' ') ? rest.slice(1) : rest;
    if (name === 'data') (data ??= []).push(value);
    else if (
      (name === 'event' && EVENT.test(value)) ||
      (name === 'id' && ID.test(value)) ||
      (name === 'retry' && RETRY.test(value))
    ) {
      head += `${name}: ${value}\n`;
    } else throw new SyntaxError('An event has a field that cannot be filtered.');
  };
  return {
    push: (text) => {
      const events: EventFields[] = [];
      for (const each of cutter.push(text)) {
        const line = isFirst && each.startsWith('\uFEFF') ? each.slice(1) : each;
        isFirst = false;
        if (line === '') {
          if (size > 0) events.push(dispatch());
          continue;
        }
        if (line.startsWith(':')) {
          // It keeps the connection alive. What it says nobody has filtered.
          if (size === 0) events.push({ head: ':\n', data: undefined });
          continue;
        }
        size += line.length + 1;
        if (size > longest) throw new RangeError('An event is longer than can be held.');
        take(line);
      }
      return events;
    },
  };
}
