import { once } from 'node:events';
import type { Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { type Admission, allowAnonymous, guard, type HttpFacts, limitBody } from '@apisec/core';
import { describe, expect, onTestFinished, test } from 'vitest';

/** What a parser of multipart bodies made of one. */
export interface SeenParts {
  fields: number;
  files: number;
}

/** An adapter with a parser of multipart bodies behind it, on a server of Node's. */
export interface MultipartSubject {
  readonly name: string;
  /**
   * Serves `POST /` behind the admission: hands the body to the parser, without limits of its own, adds up in `seen`
   * what that finds, and answers once it has ended, whether or not it could read all.
   */
  readonly start: (
    admission: Admission<HttpFacts, HttpFacts>,
    seen: SeenParts,
  ) => Server | Promise<Server>;
}

const FORM = 'multipart/form-data; boundary=x';
const FIELD = 'Content-Disposition: form-data; name="a"';
const FILE = `${FIELD}; filename="b.txt"`;
const MAX_PARTS = 3;

const part = (headers: string, content = '1', boundary = 'x'): string =>
  `--${boundary}\r\n${headers}\r\n\r\n${content}\r\n`;
const form = (...parts: readonly string[]): string => `${parts.join('')}--x--\r\n`;
const times = (count: number, text: string): string => text.repeat(count);
const disposed = (parameters: string): string =>
  form(part(`Content-Disposition: form-data; name="a"${parameters}`));
const typed = (type: string): string => form(part(`${FIELD}\r\nContent-Type: ${type}`));
/** Four files of one form, hidden in the content of a part of another. */
const hidden = (boundary: string): string =>
  form(part(FIELD, `1\r\n${times(4, part(FILE, '1', boundary))}--${boundary}--`));

/** Bodies of honest clients: at most three fields, no file. */
const HONEST: readonly (readonly [name: string, type: string, body: string, fields: number])[] = [
  ['three fields', FORM, form(times(3, part(FIELD))), 3],
  ['a quoted boundary', 'multipart/form-data; boundary="x"', form(part(FIELD)), 1],
  ['a type of its own', FORM, typed('text/plain; charset="utf-8"'), 1],
  ['an escaped quote in its name', FORM, form(part(FIELD.replace('a"', 'a\\"b"'))), 1],
  ['a name without quotes', FORM, form(part(FIELD.replace('"a"', 'a'))), 1],
  ['a name that is not ASCII', FORM, form(part(FIELD.replace('a"', 'größe"'))), 1],
  ['other headers', FORM, form(part(`${FIELD}\r\nContent-Transfer-Encoding: 8bit\r\nX-A: "b`)), 1],
  ['the beginning of its boundary', FORM, form(part(FIELD, '1\r\n-- x\r\n-x')), 1],
];

/** Bodies that some parser finds a file or a fourth part in. */
const ATTACKS: readonly (readonly [name: string, type: string, body: string])[] = [
  // Parts.
  ['four fields', FORM, form(times(4, part(FIELD)))],
  ['a file', FORM, form(part(FILE))],
  ['four parts without an end', FORM, times(4, part(FIELD))],
  ['a file without an end', FORM, part(FILE)],
  ['four parts in front of the first boundary', FORM, `1\r\n${form(times(4, part(FIELD)))}`],
  ['a file behind the end', FORM, `${form(part(FIELD))}\r\n${form(part(FILE))}`],
  ['a flood in front', FORM, `${times(20_000, 'y\r\n')}${form(part(FILE))}`],
  ['a flood behind the end', FORM, `${form(part(FIELD))}${times(20_000, part(FILE))}`],
  ['a thousand headers', FORM, form(part(`${times(1_000, 'X-A: b\r\n')}${FILE}`))],
  ['two thousand short headers', FORM, form(part(`${times(2_000, 'a:\r\n')}${FILE}`))],
  ['a form within a part', FORM, hidden('y')],
  // Boundaries.
  ['lines that end in LF', FORM, form(part(FILE)).replaceAll('\r\n', '\n')],
  ['lines that end in CR', FORM, form(part(FILE)).replaceAll('\r\n', '\r')],
  ['a boundary behind LF', FORM, form(part(FIELD, `1\n${part(FILE)}`))],
  ['a boundary with spaces behind it', FORM, form(part(FILE).replace('--x\r', '--x  \r'))],
  ['a boundary that ends in a space', 'multipart/form-data; boundary="x "', form(part(FILE))],
  ['a space around the boundary', 'multipart/form-data; boundary= x', form(part(FILE))],
  ['half an end', FORM, form(part(FIELD), '--x-\r\n', part(FILE))],
  ['a boundary that begins another', FORM, form(part(FIELD), part(FILE, '1', 'xy'))],
  [
    'a long boundary',
    `multipart/form-data; boundary=${times(200, 'x')}`,
    `${part(FILE, '1', times(200, 'x'))}--${times(200, 'x')}--`,
  ],
  ['no boundary', 'multipart/form-data', form(part(FILE))],
  ['an empty boundary', 'multipart/form-data; boundary=""', `${part(FILE, '1', '')}----`],
  ['two boundaries', `${FORM}; boundary=y`, hidden('y')],
  [
    'two boundaries, the first of which counts',
    'multipart/form-data; boundary=y; boundary=x',
    hidden('y'),
  ],
  ['an extended boundary', "multipart/form-data; boundary*=utf-8''y; boundary=x", hidden('y')],
  ['an extended boundary last', "multipart/form-data; boundary=x; boundary*=utf-8''y", hidden('y')],
  ['a boundary in pieces', 'multipart/form-data; boundary*0=y; boundary=x', hidden('0=y')],
  ['a boundary in quotes', 'multipart/form-data; a="; boundary=y"; boundary=x', hidden('y')],
  ['another multipart type', 'multipart/mixed; boundary=x', form(part(FILE))],
  ['a type that goes on', 'multipart/form-data-b; boundary=x', form(part(FILE))],
  ['a type in upper case', 'MULTIPART/FORM-DATA; BOUNDARY=x', form(part(FILE))],
  // File names.
  ['an extended file name', FORM, disposed("; filename*=utf-8''b")],
  ['a file name in pieces', FORM, disposed('; filename*0="b"')],
  ['a file name with a star and more', FORM, disposed('; filename*a="b"')],
  ['a file name without quotes', FORM, disposed(';filename=b')],
  ['a file name behind a tab', FORM, disposed(';\tfilename="b"')],
  ['a file name in upper case', FORM, disposed('; FILENAME="b"')],
  ['two file names', FORM, disposed('; filename="b"; filename="c"')],
  ['a path as file name', FORM, disposed('; filename="../../b"')],
  ['NUL in a file name', FORM, disposed('; filename="b\0c"')],
  ['an empty file name', FORM, disposed('; filename=""')],
  ['a space in the name of the parameter', FORM, disposed('; file name="b"')],
  ['a tab in the name of the parameter', FORM, disposed('; f\tilename="b"')],
  ['a space behind the name of the parameter', FORM, disposed('; filename ="b"')],
  ['the parameter in quotes', FORM, disposed('; "filename=b"')],
  ['the name of the parameter in quotes', FORM, disposed('; "filename"=b')],
  ['half the name of the parameter in quotes', FORM, disposed('; "file"name=b')],
  ['an escape in the parameter', FORM, disposed('; "\\filename=b"')],
  ['an escaped quote before the file name', FORM, disposed('\\"; filename="b"')],
  ['an open quote', FORM, form(part(FIELD.replace('"a"', '"a; filename=b')))],
  ['a file name without a semicolon', FORM, disposed(' filename="b"')],
  ['a file name behind text', FORM, disposed('b; filename="b"')],
  ['a file name that is folded', FORM, disposed(';\r\n filename="b"')],
  ['two dispositions', FORM, form(part(`${FIELD}\r\n${FILE}`))],
  ['a disposition with a space before its colon', FORM, form(part(FILE.replace(':', ' :')))],
  ['a disposition without a space', FORM, form(part(FILE.replace(': ', ':')))],
  ['a disposition in upper case', FORM, form(part(FILE.toUpperCase()))],
  ['a spaced disposition', FORM, form(part(FILE.replace('form-data', 'form - data')))],
  ['__proto__ as the name of a file', FORM, form(part(FILE.replace('"a"', '"__proto__"')))],
  ['a header __proto__', FORM, form(part(`__proto__: b\r\n${FILE}`))],
  // Types that make a file of a part without a name.
  ['the type of bytes', FORM, typed('application/octet-stream')],
  ['the type of bytes, with a parameter', FORM, typed('APPLICATION/octet-stream; a=b')],
  ['the type of bytes, with spaces', FORM, typed('application / octet-stream; a=b')],
  ['the type of bytes, in pieces', FORM, typed('application/octet -stream;')],
  ['the type of bytes, in quotes', FORM, typed('"application/octet-stream"; a=b')],
  [
    'the type of bytes, first of two',
    FORM,
    typed('application/octet-stream\r\nContent-Type: text/plain'),
  ],
  [
    'the type of bytes, second of two',
    FORM,
    typed('text/plain\r\nContent-Type: application/octet-stream'),
  ],
  ['a charset', FORM, form(part(`${FILE}\r\nContent-Type: text/plain; charset=utf-16`))],
];

/** Whatever `limitBody` lets by, the parser behind it finds no more files and parts in it than are allowed. */
export function describeMultipartAttacks({ name, start }: MultipartSubject): void {
  describe(`multipart bodies on ${name}`, () => {
    const limited = guard<HttpFacts>()
      .use(limitBody({ maxParts: MAX_PARTS, maxFiles: 0 }))
      .use(allowAnonymous());

    test.each(HONEST)('a form with %s is not denied', async (_, type, body, fields) => {
      const send = await serve(start, limited);
      const { status, answer, ...seen } = await send(type, body);
      expect(answer).not.toContain('problem+json');
      // Not every parser reads all of them.
      if (status === 200) expect(seen).toEqual({ fields, files: 0 });
      else expect({ name, status }).toEqual({ name: 'Hono on Node', status: 400 });
    });

    test.each(ATTACKS)('%s do not get past the limits', async (_, type, body) => {
      const send = await serve(start, limited);
      const { files, fields } = await send(type, body);
      expect({ files, isWithin: files + fields <= MAX_PARTS }).toEqual({
        files: 0,
        isWithin: true,
      });
    });

    test('the parser itself would find files and parts in many of them', async () => {
      const open = guard<HttpFacts>().use(allowAnonymous());
      let found = 0;
      for (const [, type, body] of ATTACKS) {
        const send = await serve(start, open);
        const { files, fields } = await send(type, body);
        if (files > 0 || files + fields > MAX_PARTS) found++;
      }
      expect(found).toBeGreaterThan(10);
    });
  });
}

/** Answers how to send a body to a server of the running test alone. */
async function serve(start: MultipartSubject['start'], admission: Admission<HttpFacts, HttpFacts>) {
  const seen: SeenParts = { fields: 0, files: 0 };
  const server = await start(admission, seen);
  if (!server.listening) await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  // A server that listens on a port has such an address.
  const { port } = server.address() as AddressInfo;
  return async (type: string, body: string) => {
    const answer = await exchange(port, type, Buffer.from(body));
    return { status: Number(answer.slice(9, 12)), answer, ...seen };
  };
}

/** Sends these bytes as they are; a server that has heard enough may close before it has read all. */
async function exchange(port: number, type: string, body: Uint8Array): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let answer = '';
  socket.setEncoding('latin1').on('data', (chunk) => (answer += String(chunk)));
  socket.on('error', () => undefined);
  const head = [
    'POST / HTTP/1.1',
    'Host: localhost',
    `Content-Type: ${type}`,
    `Content-Length: ${body.byteLength}`,
    'Connection: close',
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n`);
  socket.write(body);
  await once(socket, 'close');
  return answer;
}
