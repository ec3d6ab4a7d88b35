import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ConfigurationError } from '../lib/configuration-error.ts';
import type { MaybePromise } from '../lib/maybe-promise.ts';
import { allOf, anyOf, when } from './combine.ts';
import { locateCredential } from './credential-place.ts';
import type { DenialKind } from './denial.ts';
import { guard } from './guard.ts';
import { listObligations, type Obligations } from './obligations.ts';
import { optional } from './optional.ts';
import { type Deny, deny, type Outcome, pass } from './outcome.ts';
import { definePolicy, type Policy, type Purpose } from './policy.ts';
import type { Role } from './trace.ts';

type AnyPolicy = Policy<object, object, Role>;

// The signatures keep the facts of two or three parts apart; here they do not matter.
const every = allOf as unknown as (...parts: readonly AnyPolicy[]) => AnyPolicy;
const some = anyOf as (...parts: readonly AnyPolicy[]) => AnyPolicy;

const request = new Request('https://api.example.com/orders');
const seed = {
  call: { protocol: 'http', operation: 'GET /' },
  peer: { address: undefined, id: undefined },
} as const;

function part(
  answer: () => MaybePromise<Outcome<object>>,
  name = 'part',
  role: Role = 'check',
): AnyPolicy {
  return definePolicy<object, object, Role>({ name, role, check: answer });
}
const fine = part(() => pass(), 'fine');
const fails = part(() => deny('unauthenticated', 'a.b'), 'fails');
const denied = (kind: DenialKind, code: string, challenge?: string) =>
  part(() => deny(kind, code, challenge ? { challenges: [{ scheme: challenge }] } : {}), code);

async function codeOf(policy: AnyPolicy): Promise<string> {
  const outcome = await policy.check(request, seed);
  return outcome.ok ? 'passed' : outcome.denial.code;
}

describe('the algebra', () => {
  type Tree =
    | { readonly leaf: boolean; readonly late: boolean; readonly grants: boolean }
    | { readonly op: 'all' | 'any'; readonly parts: readonly Tree[] }
    | { readonly condition: boolean; readonly part: Tree };

  const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      fc.record({ leaf: fc.boolean(), late: fc.boolean(), grants: fc.boolean() }),
      fc.record({
        op: fc.constantFrom('all' as const, 'any' as const),
        parts: fc.array(tie('tree'), { minLength: 1, maxLength: 4 }),
      }),
      fc.record({ condition: fc.boolean(), part: tie('tree') }),
    ),
  }));

  const build = (node: Tree): AnyPolicy => {
    if ('leaf' in node) {
      const outcome = node.leaf ? pass() : deny('forbidden', 'a.b');
      return part(
        () => (node.late ? Promise.resolve(outcome) : outcome),
        'leaf',
        node.grants ? 'grant' : 'check',
      );
    }
    if ('condition' in node) return when(() => node.condition, build(node.part));
    return (node.op === 'all' ? every : some)(...node.parts.map(build));
  };
  const passes = (node: Tree): boolean => {
    if ('leaf' in node) return node.leaf;
    if ('condition' in node) return !node.condition || passes(node.part);
    return node.op === 'all' ? node.parts.every(passes) : node.parts.some(passes);
  };
  const grants = (node: Tree): boolean => {
    if ('leaf' in node) return node.grants;
    if ('condition' in node) return false;
    return node.op === 'all' ? node.parts.some(grants) : node.parts.every(grants);
  };
  const waits = (node: Tree): boolean => {
    if ('leaf' in node) return node.late;
    return 'condition' in node ? waits(node.part) : node.parts.some(waits);
  };

  test('of any nesting decides as its formula does, and grants only as its roles say', async () => {
    await fc.assert(
      fc.asyncProperty(tree, async (node) => {
        const policy = build(node);
        const outcome = policy.check(request, seed);
        if (!waits(node)) expect(outcome).not.toBeInstanceOf(Promise);
        expect((await outcome).ok).toBe(passes(node));
        expect(policy.role).toBe(grants(node) ? 'grant' : 'check');
        const decision = await guard().use(policy).check(request, seed);
        expect(decision.allowed).toBe(passes(node) && grants(node));
      }),
      { numRuns: 300 },
    );
  });
});

describe('anyOf', () => {
  test('asks nobody after one has passed', async () => {
    let asked = 0;
    const counting = part(() => {
      asked++;
      return pass();
    });
    expect(await codeOf(some(fine, counting))).toBe('passed');
    expect(asked).toBe(0);
  });

  test.each<[string, AnyPolicy, string]>([
    ['the first of equals', some(denied('forbidden', 'a.b'), denied('forbidden', 'c.d')), 'a.b'],
    [
      'the more specific one',
      some(denied('unauthenticated', 'a.b'), denied('forbidden', 'c.d')),
      'c.d',
    ],
    [
      'a fault of the server',
      some(denied('unavailable', 'a.b'), denied('forbidden', 'c.d')),
      'a.b',
    ],
    [
      'a limit before a right',
      some(denied('forbidden', 'a.b'), denied('rate_limited', 'c.d')),
      'c.d',
    ],
    [
      'a policy that threw',
      some(
        denied('forbidden', 'a.b'),
        part(() => {
          throw new Error('broken');
        }),
      ),
      'policy.threw',
    ],
  ])('when all deny, tells %s', async (_name, policy, code) => {
    expect(await codeOf(policy)).toBe(code);
  });

  test('offers the challenges of all that denied alike', async () => {
    const outcome = await some(
      denied('unauthenticated', 'a.b', 'Bearer'),
      denied('unauthenticated', 'c.d', 'DPoP'),
    ).check(request, seed);
    expect(outcome).toMatchObject({
      denial: { challenges: [{ scheme: 'Bearer' }, { scheme: 'DPoP' }] },
    });
  });

  test('offers a challenge once that several alternatives have', async () => {
    const asking = (scheme: string, realm?: string) =>
      part(() =>
        deny('unauthenticated', 'a.b', {
          challenges: [{ scheme, params: realm ? { realm } : {} }],
        }),
      );
    const { denial } = (await some(
      asking('Bearer', 'api'),
      fails,
      asking('Bearer', 'other'),
      asking('Bearer', 'api'),
      asking('DPoP', 'api'),
    ).check(request, seed)) as Deny;
    expect(
      denial.challenges?.map(({ scheme, params }) => `${scheme} ${params?.['realm']}`),
    ).toEqual(['Bearer api', 'Bearer other', 'DPoP api']);
  });

  test('when all deny alike, reports bad credentials rather than missing ones', async () => {
    const none = denied('unauthenticated', 'credentials.missing', 'Bearer');
    const stale = denied('unauthenticated', 'session.expired', 'Cookie');
    expect(await codeOf(some(none, stale))).toBe('session.expired');
    expect(await codeOf(some(stale, none))).toBe('session.expired');
  });

  describe('for a call with the credentials of two alternatives', () => {
    const reading = (name: string) =>
      locateCredential(
        part(() => pass({ principal: name }), name),
        ({ headers }) => (headers.get(name) === null ? undefined : name),
      );
    const both = new Request(request, { headers: { token: 'x', key: 'y' } });
    const multiple = {
      ok: false,
      conclusive: true,
      denial: { kind: 'malformed', code: 'credentials.multiple' },
    };

    test.each<[string, AnyPolicy]>([
      ['beside each other', some(reading('token'), reading('key'))],
      ['one of them deeper', some(some(fine, reading('token')), reading('key'))],
      ['one of them with what it needs', some(every(reading('token'), fine), reading('key'))],
      ['one of them optional', some(reading('key'), optional(reading('token')))],
      ['both in a part', some(every(fine, some(reading('key'))), every(reading('token'), fine))],
    ])('denies the call: %s', async (_name, policy) => {
      expect(await policy.check(both, seed)).toMatchObject(multiple);
      for (const name of ['token', 'key']) {
        const one = new Request(request, { headers: { [name]: 'x' } });
        expect(await policy.check(one, seed)).toMatchObject({ ok: true });
      }
    });

    test('passes where both are asked for', async () => {
      const { ok } = await every(
        reading('token'),
        part(() => pass(), 'key'),
      ).check(both, seed);
      expect(ok).toBe(true);
    });
  });

  test('is not saved by an alternative after a conclusive denial, at any depth', async () => {
    const broken = part(() => deny('unauthenticated', 'token.expired', { conclusive: true }));
    expect(await codeOf(some(broken, fine))).toBe('token.expired');
    expect(await codeOf(some(denied('forbidden', 'a.b'), broken, fine))).toBe('token.expired');
    expect(await codeOf(some(some(broken), fine))).toBe('token.expired');
    expect(await codeOf(some(every(fine, broken), fine))).toBe('token.expired');
    expect(
      await codeOf(
        some(
          when(() => true, broken),
          fine,
        ),
      ),
    ).toBe('token.expired');
    // The twin: no credentials at all is not conclusive.
    expect(await codeOf(some(denied('unauthenticated', 'token.missing'), fine))).toBe('passed');
  });
});

describe('allOf', () => {
  test('adds the facts of all parts, and none of them twice', async () => {
    const tenant = part(() => pass({ tenant: 'acme' }));
    const both = every(
      tenant,
      part(() => pass({ region: 'eu' })),
    );
    expect(await both.check(request, seed)).toMatchObject({
      ok: true,
      facts: { tenant: 'acme', region: 'eu' },
    });
    expect(await codeOf(every(tenant, tenant))).toBe('policy.fact_conflict');
    const proto = part(() => pass(JSON.parse('{"__proto__":{"admin":true}}') as object));
    expect(await codeOf(every(proto, fine))).toBe('policy.fact_conflict');
  });

  test('a fact of an alternative conflicts with the guard as any other does', async () => {
    const peer = part(() => pass({ peer: 'evil' }), 'peer', 'grant');
    const decision = await guard().use(some(peer)).check(request, seed);
    expect(decision).toMatchObject({ allowed: false, denial: { code: 'policy.fact_conflict' } });
  });

  const denial = { kind: 'unauthenticated', code: 'proof.missing' } as const;
  const demanding = part(() => ({ ok: true, demands: [{ id: 'a', denial }] }));
  const proving = part(() => ({ ok: true, meets: ['a'] }), 'proving', 'grant');
  test.each<[string, AnyPolicy[], boolean]>([
    ['a demand that is met inside', [every(demanding, proving)], true],
    ['a demand that is met after it', [every(demanding, fine), proving], true],
    ['a demand from before that is met inside', [demanding, every(fine, proving)], true],
    [
      'a demand that nobody meets',
      [
        every(
          demanding,
          part(() => pass(), 'grant', 'grant'),
        ),
      ],
      false,
    ],
    ['a demand after its proof', [every(proving, demanding)], false],
    ['a demand made anew after its proof', [every(demanding, proving, demanding)], false],
    [
      'a demand met in an alternative',
      [demanding, some(denied('forbidden', 'a.b'), proving), proving],
      true,
    ],
  ])('%s', async (_name, policies, allowed) => {
    let subject = guard() as unknown as {
      use: (policy: AnyPolicy) => typeof subject;
      check: ReturnType<typeof guard>['check'];
    };
    for (const policy of policies) subject = subject.use(policy);
    expect((await subject.check(request, seed)).allowed).toBe(allowed);
  });

  test('says that it is degraded when a part is', async () => {
    const weak = part(() => ({ ok: true, degraded: 'store down' }));
    expect(await every(fine, weak).check(request, seed)).toMatchObject({ degraded: 'store down' });
    expect(await some(weak).check(request, seed)).toMatchObject({ degraded: 'store down' });
  });
});

describe('what parts have taken', () => {
  /** Parts that take something, and tell its name when it is given back. */
  const given: string[] = [];
  const taking = (name: string, outcome: 'passes' | 'denies' | 'concludes', facts: object = {}) =>
    part(() => {
      const obligations: Obligations = {
        onComplete: () => void given.push(name),
        headers: [{ op: 'set', name: 'x', value: name }],
      };
      if (outcome === 'passes') return pass(facts, obligations);
      return deny('forbidden', 'a.b', { obligations, conclusive: outcome === 'concludes' });
    }, name);
  const back = async (policy: AnyPolicy) => {
    given.length = 0;
    const { obligations } = await policy.check(request, seed);
    for (const { onComplete } of listObligations(obligations)) {
      void onComplete?.({ outcome: 'succeeded', facts: {}, trace: [] });
    }
    return given.join(' ');
  };

  test.each<[string, AnyPolicy, string]>([
    ['allOf that passes', every(taking('a', 'passes'), taking('b', 'passes')), 'a b'],
    ['allOf that denies', every(taking('a', 'passes'), taking('b', 'denies')), 'a b'],
    [
      'allOf whose facts conflict',
      every(taking('a', 'passes', { x: 1 }), taking('b', 'passes', { x: 1 })),
      'a b',
    ],
    ['anyOf that passes', some(taking('a', 'denies'), taking('b', 'passes')), 'a b'],
    ['anyOf that denies', some(taking('a', 'denies'), taking('b', 'denies')), 'a b'],
    [
      'anyOf that is concluded',
      some(taking('a', 'denies'), taking('b', 'concludes'), taking('c', 'passes')),
      'a b',
    ],
    ['when that applies', when(() => true, taking('a', 'passes')), 'a'],
    ['when that does not', when(() => false, taking('a', 'passes')), ''],
  ])('%s gives everything back', async (_name, policy, names) => {
    expect(await back(policy)).toBe(names);
  });

  test('the headers of an alternative that denied are not those of the one that passed', async () => {
    const { obligations } = await some(taking('a', 'denies'), taking('b', 'passes')).check(
      request,
      seed,
    );
    expect(listObligations(obligations).flatMap(({ headers = [] }) => headers)).toEqual([
      { op: 'set', name: 'x', value: 'b' },
    ]);
  });

  test('static obligations are those of every part, whichever runs', () => {
    const marked = (value: string) =>
      definePolicy<object, object, 'check'>({
        name: value,
        role: 'check',
        always: { headers: [{ op: 'set', name: 'x', value }] },
        check: () => pass(),
      });
    const policy = some(
      marked('a'),
      every(
        marked('b'),
        when(() => false, marked('c')),
      ),
    );
    expect(listObligations(policy.always)).toHaveLength(3);
  });
});

describe('when', () => {
  test('does not ask its policy where the condition does not hold', async () => {
    const decision = await guard()
      .use(when(() => false, denied('forbidden', 'a.b')))
      .use(part(() => pass(), 'grant', 'grant'))
      .check(request, seed);
    expect(decision).toMatchObject({ allowed: true, trace: [{ verdict: 'skipped' }, {}] });
  });

  test.each<[string, () => unknown, string]>([
    ['holds', () => true, 'a.b'],
    ['does not hold', () => false, 'passed'],
    [
      'throws',
      () => {
        throw new Error('broken');
      },
      'policy.threw',
    ],
    ['answers nothing', () => undefined, 'policy.invalid_outcome'],
    ['answers 1', () => 1, 'policy.invalid_outcome'],
    ['answers a promise', async () => false, 'policy.invalid_outcome'],
  ])('a condition that %s', async (_name, condition, code) => {
    const policy = when(condition as () => boolean, denied('forbidden', 'a.b'));
    const decision = await guard()
      .use(policy)
      .use(part(() => pass(), 'grant', 'grant'))
      .check(request, seed);
    expect(decision.allowed ? 'passed' : decision.denial.code).toBe(code);
  });
});

test('the trace has the parts', async () => {
  const policy = some(
    denied('forbidden', 'a.b'),
    every(
      fine,
      when(() => false, denied('forbidden', 'c.d')),
    ),
  );
  const { trace } = await guard().use(policy).check(request, seed);
  expect(trace).toMatchObject([
    {
      policy: 'anyOf(a.b, allOf(fine, when(c.d)))',
      verdict: 'passed',
      within: [
        { policy: 'a.b', verdict: 'denied', denial: { code: 'a.b' } },
        {
          policy: 'allOf(fine, when(c.d))',
          verdict: 'passed',
          within: [
            { policy: 'fine', verdict: 'passed' },
            { policy: 'when(c.d)', verdict: 'skipped' },
          ],
        },
      ],
    },
  ]);
});

const concludes = part(() => deny('unauthenticated', 'e.f', { conclusive: true }), 'concludes');
const tells = part(() => pass({ x: 1 }), 'tells');
test.each<[string, AnyPolicy, string[]]>([
  ['anyOf that denies', some(denied('forbidden', 'a.b'), fails), ['a.b denied', 'fails denied']],
  ['anyOf that is concluded', some(concludes, fine), ['concludes denied']],
  ['allOf that denies', every(fine, fails, fine), ['fine passed', 'fails denied']],
  ['allOf whose facts conflict', every(tells, tells), ['tells passed', 'tells passed']],
])('the trace has the parts of %s', async (_name, policy, parts) => {
  const { trace } = await guard().use(policy).check(request, seed);
  const within = trace[0]?.within?.map((each) => `${each.policy} ${each.verdict}`);
  expect(within).toEqual(parts);
});

test('a combination can be inspected', () => {
  const { policies } = guard().use(
    some(
      fine,
      every(
        fine,
        when(() => true, fine),
      ),
    ),
  );
  expect(policies).toMatchObject([
    {
      name: 'anyOf(fine, allOf(fine, when(fine)))',
      parts: [{ name: 'fine' }, { parts: [{}, { parts: [{ name: 'fine' }] }] }],
    },
  ]);
});

test('a combination is there for what all of its alternatives, or any of its parts, are there for', () => {
  const forAll = (...purposes: Purpose[]) =>
    definePolicy<object, object, Role>({ name: 'x', role: 'check', purposes, check: () => pass() });
  const limit = forAll('limit');
  const both = forAll('limit', 'authentication');
  expect(some(both, limit).purposes).toEqual(['limit']);
  expect(some(limit, fine).purposes).toEqual([]);
  expect(every(both, fine, limit).purposes).toEqual(['limit', 'authentication']);
});

test.each<[string, () => unknown, string]>([
  ['anyOf without a part', () => some(), 'anyOf() needs at least one policy'],
  ['allOf without a part', () => every(), 'allOf() needs at least one policy'],
  ['anyOf of what is no policy', () => some({} as AnyPolicy), 'A policy needs a name'],
  [
    'allOf of nothing',
    () => every(fine, undefined as unknown as AnyPolicy),
    'A policy needs a name',
  ],
  ['when without a condition', () => when(true as never, fine), 'when() needs a condition'],
  ['when without a policy', () => when(() => true, undefined as never), 'A policy needs a name'],
])('%s cannot be constructed', (_name, construct, message) => {
  expect(construct).toThrow(ConfigurationError);
  expect(construct).toThrow(message);
});
