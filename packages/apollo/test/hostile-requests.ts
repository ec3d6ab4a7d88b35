import { gzipSync } from 'node:zlib';

/** A document that nobody writes who means well, with its variables. */
export interface HostileDocument {
  readonly name: string;
  readonly query: string;
  readonly variables?: object;
}

/** Bytes that are not an operation, or not in the way that GraphQL over HTTP sends them. */
export interface HostileRequest {
  readonly name: string;
  readonly method?: string;
  readonly search?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export const SDL = `
  directive @note(text: String) repeatable on FIELD
  enum Size { S M L }
  input Filter { text: String, and: [Filter!], size: Size }
  interface Node { id: ID! }
  type User implements Node { id: ID!, name: String, friends(first: Int): [User!] }
  type Order implements Node { id: ID!, total: Int }
  union Thing = User | Order
  type Query {
    me: User
    users(filter: Filter, ids: [ID!]): [User!]
    things: [Thing!]
    echo(text: String): String
    size(of: Size): Size
    viewer: Query
  }
  type Mutation { rename(name: String): User }
  type Subscription { ticks(count: Int): Int }
`;

const times = (count: number, make: (at: number) => string, separator = ' '): string =>
  Array.from({ length: count }, (_, at) => make(at)).join(separator);
const nested = (open: string, inside: string, close: string, depth: number): string =>
  open.repeat(depth) + inside + close.repeat(depth);
const fill = (text: string, length: number): string => text.repeat(Math.ceil(length / text.length));
const MB = 1_200_000;

const doubling = (steps: number, type: string, field: string, leaf: string): string =>
  `${times(steps, (at) => `fragment F${at} on ${type} { a: ${field} { ...F${at + 1} } b: ${field} { ...F${at + 1} } }`)} fragment F${steps} on ${type} { ${leaf} }`;
const spreading = (steps: number, wide: number): string =>
  `${times(steps, (at) => `fragment F${at} on Query { ${`...F${at + 1} `.repeat(wide)} }`)} fragment F${steps} on Query { echo }`;
const query = (name: string, text: string, variables?: object): HostileDocument => ({
  name,
  query: text,
  ...(variables && { variables }),
});

/** Each of them is answered with a status of the 400s where a guard admits anybody within the default limits. */
export const documents: readonly HostileDocument[] = [
  query('fields that double twenty times', `{ ...F0 } ${doubling(20, 'Query', 'viewer', 'echo')}`),
  query(
    'objects of lists that double twenty times',
    `{ me { ...F0 } } ${doubling(20, 'User', 'friends', 'id')}`,
  ),
  query('spreads that double twenty times', `{ ...F0 } ${spreading(20, 2)}`),
  query('spreads that grow tenfold eight times', `{ ...F0 } ${spreading(8, 10)}`),
  query(
    'fragments that double and are never used',
    `{ echo } ${doubling(20, 'Query', 'viewer', 'echo')}`,
  ),
  query('a fragment that spreads itself', '{ ...A } fragment A on Query { ...A }'),
  query(
    'two fragments that spread each other',
    '{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }',
  ),
  query(
    'a circle of 300 fragments',
    `{ ...F0 } ${times(300, (at) => `fragment F${at} on Query { ...F${(at + 1) % 300} }`)}`,
  ),
  query('a circle through fields', '{ viewer { ...A } } fragment A on Query { viewer { ...A } }'),
  query('five thousand fragments in a chain', `{ ...F0 } ${spreading(5_000, 1)}`),
  query('a thousand fragments in a chain', `{ ...F0 } ${spreading(1_000, 1)}`),
  query(
    'a thousand spreads of fragments that are not there',
    `{ ${times(1_000, (at) => `...F${at}`)} }`,
  ),
  query(
    'spreads without a blank between them',
    `{ ${'...F'.repeat(9_000)} } fragment F on Query { echo }`,
  ),
  query('fragments that take arguments', '{ ...F(a: 1) } fragment F($a: Int) on Query { echo }'),
  query('one field 1,400 times', `{ ${'echo '.repeat(1_400)} }`),
  query(
    'one field in one field, over and over',
    `{ ${times(60, () => `me { ${'id '.repeat(60)} }`)} }`,
  ),
  query(
    'a name that stands for 500 different fields',
    `{ ${times(500, (at) => `a: users(ids: [${at}]) { id }`)} }`,
  ),
  query('selections in selections', nested('{ viewer ', '{ echo }', '}', 2_000)),
  query('selections as deep as the text may be', nested('{viewer', '{echo}', '}', 12_000)),
  query('fragments in place, nested', `{ ${nested('...{ ', 'echo', ' }', 3_000)} }`),
  query(
    'fragments in place, twenty fields deep',
    `{ ${nested('viewer { ... on Query { ', 'echo', ' } }', 20)} }`,
  ),
  query('brackets that never close', '{'.repeat(90_000)),
  query('brackets that were never opened', `{ echo ${'}'.repeat(90_000)}`),
  query('lists in lists', `{ echo(text: ${nested('[', '1', ']', 5_000)}) }`),
  query('objects in objects', `{ users(filter: ${nested('{and:[', '{}', ']}', 5_000)}) { id } }`),
  query(
    'lists in the type of a variable',
    `query ($a: ${nested('[', 'Int', ']', 5_000)}) { echo }`,
  ),
  query(
    'lists in the default of a variable',
    `query ($a: String = ${nested('[', '1', ']', 5_000)}) { echo }`,
  ),
  query('thousand aliases of one field', `{ ${times(1_000, (at) => `a${at}: echo`)} }`),
  query(
    'thousand aliases of one field below the root',
    `{ me { ${times(1_000, (at) => `a${at}: name`)} } }`,
  ),
  query('twenty thousand aliases', `{ ${times(20_000, (at) => `a${at}:echo`)} }`),
  query('eleven aliases of one field', `{ viewer { ${times(11, (at) => `a${at}: echo`)} } }`),
  query('a list of 40,000 literals', `{ users(ids: [${'1,'.repeat(40_000)}]) { id } }`),
  query('numbers without a blank between them', `{ users(ids: [1${'-1'.repeat(20_000)}]) { id } }`),
  query(
    'lists within lists of objects',
    `{ users { ${nested('friends(first: 1000000) { ', 'id', ' }', 12)} } }`,
  ),
  query('a list of 60,000 in the variables', 'query ($a: [ID!]) { users(ids: $a) { id } }', {
    a: Array(60_000).fill('1'),
  }),
  query('60,000 members in the variables', 'query ($a: Filter) { users(filter: $a) { id } }', {
    a: Object.fromEntries(Array.from({ length: 60_000 }, (_, at) => [`k${at}`, 1])),
  }),
  query('15,000 members that are not there', 'query ($a: Filter) { users(filter: $a) { id } }', {
    a: Object.fromEntries(Array.from({ length: 15_000 }, (_, at) => [`k${at}`, 1])),
  }),
  query(
    'a number of 50,000 digits as text',
    'query ($a: Int) { me { friends(first: $a) { id } } }',
    {
      a: '9'.repeat(50_000),
    },
  ),
  query('an argument 4,000 times', `{ echo(${'text: "a" '.repeat(3_500)}) }`),
  query('lists in lists in the variables', 'query ($a: [ID!]) { users(ids: $a) { id } }', {
    a: JSON.parse(nested('[', '1', ']', 3_000)),
  }),
  query('objects in objects in the variables', 'query ($a: Filter) { users(filter: $a) { id } }', {
    a: JSON.parse(nested('{"and":[', '{}', ']}', 2_000)),
  }),
  query('a variable of another type', 'query ($a: Int) { users(ids: $a) { id } }', { a: {} }),
  query('a thousand variables', `query (${times(1_000, (at) => `$a${at}: Int`)}) { echo }`),
  query('a variable that is not declared', '{ echo(text: $a) }'),
  query('a variable that must be there and is not', 'query ($a: String!) { echo(text: $a) }'),
  query(
    'the whole schema',
    '{ __schema { types { name fields { name type { name ofType { name } } } } } }',
  ),
  query(
    'types of types of types',
    `{ __schema { types ${nested('{ fields { type ', '{ name }', '} }', 15)} } }`,
  ),
  query(
    'one type, 200 times',
    `{ ${times(200, (at) => `a${at}: __type(name: "User") { name }`)} }`,
  ),
  query('the schema below the root', '{ viewer { __schema { types { name } } } }'),
  query('4,000 directives', `{ echo ${'@skip(if: false) '.repeat(4_000)} }`),
  query('51 directives that may be repeated', `{ echo ${'@note(text: "a") '.repeat(51)} }`),
  query('500 directives that are not there', `{ echo ${times(500, (at) => `@d${at}`)} }`),
  query(
    'directives on spreads',
    `{ ${times(60, () => '...F @include(if: true)')} } fragment F on Query { echo }`,
  ),
  query(
    'parts that nobody serves',
    `{ ${times(6, (at) => `... @defer(label: "${at}") { me { id } }`)} }`,
  ),
  query(
    '51 operations',
    times(51, (at) => `query Q${at} { echo }`),
  ),
  query(
    '5,000 operations',
    times(5_000, (at) => `query Q${at}{echo}`),
  ),
  query('two operations without names', '{ echo } { echo }'),
  query('an operation of the wrong kind', 'subscription { ticks ticks2: ticks }'),
  query('types in the place of operations', 'type A { a: Int } extend type Query { b: Int }'),
  query('nothing', ''),
  query('blanks alone', ' '.repeat(50_000)),
  query('a comment alone', `#${'a'.repeat(50_000)}`),
  query('1.2 MB of one string', `{ echo(text: "${fill('a', MB)}") }`),
  query('1.2 MB of a block string', `{ echo(text: """${fill('a\n', MB)}""") }`),
  query('1.2 MB of escapes', `{ echo(text: "${fill('\\u0041', MB)}") }`),
  query('1.2 MB of comments', `{ echo } ${fill('# a\n', MB)}`),
  query('1.2 MB of commas', `{ echo } ${fill(',', MB)}`),
  query('1.2 MB of byte order marks', `${fill('\uFEFF', MB / 3)}{ echo }`),
  query('1.2 MB of one name', `{ ${fill('a', MB)} }`),
  query('1.2 MB of digits', `{ echo(text: ${fill('1', MB)}) }`),
  query('1.2 MB of fields', `{ ${fill('echo ', MB)} }`),
  query('1.2 MB of operations', fill('{echo}', MB)),
  query('1.2 MB of zeros', fill('\0', MB / 6)),
  query('a number with 90,000 digits', `{ echo(text: 1${'0'.repeat(90_000)}) }`),
  query('an exponent beyond numbers', '{ me { friends(first: 1e999999999) { id } } }'),
  query('half of a surrogate pair as an escape', '{ echo(text: "\\uD800") }'),
  query('an escape beyond Unicode', '{ echo(text: "\\u{110000}") }'),
  query('an escape without an end', `{ echo(text: "\\u{${'0'.repeat(50_000)}`),
  query('a string without an end', `{ echo(text: "${'a'.repeat(50_000)}`),
  query('a block string without an end', `{ echo(text: """${'a'.repeat(50_000)}`),
  query('a character that no document has', '{ echo \u0007 }'),
  query('a name that is not there', '{ __proto__ constructor }'),
  query('a value of an enum that is not there', '{ size(of: XL) }'),
  query('500 fields that are not there', `{ ${times(500, (at) => `nme${at}`)} }`),
];

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
