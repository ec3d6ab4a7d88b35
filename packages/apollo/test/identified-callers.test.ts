import {
  type AuthenticatedFacts,
  allowAuthenticated,
  type CallFacts,
  coverage,
  definePolicy,
  deny,
  type GraphqlFacts,
  guard,
  type Policy,
  pass,
} from '@apisec/core';
import { describe, expect, test } from 'vitest';
import { authenticate } from './harness.ts';
import { reasonOf, schemaOf, servers } from './servers.ts';

const SDL = `
  type Note { text: String secret: String }
  type Query { ours: Note theirs: Note }
`;
const made = () =>
  schemaOf(SDL, {
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
      const used = new Set<string>();
      const proved = definePolicy<AuthenticatedFacts, object, 'check'>({
        name: 'proved',
        role: 'check',
        needs: ['authentication'],
        adds: [],
        check: async ({ headers }) => {
          await Promise.resolve();
          const proof = headers.get('authorization') ?? '';
          if (used.has(proof)) return deny('unauthenticated', 'dpop.replayed');
          used.add(proof);
          return { ok: true, meets: ['cnf.jkt'] };
        },
      });
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
