import {
  type AuditEvent,
  allowAuthenticated,
  audit,
  type CallFacts,
  coverage,
  definePolicy,
  deny,
  type GraphqlFacts,
  guard,
  type Obligations,
  type Policy,
  pass,
  rateLimit,
  requireScopes,
  resolveTenant,
  type TenantSource,
  tokenBucket,
} from '@apisec/core';
import { describe, expect, test, vi } from 'vitest';
import { authenticate, oblige } from './harness.ts';
import { reasonOf, schemaOf, servers } from './servers.ts';

const tenantOfScope: TenantSource<object> = {
  name: 'test',
  proven: true,
  needs: [],
  read: () => 'acme',
};

const SDL = `
  type Note { id: ID text: String secret: String parent: Note }
  type Query { ours: Note theirs: Note all: [Note!] }
`;
const note = (id: string) => ({ id, text: `text ${id}`, secret: `secret ${id}` });
const made = () =>
  schemaOf(SDL, {
    'Query.all': () => [note('1'), note('2'), note('3')],
    'Query.ours': () => ({ ...note('1'), parent: note('2') }),
    'Query.theirs': () => note('3'),
  });

/** What one `base` of a service does, and how often. */
function service() {
  const events: AuditEvent[] = [];
  const done = { tenants: 0, charged: 0, ended: 0, recorded: 0 };
  const log = audit({ sinks: [{ name: 'memory', write: (some) => void events.push(...some) }] });
  const base = guard<GraphqlFacts>()
    .use(log)
    .use(authenticate())
    .use(
      resolveTenant({
        from: [tenantOfScope],
        mayActIn: async () => {
          done.tenants++;
          return true;
        },
      }),
    )
    .use(
      rateLimit({
        limit: tokenBucket({ capacity: 100, refillPerSecond: 0.001 }),
        by: ({ principal }) => principal.id,
        cost: () => {
          done.charged++;
          return 1;
        },
      }),
    )
    .use(oblige({ onComplete: () => void done.ended++ }));
  /** What the service did since it was asked last. */
  const since = async (): Promise<typeof done> => {
    await vi.waitFor(() => expect(done.ended).toBeGreaterThan(0), 20_000);
    await log.flush();
    const copy = { ...done, recorded: events.splice(0).length };
    Object.assign(done, { tenants: 0, charged: 0, ended: 0, recorded: 0 });
    return copy;
  };
  return { base, since };
}

const looking = (name: string, look: (facts: object) => boolean): Policy<any, any, 'check'> =>
  definePolicy<CallFacts, { loaded: string }, 'check'>({
    name,
    role: 'check',
    adds: ['loaded'],
    check: (_request, facts) => pass({ loaded: look(facts) ? 'for a field' : 'for the root' }),
  });

describe.each(servers)('a guard that root fields and fields begin with, on %s', (_, serve) => {
  test('decides, counts and records once', async () => {
    const { base, since } = service();
    const { call } = await serve(
      {
        admission: base.use(allowAuthenticated()),
        fields: { 'Note.secret': base.use(requireScopes('secrets')) },
      },
      made(),
    );
    expect((await call('ann:secrets', '{ ours { text } }')).body.errors).toBeUndefined();
    const alone = await since();
    expect(alone).toMatchObject({ charged: expect.any(Number), recorded: alone.ended });
    const query = '{ ours { secret again: secret } all { secret } }';
    const { body } = await call('ann:secrets', query);
    expect(body.errors).toBeUndefined();
    expect(body.data.all[2]).toEqual({ secret: 'secret 3' });
    expect(await since(), 'as where no such field was asked for').toEqual(alone);
    const denied = await call('bob:other', query);
    expect(denied.body.data.all).toEqual([{ secret: null }, { secret: null }, { secret: null }]);
    expect(reasonOf(denied)).toBe('scope.insufficient');
    const { recorded, ...others } = await since();
    expect(others).toMatchObject({ tenants: alone.tenants, charged: alone.charged });
    expect(recorded, 'the denial of the field is recorded once').toBe(alone.recorded + 1);
  });

  test.each<[string, (facts: any) => boolean]>([
    ['reads the field', ({ field }) => field !== undefined],
    ['asks whether there is one', (facts) => 'field' in facts],
    ['has it among its own', (facts) => Object.hasOwn(facts, 'field')],
    ['lists the facts', (facts) => Object.keys(facts).includes('field')],
    ['copies the facts', (facts) => ({ ...facts }).field !== undefined],
  ])('stays closed where a policy %s', async (__, look) => {
    const base = guard<GraphqlFacts>().use(authenticate()).use(looking('looking', look));
    const { call } = await serve(
      {
        admission: base.use(allowAuthenticated()),
        fields: { 'Note.secret': base.use(allowAuthenticated()) },
      },
      made(),
    );
    const answer = await call('ann', '{ ours { text secret } }');
    expect(answer.body.data.ours).toEqual({ text: 'text 1', secret: null });
    expect(reasonOf(answer)).toBe('policy.fact_conflict');
  });

  test('asks a policy again that sees more in front of the field', async () => {
    const adults = definePolicy<object, object, 'check'>({
      name: 'adults',
      role: 'check',
      check: (_request, facts) =>
        'principal' in facts && !(facts as any).principal.scopes.has('adult')
          ? deny('forbidden', 'x.minor')
          : pass(),
    });
    const { call } = await serve(
      {
        admission: guard().use(adults).use(authenticate()).use(allowAuthenticated()),
        fields: { 'Note.secret': adults },
      },
      made(),
    );
    expect(reasonOf(await call('ann', '{ ours { secret } }'))).toBe('x.minor');
    expect(reasonOf(await call('ann:adult', '{ ours { secret } }'))).toBeUndefined();
  });

  test('asks a policy again that only watched in front of the root', async () => {
    const hidden: Obligations = { onRelease: () => ({ ok: true, value: 'hidden' }) };
    const filter = definePolicy({ name: 'filter', role: 'check', check: () => pass({}, hidden) });
    const begin = guard().use(authenticate());
    const admission = coverage({
      'Query.ours': begin.use(filter, { mode: 'shadow' }).use(allowAuthenticated()),
      'Query.theirs': begin.use(filter).use(allowAuthenticated()),
    });
    const { call } = await serve({ admission, fields: { 'Note.secret': filter } }, made());
    expect(reasonOf(await call('ann', '{ ours { secret } }'))).toBe('release.unfilterable');
  });

  test('takes nothing from a guard of another root field with other facts', async () => {
    const team = (name: string) =>
      definePolicy<object, { team: string }, 'check'>({
        name: 'team',
        role: 'check',
        adds: ['team'],
        check: () => pass({ team: name }),
      });
    const only = definePolicy<{ team: string }, object, 'check'>({
      name: 'only',
      role: 'check',
      needs: ['team'],
      check: (__, facts) => (facts.team === 'ours' ? pass() : deny('forbidden', 'x.team')),
    });
    const begin = (name: string) => guard<GraphqlFacts>().use(authenticate()).use(team(name));
    const admission = coverage({
      'Query.ours': begin('ours').use(only).use(allowAuthenticated()),
      'Query.theirs': begin('theirs').use(allowAuthenticated()),
    });
    const { call } = await serve({ admission, fields: { 'Note.secret': only } }, made());
    const { body } = await call('ann', '{ ours { secret } theirs { secret } }');
    expect(body.data).toEqual({ ours: { secret: 'secret 1' }, theirs: { secret: null } });
    expect(body.errors.map((each: any) => each.extensions.reason)).toEqual(['x.team']);
  });
});
