import { gzipSync } from 'node:zlib';
import { MB, nested, times } from './hostile-documents.ts';

/** Bytes that are not an operation, or not in the way that GraphQL over HTTP sends them. */
export interface HostileRequest {
  readonly name: string;
  readonly method?: string;
  readonly search?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

const json = (value: unknown): string => JSON.stringify(value);
const HONEST = '{ echo(text: "a") }';

/** Each of them is answered with a status of the 400s. */
export const requests: readonly HostileRequest[] = [
  { name: 'no body', body: '' },
  { name: 'a body that is null', body: 'null' },
  { name: 'a number', body: '1' },
  { name: 'a string', body: '"{ echo }"' },
  { name: 'an object without a query', body: '{}' },
  { name: 'a query that is null', body: '{"query":null}' },
  { name: 'a query that is a number', body: '{"query":1}' },
  { name: 'a query that is an object', body: '{"query":{"kind":"Document","definitions":[]}}' },
  { name: 'a query that is a list', body: json({ query: [HONEST] }) },
  { name: 'variables that are a list', body: json({ query: HONEST, variables: [1] }) },
  { name: 'variables that are text', body: json({ query: HONEST, variables: 'a' }) },
  { name: 'extensions that are a number', body: json({ query: HONEST, extensions: 1 }) },
  {
    name: 'the name of an operation that is not there',
    body: json({ query: HONEST, operationName: 'a'.repeat(100_000) }),
  },
  {
    name: 'a hash that stands for nothing',
    body: json({ extensions: { persistedQuery: { version: 1, sha256Hash: 'a'.repeat(64) } } }),
  },
  { name: 'half an object', body: '{"query":"{ echo }"' },
  { name: 'lists in lists without an end', body: '['.repeat(90_000) },
  { name: 'a batch of lists in lists', body: nested('[', '', ']', 40_000) },
  { name: '1.2 MB of brackets', body: '['.repeat(MB) },
  { name: '1.2 MB of zeros', body: new Uint8Array(MB) },
  { name: '1.2 MB of members', body: `{${times(100_000, (at) => `"k${at}":1`, ',')}}` },
  {
    name: 'bytes that are not UTF-8',
    body: Buffer.from(
      '7b2271756572 79223a227b206563686f28746578743a205c22ff5c22297d227d'.replaceAll(' ', ''),
      'hex',
    ),
  },
  { name: 'UTF-16', body: Buffer.from(json({ query: HONEST }), 'utf16le') },
  {
    name: 'another charset',
    headers: { 'content-type': 'application/json; charset=utf-7' },
    body: json({ query: HONEST }),
  },
  { name: 'text', headers: { 'content-type': 'text/plain' }, body: json({ query: HONEST }) },
  {
    name: 'text that mentions JSON',
    headers: { 'content-type': 'text/plain; x=application/json' },
    body: json({ query: HONEST }),
  },
  {
    name: 'a form',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: `query=${encodeURIComponent(HONEST)}`,
  },
  {
    name: 'a multipart form',
    headers: { 'content-type': 'multipart/form-data; boundary=a' },
    body: '--a\r\ncontent-disposition: form-data; name="query"\r\n\r\n{ echo }\r\n--a--\r\n',
  },
  { name: 'a document as it is', headers: { 'content-type': 'application/graphql' }, body: HONEST },
  {
    name: 'a media type of 8,000 characters',
    headers: { 'content-type': `application/json;${' a=b;'.repeat(1_600)}` },
    body: '{}',
  },
  {
    name: '60 MB in 60 kB',
    headers: { 'content-encoding': 'gzip' },
    body: gzipSync(Buffer.alloc(60_000_000, 32)),
  },
  {
    name: 'a content coding that is not there',
    headers: { 'content-encoding': 'a' },
    body: json({ query: HONEST }),
  },
  { name: 'a batch of nothing', body: '[]' },
  { name: 'a batch in a batch', body: json([[{ query: HONEST }]]) },
  { name: 'a batch of numbers', body: json(Array(500).fill(1)) },
  { name: 'a batch of 5,000 empty objects', body: `[${times(5_000, () => '{}', ',')}]` },
  {
    name: 'a mutation by GET',
    method: 'GET',
    search: `?query=${encodeURIComponent('mutation { rename { id } }')}`,
  },
  { name: 'no query by GET', method: 'GET', search: '' },
  {
    name: 'variables that are not JSON by GET',
    method: 'GET',
    search: `?query=${encodeURIComponent(HONEST)}&variables={`,
  },
  { name: 'a query twice, the last of which is none', body: `{"query":${json(HONEST)},"query":1}` },
  { name: 'a query in the prototype', body: `{"__proto__":{"query":${json(HONEST)}}}` },
  {
    name: 'a query in the constructor',
    body: `{"constructor":{"prototype":{"query":${json(HONEST)}}}}`,
  },
  {
    name: 'a name of the operation that is a number',
    body: json({ query: HONEST, operationName: 1 }),
  },
  {
    name: 'a name of the operation that is an object',
    body: json({ query: HONEST, operationName: {} }),
  },
  {
    name: 'a name of the operation that is a list',
    body: json({ query: HONEST, operationName: ['a'] }),
  },
  { name: 'variables that are true', body: json({ query: HONEST, variables: true }) },
  { name: 'extensions that are a list', body: json({ query: HONEST, extensions: [1] }) },
  { name: 'extensions that are text', body: json({ query: HONEST, extensions: 'a' }) },
  {
    name: 'a hash that is an object',
    body: json({ extensions: { persistedQuery: { version: 1, sha256Hash: { a: 1 } } } }),
  },
  {
    name: 'a hash that is a list',
    body: json({ extensions: { persistedQuery: { version: 1, sha256Hash: ['a'] } } }),
  },
  {
    name: 'a hash of a megabyte',
    body: json({ extensions: { persistedQuery: { version: 1, sha256Hash: 'a'.repeat(900_000) } } }),
  },
  {
    name: 'a prototype as a hash',
    body: json({ extensions: { persistedQuery: { version: 1, sha256Hash: '__proto__' } } }),
  },
  {
    name: 'a hash of another version',
    body: json({ extensions: { persistedQuery: { version: 2, sha256Hash: 'a'.repeat(64) } } }),
  },
  {
    name: 'a hash of no version',
    body: json({ extensions: { persistedQuery: { sha256Hash: 'a'.repeat(64) } } }),
  },
  { name: 'a persisted query that is text', body: json({ extensions: { persistedQuery: 'a' } }) },
  { name: 'a persisted query that is a list', body: json({ extensions: { persistedQuery: [] } }) },
  {
    name: 'a hash by GET that stands for a mutation',
    method: 'GET',
    search: `?query=${encodeURIComponent('mutation { rename { id } }')}&extensions=${encodeURIComponent(json({ persistedQuery: { version: 1, sha256Hash: 'a' } }))}`,
  },
  { name: 'two queries by GET', method: 'GET', search: '?query=%7Becho%7D&query=%7Bnope%7D' },
  { name: 'a list of queries by GET', method: 'GET', search: '?query[]=%7Becho%7D' },
  { name: 'a batch by GET', method: 'GET', search: '?0[query]=%7Becho%7D' },
  { name: 'half of an escape by GET', method: 'GET', search: '?query=%7Becho%7D%' },
  { name: 'bytes that are not UTF-8 by GET', method: 'GET', search: '?query=%ff%fe' },
  {
    name: 'extensions that are not JSON by GET',
    method: 'GET',
    search: `?query=${encodeURIComponent(HONEST)}&extensions={`,
  },
  {
    name: 'a subscription by GET',
    method: 'GET',
    search: `?query=${encodeURIComponent('subscription { nope }')}`,
  },
  { name: 'a list with null', body: '[null]' },
  { name: 'a batch of text', body: '["{ echo }"]' },
  {
    name: 'a batch of eleven operations',
    body: `[${times(11, () => json({ query: HONEST }), ',')}]`,
  },
  { name: 'no media type', headers: { 'content-type': '' }, body: json({ query: HONEST }) },
  {
    name: 'two media types',
    headers: { 'content-type': 'application/json, text/plain' },
    body: json({ query: HONEST }),
  },
  {
    name: 'a media type that ends in JSON',
    headers: { 'content-type': 'application/x-json' },
    body: json({ query: HONEST }),
  },
  {
    name: 'the media type of answers',
    headers: { 'content-type': 'application/graphql-response+json' },
    body: json({ query: HONEST }),
  },
  {
    name: 'an answer that nobody can send',
    headers: { accept: 'text/html;q=0.1, image/*' },
    body: json({ query: HONEST }),
  },
  {
    name: 'an answer in parts of an unknown kind',
    headers: { accept: 'multipart/mixed;deferSpec=a' },
    body: json({ query: HONEST }),
  },
  { name: 'a BOM alone', body: '\u{feff}' },
  { name: 'two objects', body: `${json({ query: HONEST })}${json({ query: HONEST })}` },
  { name: 'a comment in JSON', body: `{"query":${json(HONEST)}/**/}` },
  { name: 'a number that is not one in JSON', body: `{"query":${json(HONEST)},"variables":NaN}` },
  { name: 'a method that changes things', method: 'PUT', body: json({ query: HONEST }) },
  { name: 'a method to delete', method: 'DELETE', search: `?query=${encodeURIComponent(HONEST)}` },
];

const subscribe = (id: unknown, payload: unknown): string =>
  json({ id, type: 'subscribe', payload });

/** What no client of graphql-ws sends once its connection is accepted. */
export const frames: readonly { readonly name: string; readonly frame: string | Uint8Array }[] = [
  { name: 'text that is not JSON', frame: '{' },
  { name: 'JSON that is not an object', frame: '[]' },
  { name: 'null', frame: 'null' },
  { name: 'a message of no type', frame: '{}' },
  { name: 'a message of an unknown type', frame: '{"type":"__proto__"}' },
  { name: 'bytes', frame: new Uint8Array(1_000) },
  { name: 'lists in lists', frame: nested('[', '', ']', 40_000) },
  { name: '1.2 MB of brackets', frame: '['.repeat(MB) },
  { name: 'a second beginning', frame: '{"type":"connection_init"}' },
  { name: 'an operation without a payload', frame: '{"id":"1","type":"subscribe"}' },
  { name: 'an operation without an id', frame: subscribe(undefined, { query: HONEST }) },
  { name: 'an operation whose id is an object', frame: subscribe({}, { query: HONEST }) },
  { name: 'a query that is a number', frame: subscribe('1', { query: 1 }) },
  { name: 'variables that are a list', frame: subscribe('1', { query: HONEST, variables: [] }) },
  { name: 'an end without a beginning', frame: '{"id":"__proto__","type":"next"}' },
];
