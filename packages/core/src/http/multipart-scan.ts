/** Bounds on a multipart body. */
export interface MultipartBounds {
  readonly maxParts: number;
  readonly maxFiles: number;
}

export type MultipartProblem = 'malformed' | 'too_many_parts' | 'too_many_files' | 'part_too_large';

/** Headers of one part. */
const MAX_HEADER_LENGTH = 8_192;
/** Pieces with a line break in which these headers may come. */
const MAX_LOOKS = 128;
/** RFC 2046 §5.1.1. */
const BOUNDARY = /^[\w'()+./:=? -]{0,69}[\w'()+./:=?-]$/;
const DISPOSITION = /^content-disposition:/gim;
/** What has a file name, and what parsers take for a file without one: also what stands in quotes, to be sure. */
const FILE = /;\s*filename[*=]|^content-type:\s*application\/octet-stream/im;
/**
 * RFC 7578 §4.2, with values that are not quoted but hold what a token does not. Some parsers drop spaces within a
 * name, or find a name in quotes, and so a file where others find none. No two repetitions begin alike: matched in
 * linear time.
 */
const PLAIN_DISPOSITION =
  /^[^:]+:[\t ]*[\w-]+[\t ]*(?:;[\t ]*(?:[\w!#$%&'*+.^`|~-]+=(?:"(?:[^"\\]|\\.)*"|[^\t "\\;]*)[\t ]*)?)*$/;
/** As for dispositions: no spaces or quotes in the type itself. */
const PLAIN_TYPE = /^[^:]+:[\t ]*(?:[\w!#$&^.+*-]+\/[\w!#$&^.+*-]+[\t ]*(?:;.*)?)?$/;
/** RFC 9112 §5, without the folding of old. */
const HEADER_LINE = /^[\w!#$%&'*+.^`|~-]+:[\t -~\u0080-\uffff]*$/;

type State = 'preamble' | 'delimiter' | 'headers' | 'body' | 'epilogue';

/**
 * Counts the parts and files of a multipart body (RFC 2046, RFC 7578) as its bytes come in; undefined where the
 * boundary is not one. Strict: lines end in CRLF, each part has one Content-Disposition and nothing but header lines
 * beside it, and in that and in Content-Type nothing that parsers read differently; a boundary stands behind nothing
 * but CRLF, and nothing follows the last one but an empty line. Linear, and it keeps no more than the headers of one
 * part.
 */
export function multipartScan(
  boundary: string | undefined,
  { maxParts, maxFiles }: MultipartBounds,
): MultipartScan | undefined {
  if (boundary === undefined || !BOUNDARY.test(boundary)) return undefined;
  const dashed = `--${boundary}`;
  const delimiter = `\r\n${dashed}`;
  // One character for each byte: nothing but ASCII is compared.
  const decoder = new TextDecoder('latin1');
  // The first boundary may stand at the very beginning.
  let pending = '\r\n';
  let state: State = 'preamble';
  let parts = 0;
  let files = 0;
  let looks = 0;

  /** One step; true where more input is needed. */
  const step = (): MultipartProblem | boolean => {
    if (state === 'preamble' || state === 'body') {
      const at = delimiterIn(pending, dashed);
      if (at === 'malformed') return at;
      if (at < 0) {
        if (state === 'preamble' && !delimiter.startsWith(pending)) return 'malformed';
        pending = pending.slice(-(delimiter.length - 1));
        return true;
      }
      // What stands in front of the first boundary is nobody's, and some readers take it for a part.
      if (state === 'preamble' && at > 0) return 'malformed';
      pending = pending.slice(at + delimiter.length);
      state = 'delimiter';
      return false;
    }
    if (state === 'delimiter') {
      if (pending.length < 2) return true;
      const mark = pending.slice(0, 2);
      if (mark !== '\r\n' && mark !== '--') return 'malformed';
      state = mark === '--' ? 'epilogue' : 'headers';
      if (state === 'epilogue') pending = pending.slice(2);
      else if (++parts > maxParts) return 'too_many_parts';
      return false;
    }
    if (state === 'headers') {
      const end = pending.indexOf('\r\n\r\n');
      if ((end < 0 ? pending.length : end) > MAX_HEADER_LENGTH) return 'part_too_large';
      if (end < 0) return true;
      // Behind the line break that ends the boundary.
      const headers = pending.slice(2, end);
      const isHeader = (line: string): boolean =>
        HEADER_LINE.test(line) && !line.startsWith(dashed) && isPlain(line);
      if (!headers.split('\r\n').every(isHeader)) return 'malformed';
      if (headers.match(DISPOSITION)?.length !== 1) return 'malformed';
      if (FILE.test(headers) && ++files > maxFiles) return 'too_many_files';
      // The line break belongs to the boundary of a part that is empty.
      pending = pending.slice(end + 2);
      state = 'body';
      return false;
    }
    return pending === '' || '\r\n'.startsWith(pending) ? true : 'malformed';
  };

  return {
    push: (chunk) => {
      const text = decoder.decode(chunk);
      pending += text;
      if (state === 'headers') {
        // To look again for each byte would take a time that grows with the square of the length.
        if (!text.includes('\n') && pending.length <= MAX_HEADER_LENGTH) return undefined;
        if (++looks > MAX_LOOKS) return 'part_too_large';
      } else looks = 0;
      for (;;) {
        const result = step();
        if (typeof result === 'string') return result;
        if (result) return undefined;
      }
    },
    end: () => (state === 'epilogue' ? undefined : 'malformed'),
  };
}

/** Whether every parser reads the same in a header line by which parts are told from files. */
function isPlain(line: string): boolean {
  if (/^content-disposition:/i.test(line)) return PLAIN_DISPOSITION.test(line);
  return !/^content-type:/i.test(line) || PLAIN_TYPE.test(line);
}

/**
 * Where the next boundary begins, or -1. One behind half a line break is one to lenient readers, and text to others.
 */
function delimiterIn(text: string, dashed: string): number | 'malformed' {
  for (let at = text.indexOf(dashed); at >= 0; at = text.indexOf(dashed, at + 1)) {
    if (text.startsWith('\r\n', at - 2) && at >= 2) return at - 2;
    if (text[at - 1] === '\n' || text[at - 1] === '\r') return 'malformed';
  }
  return -1;
}

/** What has come so far. */
export interface MultipartScan {
  readonly push: (chunk: Uint8Array) => MultipartProblem | undefined;
  readonly end: () => MultipartProblem | undefined;
}
