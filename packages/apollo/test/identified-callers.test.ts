import {
  type AuthenticatedFacts,
  allowAnonymous,
  allowAuthenticated,
  type CallFacts,
  type Completion,
  coverage,
  definePolicy,
  deny,
  type GraphqlFacts,
  guard,
  type Obligations,
  type Outcome,
  type Policy,
  pass,
} from '@apisec/core';
import type { FieldFacts } from '@apisec/graphql';
import { describe, expect, test } from 'vitest';
import { authenticate } from './harness.ts';
import { reasonOf, schemaOf, servers } from './servers.ts';

const SDL = `
  type Note { text: String secret: String }
  type Query { ours: Note theirs: Note all: [Note!] }
`;
const made = () =>
  schemaOf(SDL, {
    'Query.all': () => Array.from({ length: 5 }, (_, at) => ({ text: `t${at}`, secret: `s${at}` })),
    'Query.ours': () => ({ text: 'ours', secret: 'of ours' }),
    'Query.theirs': () => ({ text: 'theirs', secret: 'of theirs' }),
  });

/** One principal for each token, as caches of verified tokens give it. */
const known = new Map<string, AuthenticatedFacts>();
const cached = definePolicy<object, AuthenticatedFacts, 'check'>({
  name: 'cached',
  role: 'check',
  adds: ['principal', 'authentication'],
  check: (request) => {
    const token = request.headers.get('authorization') ?? '';
    const before = known.get(token);
    if (before) return pass(before);
    const outcome = authenticate().check(request, {});
    if ('then' in outcome || !outcome.ok) return outcome as never;
    known.set(token, outcome.facts as AuthenticatedFacts);
    return outcome;
  },
});
const team = (name: string) =>
  definePolicy<object, { team: string }, 'check'>({
    name: 'team',
    role: 'check',
    adds: ['team'],
    check: () => pass({ team: name }),
  });
const ours = team('ours');
const theirs = team('theirs');

/** Identifies the members of one team only. */
const member = definePolicy<{ team: string }, AuthenticatedFacts, 'check'>({
  name: 'member',
  role: 'check',
  needs: ['team'],
  adds: ['principal', 'authentication'],
  check: (request, facts) =>
    facts.team === 'ours' ? cached.check(request, facts) : deny('forbidden', 'x.no_member'),
});

/** Identifies callers of one root field only. */
const caller = definePolicy<CallFacts, AuthenticatedFacts, 'check'>({
  name: 'caller',
  role: 'check',
  adds: ['principal', 'authentication'],
  check: (request, facts) => {
    const { fields } = (facts as unknown as GraphqlFacts).call;
    const isOurs = fields.every(({ coordinate }) => coordinate === 'Query.ours');
    return isOurs ? cached.check(request, facts) : deny('forbidden', 'x.no_caller');
  },
});

/** As `requireDpop` does: a proof that comes again is a replay. */
function provedOnce() {
  const used = new Set<string>();
  return definePolicy<AuthenticatedFacts, object, 'check'>({
    name: 'proved',
    role: 'check',
    needs: ['authentication'],
    adds: [],
    check: async ({ headers }): Promise<Outcome<object>> => {
      await Promise.resolve();
      const proof = headers.get('authorization') ?? '';
      if (used.has(proof)) return deny('unauthenticated', 'dpop.replayed');
      used.add(proof);
      return { ok: true, meets: ['cnf.jkt'] };
    },
  });
}

const identity = (policy: unknown): Policy<object, AuthenticatedFacts, 'check'> =>
  policy as Policy<object, AuthenticatedFacts, 'check'>;

describe.each(servers)(
  'a policy that has identified the caller of one root field, on %s',
  (_, serve) => {
    test.each([
      ['knew other facts', identity(member)],
      ['has read what is asked for', identity(caller)],
    ])('decides nothing below another where it %s', async (__, policy) => {
      const admission = coverage({
        'Query.ours': guard().use(ours).use(policy).use(allowAuthenticated()),
        'Query.theirs': guard().use(theirs).use(cached).use(allowAuthenticated()),
      });
      const fields = { 'Note.secret': guard().use(policy).use(allowAuthenticated()) };
      const { call } = await serve({ admission, fields }, made());
      const alone = await call('ann', '{ ours { secret } }');
      expect(alone.body).toEqual({ data: { ours: { secret: 'of ours' } } });
      const both = await call('ann', '{ ours { secret } theirs { text secret } }');
      expect(both.body.data).toEqual({
        ours: { secret: 'of ours' },
        theirs: { text: 'theirs', secret: null },
      });
      expect(reasonOf(both)).toMatch(/^x\.no_|^policy\.fact_conflict$/);
    });

    test('has proved what nobody may prove twice, also for fields below', async () => {
      const proved = provedOnce();
      const proven = guard().use(cached).use(proved);
      const admission = coverage({
        'Query.ours': proven.use(allowAuthenticated()),
        'Query.theirs': guard().use(theirs).use(cached).use(allowAuthenticated()),
      });
      const fields = { 'Note.secret': proven.use(allowAuthenticated()) };
      const { call } = await serve({ admission, fields }, made());
      const { body } = await call('bob', '{ ours { secret again: secret } }');
      expect(body).toEqual({ data: { ours: { secret: 'of ours', again: 'of ours' } } });
      const both = await call('eve', '{ ours { secret } theirs { secret } }');
      expect(both.body).toEqual({
        data: { ours: { secret: 'of ours' }, theirs: { secret: 'of theirs' } },
      });
      // Where nothing was proved above, it is owed.
      const below = await call('bob', '{ theirs { text secret } }');
      expect(below.body.data).toEqual({ theirs: { text: 'theirs', secret: null } });
      expect(reasonOf(below)).toMatch(/^dpop\.replayed$|^policy\.fact_conflict$/);
      expect(reasonOf(await call('bob', '{ ours { secret } }'))).toBe('dpop.replayed');
    });

    test.each([
      ['at once', false],
      ['later', true],
    ])(
      'is asked once for all fields below what anybody may call, where it answers %s',
      async (__, late) => {
        let asked = 0;
        const endings: unknown[] = [];
        const identified = definePolicy<object, AuthenticatedFacts, 'check'>({
          name: 'identified',
          role: 'check',
          adds: ['principal', 'authentication'],
          check: (request) => {
            asked++;
            const answer = async () => {
              const outcome = await authenticate().check(request, {});
              const onComplete = ({ outcome: how }: Completion) => void endings.push(how);
              return { ...outcome, obligations: { onComplete } } as never;
            };
            return late ? answer() : authenticate().check(request, {});
          },
        });
        const proved = provedOnce();
        const admission = coverage({ 'Query.all': guard().use(allowAnonymous()) });
        const own = guard<GraphqlFacts & FieldFacts>().use(identified).use(proved);
        const isOwn = definePolicy<AuthenticatedFacts & FieldFacts, object, 'grant'>({
          name: 'isOwn',
          role: 'grant',
          check: (_, { principal, field }) =>
            (field.source as { text: string }).text === 't3' || principal.subject === 'eve'
              ? deny('forbidden', 'x.not_own')
              : pass(),
        });
        const { call } = await serve(
          { admission, fields: { 'Note.secret': own.use(isOwn) } as never },
          made(),
        );
        const { body } = await call('ann', '{ all { secret again: secret } }');
        expect(body.data.all.map(({ secret }: any) => secret)).toEqual([
          's0',
          's1',
          's2',
          null,
          's4',
        ]);
        expect(body.data.all.map(({ again }: any) => again)).toEqual([
          's0',
          's1',
          's2',
          null,
          's4',
        ]);
        expect([asked, endings.length]).toEqual([1, late ? 1 : 0]);
        const other = await call('eve', '{ all { text secret } }');
        expect(other.body.data.all[0]).toEqual({ text: 't0', secret: null });
        expect(asked).toBe(2);
        const stranger = await call(undefined, '{ all { secret } }');
        expect(reasonOf(stranger)).toBe('token.missing');
      },
    );

    test.each<[string, Obligations]>([
      ['wants to filter what goes out', { onRelease: () => ({ ok: true }) }],
      [
        'sets a header that cannot be sent',
        { headers: [{ op: 'set', name: 'x-a', value: 'a\nb' }] },
      ],
    ])('lets no field pass where it %s', async (__, obligations) => {
      const obliging = definePolicy<object, AuthenticatedFacts, 'check'>({
        name: 'obliging',
        role: 'check',
        adds: ['principal', 'authentication'],
        check: async (request) => {
          const outcome = await Promise.resolve(cached.check(request, {}));
          return { ...outcome, obligations };
        },
      });
      const admission = coverage({ 'Query.all': guard().use(allowAnonymous()) });
      const fields = { 'Note.secret': guard().use(obliging).use(allowAuthenticated()) };
      const { call } = await serve({ admission, fields, onFault: () => undefined }, made());
      const { body } = await call('ann', '{ all { secret } }');
      expect(body.data.all).toEqual(Array.from({ length: 5 }, () => ({ secret: null })));
    });

    test('is asked for each field where it looks at that', async () => {
      const looking = definePolicy<FieldFacts, AuthenticatedFacts, 'check'>({
        name: 'looking',
        role: 'check',
        adds: ['principal', 'authentication'],
        check: async (request, { field }) =>
          (field.source as { text: string }).text === 't3'
            ? deny('forbidden', 'x.no')
            : cached.check(request, {}),
      });
      const admission = coverage({ 'Query.all': guard().use(allowAnonymous()) });
      const own = guard<GraphqlFacts & FieldFacts>().use(looking).use(allowAuthenticated());
      const { call } = await serve({ admission, fields: { 'Note.secret': own } as never }, made());
      const { body } = await call('ann', '{ all { secret } }');
      expect(body.data.all.map(({ secret }: any) => secret)).toEqual([
        's0',
        's1',
        's2',
        null,
        's4',
      ]);
    });

    test('is not asked again below any field that it has seen', async () => {
      let asked = 0;
      const counted = definePolicy<GraphqlFacts, AuthenticatedFacts, 'check'>({
        name: 'counted',
        role: 'check',
        adds: ['principal', 'authentication'],
        check: (request, { call }) => {
          asked += call.fields.length;
          return cached.check(request, {});
        },
      });
      const base = guard<GraphqlFacts>().use(counted);
      const admission = coverage({
        'Query.ours': base.use(allowAuthenticated()),
        'Query.theirs': base.use(ours).use(allowAuthenticated()),
      });
      const fields = { 'Note.secret': base.use(allowAuthenticated()) };
      const { call } = await serve({ admission, fields }, made());
      const { body } = await call('ann', '{ ours { secret } theirs { secret } }');
      expect(body).toEqual({
        data: { ours: { secret: 'of ours' }, theirs: { secret: 'of theirs' } },
      });
      expect(asked).toBe(2);
    });
  },
);
