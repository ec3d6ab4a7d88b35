/** A document that nobody writes who means well, with its variables. */
export interface HostileDocument {
  readonly name: string;
  readonly query: string;
  readonly variables?: object;
  readonly operationName?: string;
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

export const times = (count: number, make: (at: number) => string, separator = ' '): string =>
  Array.from({ length: count }, (_, at) => make(at)).join(separator);
export const nested = (open: string, inside: string, close: string, depth: number): string =>
  open.repeat(depth) + inside + close.repeat(depth);
const fill = (text: string, length: number): string => text.repeat(Math.ceil(length / text.length));
export const MB = 1_200_000;

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
  // Text.
  query('a name beyond ASCII', '{ \u{e9}cho }'),
  query('a name of another alphabet that looks the same', '{ ech\u{43e} }'),
  query('brackets of full width', '\u{ff5b} echo \u{ff5d}'),
  query('a blank that is not one of GraphQL', '{\u{a0}echo }'),
  query('a character without width in a name', '{ ec\u{200b}ho }'),
  query('a byte order mark in a name', '{ ec\u{feff}ho }'),
  query('a line end of Unicode in a string', '{ echo(text: "a\u{2028}) }'),
  query('a text that is written from right to left', '\u{202e}{ echo }'),
  query('half of a surrogate pair', '{ echo(text: "\ud800") }'),
  query('half of a surrogate pair as a name', '{ \udc00 }'),
  query('a line end in a string', '{ echo(text: "a\nb") }'),
  query('an escape that is not one', '{ echo(text: "\\x41") }'),
  query('an escape of half a character', '{ echo(text: "\\u00") }'),
  query('quotes without an end', '{ echo(text: "" "" """ """" ) }'),
  query('ten thousand empty strings', `{ echo(text: [${'""'.repeat(5_000)}]) `),
  query('ten thousand block strings', `{ users(ids: [${'""""""'.repeat(7_000)} {}]) { id } }`),
  query('a block string of 90,000 lines', `{ size(of: """${' \n'.repeat(45_000)}""") }`),
  query('a shell in front', '#!/usr/bin/env graphql\n{ nope }'),
  query(
    '89,000 lines before 500 errors',
    `${'\n'.repeat(89_000)}{ ${times(500, (at) => `n${at}`)} }`,
  ),
  query(
    '60,000 lines between 1,000 variables of one name',
    `query (${times(1_000, () => '$a: Int', '\n'.repeat(60))}) { echo }`,
  ),
  query(
    '44,000 ends of lines before 3,700 arguments of one name',
    `${'\r'.repeat(44_000)}{ echo(${'text: 1 '.repeat(3_700)}) }`,
  ),
  // Names.
  query(
    'a hundred long names that are not there',
    `{ ${times(100, (at) => 'e'.repeat(900) + at)} }`,
  ),
  query(
    'a hundred long values of an enum',
    `{ ${times(10, (at) => `a${at}: size(of: ${'S'.repeat(9_000)})`)} }`,
  ),
  query(
    'types that are nearly there',
    `query (${times(400, (at) => `$a${at}: Usr${at}`)}) { echo }`,
  ),
  query(
    'members of a prototype as fields',
    '{ constructor { name } hasOwnProperty toString valueOf }',
  ),
  query('a prototype as a type', '{ ... on __proto__ { id } ... on constructor { id } }'),
  query('a prototype as an argument', '{ echo(__proto__: { text: "a" }, constructor: 1) }'),
  query('a prototype as a directive', '{ echo @__proto__ @constructor(if: true) }'),
  query('a prototype in an input object', '{ users(filter: { __proto__: { text: "a" } }) { id } }'),
  query('a prototype as a fragment that is not there', '{ ...__proto__ ...constructor }'),
  query('a prototype as the type of a variable', 'query ($a: __proto__, $b: toString) { echo }'),
  query('a member of a prototype as a value of an enum', '{ size(of: toString) }'),
  query('a member of a prototype in the variables', 'query ($a: Size) { size(of: $a) }', {
    a: 'constructor',
  }),
  query(
    'a prototype among the members of a variable',
    'query ($a: Filter) { users(filter: $a) { id } }',
    JSON.parse('{"a":{"__proto__":{"text":"a"}}}') as object,
  ),
  {
    ...query('a prototype as the name of the operation', 'query A { echo } query B { echo }'),
    operationName: '__proto__',
  },
  {
    ...query(
      'the name of a fragment as that of the operation',
      'query A { ...F } fragment F on Query { echo }',
    ),
    operationName: 'F',
  },
  { ...query('an operation without a name that is asked by one', '{ echo }'), operationName: 'A' },
  query('two operations of one name', 'query A { echo } query A { viewer { echo } }'),
  query(
    'two operations of one name and different kinds',
    'query A { echo } mutation A { rename { id } }',
  ),
  query('two operations, and none of them named', 'query A { echo } query B { echo }'),
  query('a name beside none', '{ echo } query A { echo }'),
  query('a keyword as a type', '{ ... on on { echo } }'),
  query('a fragment called on', '{ ...on } fragment on on Query { echo }'),
  query('a mutation below a query', '{ mutation { rename { id } } }'),
  // Fragments.
  query(
    'a fragment twice, the first of which doubles',
    `{ ...F0 } ${doubling(18, 'Query', 'viewer', 'echo')} ${times(19, (at) => `fragment F${at} on Query { echo }`)}`,
  ),
  query(
    'one fragment 700 times',
    `{ ...F } ${times(700, () => 'fragment F on Query { echo viewer { echo } }')}`,
  ),
  query(
    'fragments of one name in a circle',
    '{ ...A } fragment A on Query { ...B } fragment B on Query { echo } fragment B on Query { ...A }',
  ),
  query(
    'a circle of fragments that nobody uses',
    '{ echo } fragment A on Query { ...B } fragment B on Query { ...A }',
  ),
  query(
    'a circle behind directives',
    '{ ...A @skip(if: true) } fragment A on Query { ... @include(if: false) { ...A @skip(if: true) } }',
  ),
  query('a fragment of a scalar', '{ ...F } fragment F on String { length }'),
  query('a fragment of an input', '{ ...F } fragment F on Filter { text }'),
  query('a fragment of a type that cannot be here', '{ ...F } fragment F on Order { id }'),
  query(
    'fragments alone',
    times(300, (at) => `fragment F${at} on Query { echo }`),
  ),
  query('fragments without selections', '{ ...F } fragment F on Query { }'),
  query(
    'two thousand spreads of one fragment',
    `{ ${'...F '.repeat(7_000)} } fragment F on Query { ${'echo '.repeat(300)} }`,
  ),
  query(
    'thirty fragments that each spread all others',
    `{ ...F0 } ${times(30, (at) => `fragment F${at} on Query { ${times(30 - at, (other) => `...F${at + other + 1}`)} }`)} fragment F30 on Query { echo }`,
  ),
  query(
    'fields that merge across types',
    `{ things { ${times(40, (at) => `... on ${at % 2 ? 'User' : 'Order'} { a${at % 3}: id ...G${at % 4} }`)} } } ${times(4, (at) => `fragment G${at} on User { a: friends { a: friends { a: name } } }`)}`,
  ),
  query(
    'fragments in place that double',
    `{ ${nested('... { echo ', '... { echo }', '} ... on Query { echo }', 30)} nope }`,
  ),
  // Values.
  query('a number with zeros in front', '{ me { friends(first: 007) { id } } }'),
  query('a number beyond 32 bits', '{ me { friends(first: 2147483648) { id } } }'),
  query('a number beyond 64 bits', '{ me { friends(first: -9223372036854775809) { id } } }'),
  query('a fraction for a whole number', '{ me { friends(first: 1.0) { id } } }'),
  query('a number in hexadecimal', '{ me { friends(first: 0xff) { id } } }'),
  query('a number that is not one', '{ me { friends(first: NaN) { id } } }'),
  query('a number that ends in a name', '{ me { friends(first: 1e) { id } } }'),
  query(
    'a member of an input 3,700 times',
    `{ users(filter: { ${'text: "a" '.repeat(3_700)} }) { id } }`,
  ),
  query(
    'inputs that each hold an input, 25 deep',
    `{ users(filter: ${nested('{ and: ', '{ nope: 1 }', ' }', 25)}) { id } }`,
  ),
  query('4,900 objects in a list of ids', `{ users(ids: [${'{} '.repeat(4_900)}]) { id } }`),
  query('a variable in the default of a variable', 'query ($a: Int, $b: Int = $a) { echo }'),
  query('a default of another type', 'query ($a: Int = "1") { me { friends(first: $a) { id } } }'),
  query('a variable of a type that comes out', 'query ($a: User) { echo }'),
  query('a variable twice', 'query ($a: Int, $a: Int) { me { friends(first: $a) { id } } }'),
  query(
    'a nullable variable for a list without null',
    'query ($a: ID) { users(ids: [$a]) { id } }',
  ),
  ...(
    [
      ['text', '10'],
      ['true', true],
      ['a list', [1]],
      ['an object', {}],
      ['a fraction', 1.5],
      ['more than 32 bits', 2_147_483_648],
      ['a list of lists', [[[[1]]]]],
    ] as const
  ).map(([name, a]) =>
    query(`${name} for a whole number`, 'query ($a: Int) { me { friends(first: $a) { id } } }', {
      a,
    }),
  ),
  query(
    'a variable of 2,000 values that the document repeats 700 times',
    `query ($a: Filter) { users(filter: { and: [${'$a '.repeat(700)}] }) { id } }`,
    { a: { and: Array.from({ length: 2_000 }, () => ({})) } },
  ),
  query(
    'a default of 1,000 values that the document repeats 700 times',
    `query ($a: Filter = { and: [${'{} '.repeat(1_000)}] }) { users(filter: { and: [${'$a '.repeat(700)}] }) { id } }`,
  ),
  query(
    'a text of 50,000 characters that the document repeats 400 times',
    `query ($a: ID!) { users(ids: [${'$a '.repeat(400)}]) { id } }`,
    { a: 'a'.repeat(50_000) },
  ),
  query('a number for text', 'query ($a: String) { echo(text: $a) }', { a: 1 }),
  query('null for what must be there', 'query ($a: String!) { echo(text: $a) }', { a: null }),
  query('null in a list without it', 'query ($a: [ID!]) { users(ids: $a) { id } }', { a: [null] }),
  query('an object for text', 'query ($a: Filter) { users(filter: $a) { id } }', {
    a: { text: { toString: 'a' } },
  }),
  query('a list for an object', 'query ($a: Filter) { users(filter: $a) { id } }', { a: [[]] }),
  query('19,000 wrong values in one list', 'query ($a: [ID!]) { users(ids: $a) { id } }', {
    a: Array.from({ length: 19_000 }, () => ({})),
  }),
  query('19,000 nulls in one list', 'query ($a: [ID!]) { users(ids: $a) { id } }', {
    a: Array(19_000).fill(null),
  }),
  query(
    '40 variables of 400 wrong values',
    `query (${times(40, (at) => `$a${at}: [ID!]`)}) { ${times(40, (at) => `u${at}: users(ids: $a${at}) { id }`)} }`,
    Object.fromEntries(
      Array.from({ length: 40 }, (_, at) => [`a${at}`, Array.from({ length: 400 }, () => ({}))]),
    ),
  ),
  query('90,000 characters for a whole number', 'query ($a: Size) { size(of: $a) }', {
    a: 'S'.repeat(90_000),
  }),
  // Directives and parts.
  query('a directive that decides twice', '{ echo @skip(if: true) @skip(if: false) }'),
  query('a directive without what it must have', '{ echo @skip }'),
  query('a directive of definitions', '{ echo @deprecated }'),
  query('a directive on an operation', 'query @skip(if: true) { echo }'),
  query('a list in parts', '{ users @stream(initialCount: -1) { id } }'),
  query(
    'an answer in parts that has a variable',
    'query ($a: Boolean) { ... @defer(if: $a) { echo } }',
  ),
  query('a field that may be null', '{ echo? }'),
  query('a field that must not be null', '{ echo! me! { id! } }'),
  // Introspection and names of types.
  query('thousand names of types', `{ ${times(1_000, (at) => `a${at}: __typename`)} }`),
  query(
    'names of types within one another',
    `{ viewer { ${times(300, (at) => `a${at}: __typename`)} me { ${times(300, (at) => `b${at}: __typename`)} } } }`,
  ),
  query(
    'the schema in a fragment',
    '{ ...F } fragment F on Query { s: __schema { queryType { name } } }',
  ),
  query(
    'the schema in a fragment in place',
    '{ ... { ... on Query { echo: __schema { types { name } } } } }',
  ),
  query('a type behind a directive', '{ __type(name: "User") @include(if: true) { name } }'),
  query('the schema by a mutation', 'mutation { __schema { types { name } } }'),
  query('the schema by a subscription', 'subscription { __schema { types { name } } }'),
  query(
    'the SDL of a subgraph that is none',
    '{ _service { sdl } _entities(representations: []) { __typename } }',
  ),
  // Subscriptions.
  query('a subscription of two fields', 'subscription { ticks a: ticks }'),
  query(
    'a subscription of two fields in a fragment',
    'subscription { ...F } fragment F on Subscription { ticks a: ticks }',
  ),
  ...[
    'ticks @skip(if: $a)',
    'ticks @skip',
    'ticks @include(if: 3)',
    'ticks @include(unless: true)',
    '... on Subscription @include(if: $a) { ticks }',
    '...F @skip(if: "no")',
    '...G',
  ].map((selected) =>
    query(
      `a subscription that depends on a condition, as ${selected}`,
      `subscription ($a: Int = 3) { ${selected} } fragment F on Subscription { ticks } fragment G on Subscription { ... { ticks @skip(if: $a) } }`,
    ),
  ),
  query('a subscription of the name of a type', 'subscription { __typename }'),
  query(
    'definitions beside an operation',
    '{ echo } extend type Query { nope: Int } schema { query: Query }',
  ),
  query(
    '2,000 definitions of types',
    times(2_000, (at) => `type T${at} { a: Int }`),
  ),
];
