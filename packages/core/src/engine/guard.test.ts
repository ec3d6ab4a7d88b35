// What policies of plain JavaScript can do is what is tested here.
// oxlint-disable unicorn/no-thenable, typescript/only-throw-error
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { allowAnonymous } from '../authorization/allow-anonymous.ts';
import { ConfigurationError } from '../lib/configuration-error.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import type { Decision } from './decision.ts';
import type { CallFacts } from './facts.ts';
import { guard } from './guard.ts';
import type { Obligations } from './obligations.ts';
import { deny, type Outcome, pass } from './outcome.ts';
import { definePolicy, type Policy } from './policy.ts';
import type { Role } from './trace.ts';

const request = new Request('https://api.example.com/orders');
const seed: CallFacts = {
  call: { protocol: 'http', operation: 'GET /orders' },
  peer: { address: undefined, id: undefined },
};

/** A check that answers what is given, whatever it is. */
function answering(answer: () => unknown, name = 'answering'): Policy<object, object, 'check'> {
  // Plain JavaScript can answer anything.
  const check = answer as () => MaybePromise<Outcome<object>>;
  return definePolicy<object, object, 'check'>({ name, role: 'check', check });
}

const fine = (name: string) => answering(() => pass(), name);
const denying = (code: string) => answering(() => deny('forbidden', code), code);

function codeOf(decision: Decision<object>): string {
  return decision.allowed ? 'allowed' : decision.denial.code;
}

/** The decision of a guard that would allow but for this policy. */
async function decide(policy: Policy<object, object, 'check'>): Promise<Decision<object>> {
  return guard().use(policy).use(allowAnonymous()).check(request, seed);
}

const trap = () =>
  new Proxy(
    { ok: true },
    {
      get: (_target, name) => {
        // A proxy that is no promise, and nothing else either.
        if (name === 'then') return undefined;
        throw new Error('trap');
      },
    },
  );

describe('a guard fails closed when a policy', () => {
  test.each<[string, () => unknown, string]>([
    [
      'throws',
      () => {
        throw new Error('broken');
      },
      'policy.threw',
    ],
    [
      'throws nothing',
      () => {
        throw undefined;
      },
      'policy.threw',
    ],
    ['rejects', async () => Promise.reject(new Error('broken')), 'policy.threw'],
    ['answers nothing', () => undefined, 'policy.invalid_outcome'],
    ['answers null', () => null, 'policy.invalid_outcome'],
    ['answers true', () => true, 'policy.invalid_outcome'],
    ['answers a text', () => 'ok', 'policy.invalid_outcome'],
    ['answers an empty object', () => ({}), 'policy.invalid_outcome'],
    ['answers ok: 1', () => ({ ok: 1 }), 'policy.invalid_outcome'],
    ['answers ok: "true"', () => ({ ok: 'true' }), 'policy.invalid_outcome'],
    ['answers a response', () => new Response(null, { status: 200 }), 'policy.invalid_outcome'],
    ['denies without a denial', () => ({ ok: false }), 'policy.invalid_outcome'],
    ['denies with an unknown kind', () => deny('teapot' as never, 'a.b'), 'policy.invalid_outcome'],
    [
      'denies with a kind of every object',
      () => deny('constructor' as never, 'a.b'),
      'policy.invalid_outcome',
    ],
    [
      'denies with a code that is no text',
      () => deny('forbidden', 7 as never),
      'policy.invalid_outcome',
    ],
    ['adds facts that are none', () => ({ ok: true, facts: 'admin' }), 'policy.invalid_outcome'],
    ['adds null', () => ({ ok: true, facts: null }), 'policy.invalid_outcome'],
    [
      'obliges to nothing that can be done',
      () => ({ ok: true, obligations: 'later' }),
      'policy.invalid_outcome',
    ],
    ['obliges to null', () => ({ ok: true, obligations: [null] }), 'policy.invalid_outcome'],
    ['demands what is no list', () => ({ ok: true, demands: 7 }), 'policy.invalid_outcome'],
    ['demands null', () => ({ ok: true, demands: [null] }), 'policy.invalid_outcome'],
    [
      'demands without a denial',
      () => ({ ok: true, demands: [{ id: 'a', denial: {} }] }),
      'policy.invalid_outcome',
    ],
    ['answers an object that throws', trap, 'policy.threw'],
    [
      'answers yes once and no ever after',
      () => {
        let asked = 0;
        return {
          get ok() {
            return asked++ === 0;
          },
        };
      },
      'policy.invalid_outcome',
    ],
    ['answers one that throws, later', async () => trap(), 'policy.threw'],
    ['answers nonsense, later', async () => 'ok', 'policy.invalid_outcome'],
    [
      'answers what only pretends to be a promise',
      () => ({ then: (done: (value: unknown) => void) => done(true) }),
      'policy.invalid_outcome',
    ],
    [
      'answers a promise that throws',
      () => ({
        then: () => {
          throw new Error('broken');
        },
      }),
      'policy.threw',
    ],
  ])('%s', async (_name, answer, code) => {
    const decision = await decide(answering(answer));
    expect(codeOf(decision)).toBe(code);
    expect(decision).toMatchObject({ allowed: false, denial: { kind: 'internal' } });
  });

  test('allows the same policy when it answers correctly', async () => {
    expect(codeOf(await decide(fine('fine')))).toBe('allowed');
    expect(codeOf(await decide(answering(async () => pass())))).toBe('allowed');
  });
});

describe('facts', () => {
  test('are added for later policies and for the decision, and the host facts stay as they are', () => {
    const seen: unknown[] = [];
    const decision = guard()
      .use(answering(() => pass({ tenant: 'acme' })))
      .use(
        definePolicy<object, object, 'check'>({
          name: 'reader',
          role: 'check',
          check: (_request, facts) => {
            seen.push(facts);
            return pass();
          },
        }),
      )
      .use(allowAnonymous())
      .check(request, seed);
    expect(decision).toMatchObject({ allowed: true, facts: { ...seed, tenant: 'acme' } });
    expect(seen).toEqual([{ ...seed, tenant: 'acme' }]);
    expect(Object.keys(seed)).toEqual(['call', 'peer']);
  });

  test.each<[string, object]>([
    ['that the adapter supplies', { peer: { address: '192.0.2.1', id: '192.0.2.1' } }],
    ['that an earlier policy added', { tenant: 'evil' }],
    ['that hides a member of every object', { constructor: Object }],
    ['that is named after one', { toString: 'x' }],
    ['that would change the prototype', JSON.parse('{"__proto__":{"admin":true}}') as object],
  ])('%s cannot be added again', async (_name, facts) => {
    const decision = await guard()
      .use(answering(() => pass({ tenant: 'acme' }), 'tenant'))
      .use(answering(() => pass(facts), 'again'))
      .use(allowAnonymous())
      .check(request, seed);
    expect(codeOf(decision)).toBe('policy.fact_conflict');
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });

  test('of a denied call are kept for audit, and only there', async () => {
    const decision = await guard()
      .use(answering(() => pass({ tenant: 'acme' })))
      .use(denying('a.b'))
      .use(allowAnonymous())
      .check(request, seed);
    expect(decision).toMatchObject({ allowed: false, gathered: { tenant: 'acme' } });
    expect(decision).not.toHaveProperty('facts');
  });
});

describe('a guard', () => {
  test('of checks alone admits nobody', async () => {
    const checks = guard().use(fine('a')).use(fine('b'));
    expect(checks.role).toBe('check');
    expect(codeOf(await checks.check(request, seed))).toBe('policy.no_grant');
    expect(codeOf(await guard().check(request, seed))).toBe('policy.no_grant');
  });

  test('is not changed by use, so guards can share a beginning', async () => {
    const base = guard().use(allowAnonymous());
    const open = base.use(fine('open'));
    const closed = base.use(denying('shop.closed'));
    expect(base.policies.map(({ name }) => name)).toEqual(['allowAnonymous']);
    expect(codeOf(await base.check(request, seed))).toBe('allowed');
    expect(codeOf(await open.check(request, seed))).toBe('allowed');
    expect(codeOf(await closed.check(request, seed))).toBe('shop.closed');
  });

  test('cannot be changed from outside', () => {
    const policy = {
      name: 'mutable',
      role: 'check' as const,
      check: () => deny('forbidden', 'a.b'),
    };
    const subject = guard().use(policy).use(allowAnonymous());
    expect(Object.isFrozen(subject)).toBe(true);
    expect(Object.isFrozen(subject.policies)).toBe(true);
    expect(subject.policies.every((info) => Object.isFrozen(info))).toBe(true);
    expect(() => Object.assign(subject, { role: 'check' })).toThrow(TypeError);
  });

  test('answers at once as long as its policies do, and asks nobody after a denial', () => {
    const asked: string[] = [];
    const asking = (name: string, outcome: Outcome) =>
      answering(() => {
        asked.push(name);
        return outcome;
      }, name);
    const decision = guard()
      .use(asking('first', pass()))
      .use(asking('second', deny('forbidden', 'a.b')))
      .use(asking('third', pass()))
      .use(allowAnonymous())
      .check(request, seed);
    expect(decision).not.toBeInstanceOf(Promise);
    expect(asked).toEqual(['first', 'second']);
  });

  test('keeps the order of its policies over a wait', async () => {
    const asked: string[] = [];
    const late = (name: string, wait: boolean) =>
      answering(() => {
        asked.push(name);
        return wait ? new Promise((resolve) => setTimeout(resolve, 1, pass())) : pass();
      }, name);
    const decision = guard()
      .use(late('a', false))
      .use(late('b', true))
      .use(late('c', false))
      .use(late('d', true))
      .use(allowAnonymous())
      .check(request, seed);
    expect(decision).toBeInstanceOf(Promise);
    expect(codeOf(await decision)).toBe('allowed');
    expect(asked).toEqual(['a', 'b', 'c', 'd']);
  });

  test('traces what each policy did, and shares the trace of calls that simply passed', async () => {
    const subject = guard().use(fine('a')).use(allowAnonymous());
    const first = await subject.check(request, seed);
    const second = await subject.check(request, seed);
    expect(first.trace).toEqual([
      { policy: 'a', role: 'check', verdict: 'passed' },
      { policy: 'allowAnonymous', role: 'grant', verdict: 'passed' },
    ]);
    expect(first.trace).toBe(second.trace);
    expect(Object.isFrozen(first.trace)).toBe(true);

    const denied = await guard()
      .use(fine('a'))
      .use(denying('b.c'))
      .use(fine('d'))
      .check(request, seed);
    expect(denied.trace).toEqual([
      { policy: 'a', role: 'check', verdict: 'passed' },
      {
        policy: 'b.c',
        role: 'check',
        verdict: 'denied',
        denial: { kind: 'forbidden', code: 'b.c' },
      },
    ]);
  });

  test('says when its decision is weaker than usual', async () => {
    const decision = await guard()
      .use(answering(() => ({ ok: true, degraded: 'store down' }), 'limit'))
      .use(allowAnonymous())
      .check(request, seed);
    expect(decision).toMatchObject({ allowed: true, degraded: ['store down'] });
    expect(decision.trace[0]).toMatchObject({ policy: 'limit', degraded: 'store down' });
  });

  test.each<[string, unknown, unknown]>([
    ['nothing', undefined, undefined],
    ['a function', () => pass(), undefined],
    ['a policy without a name', { role: 'check', check: () => pass() }, undefined],
    ['an unknown role', { name: 'a', role: 'admin', check: () => pass() }, undefined],
    ['no check', { name: 'a', role: 'check' }, undefined],
    [
      'obligations that are none',
      { name: 'a', role: 'check', check: () => pass(), always: [null] },
      undefined,
    ],
    ['an unknown mode', fine('a'), { mode: 'dry-run' }],
    ['an empty mode', fine('a'), {}],
  ])('cannot be constructed with %s', (_name, policy, options) => {
    expect(() => guard().use(policy as never, options as never)).toThrow(ConfigurationError);
  });

  test('allows exactly when all policies pass and one of them is a grant', async () => {
    const part = fc.record({ passes: fc.boolean(), grants: fc.boolean(), late: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 8 }), async (parts) => {
        let subject = guard<CallFacts>() as unknown as {
          check: ReturnType<typeof guard>['check'];
          use: (policy: unknown) => typeof subject;
        };
        for (const { passes, grants, late } of parts) {
          const outcome = passes ? pass() : deny('forbidden', 'a.b');
          const role: Role = grants ? 'grant' : 'check';
          subject = subject.use({
            name: 'part',
            role,
            check: () => (late ? Promise.resolve(outcome) : outcome),
          });
        }
        const decision = await subject.check(request, seed);
        expect(decision.allowed).toBe(
          parts.every(({ passes }) => passes) && parts.some(({ grants }) => grants),
        );
        const ran = parts.findIndex(({ passes }) => !passes);
        expect(decision.trace).toHaveLength(ran < 0 ? parts.length : ran + 1);
      }),
    );
  });
});

describe('obligations', () => {
  const mark = (value: string): Obligations => ({ headers: [{ op: 'append', name: 'x', value }] });
  const marks = (decision: Decision<object>) =>
    decision.obligations.flatMap(({ headers = [] }) =>
      headers.map((edit) => (edit.op === 'delete' ? '' : edit.value)),
    );

  test('static ones stand on an early denial too, also those of policies that never ran', async () => {
    const late = definePolicy({
      name: 'late',
      role: 'check',
      always: mark('late'),
      check: () => pass(),
    });
    const early = guard().use(denying('a.b')).use(late).use(allowAnonymous());
    expect(marks(await early.check(request, seed))).toEqual(['late']);
  });

  test('those of the denying policy and of all before it stand, in order', async () => {
    const subject = guard()
      .use(answering(() => pass({}, mark('first'))))
      .use(
        answering(() => deny('forbidden', 'a.b', { obligations: [mark('second'), mark('third')] })),
      )
      .use(answering(() => pass({}, mark('never'))))
      .use(allowAnonymous());
    expect(marks(await subject.check(request, seed))).toEqual(['first', 'second', 'third']);
  });
});

describe('a demand', () => {
  const denial = { kind: 'unauthenticated', code: 'proof.missing' } as const;
  const demanding = answering(() => ({ ok: true, demands: [{ id: 'cnf.jkt', denial }] }));
  const proving = (id: string) => answering(() => ({ ok: true, meets: [id] }));

  test.each<[string, Policy<object, object, 'check'>[], string]>([
    ['that nobody meets denies', [demanding], 'proof.missing'],
    ['that is met passes', [demanding, proving('cnf.jkt')], 'allowed'],
    ['is not met by another proof', [demanding, proving('cnf.x5t#S256')], 'proof.missing'],
    ['is not met by a proof from before it', [proving('cnf.jkt'), demanding], 'proof.missing'],
    ['is not met twice over', [demanding, proving('cnf.jkt'), demanding], 'proof.missing'],
  ])('%s', async (_name, policies, code) => {
    let subject = guard().use(allowAnonymous());
    for (const policy of policies) subject = subject.use(policy);
    expect(codeOf(await subject.check(request, seed))).toBe(code);
  });

  test('is not met in shadow mode', async () => {
    const subject = guard()
      .use(demanding)
      .use(proving('cnf.jkt'), { mode: 'shadow' })
      .use(allowAnonymous());
    expect(codeOf(await subject.check(request, seed))).toBe('proof.missing');
  });
});

describe('shadow mode', () => {
  const shadow = async (policy: Policy<object, object, Role>) =>
    guard().use(policy, { mode: 'shadow' }).use(allowAnonymous()).check(request, seed);

  test.each<[string, () => unknown, string | undefined]>([
    ['denies', () => deny('forbidden', 'a.b'), 'a.b'],
    ['denies later', async () => deny('forbidden', 'a.b'), 'a.b'],
    [
      'throws',
      () => {
        throw new Error('broken');
      },
      'policy.threw',
    ],
    ['rejects', async () => Promise.reject(new Error('broken')), 'policy.threw'],
    ['answers nonsense', () => true, 'policy.invalid_outcome'],
    ['obliges to nonsense', () => ({ ok: true, obligations: [null] }), 'policy.invalid_outcome'],
    ['passes', () => pass(), undefined],
  ])('a policy that %s stops nothing and is reported', async (_name, answer, code) => {
    const decision = await shadow(answering(answer));
    expect(decision.allowed).toBe(true);
    expect(decision.trace[0]).toMatchObject(
      code === undefined ? { verdict: 'passed' } : { verdict: 'would_deny', denial: { code } },
    );
  });

  test('adds no facts, so it conflicts with none', async () => {
    const decision = await shadow(answering(() => pass({ peer: 'evil', tenant: 'evil' })));
    expect(decision).toMatchObject({ allowed: true, facts: seed });
    expect(decision).not.toHaveProperty('facts.tenant');
  });

  test('grants nothing', async () => {
    const subject = guard().use(allowAnonymous(), { mode: 'shadow' });
    expect(subject.role).toBe('check');
    expect(subject.policies[0]).toMatchObject({ name: 'allowAnonymous', mode: 'shadow' });
    expect(codeOf(await subject.check(request, seed))).toBe('policy.no_grant');
  });

  test('edits no header and holds back no body, but gives back what it has taken', async () => {
    const denial = { ok: false, denial: { kind: 'forbidden', code: 'a.b' } } as const;
    let settled = 0;
    const duty: Obligations = {
      headers: [{ op: 'set', name: 'x', value: 'y' }],
      onMessage: () => denial,
      onRelease: async () => Promise.reject(new Error('broken')),
      onComplete: () => void settled++,
    };
    const policy = definePolicy({
      name: 'duty',
      role: 'check',
      always: duty,
      check: () => pass({}, duty),
    });
    const { obligations } = await shadow(policy);
    expect(obligations).toHaveLength(2);
    for (const { headers, onMessage, onRelease, onComplete } of obligations) {
      expect(headers).toBeUndefined();
      expect(await onMessage?.({})).toMatchObject({
        ok: true,
        trace: [{ verdict: 'would_deny' }],
      });
      expect(await onRelease?.({})).toEqual({ ok: true });
      void onComplete?.({ outcome: 'succeeded', facts: {}, trace: [] });
    }
    expect(settled).toBe(2);
  });
});

test('obligations that come without facts are kept: in JavaScript nobody says that they need them', async () => {
  const onRelease = () => ({ ok: true }) as const;
  const filter = definePolicy({
    name: 'filter',
    role: 'check',
    // @ts-expect-error facts come first
    check: () => pass(undefined, { onRelease }),
  });
  const decision = await guard().use(filter).use(allowAnonymous()).check(request, seed);
  expect(decision.allowed).toBe(true);
  expect(decision.obligations).toContainEqual({ onRelease });
});
