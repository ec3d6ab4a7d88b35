import { describe, expect, test } from 'vitest';
import { cpuMs } from '../../test/cpu-time.ts';
import { multipartScan } from './multipart-scan.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const HEADER = 'Content-Disposition: form-data; name="a"';

function scanned(text: string, { parts = 2, files = 1, pieces = text.length + 1 } = {}) {
  const scan = multipartScan('x', { maxParts: parts, maxFiles: files });
  for (let at = 0; at < text.length; at += pieces) {
    const problem = scan?.push(bytes(text.slice(at, at + pieces)));
    if (problem !== undefined) return problem;
  }
  return scan?.end();
}

const part = (content = '1', headers = HEADER) => `--x\r\n${headers}\r\n\r\n${content}\r\n`;

describe('a multipart body', () => {
  const whole = `${part()}${part('')}--x--`;

  test.each([
    ['without an end of line', whole],
    ['with half of one', `${whole}\r`],
    ['with one', `${whole}\r\n`],
    ['with text that looks like a boundary', `${part('1 --x 2\n --x')}--x--`],
    ['with text that ends a line', `${part('1\r\n2\r\n')}--x--`],
    ['without parts', '--x--'],
  ])('%s is read, in whatever pieces it comes', (_, text) => {
    for (const pieces of [1, 2, 3, 7, text.length])
      expect(scanned(text, { pieces })).toBe(undefined);
  });

  test.each([
    ['something behind the end', `${whole}1`],
    ['two empty lines behind the end', `${whole}\r\n\r\n`],
    ['a line feed alone behind the end', `${whole}\n`],
    ['an empty line in front of the first boundary', `\r\n${whole}`],
    ['text in front of the first boundary', `1\r\n${whole}`],
    ['a space in front of the first boundary', ` ${whole}`],
    ['a boundary that goes on', `${part()}--xy\r\n${HEADER}\r\n\r\n1\r\n--x--`],
    ['a boundary with a space behind it', `${part()}--x \r\n${HEADER}\r\n\r\n1\r\n--x--`],
    ['half an end', `${part()}--x-`],
    ['half an end that goes on', `${part()}--x-1`],
    ['a boundary behind half a line break', `${part('1\n--x')}--x--`],
    ['a boundary behind the other half', `${part('1\r--x')}--x--`],
    ['a boundary among the headers', `${part('1', `${HEADER}\r\n--x: 1`)}--x--`],
    ['no disposition', `${part('1', 'A: b')}--x--`],
    ['two dispositions', `${part('1', `${HEADER}\r\n${HEADER}`)}--x--`],
    ['a header that is folded', `${part('1', `${HEADER};\r\n b="c"`)}--x--`],
    ['a space in the name of a parameter', `${part('1', `${HEADER}; file name="b"`)}--x--`],
    ['a space behind the name of a parameter', `${part('1', `${HEADER}; filename ="b"`)}--x--`],
    ['a parameter in quotes', `${part('1', `${HEADER}; "filename=b"`)}--x--`],
    ['text behind a quoted value', `${part('1', `${HEADER}b; c="d"`)}--x--`],
    ['a quote that stays open', `${part('1', `${HEADER}; b="c\\"`)}--x--`],
    ['a space in its type', `${part('1', `${HEADER}\r\nContent-Type: a/ b; c=d`)}--x--`],
    ['its type in quotes', `${part('1', `${HEADER}\r\nContent-Type: "a/b"; c=d`)}--x--`],
    ['no end', part()],
    ['nothing', ''],
  ])('with %s is malformed, in whatever pieces it comes', (_, text) => {
    for (const pieces of [1, 2, 3, 7, text.length + 1]) {
      expect(scanned(text, { pieces })).toBe('malformed');
    }
  });

  test('has as many parts and files as it may, and not one more', () => {
    const file = part('1', `${HEADER}; filename="b"`);
    expect(scanned(`${part()}${part()}--x--`)).toBeUndefined();
    expect(scanned(`${part()}${part()}${part()}--x--`)).toBe('too_many_parts');
    expect(scanned(`${file}${part()}--x--`)).toBeUndefined();
    expect(scanned(`${file}${file}--x--`)).toBe('too_many_files');
  });

  test.each([
    'Content-Disposition: form-data; name=a',
    'content-disposition:form-data;name="a";',
    'Content-Disposition: form-data ; name="a\\"b" ; c=d[0] ;',
    'Content-Disposition: form-data; name="größe; a"',
    `${HEADER}\r\nContent-Type:`,
    `${HEADER}\r\nContent-Type: text/plain;charset="utf-8"`,
    `${HEADER}\r\nContent-Type: image/svg+xml ; a=b c`,
  ])('with the headers %j is read', (headers) => {
    expect(scanned(`${part('1', headers)}--x--`, { files: 0 })).toBeUndefined();
  });

  test.each(['*=', '*0="', '*0*=', '*a="', '="', '='])(
    'has a file where a parameter is named filename%s',
    (rest) => {
      const quote = rest.endsWith('"') ? '"' : '';
      const headers = `${HEADER}; filename${rest}b${quote}`;
      expect(scanned(`${part('1', headers)}--x--`, { files: 0 })).toBe('too_many_files');
    },
  );

  test.each(['; ', ';', ';a=', ';a="" ', ' ', '"', '\\', 'a', ';a=b', ';a="\\'])(
    'is told to be malformed in linear time where a header repeats %j',
    (text) => {
      const header = `${HEADER};${text.repeat(8_000 / text.length)}`;
      const malformed = `${part('1', `${header};=`)}--x--`;
      expect(cpuMs(() => void scanned(malformed))).toBeLessThan(200);
    },
  );

  test('has headers of at most 8,192 characters in each part', () => {
    // The line break behind the boundary counts.
    const long = (length: number) => `${HEADER}\r\nA: ${'b'.repeat(length - HEADER.length - 7)}`;
    for (const pieces of [1_000, 100_000]) {
      expect(scanned(`${part('1', long(8_192))}--x--`, { pieces })).toBeUndefined();
      expect(scanned(`${part('1', long(8_193))}--x--`, { pieces })).toBe('part_too_large');
    }
    expect(scanned(`--x\r\nA: ${'b'.repeat(9_000)}`, { pieces: 100 })).toBe('part_too_large');
  });

  test('has headers in at most 128 pieces with a line break, counted separately for each part', () => {
    const headers = (lines: number) => `${HEADER}${'\r\nA: b'.repeat(lines)}`;
    const inLines = (all: readonly string[]) => {
      const scan = multipartScan('x', { maxParts: 9, maxFiles: 0 });
      for (const text of all) {
        for (const piece of text.split(/(?<=\n)/)) {
          const problem = scan?.push(bytes(piece));
          if (problem !== undefined) return problem;
        }
      }
      return scan?.push(bytes('--x--')) ?? scan?.end();
    };
    // The piece that ends the boundary is looked at before the headers begin.
    expect(inLines([part('1', headers(126))])).toBeUndefined();
    expect(inLines([part('1', headers(127))])).toBe('part_too_large');
    expect(inLines([part('1', headers(126)), part('1', headers(126))])).toBeUndefined();
  });

  test('of a megabyte in small pieces takes no time that grows with its square', () => {
    const scan = multipartScan('x', { maxParts: 1, maxFiles: 0 });
    scan?.push(bytes(`--x\r\n${HEADER}\r\n\r\n`));
    const piece = bytes('y'.repeat(64));
    const push = () => {
      for (let count = 0; count < 20_000; count++) scan?.push(piece);
    };
    expect(cpuMs(push)).toBeLessThan(5_000);
    expect(scan?.push(bytes('\r\n--x--')) ?? scan?.end()).toBeUndefined();
  });
});

test.each([undefined, '', 'a ', 'a\n', 'ä', 'a"b', 'a;b', 'x'.repeat(71)])(
  'the boundary %j is not one',
  (boundary) => {
    expect(multipartScan(boundary, { maxParts: 1, maxFiles: 1 })).toBeUndefined();
  },
);

test.each(['x', 'a b', "'()+_,-./:=?".replace(',', ''), 'x'.repeat(70)])(
  'the boundary %j is one',
  (boundary) => {
    expect(multipartScan(boundary, { maxParts: 1, maxFiles: 1 })).toBeDefined();
  },
);
