import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { VECTORS } from '../../test/vectors.ts';
import { signatureCheck } from '../crypto/signature-check.ts';
import { toVerificationKey, webCryptoVerifier } from '../crypto/verification-key.ts';
import { parseDictionary } from '../lib/parse-structured-fields.ts';
import type { InnerList } from '../lib/structured-fields.ts';
import { checkContentDigest, contentDigest } from './content-digest.ts';
import { type FieldTypes, type SignableRequest, signatureBase } from './signature-base.ts';
import { jwsNames, type SignatureAlgorithm } from './signature-keys.ts';

const folder = join(VECTORS, 'rfc-vectors');
const isThere = existsSync(folder);
const read = (name: string): unknown => JSON.parse(readFileSync(join(folder, name), 'utf8'));
const encoder = new TextEncoder();

interface Message {
  readonly start: string;
  readonly headers: Headers;
  readonly body: string;
}

/** A message as the RFCs print it: repeated lines are joined, folded ones unfolded. */
function messageOf(text: string): Message {
  const [head = '', ...rest] = text.split('\n\n');
  const lines = head.replace(/\n[ \t]+/g, ' ').split('\n');
  const start = /^[\w-]+:/.test(lines[0] ?? '') ? '' : (lines.shift() as string);
  const headers = new Headers();
  for (const line of lines) {
    const colon = line.indexOf(':');
    headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return { start, headers, body: rest.join('\n\n') };
}

function requestOf({ start, headers }: Message, scheme = 'https'): SignableRequest {
  const [method = '', target = ''] = start.split(' ');
  const [path = '', ...query] = target.split(/(?=\?)/);
  return {
    method,
    origin: `${scheme}://${headers.get('host')}`,
    path,
    query: query.join(''),
    headers,
  };
}

/** The components of a signature in the notation of `Signature-Input`. */
function input(text: string): InnerList {
  const member = parseDictionary(`sig=${text}`)?.get('sig');
  if (member === undefined || !('items' in member)) throw new Error(`no inner list: ${text}`);
  return member;
}

const EXAMPLE_FIELDS: FieldTypes = { 'example-dict': 'dictionary', 'client-cert': 'item' };
const algorithmOf: Readonly<Record<string, SignatureAlgorithm>> = {
  'test-key-rsa': 'rsa-v1_5-sha256',
  'test-key-rsa-pss': 'rsa-pss-sha512',
  'test-key-ecc-p256': 'ecdsa-p256-sha256',
  'test-key-ed25519': 'ed25519',
  'test-shared-secret': 'hmac-sha256',
};

describe.skipIf(!isThere)('published vectors (RFC 9421 appendix B)', () => {
  interface AppendixB {
    readonly keys: Readonly<Record<string, Readonly<Record<string, string>>>>;
    readonly request: string;
    readonly response: string;
    readonly tests: readonly {
      readonly id: string;
      readonly message?: 'request' | 'response';
      readonly message_text?: string;
      readonly signature_input?: string;
      readonly signature?: string;
      readonly signature_base?: string;
      readonly keyid: string;
      readonly result: string;
    }[];
  }
  const vectors = isThere ? (read('rfc9421-appendix-b.json') as AppendixB) : undefined;
  const cases = (vectors?.tests ?? []).filter(({ message }) => message !== 'response');
  const isSigned = signatureCheck(webCryptoVerifier);

  test.each(cases)('$id: $result', async (vector) => {
    const message = messageOf(vector.message_text ?? (vectors?.request as string));
    const inputText = vector.signature_input ?? message.headers.get('signature-input') ?? '';
    const signatureText = vector.signature ?? message.headers.get('signature') ?? '';
    const [[, list] = []] = parseDictionary(inputText) ?? [];
    const [[, signed] = []] = parseDictionary(signatureText) ?? [];
    if (!list || !('items' in list) || !signed || !('bare' in signed)) throw new Error('vector');
    const base = signatureBase(requestOf(message), list, EXAMPLE_FIELDS);
    if ('problem' in base) throw new Error(base.problem);
    if (vector.signature_base !== undefined) expect(base.text).toBe(vector.signature_base);
    const { kty, crv, x, y, n, e, k } = vectors?.keys[vector.keyid] ?? {};
    const key = toVerificationKey(JSON.parse(JSON.stringify({ kty, crv, x, y, n, e, k })));
    const algorithm = algorithmOf[vector.keyid];
    if (typeof key === 'string' || algorithm === undefined) throw new Error('vector');
    if (signed.bare.type !== 'bytes') throw new Error('vector');
    const data = encoder.encode(base.text);
    const signature = new Uint8Array(signed.bare.value);
    const valid = await isSigned({ data, signature }, jwsNames[algorithm], [key]);
    expect(valid).toBe(vector.result === 'valid');
    // Over any other text it is not.
    const other = encoder.encode(`${base.text} `);
    expect(await isSigned({ data: other, signature }, jwsNames[algorithm], [key])).toBe(false);
  });

  test('all but the signature of a response are there', () => {
    expect([cases.length, vectors?.tests.length]).toEqual([12, 13]);
  });

  test('components of responses are denied', () => {
    const message = messageOf(vectors?.request as string);
    for (const text of ['("@status")', '("@method";req)', '("content-digest";req)']) {
      expect(signatureBase(requestOf(message), input(text), {})).toMatchObject({
        problem: 'signature.component_unsupported',
      });
    }
  });
});

describe.skipIf(!isThere)('published vectors (RFC 9421 section 2)', () => {
  const examples = new Map(
    (isThere
      ? (read('rfc9421-examples.json') as readonly { readonly pn: string; readonly text: string }[])
      : []
    ).map(({ pn, text }) => [pn, text]),
  );

  // The lines are those that the RFC prints below each example.
  test.each([
    ['section-2.1-10', '("host")', 'https', '"host": www.example.com'],
    ['section-2.1-10', '("date")', 'https', '"date": Tue, 20 Apr 2021 02:07:56 GMT'],
    [
      'section-2.1-10',
      '("x-ows-header")',
      'https',
      '"x-ows-header": Leading and trailing whitespace.',
    ],
    [
      'section-2.1-10',
      '("x-obs-fold-header")',
      'https',
      '"x-obs-fold-header": Obsolete line folding.',
    ],
    [
      'section-2.1-10',
      '("cache-control")',
      'https',
      '"cache-control": max-age=60, must-revalidate',
    ],
    [
      'section-2.1-10',
      '("example-dict")',
      'https',
      '"example-dict": a=1,    b=2;x=1;y=2,   c=(a   b   c)',
    ],
    [
      'section-2.1.1-5',
      '("example-dict";sf)',
      'https',
      '"example-dict";sf: a=1, b=2;x=1;y=2, c=(a b c)',
    ],
    ['section-2.1.2-7', '("example-dict";key="a")', 'https', '"example-dict";key="a": 1'],
    ['section-2.1.2-7', '("example-dict";key="d")', 'https', '"example-dict";key="d": ?1'],
    ['section-2.1.2-7', '("example-dict";key="b")', 'https', '"example-dict";key="b": 2;x=1;y=2'],
    ['section-2.1.2-7', '("example-dict";key="c")', 'https', '"example-dict";key="c": (a b c)'],
    ['section-2.2.1-3', '("@method")', 'https', '"@method": POST'],
    [
      'section-2.2.2-3',
      '("@target-uri")',
      'https',
      '"@target-uri": https://www.example.com/path?param=value',
    ],
    ['section-2.2.3-3', '("@authority")', 'https', '"@authority": www.example.com'],
    ['section-2.2.4-3', '("@scheme")', 'http', '"@scheme": http'],
    ['section-2.2.5-5', '("@request-target")', 'https', '"@request-target": /path?param=value'],
    ['section-2.2.6-3', '("@path")', 'https', '"@path": /path'],
    ['section-2.2.7-3', '("@query")', 'https', '"@query": ?param=value&foo=bar&baz=bat%2Dman'],
    ['section-2.2.7-9', '("@query")', 'https', '"@query": ?queryString'],
    [
      'section-2.2.8-7',
      '("@query-param";name="baz")',
      'https',
      '"@query-param";name="baz": batman',
    ],
    ['section-2.2.8-7', '("@query-param";name="qux")', 'https', '"@query-param";name="qux": '],
    [
      'section-2.2.8-16',
      '("@query-param";name="var")',
      'https',
      '"@query-param";name="var": this%20is%20a%20big%0Amultiline%20value',
    ],
    [
      'section-2.2.8-16',
      '("@query-param";name="bar")',
      'https',
      '"@query-param";name="bar": with%20plus%20whitespace',
    ],
    [
      'section-2.2.8-16',
      '("@query-param";name="fa%C3%A7ade%22%3A%20")',
      'https',
      '"@query-param";name="fa%C3%A7ade%22%3A%20": something',
    ],
  ])('%s %s', (example, components, scheme, line) => {
    const request = requestOf(messageOf(examples.get(example) as string), scheme);
    const base = signatureBase(request, input(components), EXAMPLE_FIELDS);
    expect(base).toEqual({ text: `${line}\n"@signature-params": ${components}` });
  });

  test('section-2.5: a whole base', () => {
    const request = requestOf(messageOf(examples.get('section-2.5-11') as string));
    const wanted = examples.get('section-2.5-13.1') as string;
    const params = /"@signature-params": (.*)$/.exec(wanted)?.[1] as string;
    expect(signatureBase(request, input(params), {})).toEqual({ text: wanted });
  });

  test('section-2.1.3: field lines of their own cannot be told apart here', () => {
    const request = requestOf(messageOf(examples.get('section-2.1.3-5') as string));
    expect(signatureBase(request, input('("example-header";bs)'), {})).toMatchObject({
      problem: 'signature.component_unsupported',
    });
  });
});

describe.skipIf(!isThere)('published vectors (RFC 9530)', () => {
  interface Examples {
    readonly blocks: readonly { readonly pn: string; readonly text: string }[];
  }
  const blocks = isThere ? (read('rfc9530-examples.json') as Examples).blocks : [];
  const digests = blocks.flatMap(({ pn, text }) => {
    const { start, headers, body } = messageOf(text);
    return ['content-digest', 'repr-digest'].flatMap((name) => {
      const field = headers.get(name);
      return field === null ? [] : [{ pn, name, field, body, start }];
    });
  });

  /** Printed with padding for a length that the digest does not have: strict base64 denies them. */
  const wrong = new Set([
    'section-appendix.b.5-3',
    'section-appendix.b.6-3.1',
    'section-appendix.c.1-3.1',
  ]);

  test.each(digests.filter(({ pn }) => wrong.has(pn)))('$pn is unreadable', async ({ field }) => {
    const body = encoder.encode('{"hello": "world"}\n');
    expect(await checkContentDigest(field, body)).toBe('unreadable');
    expect(await checkContentDigest(field.replace('==:', '=:'), body)).toBe('right');
  });

  test('exactly these are printed wrong', () => {
    const unreadable = digests.filter(({ field }) => parseDictionary(field) === undefined);
    expect(new Set(unreadable.map(({ pn }) => pn))).toEqual(wrong);
    expect(blocks.filter(({ text }) => /[^=]{43}==:/.test(text)).map(({ pn }) => pn)).toEqual(
      expect.arrayContaining([...wrong]),
    );
  });

  test.each([
    ['section-appendix.b.1-3.1', '{"hello": "world"}\n'],
    ['section-appendix.b.2-4.1', ''],
    ['section-appendix.b.3-3.1', '"world"}\n'],
  ])('%s holds for its content', async (pn, body) => {
    const field = digests.find((each) => each.pn === pn && each.name === 'content-digest')?.field;
    expect(await checkContentDigest(field as string, encoder.encode(body))).toBe('right');
    expect(await checkContentDigest(field as string, encoder.encode(`${body} `))).toBe('wrong');
  });

  test.each(['sha-256=::', 'sha-256=:RA==:'])('%s is of nothing', async (field) => {
    expect(await checkContentDigest(field, encoder.encode('{}'))).toBe('wrong');
  });

  test('two digests must both be right', async () => {
    const body = encoder.encode('{"hello": "world"}');
    const sha256 = await contentDigest(body);
    expect(await checkContentDigest(sha256, body)).toBe('right');
    const [two] = digests.filter(({ pn }) => pn === 'section-2-6');
    const sha512 = two?.field.split(',')[1] as string;
    expect(await checkContentDigest(`${sha256},${sha512}`, body)).toBe('wrong');
  });
});
