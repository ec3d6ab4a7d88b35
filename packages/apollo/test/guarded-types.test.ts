import {
  allowAnonymous,
  coverage,
  definePolicy,
  deny,
  guard,
  pass,
  requireScopes,
} from '@apisec/core';
import { describe, expect, test } from 'vitest';
import { authenticate, reading } from './harness.ts';
import { reasonOf, schemaOf, servers } from './servers.ts';

const DIRECTIVES = `
  directive @authenticated on FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM
  directive @requiresScopes(scopes: [[String!]!]!) on FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM
  directive @policy(policies: [[String!]!]!) on FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM
  directive @auth(requires: Role = ADMIN) on FIELD_DEFINITION | OBJECT
  enum Role { ADMIN EDITOR }
`;

const SDL = `${DIRECTIVES}
  scalar Iban @requiresScopes(scopes: [["bank"]])
  interface Node { id: ID! @requiresScopes(scopes: [["node"]]) }
  interface Secret @requiresScopes(scopes: [["secret"]]) { code: String }
  type User implements Node { id: ID! @requiresScopes(scopes: [["user"]]), name: String, iban: Iban, boss: User @authenticated }
  type Salary @requiresScopes(scopes: [["pay", "read"], ["boss"]]) { amount: Int }
  type Vault implements Secret { code: String }
  union Thing = User | Salary
  type Query {
    me: User
    node: Node
    salary: Salary
    things: [Thing!]
    secret: Secret
    vault: Vault
    report: String @auth
    drafts: String @auth(requires: EDITOR)
    nights: String @policy(policies: [["night", "guard"], ["owner"]])
  }
`;

const ran: string[] = [];
const note = (name: string, value: unknown) => () => {
  ran.push(name);
  return value;
};
const user = { __typename: 'User', id: 'u1', name: 'ann', iban: 'X1', boss: { id: 'u2' } };
const salary = { __typename: 'Salary', amount: 7 };
const schema = () =>
  schemaOf(SDL, {
    'Query.me': note('me', user),
    'Query.node': note('node', user),
    'Query.salary': note('salary', salary),
    'Query.things': note('things', [user, salary]),
    'Query.secret': note('secret', { __typename: 'Vault', code: '1234' }),
    'Query.vault': note('vault', { __typename: 'Vault', code: '1234' }),
    'Query.report': note('report', 'r'),
    'Query.drafts': note('drafts', 'd'),
    'Query.nights': note('nights', 'n'),
  });

/** Anybody may ask; a token of the form `subject:scope:scope` gives scopes, and roles of the same names. */
const withRoles = definePolicy({
  name: 'roles',
  role: 'check',
  check: (request, facts: object) => {
    if (!request.headers.get('authorization')) return pass({});
    const outcome = authenticate().check(request, facts);
    if (!('ok' in outcome) || !outcome.ok || !outcome.facts) return deny('internal', 'test.odd');
    const { principal } = outcome.facts;
    return pass({ ...outcome.facts, principal: { ...principal, roles: principal.scopes } });
  },
});
const open = guard().use(withRoles).use(allowAnonymous());
const named = (name: string) =>
  definePolicy({
    name,
    role: 'check',
    check: ({ headers }) =>
      headers.get('authorization')?.includes(name) ? pass() : deny('forbidden', `policy.${name}`),
  });
const options = {
  admission: open,
  directives: {
    roles: { ADMIN: 'admin', EDITOR: 'editor' },
    policies: { night: named('night'), guard: named('guard'), owner: named('owner') },
  },
};

const WHERE_NOTHING_IS_ASKED =
  'directive @authenticated on ARGUMENT_DEFINITION | INPUT_FIELD_DEFINITION | INPUT_OBJECT | ENUM_VALUE';

describe.each(servers)('directives of the schema on %s', (_, serve) => {
  let running: ReturnType<typeof serve> | undefined;
  const served = () => (running ??= serve(options, schema()));

  test.each<[string, string, string | undefined, string]>([
    ['@authenticated, a stranger', '{ me { name boss { name } } }', undefined, 'principal.missing'],
    ['scopes, none of the lists', '{ salary { amount } }', 'ann:pay', 'scope.insufficient'],
    [
      'scopes of an object behind a union',
      '{ things { ... on Salary { amount } } }',
      'ann',
      'scope.insufficient',
    ],
    ['the name of a guarded type', '{ things { __typename } }', 'ann', 'scope.insufficient'],
    ['scopes of a scalar', '{ me { iban } }', 'ann', 'scope.insufficient'],
    [
      "the interface's scope without the field's own",
      '{ me { id } }',
      'ann:node',
      'scope.insufficient',
    ],
    [
      "the field's scope without the interface's",
      '{ me { id } }',
      'ann:user',
      'scope.insufficient',
    ],
    ['one of them through the interface', '{ node { id } }', 'ann:node', 'scope.insufficient'],
    [
      'an interface, by a field that returns it',
      '{ secret { __typename } }',
      'ann',
      'scope.insufficient',
    ],
    [
      'an interface, by a type that implements it',
      '{ vault { code } }',
      'ann',
      'scope.insufficient',
    ],
    ['a role by default', '{ report }', 'ann:editor', 'role.insufficient'],
    ['another role', '{ drafts }', 'ann:admin', 'role.insufficient'],
    ['a role, a stranger', '{ drafts }', undefined, 'principal.missing'],
    ['half of a list of policies', '{ nights }', 'ann:night', 'policy.guard'],
    [
      'under an alias, in a fragment',
      '{ ...F } fragment F on Query { a: salary { amount } }',
      'ann',
      'scope.insufficient',
    ],
  ])('deny %s', async (__, query, token, reason) => {
    const { call } = await served();
    const answer = await call(token, query);
    expect([reasonOf(answer), JSON.stringify(answer.body).includes('1234')]).toEqual([
      reason,
      false,
    ]);
  });

  test.each([
    ['@authenticated', '{ me { name boss { name } } }', 'ann'],
    ['all scopes of one list', '{ salary { amount } }', 'ann:pay:read'],
    ['the other list', '{ salary { amount __typename } }', 'ann:boss'],
    ['scopes of a scalar', '{ me { iban } }', 'ann:bank'],
    ['scopes of field and interface', '{ me { id } node { id } }', 'ann:node:user'],
    ['the scope of an interface', '{ secret { code __typename } vault { code } }', 'ann:secret'],
    ['a role', '{ report }', 'ann:admin'],
    ['another role', '{ drafts }', 'ann:editor'],
    ['all policies of one list', '{ nights }', 'ann:night:guard'],
    ['the other list of policies', '{ nights }', 'ann:owner'],
    ['nothing that is guarded', '{ me { name __typename } }', undefined],
  ])('admit %s', async (__, query, token) => {
    const { call } = await served();
    expect((await call(token, query)).body.errors).toBeUndefined();
  });

  test('hold for each field of an enum', async () => {
    const sdl = `${DIRECTIVES} enum Size @requiresScopes(scopes: [["sizes"]]) { S } type Query { size: Size sizes: [Size!] a: Int }`;
    const sized = schemaOf(sdl, { 'Query.size': () => 'S', 'Query.sizes': () => ['S'] });
    const { call } = await serve(options, sized);
    for (const query of ['{ size a }', '{ sizes a }']) {
      expect(reasonOf(await call('ann', query))).toBe('scope.insufficient');
      expect((await call('ann:sizes', query)).body.errors).toBeUndefined();
    }
  });

  test('keep resolvers of what they deny from running', async () => {
    ran.length = 0;
    const { call } = await served();
    await call('ann', '{ salary { amount } report nights secret { code } }');
    expect(ran).toEqual([]);
  });

  test.each([
    ['a policy without an entry', { ...options, directives: {} }, SDL, /names "night"/],
    [
      'a list without names',
      options,
      `${DIRECTIVES} type Query { a: Int @policy(policies: [[]]) }`,
      /lists of names/,
    ],
    [
      'a list without lists',
      options,
      `${DIRECTIVES} type Query { a: Int @requiresScopes(scopes: []) }`,
      /lists of names/,
    ],
    [
      'a directive on an argument',
      options,
      `${WHERE_NOTHING_IS_ASKED} type Query { a(b: Int @authenticated): Int }`,
      /@authenticated on Query\.a\(b:\) guards nothing/,
    ],
    [
      'a directive on a field of an input type',
      options,
      `${WHERE_NOTHING_IS_ASKED} input In { b: Int @authenticated } type Query { a(in: In): Int }`,
      /@authenticated on In\.b guards nothing/,
    ],
    [
      'a directive on an input type',
      options,
      `${WHERE_NOTHING_IS_ASKED} input In @authenticated { b: Int } type Query { a(in: In): Int }`,
      /@authenticated on In guards nothing/,
    ],
    [
      'a directive on a value of an enum',
      options,
      `${WHERE_NOTHING_IS_ASKED} enum E { A @authenticated B } type Query { a: E }`,
      /@authenticated on E\.A guards nothing/,
    ],
    [
      'an option that is not one',
      { ...options, directives: { policy: {} } },
      SDL,
      /"policy" is not an option/,
    ],
  ])('do not start with %s', async (__, odd: object, sdl, message) => {
    const started = Promise.resolve().then(() => serve(odd as typeof options, schemaOf(sdl)));
    const failure = await started
      .then(({ call }) => call(undefined, '{ a }'))
      .catch((error) => error);
    // Yoga prepares its schema with the first request.
    expect(JSON.stringify(failure) + String(failure)).toMatch(
      failure instanceof Error ? message : /Internal|Unexpected/,
    );
  });

  test('are found in extensions, beside others in the text', async () => {
    const made = schemaOf('directive @tag on FIELD_DEFINITION type Query { a: Int @tag b: Int }');
    const field = made.getQueryType()?.getFields()['a'];
    if (field) field.extensions = { directives: { authenticated: {} } };
    const { call } = await serve({ admission: open }, made);
    const { body } = await call(undefined, '{ a b }');
    expect(body.errors.map((each: any) => [each.path, each.extensions.reason])).toEqual([
      [['a'], 'principal.missing'],
    ]);
  });

  test('are decoration where somebody else enforces them', async () => {
    const { call } = await serve({ admission: open, insecureIgnoreDirectives: true }, schema());
    expect((await call(undefined, '{ salary { amount } }')).body.data).toEqual({
      salary: { amount: 7 },
    });
  });

  test('are known by the names that @link gives them', async () => {
    const linked = `
      extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", as: "fed", import: [{ name: "@requiresScopes", as: "@scopes" }])
      directive @link(url: String, as: String, import: [Import]) repeatable on SCHEMA
      scalar Import
      directive @scopes(scopes: [[String!]!]!) on FIELD_DEFINITION
      directive @fed__authenticated on FIELD_DEFINITION
      directive @federation__policy(policies: [[String!]!]!) on FIELD_DEFINITION
      type Query {
        a: Int @scopes(scopes: [["x"]])
        b: Int @fed__authenticated
        c: Int @federation__policy(policies: [["owner"]])
      }
    `;
    const { call } = await serve(options, schemaOf(linked));
    const { body } = await call('ann', '{ a b c }');
    expect(body.errors.map((each: any) => each.extensions.reason).toSorted()).toEqual([
      'policy.owner',
      'scope.insufficient',
    ]);
  });
});

describe.each(servers)('a guard for a type on %s', (_, serve) => {
  const sdl = `
    scalar _Any
    union _Entity = User | Order
    interface Node { id: ID! }
    type User implements Node { id: ID! email: String }
    type Order implements Node { id: ID! total: Int }
    type Query { order: Order, node(id: ID!): Node, _entities(representations: [_Any!]!): [_Entity]! }
  `;
  const loaded: unknown[] = [];
  const served = (
    fields: object,
    admission: any = guard().use(authenticate()).use(allowAnonymous()),
  ) => {
    loaded.length = 0;
    const load = (reference: any) => {
      const { __typename: type } = reference;
      loaded.push(type);
      return { ...reference, total: 3, email: 'a@b' };
    };
    const made = schemaOf(sdl, {
      'Query.order': () => load({ __typename: 'Order', id: 1 }),
      'Query.node': (__: unknown, { id }: any) =>
        load({ __typename: id === 'o' ? 'Order' : 'User', id }),
      'Query._entities': async (__: unknown, { representations }: any) => representations.map(load),
    });
    return serve({ admission, fields: fields as Record<string, never> }, made);
  };
  const entities = `query ($all: [_Any!]!) { entities: _entities(representations: $all) { __typename ... on User { id } ... on Order { id total } } }`;
  const all = [
    { __typename: 'User', id: 1 },
    { __typename: 'Order', id: 2 },
    { __typename: 'User', id: 3 },
  ];

  test.each([
    ['a field that returns it', '{ order { id } }'],
    ['a node of it', '{ node(id: "o") { id } }'],
    ['not even its name', '{ node(id: "o") { __typename } }'],
  ])('is asked for %s', async (__, query) => {
    const { call } = await served({ Order: requireScopes('orders') });
    const denied = await call('ann', query);
    expect([reasonOf(denied), Object.values(denied.body.data ?? {})]).toEqual([
      'scope.insufficient',
      [null],
    ]);
    expect((await call('ann:orders', query)).body.errors).toBeUndefined();
  });

  test.each(['Order', 'Order.__resolveReference', 'Node'])(
    'loads no entity of it by reference, and all the others: %s',
    async (entry) => {
      const { call } = await served({ [entry]: requireScopes('orders') });
      const { body } = await call('ann', entities, { all });
      if (entry === 'Node') expect(body.data.entities).toEqual([null, null, null]);
      else {
        expect(body.data.entities).toEqual([
          { __typename: 'User', id: '1' },
          null,
          { __typename: 'User', id: '3' },
        ]);
        expect(body.errors).toMatchObject([
          { path: ['entities', 1], extensions: { reason: 'scope.insufficient' } },
        ]);
      }
      expect(loaded).toEqual(entry === 'Node' ? [] : ['User', 'User']);
      const honest = await call('ann:orders', entities, { all });
      expect([honest.body.errors, honest.body.data.entities[1]]).toEqual([
        undefined,
        { __typename: 'Order', id: '2', total: 3 },
      ]);
    },
  );

  test('costs few errors, however many entities are denied', async () => {
    const { call } = await served({ Order: requireScopes('orders') });
    const many = Array.from({ length: 500 }, (__, id) => ({ __typename: 'Order', id }));
    const { body } = await call('ann', entities, { all: many });
    expect([body.errors.length, body.data.entities.length]).toEqual([10, 500]);
  });

  test('denies references to what is not an entity as malformed, and loads the others', async () => {
    const { call } = await served({ Order: requireScopes('orders') });
    for (const type of ['Nope', 'constructor', '__proto__', 'Query', '_Entity', 'Int', 7, null]) {
      const { body } = await call('ann', entities, { all: [{ __typename: type }, ...all] });
      expect(body.data.entities[1]).toEqual({ __typename: 'User', id: '1' });
      expect(body.errors[0]).toMatchObject({
        path: ['entities', 0],
        extensions: { code: 'BAD_USER_INPUT', reason: 'message.malformed' },
      });
      expect(body.errors[0].message).not.toContain(String(type));
      expect(loaded.splice(0)).toEqual(['User', 'User']);
    }
  });

  test.each([
    ['is not there', { Nope: requireScopes('x') }],
    ['is one of the language', { __Schema: requireScopes('x') }],
    ['is only read', { In: requireScopes('x') }],
  ])('does not start where the type %s', async (__, fields: object) => {
    const made = schemaOf('input In { a: Int } type Query { a(in: In): Int }');
    const guarded = { admission: reading, fields: fields as Record<string, never> };
    const failure = await Promise.resolve()
      .then(() => serve(guarded, made))
      .then(({ call }) => call('ann:read', '{ a }'))
      .catch((error) => error);
    expect(failure instanceof Error || failure.body.data === undefined).toBe(true);
  });
});

/** Answers as though the order were not there. */
const hidden = definePolicy({
  name: 'hidden',
  role: 'check',
  check: ({ headers }) =>
    headers.get('authorization')?.includes('orders')
      ? pass()
      : deny('not_found', 'object.not_found'),
});

describe.each(servers)('an object of a guarded type behind an interface on %s', (_, serve) => {
  const sdl = `
    interface Node { id: ID! }
    type User implements Node { id: ID! email: String }
    type Order implements Node { id: ID! total: Int }
    union Found = User | Order
    type Query {
      node(id: ID!): Node
      later(id: ID!): Found
      nodes(ids: [ID!]!): [Node]!
      found(ids: [ID!]!): [Found!]!
    }
  `;
  const rows: Record<string, object> = {
    o: { __typename: 'Order', id: 'o', total: 3 },
    u: { __typename: 'User', id: 'u', email: 'a@b' },
  };
  const load = (id: string): unknown => rows[id] ?? null;
  const served = (fields: object) =>
    serve(
      {
        admission: guard().use(authenticate()).use(allowAnonymous()),
        fields: fields as Record<string, never>,
      },
      schemaOf(sdl, {
        'Query.node': (__: unknown, { id }: any) => load(id),
        'Query.later': async (__: unknown, { id }: any) => load(id),
        'Query.nodes': (__: unknown, { ids }: any) =>
          ids.map((id: string) => (id === 'u' ? load(id) : Promise.resolve(load(id)))),
        'Query.found': async (__: unknown, { ids }: any) => new Set(ids.map(load)),
      }),
    );
  const each: readonly (readonly [string, string, readonly (string | number)[]])[] = [
    ['fields of another type alone', '{ node(id: "o") { ... on User { email } } }', ['node']],
    ['nothing of it', '{ node(id: "o") { ... on Order @skip(if: true) { id } } }', ['node']],
    ['a field of it', '{ node(id: "o") { id } }', ['node']],
    ['a union, late', '{ later(id: "o") { ... on User { email } } }', ['later']],
  ];

  test.each(each)('is denied at its place, whatever is selected: %s', async (__, query, path) => {
    const { call } = await served({ Order: requireScopes('orders') });
    const { body } = await call('ann', query);
    expect(Object.values(body.data)).toEqual([null]);
    expect(body.errors).toMatchObject([{ path, extensions: { reason: 'scope.insufficient' } }]);
    expect((await call('ann:orders', query)).body.errors).toBeUndefined();
    const other = await call('ann', query.replace('"o"', '"u"'));
    expect([other.body.errors, Object.values(other.body.data)]).not.toContainEqual([null]);
  });

  test.each(each)(
    'is answered like one that does not exist where its guard hides it: %s',
    async (__, query) => {
      const { call } = await served({ Order: hidden });
      const missing = await call('ann', query.replace('"o"', '"none"'));
      expect(missing.body.errors).toBeUndefined();
      expect(await call('ann', query)).toEqual(missing);
      expect(Object.values((await call('ann:orders', query)).body.data)).not.toEqual([null]);
    },
  );

  test('is null in its place of a list, beside the others', async () => {
    const query = '{ nodes(ids: ["u", "o", "none"]) { ... on User { email } } }';
    const denied = await (await served({ Order: requireScopes('orders') })).call('ann', query);
    expect(denied.body.data).toEqual({ nodes: [{ email: 'a@b' }, null, null] });
    expect(denied.body.errors).toMatchObject([
      { path: ['nodes', 1], extensions: { reason: 'scope.insufficient' } },
    ]);
    const { call } = await served({ Order: hidden });
    expect((await call('ann', query)).body).toEqual({
      data: { nodes: [{ email: 'a@b' }, null, null] },
    });
    expect((await call('ann:orders', query)).body).toEqual({
      data: { nodes: [{ email: 'a@b' }, {}, null] },
    });
  });

  test('stays without its fields where the schema allows no null, so that it costs nobody the others', async () => {
    const query = '{ found(ids: ["u", "o"]) { ... on User { email } } }';
    const { call } = await served({ Order: requireScopes('orders') });
    expect((await call('ann', query)).body).toEqual({ data: { found: [{ email: 'a@b' }, {}] } });
  });

  test('costs few errors, however many are denied', async () => {
    const ids = Array.from({ length: 100 }, () => '"o"').join();
    const { call } = await served({ Order: requireScopes('orders') });
    const { body } = await call('ann', `{ nodes(ids: [${ids}]) { ... on User { email } } }`);
    expect([body.errors.length, new Set(body.data.nodes)]).toEqual([10, new Set([null])]);
  });
});

describe.each(servers)('fields without a policy on %s', (_, serve) => {
  const sdl = 'type User { name: String email: String } type Query { me: User open: String }';
  const made = () =>
    schemaOf(sdl, {
      'Query.me': () => ({ name: 'ann', email: 'a@b' }),
      'Query.open': () => 'o',
    });

  test('are denied by option; root fields are the admission’s', async () => {
    const { call } = await serve(
      {
        admission: reading,
        unlistedFields: 'deny',
        fields: { 'User.name': requireScopes('read') } as never,
      },
      made(),
    );
    const { body } = await call('ann:read', '{ open me { __typename name email } }');
    expect(body.data).toEqual({ open: 'o', me: { __typename: 'User', name: 'ann', email: null } });
    expect(reasonOf({ status: 200, body })).toBe('field.unlisted');
  });

  test('are open by default', async () => {
    const { call } = await serve({ admission: coverage({ 'Query.me': reading }) }, made());
    expect((await call('ann:read', '{ me { email } }')).body).toEqual({
      data: { me: { email: 'a@b' } },
    });
  });
});
