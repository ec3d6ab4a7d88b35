import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cpuMs } from '../../test/cpu-time.ts';
import { VECTORS } from '../../test/vectors.ts';
import type { BodyWatcher } from '../engine/obligations.ts';
import { parseStrictJson } from '../lib/strict-json.ts';
import { type LimitBodyOptions, limitBody } from './limit-body.ts';

const http = {
  call: { protocol: 'http', operation: 'POST /' },
  peer: { address: undefined, id: undefined },
} as const;
const encoder = new TextEncoder();

type Headers_ = Record<string, string>;

/** How a body is judged, shown as it streams in and as a whole; both must agree. */
function judge(body: string | Uint8Array, options: LimitBodyOptions = {}, headers: Headers_ = {}) {
  const bytes = typeof body === 'string' ? encoder.encode(body) : body;
  const view = {
    method: 'POST',
    url: '/',
    hasBody: true,
    headers: new Headers({ 'content-type': 'application/json', ...headers }),
  };
  const policy = limitBody(options);
  const whole = policy.check(view, { ...http, rawBody: bytes });
  const code = whole.ok ? 'passes' : whole.denial.code;
  for (const size of [1, 7, 1_000])
    expect(stream(policy.check(view, http), bytes, size)).toBe(code);
  return code;
}

function stream(
  outcome: ReturnType<ReturnType<typeof limitBody>['check']>,
  bytes: Uint8Array,
  size: number,
) {
  if (!outcome.ok) return outcome.denial.code;
  const { body } = outcome.obligations as { body: BodyWatcher };
  for (let at = 0; at < bytes.length; at += size) {
    const denial = body.push(bytes.subarray(at, at + size));
    if (denial) return denial.code;
  }
  return body.end()?.code ?? 'passes';
}

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);

describe('limitBody of JSON', () => {
  test.each<[string, string, LimitBodyOptions?]>([
    ['{"a":[1,"b",null,{"c":true}]}', 'passes'],
    ['"x"', 'passes'],
    ['[]', 'passes', { maxArrayLength: 1 }],
    ['[ ]', 'passes', { maxArrayLength: 1 }],
    ['[1]', 'passes', { maxArrayLength: 1 }],
    ['[1,2]', 'body.array_too_long', { maxArrayLength: 1 }],
    ['[[],[]]', 'body.array_too_long', { maxArrayLength: 1 }],
    ['[["a"],["b"]]', 'passes', { maxArrayLength: 2 }],
    [nested(32), 'passes'],
    [nested(33), 'body.too_deep'],
    ['{"a":{"b":1}}', 'body.too_deep', { maxDepth: 1 }],
    ['{"a":1,"b":{"c":2}}', 'passes', { maxKeys: 3 }],
    ['{"a":1,"b":{"c":2}}', 'body.too_many_keys', { maxKeys: 2 }],
    ['{"a":"xxx"}', 'passes', { maxStringLength: 3 }],
    ['{"a":"xxxx"}', 'body.string_too_long', { maxStringLength: 3 }],
    ['{"aaaa":1}', 'body.string_too_long', { maxStringLength: 3 }],
    ['"\\u0061\\u0061\\u0061"', 'passes', { maxStringLength: 3 }],
    ['12345', 'body.string_too_long', { maxStringLength: 3 }],
    ['{"a":1,"a":2}', 'body.duplicate_key'],
    ['{"a":1,"\\u0061":2}', 'body.duplicate_key'],
    ['{"x":{"__proto__":1,"__proto__":2}}', 'body.duplicate_key'],
    ['{"a":1,"b":{"a":1}}', 'passes'],
    ['[{"a":1},{"a":2}]', 'passes'],
    ['{"a":["a","a"]}', 'passes'],
    ['1e400', 'body.malformed'],
    ['\ufeff{}', 'body.malformed'],
    ['{"a":1', 'body.malformed'],
    [']', 'body.malformed'],
    ['"abc', 'body.malformed'],
    ['"\\x"', 'body.malformed'],
    // Both become U+FFFD where somebody stores them.
    ['{"\\ud800":1,"\\ud801":2}', 'body.malformed'],
    ['"\\ud83d\\ude00"', 'passes'],
    ['{"a":1}', 'body.too_large', { maxBytes: 6 }],
    ['{"a":1}', 'passes', { maxBytes: 7 }],
  ])('the text %s: %s %j', (body, code, options) => {
    expect(judge(body, options)).toBe(code);
  });

  test('that is not UTF-8 is denied', () => {
    expect(judge(Uint8Array.of(0x22, 0xff, 0x22))).toBe('body.malformed');
    expect(judge(Uint8Array.of(0x22, 0xc3))).toBe('body.malformed');
  });

  test.each([
    ['application/json; charset=utf-16le', 'body.charset_not_allowed'],
    ['application/json; charset=utf-7', 'body.charset_not_allowed'],
    ['application/json; charset=UTF8', 'body.duplicate_key'],
    ['application/json;\tcharset=utf-8', 'body.malformed'],
    ['application/json, text/plain', 'body.malformed'],
    ['application/json; charset=utf-8; charset=utf-16', 'body.malformed'],
    ['application/vnd.api+json', 'body.duplicate_key'],
    ['text/json', 'body.duplicate_key'],
    ['model/gltf+json', 'body.duplicate_key'],
    // Handlers call `request.json()` whatever the type says, and clients forget it.
    ['', 'body.duplicate_key'],
    ['text/plain; charset=utf-8', 'body.duplicate_key'],
    ['text/plain; charset=utf-16', 'body.duplicate_key'],
    ['application/x-www-form-urlencoded; charset=utf-16', 'body.charset_not_allowed'],
    ['text/csv', 'passes'],
    ['application/octet-stream', 'passes'],
  ])('that comes as %j: %s', (type, code) => {
    expect(judge(' \n{"a":1,"a":2}', {}, { 'content-type': type })).toBe(code);
  });

  test('that is read leniently is bounded as it is read', () => {
    const type = { 'content-type': 'text/plain' };
    const bytes = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));
    // Not UTF-8, a byte order mark, half a pair and a number that nothing holds: `request.json()` takes them all.
    expect(judge(bytes('["\xff",[[]]]'), { maxDepth: 2 }, type)).toBe('body.too_deep');
    expect(judge(bytes('\xef\xbb\xbf[[[]]]'), { maxDepth: 2 }, type)).toBe('body.too_deep');
    expect(judge('["\\ud800",[[]]]', { maxDepth: 2 }, type)).toBe('body.malformed');
    expect(judge('[1e999,[[]]]', { maxDepth: 2 }, type)).toBe('body.malformed');
  });

  test.each(['text/plain', 'application/json'])('as %s byte by byte takes linear time', (type) => {
    const view = { method: 'POST', url: '/', hasBody: true };
    const headers = new Headers({ 'content-type': type });
    const bytes = encoder.encode(`[${' '.repeat(200_000)}]`);
    let outcome: string | undefined;
    const check = () => {
      outcome = stream(limitBody().check({ ...view, headers }, http), bytes, 1);
    };
    // In square time it would take minutes.
    expect(cpuMs(check)).toBeLessThan(5_000);
    expect(outcome).toBe('passes');
  });

  test.each([
    ['', 'a: {'],
    ['text/plain', '[note] "what'],
    ['text/plain', '{"a":1}\n{"a":1}'],
    ['text/plain', '"a", "a"'],
    ['', Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0xff)],
    ['', Uint8Array.of(0x7b, 0xff)],
    ['', ''],
  ])('is not what comes as "%s" with %j', (type, body) => {
    expect(judge(body, { maxKeys: 1, maxStringLength: 8 }, { 'content-type': type })).toBe(
      'passes',
    );
  });

  test.each([
    ['['],
    ['{"a":'],
    ['"'],
    ['\\'],
    ['"\\'],
    ['1'],
    ['-'],
    [','],
    ['{"a":1,'],
    [' '],
    ['[1,'],
    ['"a",'],
  ])('of %s again and again is scanned in linear time', (part) => {
    const rawBody = encoder.encode(part.repeat(1_000_000 / part.length));
    const headers = new Headers({ 'content-type': 'application/json' });
    const most = { maxKeys: 1e9, maxStringLength: 1e9, maxArrayLength: 1e9, maxBytes: 2e6 };
    const policy = limitBody({ ...most, maxDepth: 512 });
    const view = { method: 'POST', url: '/', hasBody: true, headers };
    // In square time it would take minutes.
    expect(cpuMs(() => policy.check(view, { ...http, rawBody }))).toBeLessThan(10_000);
  });
});

const part = (name: string, value: string): string =>
  `--x\r\nContent-Disposition: form-data; ${name}\r\n\r\n${value}\r\n`;
const parts = (...all: string[]): string => `${all.join('')}--x--\r\n`;

describe('limitBody of multipart', () => {
  test.each<[string, string, string, LimitBodyOptions?]>([
    ['two fields', parts(part('name="a"', '1'), part('name="b"', '')), 'passes'],
    ['no part', '--x--', 'passes'],
    [
      'three parts',
      parts(...Array<string>(3).fill(part('name="a"', '1'))),
      'body.too_many_parts',
      { maxParts: 2 },
    ],
    ['a file', parts(part('name="a"; filename="b"', '1')), 'passes', { maxFiles: 1 }],
    [
      'a file where none may be',
      parts(part('name="a"; filename="b"', '1')),
      'body.too_many_files',
      { maxFiles: 0 },
    ],
    [
      'a file by its extended name',
      parts(part("name=a; filename*=utf-8''b", '1')),
      'body.too_many_files',
      { maxFiles: 0 },
    ],
    [
      'a name in capitals',
      parts(part('name=a; FileName=b', '1')),
      'body.too_many_files',
      { maxFiles: 0 },
    ],
    ['a boundary in the text', parts(part('name="a"', 'a--x b\r\n-x')), 'passes'],
    ['a preamble', `hello\r\n${parts(part('name="a"', '1'))}`, 'body.malformed'],
    ['something behind the end', `${parts(part('name="a"', '1'))}--x`, 'body.malformed'],
    ['no end', part('name="a"', '1'), 'body.malformed'],
    ['a boundary that goes on', '--xy\r\n', 'body.malformed'],
    ['no disposition', '--x\r\nA: b\r\n\r\n1\r\n--x--', 'body.malformed'],
    [
      'two dispositions',
      parts(part('name=a\r\nContent-Disposition: form-data; name=b', '1')),
      'body.malformed',
    ],
    [
      'bare line feeds',
      '--x\nContent-Disposition: form-data; name=a\n\n1\n--x--',
      'body.malformed',
    ],
    [
      'a boundary among the headers of a part',
      parts(part('name="a"\r\n--x\r\nB: c', '1')),
      'body.malformed',
    ],
    ['a boundary in the place of headers', '--x\r\n--x\r\n\r\n--x--', 'body.malformed'],
    [
      'headers behind an empty line',
      '--x\r\n\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--x--',
      'body.malformed',
    ],
    ['a folded header', parts(part('name="a";\r\n filename="b"', '1')), 'body.malformed'],
    ['a line that is not a header', parts(part('name="a"\r\nhello', '1')), 'body.malformed'],
    [
      'a space in front of the colon',
      parts(part('name="a"\r\nContent-Disposition : form-data; name=b', '1')),
      'body.malformed',
    ],
    ['a NUL in a header', parts(part('name="a\0"', '1')), 'body.malformed'],
    ['a type of a field', parts(part('name="a"\r\nContent-Type: text/plain', '1')), 'passes'],
    [
      'a file by its type alone',
      parts(part('name="a"\r\nContent-Type: application/octet-stream', '1')),
      'body.too_many_files',
      { maxFiles: 0 },
    ],
    ['a boundary behind a bare line feed', parts(part('name="a"', '1\n--x')), 'body.malformed'],
    ['a boundary behind a bare return', parts(part('name="a"', '1\r--x')), 'body.malformed'],
    ['a name in UTF-8', parts(part('name="\u00fc\u4e2d\u{1f600}"', '\u{1f600}')), 'passes'],
    ['a header without end', `--x\r\n${'A'.repeat(10_000)}`, 'body.part_too_large'],
  ])('%s', (_, body, code, options) => {
    expect(judge(body, options, { 'content-type': 'multipart/form-data; boundary=x' })).toBe(code);
  });

  test('headers of a part that come byte by byte are not looked at for each of them', () => {
    const headers = new Headers({ 'content-type': 'multipart/form-data; boundary=x' });
    const view = { method: 'POST', url: '/', hasBody: true, headers };
    const slow = `--x\r\n${'\r\n'.repeat(4_000)}`;
    expect(stream(limitBody().check(view, http), encoder.encode(slow), 1)).toMatch(
      /part_too_large|malformed/,
    );
  });

  test('without a boundary that can be one is denied', () => {
    const type = { 'content-type': 'multipart/form-data' };
    expect(judge('--x--', {}, type)).toBe('body.malformed');
    const long = { 'content-type': `multipart/form-data; boundary=${'x'.repeat(71)}` };
    expect(judge('--x--', {}, long)).toBe('body.malformed');
  });
});

describe('limitBody of other bodies', () => {
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  test.each<[string, string, LimitBodyOptions?]>([
    ['a=1&b=2', 'passes', { maxKeys: 2 }],
    ['a=1&b=2', 'body.too_many_keys', { maxKeys: 1 }],
    ['&&&', 'body.too_many_keys', { maxKeys: 3 }],
    ['a[b][c]=1', 'passes', { maxDepth: 2 }],
    ['a%5Bb%5d[c]=1', 'body.too_deep', { maxDepth: 1 }],
    ['a=12345', 'body.string_too_long', { maxStringLength: 4 }],
    ['ab=1234&cdef=5', 'passes', { maxStringLength: 4 }],
    ['a=1&bcdef=2', 'body.string_too_long', { maxStringLength: 4 }],
    ['abcd', 'passes', { maxStringLength: 4 }],
    ['abcde', 'body.string_too_long', { maxStringLength: 4 }],
    ['=1234', 'passes', { maxStringLength: 4 }],
    ['=12345', 'body.string_too_long', { maxStringLength: 4 }],
    ['a[b]=[[[[', 'passes', { maxDepth: 1 }],
    // Each is one character, and two bytes that come apart.
    ['éé=ïï', 'passes', { maxStringLength: 2 }],
    // A reader may keep a byte order mark.
    ['\ufeffab', 'body.string_too_long', { maxStringLength: 2 }],
  ])('the form %s: %s', (body, code, options) => {
    expect(judge(body, options, form)).toBe(code);
  });

  test('a form that is not UTF-8 is denied, wherever that begins', () => {
    for (const bytes of [[0xff], [0x61, 0x3d, 0xc3]])
      expect(judge(new Uint8Array(bytes), {}, form)).toBe('body.malformed');
  });

  test.each<[string, string, LimitBodyOptions?]>([
    ['{"a":1,"a":2}', 'body.duplicate_key'],
    [' \n {"a":1,"a":2}', 'body.duplicate_key'],
    ['[1,2]', 'body.array_too_long', { maxArrayLength: 1 }],
    // Nobody reads these as objects.
    ['x{"a":1,"a":2}', 'passes'],
    ['  x {"a":1,"a":2}', 'passes'],
    ['{"a":1,"a":2', 'passes'],
    ['   ', 'passes'],
    ['', 'passes'],
  ])('the text %j: %s', (body, code, options) => {
    expect(judge(body, options, { 'content-type': 'text/plain' })).toBe(code);
  });

  test('bytes are counted', () => {
    const type = { 'content-type': 'application/octet-stream' };
    expect(judge('12345', { maxBytes: 5 }, type)).toBe('passes');
    expect(judge('123456', { maxBytes: 5 }, type)).toBe('body.too_large');
  });

  const list = (count: number) => `[${Array<string>(count).fill('0').join()}]`;
  const members = (count: number) =>
    `{${Array.from({ length: count }, (_, at) => `"${at}":0`).join()}}`;
  const fields = (count: number, more = '') =>
    parts(...Array<string>(count).fill(part(`name="a"${more}`, '1')));
  test.each<[string, string, (count: number) => string, number, string]>([
    ['bytes', 'text/csv', (count) => 'x'.repeat(count), 1_048_576, 'body.too_large'],
    ['members', 'application/json', members, 10_000, 'body.too_many_keys'],
    ['values in a list', 'application/json', list, 10_000, 'body.array_too_long'],
    [
      'characters of a string',
      'application/json',
      (count) => `"${'x'.repeat(count)}"`,
      100_000,
      'body.string_too_long',
    ],
    ['parts', 'multipart/form-data; boundary=x', fields, 100, 'body.too_many_parts'],
    [
      'files',
      'multipart/form-data; boundary=x',
      (count) => fields(count, '; filename="a"'),
      10,
      'body.too_many_files',
    ],
  ])('has as many %s by default as it may, and not one more', (_, type, body, most, code) => {
    const rawBody = (count: number) => encoder.encode(body(count));
    const headers = new Headers({ 'content-type': type });
    const view = { method: 'POST', url: '/', hasBody: true, headers };
    const policy = limitBody();
    expect(policy.check(view, { ...http, rawBody: rawBody(most) })).toEqual({ ok: true });
    expect(policy.check(view, { ...http, rawBody: rawBody(most + 1) })).toMatchObject({
      denial: { code },
    });
  });

  // Covers: API4:2023, V5.2.1
  test('a body that announces that it is too large is not read', () => {
    expect(judge('{}', { maxBytes: 5 }, { 'content-length': '6' })).toBe('body.too_large');
    expect(judge('{}', { maxBytes: 5 }, { 'content-length': '5' })).toBe('passes');
  });

  test.each([
    ['gzip', 'body.coding_not_allowed'],
    ['GZIP', 'body.coding_not_allowed'],
    ['gzip, gzip', 'body.coding_not_allowed'],
    ['identity', 'passes'],
  ])('content coding %s: %s', (coding, code) => {
    expect(judge('{}', {}, { 'content-encoding': coding })).toBe(code);
  });

  test('with an allowed coding, and outside HTTP, the parsed value is bounded', () => {
    const headers = new Headers({ 'content-encoding': 'gzip' });
    const view = { method: 'POST', url: '/', hasBody: true, headers };
    const policy = limitBody({ codings: ['gzip'], maxBytes: 10, maxDepth: 2, maxKeys: 2 });
    const grpc = { ...http, call: { protocol: 'grpc', operation: '/a/b' } } as const;
    for (const facts of [http, grpc]) {
      const outcome = policy.check(view, facts);
      const { onMessage } = (outcome as { obligations: { onMessage: (m: unknown) => unknown } })
        .obligations;
      expect(onMessage({ a: 'x' })).toEqual({ ok: true });
      const codes = [{ a: 'xxxxxxxxxx' }, [[[]]], { a: 1, b: 2, c: 3 }, new Uint8Array(11)].map(
        (message) => (onMessage(message) as { denial?: { code: string } }).denial?.code,
      );
      expect(codes).toEqual([
        'body.too_large',
        'body.too_deep',
        'body.too_many_keys',
        'body.too_large',
      ]);
    }
  });

  test.each([
    ['multipart/form-data; boundary=x', 'body.coding_not_allowed'],
    [' Multipart/Mixed;boundary=x', 'body.coding_not_allowed'],
    ['application/json', undefined],
  ])('%j with an allowed coding, which no parser of it knows: %s', (type, code) => {
    const headers = new Headers({ 'content-encoding': 'gzip', 'content-type': type });
    const view = { method: 'POST', url: '/', hasBody: true, headers };
    const outcome = limitBody({ codings: ['gzip'] }).check(view, http);
    expect(outcome.ok ? undefined : outcome.denial.code).toBe(code);
  });

  test('a denial says which codings are taken, and what kind of mistake it was', () => {
    const check = (headers: Headers_, rawBody?: Uint8Array) => {
      const view = { method: 'POST', url: '/', hasBody: true, headers: new Headers(headers) };
      const outcome = limitBody({ codings: ['gzip', 'br'], maxBytes: 9 }).check(view, {
        ...http,
        ...(rawBody !== undefined && { rawBody }),
      });
      return outcome as Extract<typeof outcome, { ok: false }>;
    };
    const json = { 'content-type': 'application/json' };
    expect(check({ ...json, 'content-encoding': 'zstd' })).toMatchObject({
      denial: { kind: 'unsupported' },
      obligations: {
        headers: [{ op: 'set', name: 'accept-encoding', value: 'gzip, br, identity' }],
      },
    });
    const kinds = ['{"a":', '{"a":1,"a":2}', '[1,2,3,4,5,6]'].map(
      (text) => check(json, encoder.encode(text.slice(0, 13))).denial.kind,
    );
    expect(kinds).toEqual(['malformed', 'too_large', 'too_large']);
    expect(check({ 'content-type': 'application/json; charset=latin1' }).denial.kind).toBe(
      'unsupported',
    );
  });

  test('a body that was denied stays denied, and its value is looked at where nobody saw bytes', () => {
    const view = {
      method: 'POST',
      url: '/',
      hasBody: true,
      headers: new Headers({ 'content-type': 'application/json' }),
    };
    const begin = () => {
      const outcome = limitBody({ maxBytes: 5, maxDepth: 1 }).check(view, http);
      return (outcome as { obligations: { body: BodyWatcher } }).obligations.body;
    };
    const late = begin();
    expect(late.push(encoder.encode('[['))?.code).toBe('body.too_deep');
    expect(late.push(encoder.encode('111111111'))?.code).toBe('body.too_deep');
    expect([late.end()?.code, late.value?.([1])?.code]).toEqual(['body.too_deep', 'body.too_deep']);
    const parsed = begin();
    expect(parsed.value?.([1])).toBeUndefined();
    expect(parsed.value?.([[1]])?.code).toBe('body.too_deep');
  });

  test('a call without a body passes whatever its headers say, but outside HTTP its value is bounded', () => {
    const headers = new Headers({ 'content-encoding': 'zstd', 'content-type': '?' });
    const view = { method: 'POST', url: '/', hasBody: false, headers };
    expect(limitBody().check(view, http).ok).toBe(true);
    const grpc = { ...http, call: { protocol: 'grpc', operation: '/a/b' } } as const;
    expect(limitBody().check(view, grpc)).toMatchObject({
      obligations: { onMessage: expect.any(Function) },
    });
  });

  test('says that it needs bodies', () => {
    expect(limitBody().needs).toEqual(['bodies']);
  });

  test.each([
    [{ maxParts: 0, maxFiles: 0 }],
    [{ maxDepth: 512 }],
    [{ maxBytes: 2 ** 40 }],
    [{ codings: ['x-gzip2'] }],
  ])('constructs with %j', (options) => {
    expect(() => limitBody(options)).not.toThrow();
  });

  test.each([
    [{ maxKeys: 0 }],
    [{ maxDepth: 513 }],
    [{ maxParts: -1 }],
    [{ maxBytes: 2 ** 40 + 1 }],
    [{ codings: ['gzip!'] }],
    [{ codings: ['!gzip'] }],
    [{ codings: [1] }],
    [{ codings: 'gzip' }],
    [{ maxBytes: 0 }],
    [{ maxDepth: 1.5 }],
    [{ maxKeys: '5' }],
    [{ maxByte: 5 }],
    [{ codings: ['GZIP'] }],
  ])('cannot be constructed with %j', (options) => {
    expect(() => limitBody(options as never)).toThrow(/^limitBody/);
  });
});

const vectors = join(VECTORS, 'json-strictness/jsontestsuite.json');

describe.skipIf(!existsSync(vectors))('published vectors (JSONTestSuite)', () => {
  interface Vector {
    readonly set: string;
    readonly name: string;
    readonly bytes_b64: string;
  }
  const cases = existsSync(vectors)
    ? (JSON.parse(readFileSync(vectors, 'utf8')) as readonly Vector[])
    : [];
  const isJson = (text: string): boolean => {
    try {
      JSON.parse(text);
      return true;
    } catch {
      return false;
    }
  };

  test.each(cases)('$set/$name passes only where all parsers read it alike', ({ bytes_b64 }) => {
    const bytes = new Uint8Array(Buffer.from(bytes_b64, 'base64'));
    // As `request.json()` reads it, whatever its type.
    const text = new TextDecoder().decode(bytes);
    for (const type of ['application/json', 'application/vnd.api+json', 'text/plain']) {
      const isStrict = parseStrictJson(type === 'text/plain' ? text : bytes) !== undefined;
      const code = judge(bytes, {}, { 'content-type': type });
      if (isStrict) expect(code, type).toBe('passes');
      // What is not JSON to anybody is for the parser to deny.
      else if (isJson(text))
        expect(code, type).toMatch(/^body\.(?:malformed|duplicate_key|too_deep)$/);
      else expect(code, type).toMatch(/^(?:passes|body\.(?:malformed|duplicate_key|too_deep))$/);
    }
  });
});
