import { buildSchema, getNamedType, isCompositeType, isInterfaceType, isObjectType } from 'graphql';

/** A schema with something to guard at every place that a selection can reach. */
export const SDL = `
  scalar JSON
  scalar _Any
  union _Entity = User | Vault
  directive @note(text: JSON) repeatable on FIELD | QUERY | FRAGMENT_SPREAD | INLINE_FRAGMENT | VARIABLE_DEFINITION | FRAGMENT_DEFINITION
  enum Size { S M L }
  input Filter { text: String = "x", and: [Filter!], size: Size = M, any: JSON, ids: [[ID!]!] = [["1"]] }
  interface Node { id: ID! }
  interface Titled { title: String }
  union Thing = User | Vault | Doc
  type User implements Node & Titled { id: ID! title: String name: String secret: String friends(first: Int = 3, filter: Filter): [User!] vault: Vault node: Node any(of: JSON): JSON root: Query }
  type Vault implements Node { id: ID! code: String owner: User inner: [Vault!] }
  type Doc implements Node & Titled { id: ID! title: String body: String }
  type Edge { node: Thing cursor: String }
  type Payload { user: User vault: Vault thing: Thing query: Query }
  type Query { me: User node(id: ID!): Node nodes(ids: [ID!]!): [Node]! thing: Thing things(first: Int, filter: Filter): [Thing!]! edges(last: Int): [Edge!] echo(text: JSON, f: Filter): JSON admin: String hidden: User viewer: Query titled: [Titled] _entities(representations: [_Any!]!): [_Entity]! }
  type Mutation { rename(id: ID!, f: Filter): Payload wipe: String drop: Payload }
  type Subscription { ticks(n: Int): Payload alarms: String }
`;

const schema = buildSchema(SDL);
const COMPOSITE = Object.values(schema.getTypeMap())
  .filter((type) => isCompositeType(type) && !type.name.startsWith('__'))
  .map(({ name }) => name);
const VARIABLES = [
  'Int',
  'Int = 3',
  'String',
  'ID! = "v"',
  'JSON',
  'Filter = {text: "q"}',
  '[ID!]! = ["1"]',
  'Boolean! = true',
  '[_Any!]! = [{__typename: "Vault"}]',
];
const VALUES: readonly unknown[] = [
  1,
  'v',
  null,
  true,
  [],
  ['v'],
  {},
  { text: 'a' },
  [[1]],
  { and: [{ and: [] }] },
  [{ __typename: 'Vault', id: 'v' }],
  1e300,
  JSON.parse('{"__proto__":{"a":1}}'),
];
const INSERTED = [
  '\uFEFF',
  '{',
  '}',
  '"',
  '"""',
  '#',
  '...',
  '@',
  '$',
  '\0',
  '\u202e',
  '\ud800',
  '__',
];

/** Documents by chance, from valid ones to none, as a generator of numbers from 0 to 1 says. */
export function randomDocument(random: () => number): {
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
} {
  const below = (count: number): number => Math.floor(random() * count);
  const pick = <Value>(list: readonly Value[]): Value => list[below(list.length)] as Value;
  const chance = (share: number): boolean => random() < share;
  const declared = new Map<string, string>();
  const fragments = new Map<string, string>();

  const variable = (): string => {
    const name = pick(['a', 'b', 'c', 'd']);
    if (!declared.has(name)) declared.set(name, pick(VARIABLES));
    return `$${name}`;
  };
  const value = (depth: number): string => {
    const inner = () => (depth > 3 ? '1' : value(depth + 1));
    return pick([
      () => pick(['1', '"v"', 'null', 'M', '"\\u0041"', '-1', '1e400', 'true', '"""b"""']),
      variable,
      () => `[${inner()} ${inner()}]`,
      () => `{text: ${inner()} any: ${inner()}}`,
    ])();
  };
  const ARGUMENTS: Readonly<Record<string, () => string>> = {
    id: () => pick(['"v"', '"u"', '"d"', '1']),
    ids: () => pick(['["v"]', '"v"']),
    first: () => pick(['1', '3', '-1', '1000000']),
    representations: () => pick(['[{__typename: "Vault", id: "v"}]', '{__typename: "__proto__"}']),
    f: () => pick(['{}', '{text: null}', '{and: [{}, {size: L}]}', '{and: {ids: "1"}}']),
  };
  const directive = (): string =>
    chance(0.93)
      ? ''
      : pick([
          () => ' @skip(if: false)',
          () => ' @include(if: true)',
          () => ` @skip(if: ${variable()})`,
          () => ' @note(text: {a: [1, 2]})',
          () => ' @note'.repeat(below(60)),
          () => ' @defer',
        ])();
  const fragment = (type: string, depth: number): string => {
    const name = `F${below(5)}`;
    if (!fragments.has(name)) {
      const on = chance(0.9) ? type : pick(COMPOSITE);
      // There before its own selections are written, so that some spread themselves.
      fragments.set(name, '');
      fragments.set(name, `fragment ${name} on ${on}${directive()} { ${select(on, depth - 1)} }`);
    }
    return `...${name}${directive()}`;
  };
  const field = (type: string, depth: number): string => {
    const of = schema.getType(type);
    const fields = isObjectType(of) || isInterfaceType(of) ? Object.values(of.getFields()) : [];
    if (fields.length === 0) return '__typename';
    const { name, args, type: returned } = pick(fields);
    const inner = getNamedType(returned);
    if (isCompositeType(inner) && depth <= 0) return '__typename';
    const given = args.flatMap((each) => {
      const isNeeded = String(each.type).endsWith('!');
      if (!isNeeded && chance(0.8)) return [];
      const make = chance(0.03) ? undefined : ARGUMENTS[each.name];
      return [`${each.name}: ${make ? make() : value(0)}`];
    });
    const alias = chance(0.1) ? `${pick(['a', 'b', 'id', 'secret', 'name'])}: ` : '';
    const selected = isCompositeType(inner) ? ` { ${select(inner.name, depth - 1)} }` : '';
    return `${alias}${name}${given.length > 0 ? `(${given.join(', ')})` : ''}${directive()}${selected}`;
  };
  const select = (type: string, depth: number): string =>
    Array.from({ length: 1 + below(4) }, () => {
      const which = random();
      if (which < 0.06) return `${pick(['', 'a: ', 'secret: '])}__typename${directive()}`;
      if (which < 0.08) {
        return pick([
          'x: __schema { types { name } }',
          '__type(name: "Vault") { name fields { name } }',
          '... { __schema { __typename } }',
        ]);
      }
      if (which < 0.22 && depth > 0) {
        const on = pick([type, type, type, 'User', 'Vault', chance(0.2) ? pick(COMPOSITE) : type]);
        return `... on ${on}${directive()} { ${select(on, depth - 1)} }`;
      }
      return which < 0.3 && depth > 0 ? fragment(type, depth) : field(type, depth);
    }).join(pick([' ', ', ', '\n', ' #c\n']));
  const damage = (text: string): string => {
    const at = below(text.length);
    const end = Math.min(text.length, at + below(60));
    return pick([
      () => text.slice(0, at) + pick(INSERTED) + text.slice(at),
      () => text.slice(0, at),
      () => text.slice(0, at) + text.slice(end),
      () => text.slice(0, at) + text.slice(at, end).repeat(1 + below(500)) + text.slice(end),
      () => pick(['\uFEFF', ',', '#x\n', '\r']).repeat(below(20_000)) + text,
    ])();
  };

  const kind = pick(['query', 'query', 'query', 'mutation', 'subscription']);
  const root = { query: 'Query', mutation: 'Mutation', subscription: 'Subscription' }[kind] ?? '';
  const body = select(root, 2 + below(5));
  const variables = [...declared].map(([name, type]) => `$${name}: ${type}`).join(' ');
  const head = `${kind} ${pick(['', 'Op', '__proto__'])}${variables ? `(${variables})` : ''}`;
  const other = chance(0.1)
    ? pick([' query B { me { id } }', ' fragment F0 on Query { admin }'])
    : '';
  const text = `${head}${directive()} { ${body} } ${[...fragments.values()].join(' ')}${other}`;
  const sent = [...declared.keys()].filter(() => chance(0.7)).map((name) => [name, pick(VALUES)]);
  return { query: chance(0.1) ? damage(text) : text, variables: Object.fromEntries(sent) };
}
