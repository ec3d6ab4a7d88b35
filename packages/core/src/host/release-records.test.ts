import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { BodyOutcome } from '../engine/obligations.ts';
import {
  LONGEST_RECORD,
  type RecordFormat,
  recordFilter,
  recordFormat,
} from './release-records.ts';

const encoder = new TextEncoder();

/** Keeps `id` alone, and denies an object of tenant `b`, as `filterOutput` does. */
function onlyId(payload: unknown): BodyOutcome {
  const { id, tenant } = payload as { readonly id?: unknown; readonly tenant?: unknown };
  if (tenant === 'b') return { ok: false, denial: { kind: 'internal', code: 'tenant.leak' } };
  return { ok: true, value: { id } };
}

interface Sent {
  readonly text: string;
  /** The code of the denial that has ended it. */
  readonly cut: string | undefined;
}

async function send(
  format: RecordFormat,
  chunks: readonly (string | Uint8Array)[],
  onRelease: (payload: unknown) => BodyOutcome | Promise<BodyOutcome> = onlyId,
): Promise<Sent> {
  const filter = recordFilter(format, onRelease);
  let text = '';
  for (const chunk of [...chunks, undefined]) {
    const bytes = typeof chunk === 'string' ? encoder.encode(chunk) : chunk;
    const released = await (bytes === undefined ? filter.end() : filter.push(bytes));
    if (!released.ok) return { text, cut: released.denial.code };
    text += released.text;
  }
  return { text, cut: undefined };
}

const lines = (...chunks: (string | Uint8Array)[]) => send('lines', chunks);
const events = (...chunks: (string | Uint8Array)[]) => send('events', chunks);
const whole = (text: string): Sent => ({ text, cut: undefined });
const CUT = 'release.unfilterable';

describe('NDJSON', () => {
  test.each<[string, string, string]>([
    ['each line', '{"id":1,"x":2}\n{"id":2}\n', '{"id":1}\n{"id":2}\n'],
    ['a last line without an end', '{"id":1}\n{"id":2,"x":1}', '{"id":1}\n{"id":2}\n'],
    ['CR LF', '{"id":1,"x":2}\r\n', '{"id":1}\n'],
    ['blank lines, which keep connections alive', '\n \r\n{"id":1}\n', '\n\n{"id":1}\n'],
    ['the last of two members of one name, written anew', '{"id":"a","id":"b"}\n', '{"id":"b"}\n'],
    ['line separators within texts', '{"id":"\u2028\\n"}\n', '{"id":"\u2028\\n"}\n'],
    ['a number that no double can hold, as JSON can', '{"id":1e999}\n', '{"id":null}\n'],
    ['nothing', '', ''],
  ])('filters %s', async (_what, text, expected) => {
    expect(await lines(text)).toEqual(whole(expected));
  });

  test.each<[string, string | Uint8Array]>([
    ['what is not JSON', '{"id":1}\nsecret\n'],
    ['two values in a line', '{"id":1}{"secret":2}\n'],
    ['a line that ends with CR alone', '{"id":1}\r{"secret":2}\n'],
    ['a byte order mark', '\uFEFF{"id":1}\n'],
    ['bytes that are not UTF-8', Uint8Array.of(0x22, 0xff, 0x22, 0x0a)],
    ['a character that is cut off at the end', encoder.encode('"é').slice(0, 2)],
    ['an object where the policy throws', 'null\n'],
    ['nesting without end', `${'['.repeat(200_000)}\n`],
    ['a line without end', '1'.repeat(LONGEST_RECORD + 1)],
    ['what is not bytes', 5 as never],
  ])('ends at %s, and passes nothing of it on', async (_what, chunk) => {
    expect(await lines(chunk)).toEqual({ text: '', cut: CUT });
  });

  test('takes a line of the greatest length, in whatever pieces, and not one character more', async () => {
    const line = JSON.stringify({ id: 1, x: 'x'.repeat(LONGEST_RECORD - 15) });
    expect(line).toHaveLength(LONGEST_RECORD);
    const half = LONGEST_RECORD / 2;
    expect(await lines(line.slice(0, half), line.slice(half), '\n')).toEqual(whole('{"id":1}\n'));
    expect((await lines(line.slice(0, half), `${line.slice(half)} `, '\n')).cut).toBe(CUT);
  });
});

describe('Server-Sent Events', () => {
  test.each<[string, string, string]>([
    [
      'each event',
      'data: {"id":1,"x":2}\n\ndata:{"id":2}\n\n',
      'data: {"id":1}\n\ndata: {"id":2}\n\n',
    ],
    ['data of several lines', 'data: {"id":\ndata: 1,\ndata: "x":2}\n\n', 'data: {"id":1}\n\n'],
    [
      'CR LF',
      'data: {"id":1}\r\n\r\ndata: {"id":2}\r\n\r\n',
      'data: {"id":1}\n\ndata: {"id":2}\n\n',
    ],
    ['CR', 'data: {"id":1}\r\rdata: {"id":2}\r\r', 'data: {"id":1}\n\ndata: {"id":2}\n\n'],
    ['ends of lines of all kinds', 'data: {"id":\rdata: 1}\r\n\n', 'data: {"id":1}\n\n'],
    ['a byte order mark in front', '\uFEFFdata: {"id":1}\n\n', 'data: {"id":1}\n\n'],
    [
      'fields in any order',
      'data:{"id":1}\nid: 7\nevent:a.b\nretry: 10\n\n',
      'id: 7\nevent: a.b\nretry: 10\ndata: {"id":1}\n\n',
    ],
    ['an event without data', 'id: 7\n\n', 'id: 7\n\n'],
    ['an event whose data is empty', 'event: done\ndata\n\n', 'event: done\ndata:\n\n'],
    [
      'an empty id, which forgets the last one',
      'id\ndata: {"id":1}\n\n',
      'id: \ndata: {"id":1}\n\n',
    ],
    [
      'comments, without what they say',
      ': secret\n\n:\ndata: {"id":1}\n: secret\n\n',
      ':\n\n:\n\ndata: {"id":1}\n\n',
    ],
    [
      'an event that nothing ends, which is not one',
      'data: {"id":1}\n\ndata: {"id":2}\n',
      'data: {"id":1}\n\n',
    ],
    [
      'one blank behind the colon, and not two',
      'event: a\ndata:  {"id":1}\n\n',
      'event: a\ndata: {"id":1}\n\n',
    ],
  ])('filters %s', async (_what, text, expected) => {
    expect(await events(text)).toEqual(whole(expected));
  });

  test.each<[string, string]>([
    ['data that is not JSON', 'data: [DONE]\n\n'],
    ['a field that readers do not know', 'date: {"secret":1}\ndata: {"id":1}\n\n'],
    ['a field in another case', 'Data: {"secret":1}\n\n'],
    ['a blank in front of a field', ' data: {"secret":1}\n\n'],
    ['a second byte order mark', '\uFEFF\uFEFFdata: {"id":1}\n\n'],
    ['a text as the name of an event', 'event: a secret\ndata: {"id":1}\n\n'],
    ['a text as an id', 'id: {"secret": 1}\ndata: {"id":1}\n\n'],
    ['an id with NUL', 'id: a\0b\ndata: {"id":1}\n\n'],
    ['a text as a time', 'retry: secret\n\n'],
    ['an id without end', `id: ${'a'.repeat(513)}\n\n`],
    ['an event of lines without end', `data: ${'1'.repeat(1_000)}\n`.repeat(1_100)],
    ['ids without end', `id: ${'1'.repeat(500)}\n`.repeat(2_200)],
  ])('ends at %s, and passes nothing of it on', async (_what, text) => {
    expect(await events(text)).toEqual({ text: '', cut: CUT });
  });

  test('does not wait for the byte behind CR to send an event', () => {
    const filter = recordFilter('events', onlyId);
    const push = (text: string) => filter.push(encoder.encode(text));
    expect(push('data: {"id":1}\r\r')).toEqual({ ok: true, text: 'data: {"id":1}\n\n' });
    expect(push('\ndata: {"id":2}\n')).toEqual({ ok: true, text: '' });
    expect(push('\n')).toEqual({ ok: true, text: 'data: {"id":2}\n\n' });
  });
});

describe('A body of many payloads', () => {
  test('ends with the denial of the policy, and nothing that came with it goes out', async () => {
    expect(await lines('{"id":1}\n', '{"id":2}\n{"id":3,"tenant":"b"}\n{"id":4}\n')).toEqual({
      text: '{"id":1}\n',
      cut: 'tenant.leak',
    });
    expect(await events('data: {"id":1}\n\n', 'data: {"tenant":"b"}\n\n')).toEqual({
      text: 'data: {"id":1}\n\n',
      cut: 'tenant.leak',
    });
  });

  test('is answered at once where the policies are, and in order where one is not', async () => {
    expect(recordFilter('lines', onlyId).push(encoder.encode('{"id":1}\n'))).toEqual({
      ok: true,
      text: '{"id":1}\n',
    });
    const delays = [3, 1, 2];
    const slow = async (payload: unknown): Promise<BodyOutcome> => {
      const delay = delays.shift() ?? 0;
      for (let turn = 0; turn < delay; turn++) await Promise.resolve();
      return onlyId(payload);
    };
    expect(await send('lines', ['{"id":1}\n{"id":2}\n{"id":3}\n'], slow)).toEqual(
      whole('{"id":1}\n{"id":2}\n{"id":3}\n'),
    );
  });

  test.each<[string, BodyOutcome, string]>([
    ['is written anew where nothing is put in its place', { ok: true }, '{"id":1,"x":"y"}\n'],
    ['is left out where undefined is', { ok: true, value: undefined }, ''],
  ])('%s', async (_what, outcome, expected) => {
    expect(await send('lines', ['{ "id": 1, "x": "z", "x": "y" }\n'], () => outcome)).toEqual(
      whole(expected),
    );
  });

  test('ends where the policy puts something in its place that JSON cannot write', async () => {
    const outcome = { ok: true, value: 1n } as const;
    expect(await send('lines', ['{"id":1}\n'], () => outcome)).toEqual({ text: '', cut: CUT });
  });

  const id = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.double(),
    fc.constantFrom('é€😀', '\r', '\n'),
  );
  const rows = fc.array(fc.record({ id, secret: fc.constant('s3cret'), tenant: fc.constant('a') }));
  const end = fc.constantFrom('\n', '\r\n', '\r');

  test.each<[RecordFormat]>([['lines'], ['events']])(
    'of %s goes out alike in whatever pieces it comes',
    async (format) => {
      await fc.assert(
        fc.asyncProperty(rows, end, fc.array(fc.nat(40)), async (all, eol, sizes) => {
          const text = all
            .map((row) =>
              format === 'lines'
                ? `${JSON.stringify(row)}\n`
                : `${JSON.stringify(row, undefined, 1)
                    .split('\n')
                    .map((line) => `data: ${line}`)
                    .join(eol)}${eol}${eol}`,
            )
            .join('');
          const bytes = encoder.encode(text);
          const joined = await send(format, [bytes]);
          const pieces = cutBy(bytes, sizes);
          expect(await send(format, pieces)).toEqual(joined);
          const expected = all.map((row) => JSON.stringify({ id: row.id }));
          expect(joined).toEqual(
            whole(
              expected
                .map((json) => (format === 'lines' ? `${json}\n` : `data: ${json}\n\n`))
                .join(''),
            ),
          );
        }),
      );
    },
  );
});

function cutBy(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let at = 0;
  for (let next = 0; at < bytes.length; next++) {
    const size = sizes.length === 0 ? bytes.length : (sizes[next % sizes.length] ?? 0) + 1;
    pieces.push(bytes.subarray(at, (at += size)));
  }
  return pieces;
}

describe('The format of a body', () => {
  const of = (fields: Readonly<Record<string, string>>) => recordFormat(new Headers(fields));

  test.each([
    ['application/x-ndjson', 'lines'],
    ['application/ndjson; charset=UTF-8', 'lines'],
    ['application/jsonl', 'lines'],
    ['text/event-stream', 'events'],
    ['Text/Event-Stream;charset=utf-8', 'events'],
    ['text/event-stream; charset=utf-16', undefined],
    ['text/event-stream, application/json', undefined],
    ['application/json', undefined],
    ['application/json-seq', undefined],
    ['text/plain', undefined],
    ['', undefined],
  ])('%s is read as %s', (type, expected) => {
    expect(of({ 'content-type': type })).toBe(expected);
  });

  test.each([
    ['compressed', { 'content-encoding': 'gzip' }, undefined],
    ['said not to be compressed', { 'content-encoding': 'identity' }, 'lines'],
    ['a part', { 'content-range': 'bytes 0-9/100' }, undefined],
  ])('of a body that is %s', (_what, fields, expected) => {
    expect(of({ 'content-type': 'application/x-ndjson', ...fields })).toBe(expected);
  });
});
