import { createReadStream } from 'node:fs';
import { UsageError } from './command.ts';

/** Longer than any file that is read as a whole, in UTF-16 code units. */
const MOST_TEXT = 64 << 20;
/** Longer than any token or key set that comes from elsewhere. */
const MOST_INPUT = 1 << 20;

/**
 * The text of a file. Devices and pipes, which may never end, are read as far as files.
 *
 * @throws UsageError for one that is too long.
 */
export function readText(file: string): Promise<string> {
  return textOf(createReadStream(file, 'utf8'), MOST_TEXT, file);
}

/** What comes on standard input. @throws UsageError for too much. */
export function readInput(): Promise<string> {
  return textOf(process.stdin.setEncoding('utf8'), MOST_INPUT, 'standard input');
}

/**
 * The JSON of an answer.
 *
 * @throws UsageError for one that is too long.
 */
export async function readAnswer({ body, url }: Response): Promise<unknown> {
  const parts = body?.pipeThrough(new TextDecoderStream()) ?? [];
  return JSON.parse(await textOf(parts, MOST_INPUT, url));
}

async function textOf(
  source: AsyncIterable<unknown> | readonly unknown[],
  most: number,
  name: string,
): Promise<string> {
  let text = '';
  for await (const part of source) {
    text += String(part);
    if (text.length > most) throw new UsageError(`${name} is too long to be read.`);
  }
  return text;
}

/** The lines of a file; undefined in the place of one that is longer than `longest`, of which no more is kept. */
export async function* linesOf(file: string, longest: number): AsyncGenerator<string | undefined> {
  let begun = '';
  let isTooLong = false;
  const end = (rest: string): string | undefined => {
    const line = isTooLong || begun.length + rest.length > longest ? undefined : begun + rest;
    begun = '';
    isTooLong = false;
    return line?.replace(/\r$/, '');
  };
  for await (const part of createReadStream(file, 'utf8')) {
    const [first = '', ...others] = String(part).split('\n');
    let rest = first;
    for (const next of others) {
      yield end(rest);
      rest = next;
    }
    isTooLong ||= begun.length + rest.length > longest;
    begun = isTooLong ? '' : begun + rest;
  }
  if (begun !== '' || isTooLong) yield end('');
}

/**
 * What a file of JSON holds.
 *
 * @throws UsageError without the text of the parser, which quotes what it could not read.
 */
export async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readText(file));
  } catch {
    throw new UsageError(`${file} cannot be read as JSON.`);
  }
}

/** Why a file cannot be read, as its code alone; `otherwise` where there is none. */
export function codeOf(error: unknown, otherwise: string): string {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : otherwise;
}
