import {
  allowAnonymous,
  definePolicy,
  deny,
  factsOf,
  guard,
  type Outcome,
  pass,
  requireScopes,
} from '@apisec/core';
import type { FieldFacts } from '@apisec/graphql';
import DataLoader from 'dataloader';
import { describe, expect, test } from 'vitest';
import { reading } from './harness.ts';
import { schemaOf, servers } from './servers.ts';

const SDL = `
  type Team { id: Int notes(first: Int): [Note!] }
  type Note { id: Int text: String author: Author }
  type Author { name: String email: String }
  type Query { teams: [Team!] note(id: Int): Note }
`;
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at);
const teams = range(0, 3).map((id) => ({
  id,
  notes: range(id * 10, id * 10 + 4).map((note) => ({
    id: note,
    author: { name: `n${note}`, email: 'e' },
  })),
}));
const made = () =>
  schemaOf(SDL, {
    'Query.teams': () => teams,
    'Query.note': (_root, { id }) => ({ id, text: `text ${id}` }),
    'Note.text': ({ id }) => `text ${id}`,
  });

/** Asks who may read which note, as a remote authorizer is asked, for all that are asked in one turn. */
function authorizer(mayRead: (id: number) => boolean) {
  const rounds: (readonly number[])[] = [];
  const permitted = new DataLoader(
    async (ids: readonly number[]) => {
      rounds.push(ids);
      await Promise.resolve();
      return ids.map(mayRead);
    },
    { cache: false },
  );
  const policy = definePolicy<FieldFacts, object, 'check'>({
    name: 'permitted',
    role: 'check',
    check: (_, { field }): Promise<Outcome<object>> =>
      permitted
        .load((field.source as { readonly id: number }).id)
        .then((may) => (may ? pass() : deny('forbidden', 'x.no'))),
  });
  return { rounds, policy };
}

describe.each(servers)('a DataLoader in a field policy, on %s', (_, serve) => {
  test('is asked once for all fields of a level', async () => {
    const { rounds, policy } = authorizer((id) => id % 10 !== 3);
    const admission = guard().use(allowAnonymous());
    const { call } = await serve({ admission, fields: { 'Note.text': policy } }, made());
    const { body } = await call(undefined, '{ teams { notes { text } } }');
    expect(rounds).toEqual([teams.flatMap(({ notes }) => notes.map(({ id }) => id))]);
    expect(body.data.teams.map(({ notes }: any) => notes.map(({ text }: any) => text))).toEqual(
      teams.map(({ notes }) => notes.map(({ id }) => (id % 10 === 3 ? null : `text ${id}`))),
    );
    expect(body.errors.map((each: any) => each.extensions.reason)).toEqual([
      'x.no',
      'x.no',
      'x.no',
    ]);
  });

  test('is asked for each level in its turn, and for fields of one object together', async () => {
    const { rounds, policy } = authorizer(() => true);
    const admission = guard().use(allowAnonymous());
    const fields = { 'Team.notes': policy, 'Note.text': policy, 'Note.author': policy };
    const { call } = await serve({ admission, fields }, made());
    const { body } = await call(undefined, '{ teams { notes { text author { name } } } }');
    expect(body.errors).toBeUndefined();
    expect(rounds.map(({ length }) => length)).toEqual([3, 24]);
  });

  test('denies its fields when it fails, without saying why', async () => {
    const { policy } = authorizer(() => {
      throw new Error('connection to 10.0.0.7 lost');
    });
    const admission = guard().use(allowAnonymous());
    const options = { admission, fields: { 'Note.text': policy }, onFault: () => undefined };
    const { call } = await serve(options, made());
    const { body } = await call(undefined, '{ note(id: 1) { id text } }');
    expect(body.data).toEqual({ note: { id: 1, text: null } });
    expect(JSON.stringify(body)).not.toContain('10.0.0.7');
  });

  test('reads who calls in a resolver, whose batch is of that caller alone', async () => {
    const batches: (readonly string[])[] = [];
    const schema = schemaOf(SDL, {
      'Query.teams': () => teams,
      'Author.email': ({ name }, _args, context) => loaderOf(context).load(name),
    });
    const loaders = new WeakMap<object, DataLoader<string, string>>();
    const loaderOf = (context: object): DataLoader<string, string> => {
      const loader =
        loaders.get(context) ??
        new DataLoader(async (names: readonly string[]) => {
          const { subject } = factsOf(context, reading).principal;
          batches.push([subject ?? '', ...names]);
          return names.map((name) => `${name} for ${subject}`);
        });
      loaders.set(context, loader);
      return loader;
    };
    const fields = { 'Author.email': requireScopes('pii') };
    const { call } = await serve({ admission: reading, fields }, schema);
    const query = '{ teams { notes { author { email } } } }';
    const answers = await Promise.all(['ann', 'bob'].map((who) => call(`${who}:read:pii`, query)));
    const emails = answers.map(({ body }) => body.data.teams[0].notes[0].author.email);
    expect(emails).toEqual(['n0 for ann', 'n0 for bob']);
    expect(new Map(batches.map(([who, ...names]) => [who, names.length]))).toEqual(
      new Map([
        ['ann', 12],
        ['bob', 12],
      ]),
    );
    expect((await call('eve:read', query)).body.data.teams[0].notes[0].author.email).toBeNull();
    expect(batches).toHaveLength(2);
  });
});
